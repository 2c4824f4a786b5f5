"""Holding test calls against charges: each must be there once, as long as it was, at its price.

A charge belongs to the test call of the same two numbers that began nearest to it, if that is near
enough; of two that are as near, to the earlier one. So no order of lines or charges decides.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from assurance.test_calls.entries import TestCall

SAME_DURATION_US = 1_000_000
"""Durations that differ by no more are the same: switches round."""


class Fault(StrEnum):
    """What may be wrong with a test call."""

    MISSING = "missing"
    TWICE = "twice"
    LATE = "late"
    DURATION = "wrong_duration"
    CHARGE = "wrong_charge"


@dataclass(frozen=True)
class Stored:
    """A charge of the store, less what was taken back of it.

    Attributes:
        came_us: When it was charged first.
        place: The record that it is of.
    """

    a_number: str
    b_number: str
    start_us: int
    duration_us: int
    amount: Fraction
    currency: str
    came_us: int
    place: str


@dataclass(frozen=True)
class Judged:
    """A test call and one fault of it.

    Attributes:
        stored: Charges that belong to it.
    """

    call: TestCall
    fault: Fault
    stored: tuple[Stored, ...]


def judge(
    calls: Sequence[TestCall], stored: Iterable[Stored], *, near_us: int, now_us: int
) -> tuple[list[Judged], list[TestCall]]:
    """Judge test calls.

    Args:
        near_us: How far the start of a charge may lie from that of its call.
        now_us: The present; a call that is not there is missing when its time is over.

    Returns:
        Faults by line, and calls whose time is not over, which are not there yet.
    """
    held = _belonging(calls, stored, near_us)
    faults, waiting = list[Judged](), list[TestCall]()
    for call in sorted(calls, key=lambda one: one.line):
        mine = held[call]
        if not mine and now_us <= call.due_us:
            waiting.append(call)
        faults += [Judged(call, fault, mine) for fault in _faults(call, mine, now_us)]
    return faults, waiting


def _belonging(
    calls: Sequence[TestCall], stored: Iterable[Stored], near_us: int
) -> dict[TestCall, tuple[Stored, ...]]:
    of_pair: dict[tuple[str, str], list[TestCall]] = defaultdict(list)
    for call in calls:
        of_pair[call.a_number, call.b_number].append(call)
    found: dict[TestCall, list[Stored]] = {call: [] for call in calls}
    for one in stored:
        near = [
            (abs(call.start_us - one.start_us), call.start_us, call.line, call)
            for call in of_pair.get((one.a_number, one.b_number), ())
            if abs(call.start_us - one.start_us) <= near_us
        ]
        if near:
            found[min(near, key=lambda each: each[:3])[3]].append(one)
    return {
        call: tuple(sorted(mine, key=lambda one: (one.came_us, one.start_us, one.place)))
        for call, mine in found.items()
    }


def _faults(call: TestCall, mine: tuple[Stored, ...], now_us: int) -> Iterator[Fault]:
    if not mine:
        if now_us > call.due_us:
            yield Fault.MISSING
        return
    first = mine[0]
    if len(mine) > 1:
        yield Fault.TWICE
    if first.came_us > call.due_us:
        yield Fault.LATE
    if abs(first.duration_us - call.duration_us) > SAME_DURATION_US:
        yield Fault.DURATION
    if (first.amount, first.currency) != (call.amount, call.currency):
        yield Fault.CHARGE
