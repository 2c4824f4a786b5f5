"""A batch to charges: the order of the steps is the order of `ColumnarRater.charge`."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.reasons import Reason
from schemas.services import QUANTITY_LIMIT
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.columnar.allowances import draw
from tallywire.rating.columnar.clocks import Clock, Ints, month_names, months
from tallywire.rating.columnar.increments import Steps, Stretches, count_steps, stretches
from tallywire.rating.columnar.prefixes import Matches
from tallywire.rating.columnar.rounding import round_ratios
from tallywire.rating.columnar.rows import Charges, rated_rows
from tallywire.rating.columnar.tables import ZONE_FIELDS, Tables
from tallywire.rating.counters import Counters

Flags = npt.NDArray[np.bool_]

_LONGEST_DRAW = 10**12
"""A larger quantity could let the sums of one batch overflow: such rows are not taken."""


@dataclass(frozen=True)
class Outcome:
    """What rating made of a batch.

    Attributes:
        rated: Rows of RatedEvent, in input order, without ledger time and token.
        refused: Input rows with reason, detail and missing_ref, in input order.
    """

    rated: pl.DataFrame
    refused: pl.DataFrame


@dataclass(frozen=True)
class Found:
    """The price of each row that has one.

    Attributes:
        usage: Those rows.
        takeable: Rows this rater may charge: the tariff is `scan`, and everything provably fits.
        refused: The other rows of the batch, with their reasons.
        kept: Places of `usage` rows in the batch.
    """

    usage: pl.DataFrame
    offer: Ints
    tariff: Ints
    entry: Ints
    price: Ints
    takeable: Flags
    refused: pl.DataFrame
    kept: Ints


class ColumnarRater:
    """The fast rater of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._tables = Tables(snapshot)

    def find(self, batch: pl.DataFrame) -> Found:
        """Find the tariff, the prefix and the price of every row, or the reason it has none."""
        tables = self._tables
        offer = tables.offer_codes.of(batch["offer_id"])
        legs = batch.select(pl.concat_str("service", "direction", separator="\x1f"))
        tariff = tables.tariff_of[offer, tables.leg_codes.of(legs.to_series())]
        quantity = batch["quantity"].to_numpy()
        reasons = np.zeros(batch.height, np.int64)
        _refuse(reasons, tariff < 0, Reason.TARIFF_MISSING)
        known = np.maximum(tariff, 0)
        if not tables.tariffs:
            return self._found(batch, offer, tariff, known, reasons, pl.Series([""] * batch.height))
        wrong_unit = (batch["unit"] != tables.unit.gather(known)).to_numpy()
        _refuse(reasons, wrong_unit, Reason.UNIT_MISMATCH)
        _refuse(reasons, quantity > QUANTITY_LIMIT, Reason.QUANTITY_OUT_OF_RANGE)
        digits = self._digits(batch, known)
        matches = tables.prefixes.find(known, digits, batch["start_time"].to_numpy())
        _refuse_matches(reasons, matches)
        return self._found(batch, offer, tariff, matches.entry, reasons, digits)

    def _digits(self, batch: pl.DataFrame, tariff: Ints) -> pl.Series:
        field = self._tables.zone_field[tariff]
        texts = pl.lit("")
        for code, name in enumerate(ZONE_FIELDS[1:], start=1):
            if (field == code).any():
                texts = pl.when(pl.Series(field == code)).then(pl.col(name)).otherwise(texts)
        return batch.select(texts.alias("digits"), pl.col("quantity"))["digits"]

    def _found(
        self, batch: pl.DataFrame, offer: Ints, tariff: Ints, entry: Ints, reasons: Ints,
        digits: pl.Series,
    ) -> Found:  # fmt: skip
        tables = self._tables
        good = reasons == 0
        kept = np.flatnonzero(good)
        refused = _refused_rows(batch, reasons, digits, tables, tariff)
        usage = batch if good.all() else batch.filter(pl.Series(good))
        offer, tariff, entry = offer[kept], tariff[kept], entry[kept]
        if not len(kept):
            empty = np.empty(0, np.int64)
            return Found(usage, empty, empty, empty, empty, np.empty(0, bool), refused, kept)
        price = tables.price_of_entry[entry]
        quantity = usage["quantity"].to_numpy()
        takeable = (
            ~tables.sequential[tariff]
            & (quantity <= tables.prices.limit[price])
            & (quantity <= _LONGEST_DRAW)
        )
        return Found(usage, offer, tariff, entry, price, takeable, refused, kept)

    def charge(self, found: Found, counters: Counters) -> pl.DataFrame:
        """Charge rows that are all takeable, drawing allowances in their order."""
        tables, usage = self._tables, found.usage
        start = usage["start_time"].to_numpy()
        steps = count_steps(tables.prices, found.price, usage["quantity"].to_numpy())
        month = self._months(found, start)
        allowance = tables.allowance(found.offer, found.tariff, found.entry)
        before, covered = self._draw(usage, allowance, month, steps.quantity, counters)
        numerator, bands = self._price(found, steps, start, covered)
        paid = steps.quantity > covered
        connect = np.where(paid, tables.prices.connect[found.price], 0)
        numerator = numerator + connect
        capped = numerator > tables.prices.maximum[found.price]
        numerator = np.minimum(numerator, tables.prices.maximum[found.price])
        minimum = np.where(paid, tables.prices.minimum[found.price], 0)
        raised = numerator < minimum
        numerator = np.maximum(numerator, minimum)
        denominator = tables.prices.denominator[found.price]
        amounts = round_ratios(
            numerator, denominator, tables.mode[found.tariff], tables.scale[found.tariff]
        )
        common = np.gcd(numerator, denominator)
        charges = Charges(
            offer=found.offer, tariff=found.tariff, entry=found.entry, month=month,
            quantity=steps.quantity, allowance=allowance, before=before, covered=covered,
            bands=bands, connect_nano=np.where(paid, tables.prices.connect_nano[found.price], 0),
            capped=capped, raised=raised, numerator=numerator // common,
            denominator=denominator // common,
            nano=amounts.nano, difference_nano=amounts.difference_nano,
        )  # fmt: skip
        return rated_rows(usage, charges, tables)

    def _months(self, found: Found, start: Ints) -> Ints:
        zones = [offer.time_zone for offer in self._tables.offers]
        distinct = sorted(set(zones))
        number = np.array([distinct.index(zone) for zone in zones], np.int64)[found.offer]
        month = np.zeros(len(start), np.int64)
        for code, zone in enumerate(distinct):
            rows = np.flatnonzero(number == code)
            if len(rows):
                clock = Clock(zone, int(start[rows].min()), int(start[rows].max()))
                month[rows] = months(clock, start[rows])
        return month

    def _draw(
        self, usage: pl.DataFrame, allowance: Ints, month: Ints, wanted: Ints, counters: Counters
    ) -> tuple[Ints, Ints]:
        before = np.full(len(wanted), -1, np.int64)
        covered = np.zeros(len(wanted), np.int64)
        rows = np.flatnonzero(allowance >= 0)
        if not len(rows):
            return before, covered
        chosen = allowance[rows]
        keys = pl.DataFrame(
            {
                "subscription": usage["subscription_id"].gather(rows),
                "allowance": self._tables.allowance_names.gather(chosen),
                "month": month_names(month[rows]),
            }
        ).select(pl.concat_str(pl.all(), separator="\x1f"))
        slots, used = counters.claim(keys.to_series())
        limit = self._tables.allowance_size[chosen]
        drawn = draw(slots, used, limit, wanted[rows])
        before[rows], covered[rows] = drawn.before, drawn.covered
        counters.write(drawn.slots, drawn.used)
        return before, covered

    def _price(
        self, found: Found, steps: Steps, start: Ints, covered: Ints
    ) -> tuple[Ints, list[tuple[Ints, Ints]]]:
        """Sum the rates of what allowances do not cover; also the bands met, in order."""
        tables = self._tables
        total = np.zeros(len(start), np.int64)
        left = covered.copy()
        bands: list[tuple[Ints, Ints]] = []
        for rows, stretch in self._stretches(found, steps, start):
            here = rows[stretch.rows]
            free = np.minimum(left[here], stretch.length)
            left[here] -= free
            rates = tables.prices.rates[found.price[here], stretch.group, stretch.band]
            total[here] += (stretch.length - free) * rates
            bands.append((here, stretch.band))
        return total, bands

    def _stretches(
        self, found: Found, steps: Steps, start: Ints
    ) -> Iterator[tuple[Ints, Stretches]]:
        tables = self._tables
        calendar = tables.calendar[found.tariff]
        longest = int(steps.quantity.max(initial=0))
        for number, bands in enumerate(tables.bands):
            rows = np.flatnonzero(calendar == number)
            if not len(rows):
                continue
            part = Steps(steps.first[rows], steps.count[rows], steps.quantity[rows])
            straddle = tables.straddle[found.tariff[rows]]
            last = int(start[rows].max()) + (longest if straddle.any() else 0)
            clock = Clock(bands.time_zone, int(start[rows].min()), last)
            yield from (
                (rows, stretch)
                for stretch in stretches(
                    tables.prices, part, found.price[rows], start[rows], bands, clock, straddle
                )
            )


_REASONS = tuple(Reason)


def _refuse(reasons: Ints, wrong: Flags, reason: Reason) -> None:
    reasons[wrong & (reasons == 0)] = _REASONS.index(reason) + 1


def _refuse_matches(reasons: Ints, matches: Matches) -> None:
    missing = matches.entry < 0
    _refuse(reasons, missing & ~matches.known, Reason.ZONE_UNKNOWN)
    _refuse(reasons, missing, Reason.PRICE_NOT_EFFECTIVE)


def _refused_rows(
    batch: pl.DataFrame, reasons: Ints, digits: pl.Series, tables: Tables, tariff: Ints
) -> pl.DataFrame:
    """Say for each refused row what is missing, in the words the rulebook uses."""
    bad = np.flatnonzero(reasons)
    rows = batch[bad] if len(bad) else batch.clear()
    names, details, refs = [], [], []
    for place, row in zip(bad.tolist(), rows.iter_rows(named=True), strict=True):
        reason = _REASONS[int(reasons[place]) - 1]
        name = tables.tariffs[int(tariff[place])].tariff_id if tariff[place] >= 0 else ""
        ref = str(digits[place])
        detail = f"tariff {name} has no price for {ref!r}"
        if reason is Reason.TARIFF_MISSING:
            ref = f"{row['offer_id']}/{row['service']}/{row['direction']}"
            detail = f"no tariff for {ref}"
        elif reason is Reason.UNIT_MISMATCH:
            unit = tables.tariffs[int(tariff[place])].unit
            detail, ref = f"usage is counted in {row['unit']}, tariff {name} in {unit}", name
        elif reason is Reason.QUANTITY_OUT_OF_RANGE:
            detail, ref = f"quantity {row['quantity']}", ""
        names.append(reason.value)
        details.append(detail)
        refs.append(ref)
    return rows.with_columns(
        pl.Series("reason", names, dtype=pl.String),
        pl.Series("detail", details, dtype=pl.String),
        pl.Series("missing_ref", refs, dtype=pl.String),
    )
