"""A batch to charges: the order of the steps is the order of `ColumnarRater._charge`."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.columnar.clocks import Clock, Ints
from tallywire.rating.columnar.find import Finder, Found, LegFound
from tallywire.rating.columnar.included import Draws
from tallywire.rating.columnar.increments import Steps, Stretches, count_steps, stretches
from tallywire.rating.columnar.keys import OWNER, Keys
from tallywire.rating.columnar.rounding import round_ratios
from tallywire.rating.columnar.rows import Charges, rated_rows
from tallywire.rating.columnar.tiers import LARGEST_COUNT, Counted, climb
from tallywire.rating.counters import Counters

Flags = npt.NDArray[np.bool_]
Writes = list[tuple[Ints, Ints]]


_READ = ("start_time", "quantity", *dict.fromkeys(OWNER.values()))


class TooLargeError(Exception):
    """A counter is beyond what this rater proves to fit: the rulebook takes the batch."""


@dataclass(frozen=True)
class Climbs:
    """What tiers counted.

    Attributes:
        before, after: Units counted; -1 without tiers.
        amount: Numerator over the price's denominator.
        reads: Rows with tiers, and what their counters held.
    """

    before: Ints
    after: Ints
    amount: Ints
    reads: list[tuple[Ints, Ints]] = field(default_factory=list)


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
        paying = self._paying(found.legs[0])
        tiers = self._tables.prices.tiers
        counters.prepare(
            int((paying >= 0).sum()) + sum(int(tiers.has[leg.price].sum()) for leg in found.legs)
        )
        made = [self._charge(found.usage, leg, paying, counters, writes) for leg in found.legs]
        for slots, used in writes:
            counters.write(slots, used)
        return rated_rows(found.usage, made, self._tables, self._finder.allowances.named)

    def _charge(
        self, whole: pl.DataFrame, leg: LegFound, paying: Ints, counters: Counters, writes: Writes
    ) -> Charges:
        tables = self._tables
        usage = whole.select(_READ)
        usage = usage if len(leg.rows) == whole.height else usage[leg.rows]
        start = usage["start_time"].to_numpy()
        prices = tables.prices
        # 1. Units are converted and rounded up to steps, 2. allowances pay for the first.
        used = tables.converted(leg.tariff, usage["quantity"].to_numpy())
        steps = count_steps(prices, leg.price, used)
        periods = self._finder.periods(leg, start)
        draws = Draws.none(len(start))
        if leg.retail:
            keys = Keys(usage, periods, "allowance", ("subscription",))
            table = self._finder.allowances
            draws = table.draw(paying, start, steps.quantity, keys, counters)
        writes += draws.writes
        # 3. The rest has a price, a connection fee, tiers.
        numerator, bands = self._price(leg, steps, start, draws.covered)
        paid = steps.quantity > draws.covered
        numerator = numerator + np.where(paid, prices.connect[leg.price], 0)
        keys = Keys(usage, periods, "tiers" if leg.retail else f"tiers:{leg.run}")
        climbs = self._climb(leg, steps.quantity - draws.covered, keys, counters, writes)
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
        return Charges(
            leg=leg, start=start, month=periods.of("month"), quantity=steps.quantity, draws=draws,
            bands=bands,
            connect_nano=np.where(paid, prices.connect_nano[leg.price], 0),
            cumulative_before=climbs.before, cumulative_after=climbs.after,
            counters=_counter_texts(draws, climbs),
            capped=capped.astype(np.int64), raised=raised.astype(np.int64),
            numerator=numerator // common,
            denominator=denominator // common,
            nano=amounts.nano, difference_nano=amounts.difference_nano,
        )  # fmt: skip

    def _paying(self, retail: LegFound) -> Ints:
        """List for each row of the retail leg the allowances that may pay it."""
        zone = self._tables.zone_of_entry[retail.entry]
        return self._finder.allowances.lists(retail.offer, retail.tariff, zone)

    def _climb(
        self, leg: LegFound, units: Ints, keys: Keys, counters: Counters, writes: Writes
    ) -> Climbs:
        tiers = self._tables.prices.tiers
        none = np.full(len(units), -1, np.int64)
        rows = np.flatnonzero(tiers.has[leg.price])
        if not len(rows):
            return Climbs(none, none, np.zeros(len(units), np.int64))
        before, after, amount = none.copy(), none.copy(), np.zeros(len(units), np.int64)
        before[rows], after[rows] = 0, np.where(tiers.counts[leg.price[rows]], 1, units[rows])
        counting = rows[~tiers.provisional[leg.price[rows]]]
        reads = []
        if len(counting):
            counted = self._count(leg, counting, after[counting], keys, counters, writes)
            before[counting], after[counting] = counted.before, counted.after
            reads.append((counting, counted.before))
        amount[rows] = tiers.price(leg.price[rows], before[rows], after[rows])
        return Climbs(before, after, amount, reads)

    def _count(
        self, leg: LegFound, rows: Ints, added: Ints, keys: Keys, counters: Counters,
        writes: Writes,
    ) -> Counted:  # fmt: skip
        names = self._tables.prices.tiers.counters
        slots, used = counters.claim(keys.of(names, rows, leg.price[rows]))
        counted = climb(slots, used, added)
        if int(counted.after.max()) > LARGEST_COUNT:
            raise TooLargeError
        writes.append((counted.slots, counted.used))
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


def _counter_texts(draws: Draws, climbs: Climbs) -> tuple[Ints, pl.Series]:
    """Write what was read, for rows that asked more than one allowance.

    Returns:
        Number of each row's text, and the texts by number; the first is empty.
    """
    several = np.flatnonzero(draws.many)
    number = np.zeros(len(draws.many), np.int64)
    number[several] = np.arange(1, len(several) + 1)
    columns = []
    for rows, held in (*draws.reads, *climbs.reads):
        place = number[rows]
        values = np.zeros(len(several) + 1, np.int64)
        known = np.zeros(len(several) + 1, bool)
        values[place], known[place] = held, True
        columns.append(pl.when(pl.Series(known[1:])).then(pl.Series(values[1:]).cast(pl.String)))
    if not len(several):
        return number, pl.Series([""])
    texts = pl.select(pl.concat_str(columns, separator=" ", ignore_nulls=True)).to_series()
    return number, pl.concat([pl.Series([""]), texts.alias("")], rechunk=True)
