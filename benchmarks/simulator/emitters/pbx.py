"""Company exchanges: Asterisk's cdr_csv, in local time, with unique ids and sequence numbers."""

from benchmarks.simulator.clock import SECOND, local
from benchmarks.simulator.emitters.emitter import Emitter, digits_of
from benchmarks.simulator.emitters.switch import dialled
from benchmarks.simulator.records import Entry


class Pbx(Emitter):
    """A line for each answered call, 21 columns."""

    def text(self, entry: Entry) -> str:
        usage, number = entry.usage, entry.number
        usage.entries += 1
        system = f"pbx{entry.node + 1}"
        ring_s = 2 + int(digits_of("ring", system, number, length=2), 16) % 14
        answer_us = usage.start_us + usage.skew_us
        start_us, end_us = answer_us - ring_s * SECOND, answer_us + usage.quantity
        unique = f"{system}-{start_us // SECOND}.{number}"
        usage.keys |= {"uniqueid": unique, "sequence": str(number)}
        extension = usage.subscriber.msisdn[2:]
        out = usage.trunk or "internal"
        billed_s = usage.quantity // SECOND
        texts = (
            usage.served, extension, dialled(usage.number), "office", f'""{extension}"" <{extension}>',
            f"PJSIP/{extension}-{2 * number:08x}", f"PJSIP/{out}-{2 * number + 1:08x}", "Dial",
            f"PJSIP/{dialled(usage.number)}@{out}", clock_text(start_us), clock_text(answer_us), clock_text(end_us),
        )  # fmt: skip
        quoted = ",".join(f'"{text}"' for text in texts)
        more = f'"ANSWERED","DOCUMENTATION","{unique}","","","{unique}",{number}'
        return f"{quoted},{billed_s + ring_s},{billed_s},{more}\n"

    def name(self, node: int, number: int) -> str:
        return f"pbx{node + 1}.{number:05d}.csv"


def clock_text(us: int) -> str:
    return local(us).strftime("%Y-%m-%d %H:%M:%S")
