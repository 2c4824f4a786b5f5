"""What the sender of a TAP file charges: per event, or per item that divides an event's usage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tallywire.mediation.ber.elements import Ints
from tallywire.mediation.ber.reader import Reader, numbered
from tallywire.mediation.decoders.tap import tags

_TOTAL = "00"


@dataclass(frozen=True)
class Charges:
    """Charges of some events.

    Attributes:
        rows: A row for each piece of charge information: `event`, `charged_item`, `charge`,
            `tax`, `discount`, `units`, `rate_code`, `wrong` (a number in it is none).
    """

    rows: pl.DataFrame


def _down(owner: Ints, reader: Reader, path: Sequence[int]) -> tuple[Ints, Reader]:
    """Follow a path of elements, any number of each."""
    for tag in path:
        row, reader = reader.items(tag)
        owner = owner[row]
    return owner, reader


def _sum(reader: Reader, list_tags: Sequence[int], value: int) -> tuple[pl.Series, pl.Series]:
    """Add up a number over the elements of a list of each row; and tell where one is none."""
    owner, items = _down(np.arange(len(reader)), reader, list_tags)
    total, wrong = np.zeros(len(reader), np.int64), np.zeros(len(reader), bool)
    np.add.at(total, owner, items.integer(value).fill_null(0).to_numpy())
    bad = items.unread(integers=(value,)).to_numpy()
    wrong[owner[bad]] = True
    return pl.Series(total), pl.Series(wrong)


def _total(information: Reader) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Give the total charge of each piece, its chargeable units, and whether a number is none."""
    owner, details = _down(
        np.arange(len(information)), information, (tags.CHARGE_DETAILS, tags.CHARGE_DETAIL)
    )
    kind = details.text(tags.CHARGE_TYPE).to_numpy(allow_copy=True)
    charge = details.integer(tags.CHARGE).fill_null(0).to_numpy()
    units = details.integer(tags.CHARGEABLE_UNITS).fill_null(-1).to_numpy()
    count = len(information)
    said, all_of, unit = (np.zeros(count, np.int64) for _ in range(3))
    has, wrong = np.zeros(count, bool), np.zeros(count, bool)
    unit -= 1
    total = kind == _TOTAL
    np.add.at(said, owner[total], charge[total])
    np.add.at(all_of, owner, charge)
    unit[owner[total]] = units[total]
    has[owner[total]] = True
    bad = details.unread(integers=(tags.CHARGE, tags.CHARGEABLE_UNITS)).to_numpy()
    wrong[owner[bad]] = True
    return pl.Series(np.where(has, said, all_of)), pl.Series(unit), pl.Series(wrong)


def charges(events: Reader, *paths: Sequence[int]) -> Charges:
    """Read the charges of events, wherever they lie."""
    parts = [_information(*_down(np.arange(len(events)), events, path)) for path in paths]
    return Charges(pl.concat(parts).sort("event", maintain_order=True))


def _information(owner: Ints, information: Reader) -> pl.DataFrame:
    charge, units, wrong = _total(information)
    tax, bad_tax = _sum(information, (tags.TAXES, tags.TAX), tags.TAX_VALUE)
    discount, bad = _sum(information, (tags.DISCOUNT_INFORMATION,), tags.DISCOUNT)
    return pl.DataFrame(
        {
            "event": owner, "charged_item": information.text(tags.CHARGED_ITEM), "charge": charge,
            "tax": tax, "discount": discount, "units": units,
            "rate_code": information.integer(tags.RATE_CODE), "wrong": wrong | bad_tax | bad,
        },
        schema_overrides={"event": pl.Int64(), "rate_code": pl.Int64()},
    )  # fmt: skip


def with_fee(found: Charges, fee: pl.Series) -> Charges:
    """Add a fee of each event, where it has one, to its charges."""
    rows = pl.DataFrame({"event": np.arange(len(fee)), "charge": fee}).filter(
        pl.col("charge").is_not_null()
    )
    rows = rows.with_columns(
        pl.lit("").alias("charged_item"), pl.lit(0, pl.Int64).alias("tax"),
        pl.lit(0, pl.Int64).alias("discount"), pl.lit(-1, pl.Int64).alias("units"),
        pl.lit(None, pl.Int64).alias("rate_code"), pl.lit(value=False).alias("wrong"),
    )  # fmt: skip
    both = pl.concat([found.rows, rows.select(found.rows.columns)])
    return Charges(both.sort("event", maintain_order=True))


def per_row(found: Charges, quantity: Ints) -> pl.DataFrame:
    """Give the rows of events: one each, or one for each piece of charge that divides its usage.

    Usage is divided where an event has several pieces and their chargeable units add up to it;
    otherwise the charges are added up, so that usage is never counted twice.

    Args:
        quantity: Usage of each event, in the units that charges are for.

    Returns:
        `event`, `item_no`, `units` (-1: the event's whole usage), `divided`, sums of `charge`,
        `tax`, `discount`, `charged_item`, `rate_code`, `wrong`.
    """
    count = len(quantity)
    rows = found.rows
    owner = rows["event"].to_numpy()
    units = rows["units"].to_numpy()
    pieces, known = np.bincount(owner, minlength=count), np.zeros(count, np.int64)
    np.add.at(known, owner, np.maximum(units, 0))
    unknown = np.bincount(owner[units < 0], minlength=count) > 0
    divides = (pieces > 1) & ~unknown & (known == quantity) & (quantity > 0)
    apart = rows.filter(pl.Series(divides[owner]))
    apart = apart.with_columns(
        pl.Series("item_no", numbered(apart["event"].to_numpy()), dtype=pl.Int64),
        pl.lit(value=True).alias("divided"),
    )
    together = (
        rows.filter(pl.Series(~divides[owner]))
        .group_by("event", maintain_order=True)
        .agg(
            pl.col("charged_item").str.join(""), pl.col("charge", "tax", "discount").sum(),
            pl.col("rate_code").drop_nulls().first(), pl.col("wrong").any(),
        )
    )  # fmt: skip
    free = np.flatnonzero(pieces == 0)
    whole = pl.concat([together, pl.DataFrame({"event": free})], how="diagonal_relaxed")
    whole = whole.with_columns(
        pl.lit(0, pl.Int64).alias("item_no"), pl.lit(-1, pl.Int64).alias("units"),
        pl.lit(value=False).alias("divided"),
    )  # fmt: skip
    made = pl.concat([apart, whole], how="diagonal_relaxed").sort("event", "item_no")
    return made.with_columns(
        pl.col("charged_item").fill_null(""), pl.col("wrong").fill_null(value=False),
        pl.col("tax", "discount").fill_null(0),
    )  # fmt: skip


def decimal_text(value: pl.Expr, places: int) -> pl.Expr:
    """Write whole numbers of the last decimal place as decimals, exactly; nine places at most."""
    digits = value.abs().cast(pl.String).str.pad_start(places + 1, "0")
    body = digits
    if places:
        body = (
            digits.str.slice(0, digits.str.len_bytes() - places)
            + "."
            + digits.str.slice(digits.str.len_bytes().cast(pl.Int64) - places)
        )
    return pl.when(value < 0).then(pl.lit("-") + body).otherwise(body)
