"""Increments: a step begun is a step paid, and each step has a group and a band."""

from collections.abc import Iterator
from dataclasses import dataclass

from tallywire.calendar import band, next_change
from tallywire.catalog.snapshot import Calendar, Group


@dataclass(frozen=True)
class Stretch:
    """Consecutive steps of one group in one band.

    Attributes:
        group: Index of the increment group.
        band: Index of the band.
        length: Charged base units.
    """

    group: int
    band: int
    length: int


def charged_groups(groups: tuple[Group, ...], quantity: int) -> Iterator[tuple[int, int, int]]:
    """Round usage up to whole steps, group by group.

    A step that reaches over its group's end uses up the beginning of the next group.

    Yields:
        Group index, first charged unit, number of steps.
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
        quantity: Usage, base units.
        start_us: When it began, microseconds UTC.
        timed: Usage is time and the calendar has bands: a step is priced in the band it begins in.
            Otherwise all of it has the band of the start.
    """
    for index, first, steps in charged_groups(groups, quantity):
        size = groups[index].increment
        if not timed:
            yield Stretch(index, band(calendar, start_us), steps * size)
            continue
        done = 0
        while done < steps:
            moment = start_us + first + done * size
            end = start_us + first + steps * size
            edge = next_change(calendar, moment, end)
            here = -((moment - edge) // size)  # steps that begin before the edge
            yield Stretch(index, band(calendar, moment), here * size)
            done += here
