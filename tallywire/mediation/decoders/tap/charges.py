"""What the sender of a TAP file charges: per event, or per item that divides an event's usage."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tallywire.mediation.ber.elements import Flags, Ints
from tallywire.mediation.ber.reader import Reader, numbered
from tallywire.mediation.decoders.tap import tags
from tallywire.mediation.decoders.tap.head import Head

_TOTAL = "00"
CHARGE_RULES = (
    "charged_item_invalid", "charge_total_missing", "charge_negative", "charge_sum_differs",
    "rate_code_unknown", "tax_code_unknown", "discount_code_unknown",
)  # fmt: skip
"""Rules that a piece of charge information can break."""
_NEGATIVE = 1 << CHARGE_RULES.index("charge_negative")


@dataclass(frozen=True)
class Totals:
    """Totals of pieces of charge information.

    Attributes:
        charge: Total charge; the sum of all where none is marked as the total.
        units: Chargeable units of the total; -1 where it says none.
        wrong: A number in it is none.
        marked: It has a total.
        negative: A charge in it is less than nothing.
        differs: Its parts, where it has some, do not add up to the total.
    """

    charge: Ints
    units: Ints
    wrong: Flags
    marked: Flags
    negative: Flags
    differs: Flags


@dataclass(frozen=True)
class Charges:
    """Charges of some events.

    Attributes:
        rows: A row for each piece of charge information: `event`, `charged_item`, `charge`,
            `tax`, `discount`, `units`, `rate_code`, `wrong` (a number in it is none), `faults`
            (the rules that it breaks, a bit each, by their place in CHARGE_RULES).
        count: How many events they are of.
    """

    rows: pl.DataFrame
    count: int

    def faults(self) -> Ints:
        """Give the rules that each event breaks: a bit is set where a piece of it breaks one."""
        found = np.zeros(self.count, np.int64)
        np.bitwise_or.at(found, self.rows["event"].to_numpy(), self.rows["faults"].to_numpy())
        return found

    def units(self, *items: str) -> Ints:
        """Add up the units that each event charges for some items; 0 where it says none."""
        rows = self.rows.filter(pl.col("charged_item").is_in(items) & (pl.col("units") > 0))
        found = np.zeros(self.count, np.int64)
        np.add.at(found, rows["event"].to_numpy(), rows["units"].to_numpy())
        return found


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


def _total(information: Reader) -> Totals:
    """Read the charge details of each piece."""
    owner, details = _down(
        np.arange(len(information)), information, (tags.CHARGE_DETAILS, tags.CHARGE_DETAIL)
    )
    kind = details.text(tags.CHARGE_TYPE).to_numpy(allow_copy=True)
    charge = details.integer(tags.CHARGE).fill_null(0).to_numpy()
    units = details.integer(tags.CHARGEABLE_UNITS).fill_null(-1).to_numpy()
    count = len(information)
    said, parts, unit = (np.zeros(count, np.int64) for _ in range(3))
    marked, wrong, negative, parted = (np.zeros(count, bool) for _ in range(4))
    unit -= 1
    total = kind == _TOTAL
    np.add.at(said, owner[total], charge[total])
    np.add.at(parts, owner[~total], charge[~total])
    unit[owner[total]] = units[total]
    marked[owner[total]] = True
    parted[owner[~total]] = True
    negative[owner[charge < 0]] = True
    bad = details.unread(integers=(tags.CHARGE, tags.CHARGEABLE_UNITS)).to_numpy()
    wrong[owner[bad]] = True
    return Totals(
        np.where(marked, said, parts), unit, wrong, marked, negative,
        marked & parted & (said != parts),
    )  # fmt: skip


def charges(events: Reader, head: Head, *paths: Sequence[int]) -> Charges:
    """Read the charges of events, wherever they lie."""
    count = len(events)
    parts = [_information(*_down(np.arange(count), events, path), head) for path in paths]
    return Charges(pl.concat(parts).sort("event", maintain_order=True), count)


def _unknown(information: Reader, path: Sequence[int], code: int, known: Iterable[int]) -> Flags:
    """Tell which pieces use a code that the file does not explain."""
    owner, items = _down(np.arange(len(information)), information, path)
    codes = items.integer(code)
    found = np.zeros(len(information), bool)
    strange = (codes.is_not_null() & ~codes.is_in(list(known))).to_numpy()
    found[owner[strange]] = True
    return found


def _information(owner: Ints, information: Reader, head: Head) -> pl.DataFrame:
    total = _total(information)
    tax, bad_tax = _sum(information, (tags.TAXES, tags.TAX), tags.TAX_VALUE)
    discount, bad = _sum(information, (tags.DISCOUNT_INFORMATION,), tags.DISCOUNT)
    item = information.text(tags.CHARGED_ITEM)
    broken = {
        "charged_item_invalid": (item.str.len_chars() != 1).to_numpy(),
        "charge_total_missing": ~total.marked,
        "charge_negative": total.negative,
        "charge_sum_differs": total.differs,
        "rate_code_unknown": _unknown(information, (), tags.RATE_CODE, head.rates),
        "tax_code_unknown": _unknown(
            information, (tags.TAXES, tags.TAX), tags.TAX_CODE, head.taxes
        ),
        "discount_code_unknown": _unknown(
            information, (tags.DISCOUNT_INFORMATION,), tags.DISCOUNT_CODE, head.discounts
        ),
    }
    faults = np.zeros(len(information), np.int64)
    for place, rule in enumerate(CHARGE_RULES):
        faults |= broken[rule].astype(np.int64) << place
    return pl.DataFrame(
        {
            "event": owner, "charged_item": item, "charge": total.charge, "tax": tax,
            "discount": discount, "units": total.units,
            "rate_code": information.integer(tags.RATE_CODE),
            "wrong": pl.Series(total.wrong) | bad_tax | bad, "faults": faults,
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
        pl.when(pl.col("charge") < 0).then(_NEGATIVE).otherwise(0).cast(pl.Int64).alias("faults"),
    )  # fmt: skip
    both = pl.concat([found.rows, rows.select(found.rows.columns)])
    return Charges(both.sort("event", maintain_order=True), found.count)


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
