"""The virtual operator's switch: FreeSWITCH's mod_json_cdr, a document on each line."""

import json
import uuid

from benchmarks.simulator.clock import SECOND, utc
from benchmarks.simulator.emitters.emitter import Emitter, digits_of
from benchmarks.simulator.records import Entry


class Mobile(Emitter):
    """Microseconds since 1970, as texts."""

    def text(self, entry: Entry) -> str:
        usage, node = entry.usage, f"fs{entry.node + 1}"
        usage.entries += 1
        name = str(uuid.UUID(digits_of("leg", node, entry.number, length=32), version=4))
        usage.keys |= {"uuid": name}
        answer_us = usage.start_us + usage.skew_us
        ring_us = 900_000 + int(digits_of("ring", name, length=4), 16) * 200
        start_us, end_us = answer_us - ring_us, answer_us + usage.quantity
        variables = {
            "uuid": name, "direction": "inbound", "caller_id_number": f"+{usage.served}",
            "start_stamp": utc(start_us).strftime("%Y-%m-%d %H:%M:%S"),
            "start_epoch": str(start_us // SECOND), "start_uepoch": str(start_us),
            "answer_epoch": str(answer_us // SECOND), "answer_uepoch": str(answer_us),
            "end_epoch": str(end_us // SECOND), "end_uepoch": str(end_us),
            "duration": str((end_us - start_us) // SECOND), "billsec": str(usage.quantity // SECOND),
            "uduration": str(end_us - start_us), "billusec": str(usage.quantity),
            "billmsec": str(usage.quantity // 1000), "mduration": str((end_us - start_us) // 1000),
            "hangup_cause": "NORMAL_CLEARING", "hangup_cause_q850": "16",
        }  # fmt: skip
        profile = {
            "username": usage.served, "caller_id_number": f"+{usage.served}",
            "destination_number": f"+{usage.number}", "uuid": name, "context": "mvno",
            "chan_name": f"sofia/mvno/{usage.served}@{node}.solvik.example",
        }  # fmt: skip
        document = {
            "core-uuid": str(uuid.UUID(digits_of("core", node, length=32), version=4)),
            "switchname": node, "channel_data": {"state": "CS_REPORTING"}, "variables": variables,
            "callflow": [{"profile_index": "1", "caller_profile": profile}],
        }  # fmt: skip
        return json.dumps(document, separators=(",", ":")) + "\n"

    def name(self, node: int, number: int) -> str:
        return f"fs{node + 1}-{number:06d}.jsonl"
