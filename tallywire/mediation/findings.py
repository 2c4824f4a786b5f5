"""What is wrong with the numbers of a session: said as values, reported by the controls."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

Span = tuple[int, int]
"""First and last of numbers that follow each other."""


class Fault(StrEnum):
    """What is wrong with a session."""

    MISSING = "missing"
    AFTER_END = "after_end"
    REPEATED = "repeated"
    NEVER_ENDED = "never_ended"
    REPORTS = "reports"
    SILENT = "silent"
    WRAPPED = "wrapped"


@dataclass(frozen=True)
class Finding:
    """One fault of one session, as far as it is known at that row.

    Attributes:
        numbers: The numbers concerned, as spans, ascending.
        records: How many they are.
        quantity: What missing records held, by the median of their neighbours, base units.
        closed: The numbers that were missing have all come.
        most: The most that missing usage, or usage in question, may be, base units.
        first_us, last_us: Event time that it is about; 0 where that is not known.
    """

    fault: Fault
    session: str
    service: str
    numbers: tuple[Span, ...] = ()
    records: int = 0
    quantity: int = 0
    closed: bool = False
    most: int = 0
    first_us: int = 0
    last_us: int = 0


def spans_of(numbers: Iterable[int]) -> tuple[Span, ...]:
    """Put ascending numbers together.

    >>> spans_of([1, 2, 5])
    ((1, 2), (5, 5))
    """
    found: list[Span] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)


def median(quantities: Iterable[int]) -> int:
    """Give the median, rounded down.

    >>> median([4, 1, 2]), median([4, 1])
    (2, 2)
    """
    ranked = sorted(quantities)
    middle = len(ranked) // 2
    return ranked[middle] if len(ranked) % 2 else (ranked[middle - 1] + ranked[middle]) // 2
