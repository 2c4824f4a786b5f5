"""Included usage in columns: which allowances pay for each row, drawn level by level."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from tallywire.catalog.fitness import LARGEST_SIZE, levels, ordered
from tallywire.catalog.snapshot import Offer, Tariff
from tallywire.catalog.terms import Allowance
from tallywire.rating.columnar.allowances import draw
from tallywire.rating.columnar.keys import CounterNames, Keys
from tallywire.rating.counters import Counters

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_ZONES = 1 << 24
_SERVICES = 1 << 8


@dataclass
class Draws:
    """What allowances pay of each row, and what that leaves counters at.

    Attributes:
        allowance: The one drawn from last, -1 for none.
        before: What it had left.
        after: What it has left now.
        covered: Units paid by all of them.
        reads: Rows and what their counters held, in the order read.
        many: Rows that asked more than one.
        writes: Slots of counters, and what they hold now.
    """

    allowance: Ints
    before: Ints
    after: Ints
    covered: Ints
    reads: list[tuple[Ints, Ints]] = field(default_factory=list)
    many: Flags = field(default_factory=lambda: np.empty(0, bool))
    writes: list[tuple[Ints, Ints]] = field(default_factory=list)

    @classmethod
    def none(cls, height: int) -> "Draws":
        """Pay nothing."""
        none, zero = np.full(height, -1, np.int64), np.zeros(height, np.int64)
        return cls(none, none, none, zero, many=np.zeros(height, bool))


class AllowanceTable:
    """Allowances of all offers, numbered; lists of those that pay are made when first needed.

    Args:
        offers: In the order of their numbers.
        tariffs: In the order of their numbers.
        zones: Name of every zone, by number.

    Attributes:
        contrary: Offers that draw allowances in an order that contradicts another offer's.
    """

    def __init__(
        self, offers: Sequence[Offer], tariffs: Sequence[Tariff], zones: pl.Series
    ) -> None:
        self._offers = [ordered(offer.allowances) for offer in offers]
        self._zones = zones
        self._services = sorted({tariff.service for tariff in tariffs})
        self._service_of = np.array(
            [self._services.index(tariff.service) for tariff in tariffs], np.int64
        )
        self.all: list[Allowance] = [one for some in self._offers for one in some]
        self.named = pl.Series(["", *(one.allowance_id for one in self.all)], dtype=pl.String)
        self._counters = CounterNames(
            [(one.scope, one.period, one.allowance_id) for one in self.all]
        )
        sizes = [min(one.quantity, LARGEST_SIZE) for one in self.all]
        self.size = np.array(sizes, np.int64)
        self._since = np.array([one.valid_from_us for one in self.all], np.int64)
        self._until = np.array([one.valid_to_us for one in self.all], np.int64)
        level = levels(offers)
        self._depth = 1 + max(level.values(), default=-1)
        self.contrary = np.array(
            [any((a.scope, a.allowance_id) not in level for a in some) for some in self._offers],
            bool,
        )
        self._level = np.array([level.get((one.scope, one.allowance_id), -1) for one in self.all])
        self._base = np.cumsum([0, *(len(some) for some in self._offers)])
        self._some = np.array([bool(some) for some in self._offers], bool)
        self._keys = np.empty(0, np.int64)
        self._lists = np.empty((0, max(1, self._depth)), np.int64)

    def _pays(self, key: int) -> list[int]:
        """List by level the allowances that pay for an offer, service and zone; -1 for none."""
        offer, rest = divmod(key, _SERVICES * _ZONES)
        service, zone = self._services[rest // _ZONES], self._zones[rest % _ZONES]
        found = [-1] * self._lists.shape[1]
        for place, one in enumerate(self._offers[offer]):
            if service in one.services and (not one.zones or zone in one.zones):
                number = int(self._base[offer]) + place
                found[self._level[number]] = number
        return found

    def lists(self, offer: Ints, tariff: Ints, zone: Ints) -> Ints:
        """Give the allowances that pay for each row: (row, level), -1 for none."""
        keys = (offer * _SERVICES + self._service_of[tariff]) * _ZONES + zone
        place = np.minimum(np.searchsorted(self._keys, keys), max(0, len(self._keys) - 1))
        known = self._keys[place] == keys if len(self._keys) else np.zeros(len(keys), bool)
        if not known.all():
            new = np.unique(keys[~known])
            made = np.array([self._pays(int(key)) for key in new], np.int64)
            joined = np.concatenate([self._keys, new])
            order = np.argsort(joined, kind="stable")
            self._keys = joined[order]
            self._lists = np.concatenate([self._lists, made])[order]
            place = np.searchsorted(self._keys, keys)
        result: Ints = self._lists[place]
        return result

    def draw(
        self, paying: Ints, start: Ints, wanted: Ints, keys: Keys, counters: Counters
    ) -> Draws:
        """Draw for all rows, level by level; counters are read, and told what to write.

        Args:
            paying: What `lists` gave.
            start: When the usage began.
            wanted: Units that may be paid.
            keys: Of the rows.
            counters: With room for all that pay.
        """
        none = np.full(len(wanted), -1, np.int64)
        made = Draws(none.copy(), none.copy(), none, np.zeros(len(wanted), np.int64))
        made.many = np.zeros(len(wanted), bool)
        for level in range(paying.shape[1]):
            chosen = paying[:, level]
            asks = (chosen >= 0) & ((made.allowance < 0) | (made.covered < wanted))
            rows = np.flatnonzero(asks)
            begun = (self._since[chosen[rows]] <= start[rows]) & (
                start[rows] < self._until[chosen[rows]]
            )
            rows = rows if begun.all() else rows[begun]
            if len(rows):
                self._draw_level(keys, rows, chosen[rows], wanted, made, counters)
        return made

    def _draw_level(
        self, keys: Keys, rows: Ints, chosen: Ints, wanted: Ints, made: Draws, counters: Counters
    ) -> None:
        slots, used = counters.claim(keys.of(self._counters, rows, chosen))
        drawn = draw(slots, used, self.size[chosen], wanted[rows] - made.covered[rows])
        made.many[rows] = made.allowance[rows] >= 0
        made.allowance[rows] = chosen
        made.before[rows] = drawn.before
        made.after[rows] = drawn.before - drawn.covered
        made.covered[rows] += drawn.covered
        made.reads.append((rows, drawn.held))
        made.writes.append((drawn.slots, drawn.used))
