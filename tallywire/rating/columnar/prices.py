"""Prices in arrays: one common denominator each, and the proof of what fits 64 bits."""

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

import numpy as np
import numpy.typing as npt

from tallywire.catalog.fitness import price_reasons
from tallywire.catalog.snapshot import Price, Tariff
from tallywire.rating.columnar.rounding import LARGEST_DENOMINATOR
from tallywire.rating.columnar.tiers import TierTable, in_lane

Ints = npt.NDArray[np.int64]

_FITS = 2**62
_LARGEST_AMOUNT = 4 * 10**9
_NEVER = np.iinfo(np.int64).max


class PriceTable:
    """All prices of all tariffs.

    Attributes:
        base: First price of each tariff.
        limit: Largest quantity of an event whose charge provably fits; -1 where the price itself
            does not.
        starts, steps: Increment groups (price, group); an absent group starts beyond all usage.
        rates: Numerator per base unit (price, group, band).
        tiers: What prices over a period add.
    """

    def __init__(self, tariffs: Sequence[Tariff]) -> None:
        prices = [price for tariff in tariffs for price in tariff.prices]
        sizes = [len(tariff.prices) for tariff in tariffs]
        self.base = np.cumsum([0, *sizes], dtype=np.int64)[:-1]
        groups = max((len(price.groups) for price in prices), default=1)
        bands = max((len(group.rates) for price in prices for group in price.groups), default=1)
        count = len(prices)
        self.denominator = np.ones(count, np.int64)
        self.connect = np.zeros(count, np.int64)
        self.connect_nano = np.zeros(count, np.int64)
        self.minimum = np.zeros(count, np.int64)
        self.maximum = np.full(count, _NEVER, np.int64)
        self.limit = np.full(count, -1, np.int64)
        self.starts = np.full((count, groups + 1), _NEVER, np.int64)
        self.steps = np.ones((count, groups), np.int64)
        self.rates = np.zeros((count, groups, bands), np.int64)
        first: dict[Price, int] = {}
        same = np.array([first.setdefault(one, no) for no, one in enumerate(prices)], np.int64)
        for price, number in first.items():
            self._take(number, price)
        self._copy(same)
        fitting = [
            in_lane(one.tiers) if self.limit[no] >= 0 else None for no, one in enumerate(prices)
        ]
        self.tiers = TierTable(fitting, self.denominator)

    def _copy(self, source: Ints) -> None:
        """Give each price the numbers of the first one equal to it: decks share many."""
        for name in (
            "denominator", "connect", "connect_nano", "minimum", "maximum", "limit", "starts",
            "steps", "rates",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name)[source])

    def _take(self, number: int, price: Price) -> None:
        if price_reasons(price):
            return
        most = price.maximum_charge
        found = in_lane(price.tiers)
        tiers = found.steps if found else ()
        parts = [price.connect_fee, price.minimum_charge, most or Fraction(0)]
        parts += [rate for group in price.groups for rate in group.rates]
        parts += [part for tier in tiers for part in (tier.flat, tier.rate)]
        common = lcm(*(part.denominator for part in parts))
        scaled = [_whole(part, common) for part in parts]
        if common > LARGEST_DENOMINATOR or max(scaled) >= _FITS or min(scaled) < 0:
            return
        nano = price.connect_fee * 10**9
        if nano >= _FITS:
            return
        entering = sum(_whole(tier.flat + tier.block * tier.rate, common) for tier in tiers)
        rates = [_whole(rate, common) for group in price.groups for rate in group.rates]
        highest = max(rates) + max((_whole(tier.rate, common) for tier in tiers), default=0)
        room = min(_FITS, _LARGEST_AMOUNT * common) - scaled[0] - scaled[1] - entering
        steps = sum(group.increment for group in price.groups)
        reach = room // highest if highest else _FITS  # what is free does not grow
        self.limit[number] = max(-1, reach - steps) if room >= 0 else -1
        self.denominator[number] = common
        self.connect[number], self.minimum[number] = scaled[0], scaled[1]
        if most is not None:
            self.maximum[number] = scaled[2]
        self.connect_nano[number] = _half_even(nano)
        for index, group in enumerate(price.groups):
            self.starts[number, index] = group.start
            self.steps[number, index] = group.increment
            for band, rate in enumerate(group.rates):
                self.rates[number, index, band] = _whole(rate, common)


def _whole(value: Fraction, common: int) -> int:
    return value.numerator * (common // value.denominator)


def _half_even(value: Fraction) -> int:
    whole, rest = divmod(value.numerator, value.denominator)
    odd_half = 2 * rest == value.denominator and whole % 2 == 1
    return whole + (2 * rest > value.denominator or odd_half)
