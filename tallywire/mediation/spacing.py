"""How far apart an access server's reports of a session are, and which of them lack.

The spacing is learned from the server's own reports, for accounting never tells it: the middle of
the gaps between reports of one session, believed where three of four gaps are near it. Of a server
is also known in which quarters of an hour it was heard of at all: what lacks while the server, or
a file of it, was silent is no fault of a session.
"""

from collections.abc import Iterator
from typing import Any

Server = dict[str, Any]
"""`clock`: event time of its newest report, microseconds UTC. `gaps`: gaps in steps of ten seconds,
as text, to how many, `count` in all. `every_us`: their spacing, 0 where there is none, or not yet.
`slots`: first quarter of an hour and the quarters heard since, as bits; `slot`: the one heard last.
"""

_SECOND_US = 1_000_000
_STEP_US = 10 * _SECOND_US
_LONGEST_US = 86_400 * _SECOND_US
_ENOUGH_GAPS, _MOST_GAPS = 20, 1_000
_SLOT_US = 900 * _SECOND_US
_SLOTS = 288
"""Three days of quarters of an hour."""
_SILENT_RUN = 4
"""So many reports that lack one after the other, while nobody was heard, lack by the server."""
_MOST_LACKING = 1_000


def new_server() -> Server:
    """Give a server that was not heard of yet."""
    return {"clock": 0, "gaps": {}, "count": 0, "every_us": 0, "slot": -1, "slots": [0, "0"]}


def learn(server: Server, gap_us: int) -> None:
    """Add a gap between two reports of a session; old gaps fade."""
    if not 0 < gap_us <= _LONGEST_US:
        return
    gaps: dict[str, int] = server["gaps"]
    step = str(gap_us // _STEP_US)
    gaps[step] = gaps.get(step, 0) + 1
    server["count"] += 1
    if server["count"] > _MOST_GAPS:
        server["gaps"] = {name: count // 2 for name, count in gaps.items() if count > 1}
        server["count"] = sum(server["gaps"].values())
    if server["count"] % _ENOUGH_GAPS == 0:
        server["every_us"] = _spacing(server["gaps"])


def _spacing(gaps: dict[str, int]) -> int:
    """Give the spacing of reports, microseconds; 0 where they have none.

    >>> _spacing({"90": 30, "91": 2, "180": 3}), _spacing({"30": 9, "90": 9, "180": 9})
    (905000000, 0)
    """
    counts = sorted((int(name), count) for name, count in gaps.items())
    total = left = sum(count for _, count in counts)
    middle = 0
    for step, count in counts:
        left -= count
        middle = step
        if 2 * left <= total:
            break
    near = sum(count for step, count in counts if 8 * abs(step - middle) <= middle + 8)
    return middle * _STEP_US + _STEP_US // 2 if 4 * near >= 3 * total else 0


def hear(server: Server, moment_us: int) -> None:
    """Note that a server was heard of."""
    server["clock"] = max(server["clock"], moment_us)
    slot = moment_us // _SLOT_US
    if slot == server["slot"]:
        return
    server["slot"] = slot
    first, text = server["slots"]
    newest = server["clock"] // _SLOT_US
    bits = int(text, 16)
    oldest = newest - _SLOTS + 1
    if oldest > first:
        bits, first = bits >> (oldest - first), oldest
    if slot >= first:
        bits |= 1 << (slot - first)
    server["slots"] = [first, f"{bits:x}"]


def lacking(server: Server, since_us: int, until_us: int) -> int:
    """Count the reports that should have come between two that did.

    An eighth of the spacing is no matter. What lacks while nobody of the server was heard counts
    only where that was short.
    """
    spacing = server["every_us"]
    if not spacing:
        return 0
    count, run = 0, 0
    for heard in _expected(server, since_us, until_us, spacing):
        if not heard:
            run += 1
            continue
        count += 1 + (run if run < _SILENT_RUN else 0)
        run = 0
    return count + (run if run < _SILENT_RUN else 0)


def _expected(server: Server, since_us: int, until_us: int, spacing: int) -> Iterator[bool]:
    """Tell of each report that lacks whether others of its server were heard about then."""
    first, text = server["slots"]
    bits = int(text, 16)
    count = -(-(until_us - since_us - spacing // 8) // spacing) - 1
    for number in range(1, min(count, _MOST_LACKING) + 1):
        slot = (since_us + number * spacing) // _SLOT_US - first
        yield slot < 0 or bool(bits >> slot & 1)
