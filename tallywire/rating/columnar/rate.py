"""A batch to charges: the order of the steps is the order of `ColumnarRater._charge`."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.columnar.clocks import Clock, Ints, months
from tallywire.rating.columnar.find import Finder, Found, LegFound
from tallywire.rating.columnar.included import Draws, spread
from tallywire.rating.columnar.increments import Steps, Stretches, count_steps, stretches
from tallywire.rating.columnar.rounding import round_ratios
from tallywire.rating.columnar.rows import Charges, rated_rows
from tallywire.rating.columnar.tiers import LARGEST_COUNT, Counted, climb
from tallywire.rating.counters import Counters, Words

Flags = npt.NDArray[np.bool_]
Writes = list[tuple[Words, Ints]]


class TooLargeError(Exception):
    """A counter is beyond what this rater proves to fit: the rulebook takes the batch."""


@dataclass(frozen=True)
class Climbs:
    """What tiers counted.

    Attributes:
        before, after: Units counted; -1 without tiers.
        amount: Numerator over the price's denominator.
        reads: What the counters held, as text; null without tiers.
    """

    before: Ints
    after: Ints
    amount: Ints
    reads: pl.Series | None = None


class ColumnarRater:
    """The fast rater of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._finder = Finder(snapshot)
        self._tables = self._finder.tables

    def find(self, batch: pl.DataFrame) -> Found:
        """Find the legs of every row and their prices, or the reason there is none."""
        return self._finder.find(batch)

    def refusals(self, found: Found) -> tuple[pl.DataFrame, Ints]:
        """Give refused rows and legs with their reasons, in input order, and their places."""
        return self._finder.refusals(found)

    def charge(self, found: Found, counters: Counters) -> pl.DataFrame:
        """Charge rows that are all takeable, in their order, leg by leg.

        Raises:
            TooLargeError: If a counter is too large; nothing was written then.
        """
        writes: Writes = []
        made = [self._charge(found.usage, leg, counters, writes) for leg in found.legs]
        for words, used in writes:
            counters.put(words, used)
        if len(made) == 1:
            return made[0]
        places = np.concatenate(
            [leg.rows * len(found.legs) + number for number, leg in enumerate(found.legs)]
        )
        return pl.concat(made)[np.argsort(places, kind="stable")]

    def _charge(
        self, whole: pl.DataFrame, leg: LegFound, counters: Counters, writes: Writes
    ) -> pl.DataFrame:
        tables = self._tables
        usage = whole if len(leg.rows) == whole.height else whole[leg.rows]
        start = usage["start_time"].to_numpy()
        prices = tables.prices
        # 1. Units are converted and rounded up to steps, 2. allowances pay for the first.
        used = tables.converted(leg.tariff, usage["quantity"].to_numpy())
        steps = count_steps(prices, leg.price, used)
        month = self._months(leg, start)
        draws = self._draw(usage, leg, steps.quantity, counters)
        writes += draws.writes
        # 3. The rest has a price, a connection fee, tiers.
        numerator, bands = self._price(leg, steps, start, draws.covered)
        paid = steps.quantity > draws.covered
        numerator = numerator + np.where(paid, prices.connect[leg.price], 0)
        climbs = self._climb(usage, leg, steps.quantity - draws.covered, counters, writes)
        numerator = numerator + climbs.amount
        # 4. Maximum, then minimum, 5. one rounding.
        capped = numerator > prices.maximum[leg.price]
        numerator = np.minimum(numerator, prices.maximum[leg.price])
        minimum = np.where(paid, prices.minimum[leg.price], 0)
        raised = numerator < minimum
        numerator = np.maximum(numerator, minimum)
        denominator = prices.denominator[leg.price]
        amounts = round_ratios(
            numerator, denominator, tables.mode[leg.tariff], tables.kept_decimals[leg.tariff]
        )
        common = np.gcd(numerator, denominator)
        charges = Charges(
            leg=leg, month=month, quantity=steps.quantity, draws=draws, bands=bands,
            connect_nano=np.where(paid, prices.connect_nano[leg.price], 0),
            cumulative_before=climbs.before, cumulative_after=climbs.after,
            counters=_counter_texts(draws, climbs),
            capped=capped, raised=raised, numerator=numerator // common,
            denominator=denominator // common,
            nano=amounts.nano, difference_nano=amounts.difference_nano,
        )  # fmt: skip
        return rated_rows(usage, charges, tables, self._finder.allowances.named)

    def _months(self, leg: LegFound, start: Ints) -> Ints:
        number, distinct = self._finder.zone_numbers(leg)
        month = np.zeros(len(start), np.int64)
        for code, zone in enumerate(distinct):
            rows = np.flatnonzero(number == code)
            if len(rows):
                clock = Clock(zone, int(start[rows].min()), int(start[rows].max()))
                month[rows] = months(clock, start[rows])
        return month

    def _draw(self, usage: pl.DataFrame, leg: LegFound, wanted: Ints, counters: Counters) -> Draws:
        if not leg.retail:
            none = np.full(len(wanted), -1, np.int64)
            return Draws(none, none, none, np.zeros(len(wanted), np.int64))
        zone = self._tables.zone_of_entry[leg.entry]
        return self._finder.allowances.draw(usage, leg.offer, leg.tariff, zone, wanted, counters)

    def _climb(
        self, usage: pl.DataFrame, leg: LegFound, units: Ints, counters: Counters, writes: Writes
    ) -> Climbs:
        tiers = self._tables.prices.tiers
        none = np.full(len(units), -1, np.int64)
        rows = np.flatnonzero(tiers.has[leg.price])
        if not len(rows):
            return Climbs(none, none, np.zeros(len(units), np.int64))
        before, after, amount = none.copy(), none.copy(), np.zeros(len(units), np.int64)
        before[rows], after[rows] = 0, np.where(tiers.counts[leg.price[rows]], 1, units[rows])
        counting = rows[~tiers.provisional[leg.price[rows]]]
        reads = None
        if len(counting):
            counted = self._count(usage, leg, counting, after[counting], counters, writes)
            before[counting], after[counting] = counted.before, counted.after
            reads = spread(counted.before, counting, len(units))
        amount[rows] = tiers.price(leg.price[rows], before[rows], after[rows])
        return Climbs(before, after, amount, reads)

    def _count(
        self, usage: pl.DataFrame, leg: LegFound, rows: Ints, added: Ints, counters: Counters,
        writes: Writes,
    ) -> Counted:  # fmt: skip
        price, zones = leg.price[rows], self._finder.zones(leg).gather(rows)
        kind = "tiers" if leg.retail else f"tiers:{leg.run}"
        keys = self._tables.prices.tiers.keys(usage, rows, price, zones, kind)
        slots, used = counters.claim(keys)
        counted = climb(slots, used, added)
        if int(counted.after.max()) > LARGEST_COUNT:
            raise TooLargeError
        writes.append((counters.words(counted.slots), counted.used))
        return counted

    def _price(
        self, leg: LegFound, steps: Steps, start: Ints, covered: Ints
    ) -> tuple[Ints, list[tuple[Ints, Ints]]]:
        """Sum the rates of what allowances do not cover; also the bands met, in order."""
        total = np.zeros(len(start), np.int64)
        left = covered.copy()
        bands: list[tuple[Ints, Ints]] = []
        for rows, stretch in self._stretches(leg, steps, start):
            here = rows[stretch.rows]
            free = np.minimum(left[here], stretch.length)
            left[here] -= free
            rates = self._tables.prices.rates[leg.price[here], stretch.group, stretch.band]
            total[here] += (stretch.length - free) * rates
            bands.append((here, stretch.band))
        return total, bands

    def _stretches(
        self, leg: LegFound, steps: Steps, start: Ints
    ) -> Iterator[tuple[Ints, Stretches]]:
        tables = self._tables
        calendar = tables.calendar[leg.tariff]
        longest = int(steps.quantity.max(initial=0))
        for number in np.unique(calendar).tolist():
            rows = np.flatnonzero(calendar == number)
            bands = tables.bands[number]
            part = Steps(steps.first[rows], steps.count[rows], steps.quantity[rows])
            straddle = tables.straddle[leg.tariff[rows]]
            last = int(start[rows].max()) + (longest if straddle.any() else 0)
            clock = Clock(bands.time_zone, int(start[rows].min()), last)
            for stretch in stretches(
                tables.prices, part, leg.price[rows], start[rows], bands, clock, straddle
            ):
                yield rows, stretch


def _counter_texts(draws: Draws, climbs: Climbs) -> pl.Series | None:
    """Write what was read, for rows that asked more than one allowance; none where no row did."""
    if not draws.many.any():
        return None
    reads = [*draws.reads, *([] if climbs.reads is None else [climbs.reads])]
    frame = pl.DataFrame({str(number): values for number, values in enumerate(reads)})
    texts = frame.select(
        pl.when(pl.Series(draws.many))
        .then(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True))
        .otherwise(pl.lit(""))
    )
    return texts.to_series()
