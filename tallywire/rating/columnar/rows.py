"""Charges as rows of RatedEvent: numbers without conversion, names by one look-up each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.columns import columns, defaults
from schemas.rated import RatedEvent
from tallywire.hashes import hash128, to_bytes
from tallywire.rating.columnar.clocks import Clock, Ints, month_names
from tallywire.rating.columnar.find import LegFound
from tallywire.rating.columnar.included import Draws
from tallywire.rating.columnar.tables import Tables

Columns = dict[str, pl.Series | pl.Expr]

_OP = "charge"
_ENGINE_VERSION = "1"
_SIGN_SHIFT = 63


@dataclass(frozen=True)
class Charges:
    """What was found for each row of a leg; see the columns of RatedEvent."""

    leg: LegFound
    month: Ints
    quantity: Ints
    draws: Draws
    bands: list[tuple[Ints, Ints]]
    connect_nano: Ints
    cumulative_before: Ints
    cumulative_after: Ints
    counters: pl.Series | None
    capped: npt.NDArray[np.bool_]
    raised: npt.NDArray[np.bool_]
    numerator: Ints
    denominator: Ints
    nano: Ints
    difference_nano: Ints


def decimals(values: Ints, scale: int) -> pl.Series:
    """Read integers as decimals of that many places, without touching a digit."""
    words = np.empty((len(values), 2), np.int64)
    words[:, 0], words[:, 1] = values, values >> _SIGN_SHIFT
    buffer = pa.py_buffer(words.tobytes())
    return pl.Series(
        pa.Decimal128Array.from_buffers(pa.decimal128(38, scale), len(values), [None, buffer])
    )


def _rated_ids(usage: pl.DataFrame, run: str) -> pl.Series:
    texts = usage.select(
        pl.concat_str(
            pl.col("event_id").bin.encode("hex"), "restatement_no", "attempt",
            pl.lit(run), pl.lit(_OP), separator="\x1f",
        )
    )  # fmt: skip
    return to_bytes(*hash128(texts.to_series()))


def _band_names(charges: Charges, tables: Tables, start: Ints) -> pl.Series:
    """Name the bands each row met; rows that met more than one are joined one by one."""
    calendar = tables.calendar[charges.leg.tariff]
    widths = [len(bands.names) for bands in tables.bands]
    bases = np.cumsum([0, *widths])[:-1]
    names = pl.Series([name for bands in tables.bands for name in bands.names], dtype=pl.String)
    first = np.full(len(start), -1, np.int64)
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
        first[row] = _band_at(tables, int(calendar[row]), int(start[row]))
    found = names.gather(bases[calendar] + first)
    if several:
        texts = found.to_list()
        for row, met in several.items():
            own = tables.bands[int(calendar[row])].names
            texts[row] = "+".join(own[number] for number in met)
        found = pl.Series(texts, dtype=pl.String)
    return found


def _band_at(tables: Tables, calendar: int, moment: int) -> int:
    bands = tables.bands[calendar]
    clock = Clock(bands.time_zone, moment, moment)
    return int(bands.at(clock, np.array([moment], np.int64))[0][0])


def rated_rows(
    usage: pl.DataFrame, charges: Charges, tables: Tables, names: pl.Series
) -> pl.DataFrame:
    """Put usage and charges together, in the columns of RatedEvent.

    Args:
        names: Of allowances, after an empty one.
    """
    made = {**_found(usage, charges, tables), **_counted(charges, names), **_money(charges, tables)}
    expressions = []
    for name, column in columns(RatedEvent).items():
        if name in made:
            value = made[name]
        elif name in usage.columns:
            value = usage[name]
        else:
            value = pl.lit(defaults(RatedEvent)[name])
        expressions.append(
            (pl.lit(value) if isinstance(value, pl.Series) else value)
            .cast(column.polars)
            .alias(name)
        )
    return usage.select(expressions)


def _found(usage: pl.DataFrame, charges: Charges, tables: Tables) -> Columns:
    """Say which leg, tariff and price were found, and when."""
    leg, frame = charges.leg, tables.prefixes.frame
    tariff, entry = leg.tariff, leg.entry
    words = tables.words
    return {
        "rated_id": _rated_ids(usage, leg.run),
        "run": pl.lit(leg.run),
        "side": pl.lit("revenue") if leg.retail else leg.side,
        "party_id": pl.lit("") if leg.retail else leg.party,
        "op": pl.lit(_OP),
        "fate_change": pl.lit(int(leg.retail), dtype=pl.Int32),
        "tariff_id": words["tariff_id"].gather(tariff),
        "tariff_revision": frame["revision"].gather(entry),
        "zone_id": frame["zone_id"].gather(entry),
        "matched_prefix": frame["prefix"].gather(entry),
        "price_no": pl.Series(leg.price - tables.prices.base[tariff]),
        "bands": _band_names(charges, tables, usage["start_time"].to_numpy()),
        "time_zone": words["time_zone"].gather(tariff),
        "tax_category": words["tax_category"].gather(tariff),
        "legal_entity": words["legal_entity"].gather(tariff),
        "gl_code": words["gl_code"].gather(tariff),
        "bill_period": month_names(charges.month),
        "rater": pl.lit("columnar"),
        "catalog_hash": pl.lit(tables.snapshot.hash),
        "engine_version": pl.lit(_ENGINE_VERSION),
    }


def _counted(charges: Charges, names: pl.Series) -> Columns:
    """Say what was counted and what allowances paid."""
    draws = charges.draws
    tag = np.where(draws.covered == 0, 0, np.where(draws.covered == charges.quantity, 2, 1))
    return {
        "rated_quantity": pl.Series(charges.quantity),
        "included_quantity": pl.Series(draws.covered),
        "allowance_id": names.gather(draws.allowance + 1),
        "allowance_before": pl.Series(draws.before),
        "allowance_after": pl.Series(draws.after),
        "cumulative_before": pl.Series(charges.cumulative_before),
        "cumulative_after": pl.Series(charges.cumulative_after),
        "counters": pl.lit("") if charges.counters is None else charges.counters,
        "usage_rating_tag": pl.Series(["usage", "mixed", "included"]).gather(tag),
    }


def _money(charges: Charges, tables: Tables) -> Columns:
    """Say what it costs, exactly and rounded."""
    tariff, words = charges.leg.tariff, tables.words
    return {
        "connect_fee": decimals(charges.connect_nano, 9),
        "maximum_applied": pl.Series(charges.capped.astype(np.int32)),
        "minimum_applied": pl.Series(charges.raised.astype(np.int32)),
        "amount_numerator": decimals(charges.numerator, 0),
        "amount_denominator": decimals(charges.denominator, 0),
        "amount": decimals(charges.nano, 9),
        "rounding_mode": words["rounding_mode"].gather(tariff),
        "rounding_scale": pl.Series(tables.scale[tariff].astype(np.int32)),
        "rounding_difference": decimals(charges.difference_nano, 9),
        "currency": words["currency"].gather(tariff),
    }
