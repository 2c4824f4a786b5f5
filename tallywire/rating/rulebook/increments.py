"""Increments: a step begun is a step paid, and each step has a group and a band."""

from collections.abc import Iterator
from dataclasses import dataclass

from tallywire.calendar import band, band_until
from tallywire.catalog.snapshot import Calendar, Group


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive steps of one group in one band.

    Attributes:
        group: Index of the increment group.
        band: Index of the band.
        first: First charged base unit, counted from the start of the usage.
        length: Charged base units.
    """

    group: int
    band: int
    first: int
    length: int


def charged_groups(groups: tuple[Group, ...], quantity: int) -> Iterator[tuple[int, int, int]]:
    """Round usage up to whole steps, group by group.

    A step that reaches over its group's end uses up the beginning of the next group.

    Args:
        groups: Increment groups, ascending, the first starting at 0.
        quantity: Usage, base units, 0 or more.

    Yields:
        Group index, first charged unit, number of steps; only groups that charge something.

    >>> second = 1_000_000
    >>> groups = (Group(0, 30 * second, ()), Group(30 * second, 6 * second, ()))
    >>> list(charged_groups(groups, 32 * second))
    [(0, 0, 1), (1, 30000000, 1)]
    """
    charged = 0
    for index, group in enumerate(groups):
        end = groups[index + 1].start if index + 1 < len(groups) else quantity
        first, last = max(group.start, charged), min(quantity, end)
        if last > first:
            steps = -((first - last) // group.increment)
            yield index, first, steps
            charged = first + steps * group.increment


def stretches(
    groups: tuple[Group, ...], quantity: int, calendar: Calendar, start_us: int, *, timed: bool
) -> Iterator[Stretch]:
    """Lay charged usage out in the order it was used.

    Args:
        groups: Increment groups, ascending, the first starting at 0.
        quantity: Usage, base units.
        calendar: Bands of local time.
        start_us: When it began, microseconds UTC.
        timed: Usage is time and the calendar has bands: a step is priced in the band it begins in.
            Otherwise all of it has the band of the start.
    """
    at_start = 0 if timed else band(calendar, start_us)
    for group, first, steps in charged_groups(groups, quantity):
        size = groups[group].increment
        if not timed:
            yield Stretch(group, at_start, first, steps * size)
            continue
        for here, done, length in _by_band(calendar, start_us + first, steps, size):
            yield Stretch(group, here, first + done, length)


def _by_band(
    calendar: Calendar, start_us: int, steps: int, size: int
) -> Iterator[tuple[int, int, int]]:
    """Cut consecutive steps where the band changes: a band, its first unit, its units."""
    done, last = 0, steps * size
    while done < last:
        moment = start_us + done
        here, edge = band_until(calendar, moment, start_us + last)
        length = -((moment - edge) // size) * size  # whole steps that begin before the edge
        yield here, done, length
        done += length
