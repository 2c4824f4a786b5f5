"""Prices over a period in columns: what each event adds to the price of everything counted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import polars as pl

from tallywire.catalog.terms import Tier, Tiers
from tallywire.rating.columnar.allowances import OWNER, grouped
from tallywire.rating.columnar.periods import by_zone

Ints = npt.NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
LARGEST_COUNT = 2**61
"""A counter beyond it is left to the rulebook."""


class TierTable:
    """The tiers of all prices; a price without has one that costs nothing.

    Args:
        prices: Tiers of each price, or none; graduated, `sum` or `count`.
        denominators: Common denominator of each price.

    Attributes:
        has: Prices that have tiers.
        counts: Prices whose tiers count events.
        provisional: Prices whose tiers count nothing in the lane.
    """

    def __init__(self, prices: Sequence[Tiers | None], denominators: Ints) -> None:
        most = max((len(one.steps) for one in prices if one), default=1)
        shape = (len(prices), most)
        self._place = {no: (one.scope, one.period) for no, one in enumerate(prices) if one}
        self._names = pl.Series([one.counter if one else "" for one in prices], dtype=pl.String)
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

    def keys(
        self, usage: pl.DataFrame, rows: Ints, price: Ints, zones: pl.Series, kind: str
    ) -> pl.Series:
        """Write the keys of the counters of some rows.

        Args:
            usage: All rows.
            rows: Places of rows whose price has tiers.
            price: Their prices.
            zones: Zones of their periods.
            kind: First part of the keys: tells legs apart.
        """
        start = usage["start_time"].to_numpy()
        found = pl.Series([""]).new_from_index(0, len(rows))
        for scope, period in sorted({self._place[number] for number in np.unique(price).tolist()}):
            fits = [self._place.get(no) == (scope, period) for no in range(len(self.has))]
            part = np.flatnonzero(np.array(fits, bool)[price])
            here = rows[part]
            frame = pl.DataFrame(
                {
                    "owner": usage[OWNER[scope]].gather(here),
                    "name": self._names.gather(price[part]),
                    "period": by_zone(zones.gather(part), period, start[here]),
                }
            )
            texts = frame.select(
                pl.concat_str(pl.lit(kind), pl.lit(scope), pl.all(), separator="\x1f")
            ).to_series()
            found = texts if len(part) == len(rows) else found.scatter(part, texts)
        return found


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
