"""Charges as rows of RatedEvent: numbers without conversion, names by one look-up each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.canaries import CANARY
from schemas.columns import columns, defaults
from schemas.rated import RatedEvent
from tallywire.hashes import hash128, to_bytes
from tallywire.rating.columnar.clocks import Clock, Ints
from tallywire.rating.columnar.find import LegFound
from tallywire.rating.columnar.included import Draws
from tallywire.rating.columnar.places import Places, is_constant
from tallywire.rating.columnar.tables import Tables

Columns = dict[str, pl.Series | pl.Expr]

_OP = "charge"
_ENGINE_VERSION = "1"
_SIGN_SHIFT = 63


@dataclass(frozen=True)
class Charges:
    """What was found for each row of a leg; see the columns of RatedEvent.

    Attributes:
        capped, raised: 1 where the maximum or the minimum was charged.
        leg: The leg, of which `rows` are places in the usage.
        start: When the usage of each row began.
        bands: Rows and bands met, in the order they were met.
        month: Number of each row's month, and their names by number.
        counters: The same for texts of what was read.
    """

    leg: LegFound
    start: Ints
    month: tuple[Ints, list[str]]
    quantity: Ints
    draws: Draws
    bands: list[tuple[Ints, Ints]]
    connect_nano: Ints
    cumulative_before: Ints
    cumulative_after: Ints
    counters: tuple[Ints, pl.Series]
    capped: Ints
    raised: Ints
    numerator: Ints
    denominator: Ints
    nano: Ints
    difference_nano: Ints


@dataclass(frozen=True)
class _Legs:
    """Charges of all legs, to be put together in the order of their usage."""

    charges: Sequence[Charges]
    places: Places

    def joined(self, part: Callable[[Charges], Ints]) -> Ints:
        """Join one array of each leg."""
        return self.places.joined([part(one) for one in self.charges])

    def by_leg(self, values: Sequence[str | int]) -> pl.Series | pl.Expr:
        """Give one value to each row of a leg."""
        if len(set(values)) == 1:
            return pl.lit(values[0])
        numbers = [np.full(len(one.start), number) for number, one in enumerate(self.charges)]
        return pl.Series(values).gather(self.places.joined(numbers))

    def texts(self, part: Callable[[Charges], tuple[Ints, Sequence[str] | pl.Series]]) -> pl.Series:
        """Join texts of each leg, given as numbers and the texts by number."""
        parts = [part(one) for one in self.charges]
        bounds = np.cumsum([0, *(len(texts) for _, texts in parts)])
        numbers = [one + low for (one, _), low in zip(parts, bounds, strict=False)]
        every = pl.concat([pl.Series(texts, dtype=pl.String) for _, texts in parts], rechunk=True)
        if len(every) == 1:
            return every.new_from_index(0, self.places.height)
        return every.gather(self.places.joined(numbers))


def decimals(values: Ints, scale: int) -> pl.Series:
    """Read integers as decimals of that many places, without touching a digit."""
    words = np.empty((len(values), 2), np.int64)
    words[:, 0], words[:, 1] = values, values >> _SIGN_SHIFT
    buffer = pa.py_buffer(words.tobytes())
    return pl.Series(
        pa.Decimal128Array.from_buffers(pa.decimal128(38, scale), len(values), [None, buffer])
    )


def _rated_ids(usage: pl.DataFrame, legs: _Legs) -> pl.Series:
    """Hash the text that names each charge: the event in hex, two numbers, the run."""
    event = usage.select(pl.col("event_id").bin.encode("hex")).to_series()
    numbers = [usage["restatement_no"], usage["attempt"]]
    plain = all(is_constant(number) for number in numbers)
    if plain:
        middle = "".join(f"\x1f{number[0]}" for number in numbers)
    else:
        event = usage.select(
            pl.concat_str(event, "restatement_no", "attempt", separator="\x1f")
        ).to_series()
        middle = ""
    words = []
    for one in legs.charges:
        own = event if len(one.start) == usage.height else event.gather(one.leg.rows)
        words.append(hash128(own + f"{middle}\x1f{one.leg.run}\x1f{_OP}"))
    join = legs.places.joined
    return to_bytes(join([hi for hi, _ in words]), join([lo for _, lo in words]))


def _band_names(legs: _Legs, tables: Tables) -> pl.Series:
    """Name the bands each row met."""
    names = [name for bands in tables.bands for name in bands.names]
    numbers = [_band_numbers(one, tables, names) for one in legs.charges]
    return pl.Series(names, dtype=pl.String).gather(legs.places.joined(numbers))


def _band_numbers(charges: Charges, tables: Tables, names: list[str]) -> Ints:
    """Number the names of bands; where a row met several they are joined and added as one."""
    calendar = tables.calendar[charges.leg.tariff]
    bases = np.cumsum([0, *(len(bands.names) for bands in tables.bands)])[:-1]
    first = np.full(len(calendar), -1, np.int64)
    several: dict[int, list[int]] = {}
    for rows, band in charges.bands:
        new = first[rows] < 0
        first[rows[new]] = band[new]
        other = ~new & (first[rows] != band)
        for row, number in zip(rows[other].tolist(), band[other].tolist(), strict=True):
            met = several.setdefault(row, [int(first[row])])
            if number not in met:
                met.append(number)
    for row in np.flatnonzero(first < 0).tolist():
        first[row] = _band_at(tables, int(calendar[row]), int(charges.start[row]))
    found: Ints = bases[calendar] + first
    number_of: dict[str, int] = {}
    for row, met in several.items():
        own = tables.bands[int(calendar[row])].names
        name = "+".join(own[number] for number in met)
        found[row] = number_of.setdefault(name, len(names) + len(number_of))
    names += number_of
    return found


def _band_at(tables: Tables, calendar: int, moment: int) -> int:
    bands = tables.bands[calendar]
    clock = Clock(bands.time_zone, moment, moment)
    return int(bands.at(clock, np.array([moment], np.int64))[0][0])


def rated_rows(
    usage: pl.DataFrame, charges: Sequence[Charges], tables: Tables, names: pl.Series
) -> pl.DataFrame:
    """Put usage and the charges of all its legs together, in the columns of RatedEvent.

    Args:
        names: Of allowances, after an empty one.
    """
    places = Places([one.leg.rows for one in charges], usage.height)
    legs = _Legs(charges, places)
    made = {**_found(usage, legs, tables), **_counted(legs, names), **_money(legs, tables)}
    expressions = []
    for name, column in columns(RatedEvent).items():
        if name in made:
            value = made[name]
        elif name in usage.columns:
            value = places.of_usage(usage[name])
        else:
            value = pl.lit(defaults(RatedEvent)[name])
        expressions.append(
            (pl.lit(value) if isinstance(value, pl.Series) else value)
            .cast(column.polars)
            .alias(name)
        )
    return pl.DataFrame({"": pl.Series([0]).new_from_index(0, places.height)}).select(expressions)


def _found(usage: pl.DataFrame, legs: _Legs, tables: Tables) -> Columns:
    """Say which leg, tariff and price were found, and when."""
    frame, of = tables.prefixes.frame, [one.leg for one in legs.charges]
    tariff, entry = legs.joined(lambda one: one.leg.tariff), legs.joined(lambda one: one.leg.entry)
    price = legs.joined(lambda one: one.leg.price)
    words = ("tariff_id", "time_zone", "tax_category", "legal_entity", "gl_code")
    return {
        **{name: tables.word(name, tariff) for name in words},
        "rated_id": _rated_ids(usage, legs),
        "run": legs.by_leg([leg.run for leg in of]),
        "side": _sides(usage, legs),
        "party_id": legs.texts(lambda one: (one.leg.party, one.leg.parties)),
        "op": pl.lit(_OP),
        "fate_change": legs.by_leg([int(leg.retail) for leg in of]),
        "tariff_revision": frame["revision"].gather(entry),
        "zone_id": frame["zone_id"].gather(entry),
        "matched_prefix": frame["prefix"].gather(entry),
        "price_no": pl.Series(price - tables.prices.base[tariff]),
        "bands": _band_names(legs, tables),
        "bill_period": legs.texts(lambda one: one.month),
        "rater": pl.lit("columnar"),
        "catalog_hash": pl.lit(tables.snapshot.hash),
        "engine_version": pl.lit(_ENGINE_VERSION),
    }


def _sides(usage: pl.DataFrame, legs: _Legs) -> pl.Series | pl.Expr:
    """Say whether a charge is revenue or cost; that of a canary is neither."""
    sides = legs.texts(lambda one: (one.leg.party, one.leg.sides))
    if "quality_flags" not in usage.columns:
        return sides
    flags = usage["quality_flags"]
    if not flags.str.contains(CANARY, literal=True).any():
        return sides
    own = flags.str.split(",").list.contains(CANARY)
    return pl.when(legs.places.of_usage(own)).then(pl.lit(CANARY)).otherwise(pl.lit(sides))


def _counted(legs: _Legs, names: pl.Series) -> Columns:
    """Say what was counted and what allowances paid."""
    quantity = legs.joined(lambda one: one.quantity)
    covered = legs.joined(lambda one: one.draws.covered)
    allowance = legs.joined(lambda one: one.draws.allowance)
    tag = np.where(covered == 0, 0, np.where(covered == quantity, 2, 1))
    return {
        "rated_quantity": pl.Series(quantity),
        "included_quantity": pl.Series(covered),
        "allowance_id": names.gather(allowance + 1),
        "allowance_before": pl.Series(legs.joined(lambda one: one.draws.before)),
        "allowance_after": pl.Series(legs.joined(lambda one: one.draws.after)),
        "cumulative_before": pl.Series(legs.joined(lambda one: one.cumulative_before)),
        "cumulative_after": pl.Series(legs.joined(lambda one: one.cumulative_after)),
        "counters": legs.texts(lambda one: one.counters),
        "usage_rating_tag": pl.Series(["usage", "mixed", "included"]).gather(tag),
    }


def _money(legs: _Legs, tables: Tables) -> Columns:
    """Say what it costs, exactly and rounded."""
    tariff = legs.joined(lambda one: one.leg.tariff)
    return {
        "connect_fee": decimals(legs.joined(lambda one: one.connect_nano), 9),
        "maximum_applied": pl.Series(legs.joined(lambda one: one.capped)),
        "minimum_applied": pl.Series(legs.joined(lambda one: one.raised)),
        "amount_numerator": decimals(legs.joined(lambda one: one.numerator), 0),
        "amount_denominator": decimals(legs.joined(lambda one: one.denominator), 0),
        "amount": decimals(legs.joined(lambda one: one.nano), 9),
        "rounding_mode": tables.word("rounding_mode", tariff),
        "rounding_scale": pl.Series(tables.scale[tariff]),
        "rounding_difference": decimals(legs.joined(lambda one: one.difference_nano), 9),
        "currency": tables.word("currency", tariff),
    }
