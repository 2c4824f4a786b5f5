"""The service platform: CloudEvents of messages, readings, API calls and hours of resources."""

import json

from benchmarks.simulator.clock import rfc3339
from benchmarks.simulator.emitters.emitter import Emitter, digits_of
from benchmarks.simulator.records import Entry, Usage

TYPES = {"sms": "sms.sent", "iot": "iot.reading", "api": "api.call", "cloud": "resource.hours"}


class Platform(Emitter):
    """An event on each line."""

    def text(self, entry: Entry) -> str:
        usage, source = entry.usage, f"platform-{entry.node + 1}"
        usage.entries += 1
        name = digits_of("event", source, entry.number, length=20)
        usage.keys |= {"source": source, "id": name}
        event = {
            "specversion": "1.0", "id": name, "source": source, "type": TYPES[usage.service],
            "time": rfc3339(usage.start_us + usage.skew_us), "subject": usage.served,
            "datacontenttype": "application/json", "data": _data(usage),
        }  # fmt: skip
        return json.dumps(event, separators=(",", ":")) + "\n"

    def name(self, node: int, number: int) -> str:
        return f"events{node + 1}-{number:06d}.jsonl"


def _data(usage: Usage) -> dict[str, str | int]:
    if usage.service == "sms":
        return {"from": f"+{usage.served}", "to": f"+{usage.number}"}
    if usage.service == "iot":
        return {"octets": usage.quantity}
    if usage.service == "api":
        return {"path": "locate"}
    return {"sku": usage.kind, "hours": usage.quantity}
