"""Groups that begin in the middle of a step, and tiers that make more usage cheaper."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from tallywire.catalog.comparing import priced_unit
from tallywire.catalog.effective import Effective
from tallywire.catalog.places import Places, first_rows
from tallywire.catalog.problems import Problem
from tallywire.catalog.prose import money_words, quantity_words
from tallywire.catalog.snapshot import Price
from tallywire.catalog.terms import Tier

UNEVEN, CLIFF = "uneven_group", "volume_cliff"


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


def _total(step: Tier, counted: int) -> Fraction:
    """Give the price of all that was counted, where volume tiers have reached a step."""
    return step.flat + -(-counted // step.block) * step.block * step.rate


def cliffs(effective: Effective, places: Places) -> Iterator[Problem]:
    """Name volume tiers that make the whole cheaper where the next tier is reached."""
    tariff = effective.tariff
    for number, row in first_rows(tariff).items():
        tiers = tariff.prices[number].tiers
        for before, step in pairwise(tiers.steps if tiers and tiers.mode == "volume" else ()):
            lower, upper = _total(before, step.start), _total(step, step.start)
            if tiers is None or upper >= lower:
                continue
            plain = tiers.measure in {"sum", "max", "latest", "percentile"}
            start = quantity_words(step.start, priced_unit(tariff)) if plain else str(step.start)
            text = (
                f"its volume tiers have a cliff at {start}: everything counted costs "
                f"{money_words(lower)} at the price before and {money_words(upper)} "
                f"{tariff.currency} there, so that some more usage costs less"
            )
            yield places.problem(tariff.tariff_id, row, text, CLIFF)
            break
