"""Prices over a period in columns: what each event adds to the price of everything counted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from tallywire.catalog.terms import Tier, Tiers
from tallywire.rating.columnar.allowances import grouped
from tallywire.rating.columnar.keys import CounterNames

Ints = npt.NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
LARGEST_COUNT = 2**61
"""A counter beyond it is left to the rulebook."""
_NO_COUNTER = ("subscription", "once", "")


class TierTable:
    """The tiers of all prices; a price without has one that costs nothing.

    Args:
        prices: Tiers of each price, or none; graduated, `sum` or `count`.
        denominators: Common denominator of each price.

    Attributes:
        counters: What names the counter of each price.
        has: Prices that have tiers.
        counts: Prices whose tiers count events.
        provisional: Prices whose tiers count nothing in the lane.
    """

    def __init__(self, prices: Sequence[Tiers | None], denominators: Ints) -> None:
        most = max((len(one.steps) for one in prices if one), default=1)
        shape = (len(prices), most)
        self.counters = CounterNames([_named(one) for one in prices])
        self.has = np.array([one is not None for one in prices], bool)
        self.counts = np.array([bool(one and one.measure == "count") for one in prices], bool)
        self.provisional = np.array([bool(one and one.provisional) for one in prices], bool)
        self._starts = np.full((len(prices), most + 1), NEVER, np.int64)
        self._flats = np.zeros(shape, np.int64)
        self._rates = np.zeros(shape, np.int64)
        self._blocks = np.ones(shape, np.int64)
        for number in np.flatnonzero(self.has).tolist():
            self._take(number, prices[number], int(denominators[number]))

    def _take(self, number: int, tiers: Tiers | None, common: int) -> None:
        for index, step in enumerate(tiers.steps if tiers else ()):
            self._starts[number, index] = step.start
            self._flats[number, index] = _whole(step.flat, common)
            self._rates[number, index] = _whole(step.rate, common)
            self._blocks[number, index] = step.block

    def price(self, price: Ints, before: Ints, after: Ints) -> Ints:
        """Price what lies between two counts of a period, tier by tier.

        Args:
            price: Number of each row's price.
            before: Units counted before.
            after: Units counted after, not less.
        """
        total = np.zeros(len(price), np.int64)
        for tier in range(self._flats.shape[1]):
            start, end = self._starts[price, tier], self._starts[price, tier + 1]
            block = self._blocks[price, tier]
            low = -((start - np.clip(before, start, end)) // block) * block
            high = -((start - np.clip(after, start, end)) // block) * block
            entered = (after > start) & (before <= start)
            total += np.where(entered, self._flats[price, tier], 0)
            total += (high - low) * self._rates[price, tier]
        return total


def _named(tiers: Tiers | None) -> tuple[str, str, str]:
    if tiers is None or tiers.provisional:
        return _NO_COUNTER
    return tiers.scope, tiers.period, tiers.counter


def in_lane(tiers: Tiers | None) -> Tiers | None:
    """Give the tiers as a lane prices them: for a partner the rate of the first one alone."""
    if tiers is None or not tiers.provisional:
        return tiers
    return replace(tiers, mode="graduated", steps=(Tier(0, Fraction(0), tiers.steps[0].rate),))


@dataclass(frozen=True)
class Counted:
    """What rows counted.

    Attributes:
        before, after: Units counted before and after each row.
        slots: Counters, each once, ascending.
        used: What each of them holds now.
    """

    before: Ints
    after: Ints
    slots: Ints
    used: Ints


def climb(slots: Ints, used: Ints, added: Ints) -> Counted:
    """Count in row order.

    Args:
        slots: Counter of each row; at least one row.
        used: What that counter held before the batch.
        added: What each row adds, not negative.
    """
    groups = grouped(slots)
    more = added[groups.order]
    before = groups.in_row_order(used[groups.order] + groups.earlier(more))
    first = groups.order[groups.begins]
    total = used[first] + np.add.reduceat(more, groups.begins)
    return Counted(before, before + added, slots[first], total)


def _whole(value: Fraction, common: int) -> int:
    return value.numerator * (common // value.denominator)
