"""Increment groups that begin in the middle of a step of the group before."""

from collections.abc import Iterator
from itertools import pairwise

from tallywire.catalog.comparing import priced_unit
from tallywire.catalog.effective import Effective
from tallywire.catalog.places import Places, first_rows
from tallywire.catalog.problems import Problem
from tallywire.catalog.prose import quantity_words
from tallywire.catalog.snapshot import Price

UNEVEN = "uneven_group"


def _uneven(price: Price, unit: str) -> str | None:
    for before, group in pairwise(price.groups):
        size = group.start - before.start
        if size % before.increment:
            reach = before.start + -(-size // before.increment) * before.increment
            return (
                f"the group from {quantity_words(group.start, unit)} begins within a step of "
                f"{quantity_words(before.increment, unit)}, which is counted to "
                f"{quantity_words(reach, unit)} at the price before; begin it at the end of a step"
            )
    return None


def uneven_groups(effective: Effective, places: Places) -> Iterator[Problem]:
    """Name prices with a group, or an end of free usage, that does not fall between two steps."""
    for number, row in first_rows(effective.tariff).items():
        text = _uneven(effective.tariff.prices[number], priced_unit(effective.tariff))
        if text is not None:
            yield places.problem(effective.tariff.tariff_id, row, text, UNEVEN)
