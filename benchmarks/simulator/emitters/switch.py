"""The mobile switch: delimited lines between a header and a trailer, long calls in parts."""

from itertools import pairwise

from benchmarks.simulator.clock import MINUTE, SECOND, utc
from benchmarks.simulator.emitters.emitter import Emitter, digits_of
from benchmarks.simulator.records import Batch, Entry, Usage

PART_US = 30 * MINUTE


def stamp(us: int) -> str:
    return utc(us).strftime("%Y%m%d%H%M%S")


class Switch(Emitter):
    """`R`, element, record number, call, caller, called, start, seconds, trunk, part, place of it."""

    writes_empty = True

    def pieces(self, usage: Usage) -> list[Entry]:
        edges = [usage.start_us + PART_US * n for n in range(usage.parts)] + [usage.end_us]
        made = []
        for place, (begun, end) in enumerate(pairwise(edges)):
            seconds = (end - begun) // SECOND
            made.append(Entry(usage, end + usage.later_us, usage.node, begun, place, seconds))
        return made

    def text(self, entry: Entry) -> str:
        usage, node = entry.usage, f"SW{entry.node + 1}"
        place = entry.place
        usage.entries += 1
        if usage.entries == 1:
            usage.keys.setdefault("call", digits_of("call", node, entry.number, length=10))
            usage.keys |= {"node": node, "record": str(entry.number)}
        part = ""
        if usage.parts > 1:
            part = "F" if place == 0 else "L" if place == usage.parts - 1 else "M"
        fields = (
            "R", node, str(entry.number), usage.keys["call"], usage.served, dialled(usage.number),
            stamp(entry.start_us + usage.skew_us), str(entry.seconds), usage.trunk, str(place + 1) if part else "0", part or "S",
        )  # fmt: skip
        return ";".join(fields) + "\n"

    def name(self, node: int, number: int) -> str:
        return f"SW{node + 1}_{number:06d}.csv"

    def header(self, batch: Batch) -> str:
        return f"H;SW{batch.node + 1};{batch.number:06d};{stamp(batch.closes_us)}\n"

    def trailer(self, batch: Batch, records: int, seconds: int) -> str:
        return f"T;SW{batch.node + 1};{batch.number:06d};{records};{seconds}\n"


def dialled(number: str) -> str:
    """Write a called number as it is dialled at home.

    >>> dialled("4741234567"), dialled("46701234567")
    ('41234567', '0046701234567')
    """
    return number[2:] if number.startswith("47") else f"00{number}"
