"""Increments: a step begun is a step paid, and each step has a group and a band."""

from collections.abc import Iterator
from typing import NamedTuple

from tallywire.calendar import band, band_until
from tallywire.catalog.snapshot import Calendar, Group


class Stretch(NamedTuple):
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


UNTIMED = "untimed"
"""Usage is no time, or the calendar has one band: all of it has the band of its start."""


def stretches(
    groups: tuple[Group, ...], quantity: int, calendar: Calendar, start_us: int, policy: str
) -> Iterator[Stretch]:
    """Lay charged usage out in the order it was used.

    Args:
        groups: Increment groups, ascending, the first starting at 0.
        quantity: Usage, base units.
        calendar: Bands of local time.
        start_us: When it began, microseconds UTC.
        policy: UNTIMED, or what a step that reaches into another band costs: `start_band`,
            `end_band` or `prorate`.
    """
    if any(group.bands for group in groups):
        yield from _by_own_groups(groups, quantity, calendar, start_us, timed=policy != UNTIMED)
        return
    at_start = band(calendar, start_us) if policy == UNTIMED else 0
    for group, first, steps in charged_groups(groups, quantity):
        size = groups[group].increment
        if policy == UNTIMED:
            yield Stretch(group, at_start, first, steps * size)
            continue
        grain = 1 if policy == "prorate" else size
        ahead = size - 1 if policy == "end_band" else 0
        begin, length = start_us + first, steps * size
        for here, done, part in _by_band(calendar, begin, length, grain, ahead):
            yield Stretch(group, here, first + done, part)


def _by_band(
    calendar: Calendar, start_us: int, length: int, grain: int, ahead: int
) -> Iterator[tuple[int, int, int]]:
    """Cut consecutive grains where the band changes: a band, its first unit, its units.

    Args:
        length: Units, a multiple of `grain`.
        grain: Units that are in one band, all of them.
        ahead: Which unit of a grain decides its band.
    """
    done = 0
    while done < length:
        moment = start_us + done + ahead
        here, edge = band_until(calendar, moment, start_us + length + ahead)
        part = -((moment - edge) // grain) * grain  # whole grains that are decided before the edge
        yield here, done, part
        done += part


def _by_own_groups(
    groups: tuple[Group, ...], quantity: int, calendar: Calendar, start_us: int, *, timed: bool
) -> Iterator[Stretch]:
    """Lay usage out where each band has groups of its own: a step has the band it begins in."""
    done = 0
    while done < quantity:
        here, edge = (
            band_until(calendar, start_us + done, start_us + quantity)
            if timed
            else (band(calendar, start_us), start_us + quantity)
        )
        own = [index for index, group in enumerate(groups) if here in group.bands]
        index = max(number for number in own if groups[number].start <= done)
        later = [groups[number].start for number in own if groups[number].start > done]
        end = min(quantity, edge - start_us, *later)
        size = groups[index].increment
        length = -((done - end) // size) * size
        yield Stretch(index, here, done, length)
        done += length
