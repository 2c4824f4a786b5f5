"""Finding prices in columns: for every leg of every row the tariff, the prefix and the price."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.reasons import Reason
from schemas.services import QUANTITY_LIMIT
from tallywire.catalog.snapshot import Tariff
from tallywire.rating.columnar.tables import ZONE_FIELDS, Tables

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

REASONS = tuple(Reason)


@dataclass(frozen=True)
class Search:
    """What a search gave, row by row.

    Attributes:
        tariff: The tariff that has a price; where none has, the first that was asked.
        entry: Its prefix, -1 without.
        price: Its price, -1 without.
        reason: 0, or one more than an index into REASONS: why the first tariff asked has none.
        digits: The number it was asked with.
        zone: Entry that the first tariff found, where its attributes fit no price.
    """

    tariff: Ints
    entry: Ints
    price: Ints
    reason: Ints
    digits: pl.Series
    zone: Ints


def search(tables: Tables, usage: pl.DataFrame, levels: Sequence[Ints]) -> Search:
    """Ask the tariffs of each row in turn until one has a price.

    Args:
        tables: Of the snapshot.
        usage: Rows of UsageEvent.
        levels: Tariff numbers to ask first, second, ...; -1 for none.
    """
    first = levels[0]
    reason = np.where(first < 0, _code(Reason.TARIFF_MISSING), 0)
    none = np.full(usage.height, -1, np.int64)
    digits = pl.Series([""]).new_from_index(0, usage.height)
    found = Search(first.copy(), none.copy(), none.copy(), reason, digits, none.copy())
    if not tables.tariffs:
        return found
    for number, tariff in enumerate(levels):
        rows = np.flatnonzero((found.price < 0) & (tariff >= 0))
        if not len(rows):
            continue
        whole = len(rows) == usage.height
        asked = usage if whole else usage[rows]
        made = _ask(tables, asked, tariff[rows])
        if whole and (made.price >= 0).all():
            return made
        if not number:
            found.reason[rows] = made.reason
            found.zone[rows] = made.zone
            digits = made.digits if whole else digits.scatter(rows, made.digits)
        good = made.price >= 0
        for target, values in (
            (found.tariff, tariff[rows]), (found.entry, made.entry), (found.price, made.price)
        ):  # fmt: skip
            target[rows[good]] = values[good]
    reason = np.where(found.price >= 0, 0, found.reason)
    return Search(found.tariff, found.entry, found.price, reason, digits, found.zone)


def _code(reason: Reason) -> int:
    return REASONS.index(reason) + 1


def _ask(tables: Tables, usage: pl.DataFrame, tariff: Ints) -> Search:
    """Ask one tariff of each row."""
    reason = np.zeros(usage.height, np.int64)
    wrong_unit = (usage["unit"] != tables.unit.gather(tariff)).to_numpy()
    _refuse(reason, wrong_unit, Reason.UNIT_MISMATCH)
    _refuse(reason, usage["quantity"].to_numpy() > QUANTITY_LIMIT, Reason.QUANTITY_OUT_OF_RANGE)
    digits = _digits(tables, usage, tariff)
    matches = tables.prefixes.find(tariff, digits, usage["start_time"].to_numpy())
    missing = matches.entry < 0
    _refuse(reason, missing & ~matches.known, Reason.ZONE_UNKNOWN)
    _refuse(reason, missing, Reason.PRICE_NOT_EFFECTIVE)
    entry = np.where(reason == 0, matches.entry, -1)
    price = np.where(entry >= 0, tables.prices.base[tariff] + tables.price_no[entry], -1)
    chosen = tables.variants.choose(usage, tariff, price)
    lost = (chosen < 0) & (reason == 0)
    _refuse(reason, lost & tables.variants.unpriced[price], Reason.ZONE_UNPRICED)
    _refuse(reason, lost, Reason.ATTRIBUTE_UNKNOWN)
    return Search(tariff, entry, chosen, reason, digits, entry)


def _digits(tables: Tables, usage: pl.DataFrame, tariff: Ints) -> pl.Series:
    field = tables.zone_field[tariff]
    texts = pl.lit("")
    for code, name in enumerate(ZONE_FIELDS[1:], start=1):
        if (field == code).any():
            texts = pl.when(pl.Series(field == code)).then(pl.col(name)).otherwise(texts)
    return usage.select(texts.alias("digits"), pl.col("quantity"))["digits"]


def _refuse(reasons: Ints, wrong: Flags, reason: Reason) -> None:
    reasons[wrong & (reasons == 0)] = _code(reason)


def refusal_words(tables: Tables, found: Search, usage: pl.DataFrame) -> pl.DataFrame:
    """Say for refused rows what is missing, in the words that the rulebook uses.

    Args:
        tables: Of the snapshot.
        found: A search of which these rows are all refused.
        usage: The rows.

    Returns:
        Columns reason, detail, missing_ref.
    """
    told = []
    for place, row in enumerate(usage.iter_rows(named=True)):
        reason = REASONS[int(found.reason[place]) - 1]
        tariff = tables.tariffs[int(found.tariff[place])] if found.tariff[place] >= 0 else None
        name, ref = tariff.tariff_id if tariff else "", str(found.digits[place])
        detail = f"tariff {name} has no price for {_asked_for(tariff, ref)}"
        if reason is Reason.TARIFF_MISSING:
            ref = f"{row['offer_id']}/{row['service']}/{row['direction']}"
            detail = f"no tariff for {ref}"
        elif reason is Reason.UNIT_MISMATCH and tariff:
            detail = f"usage is counted in {row['unit']}, tariff {name} in {tariff.unit}"
            ref = name
        elif reason is Reason.QUANTITY_OUT_OF_RANGE:
            detail, ref = f"quantity {row['quantity']}", ""
        elif reason is Reason.ZONE_UNPRICED:
            ref = tables.zone_of(int(found.zone[place]))
            detail = f"tariff {name} leaves the zone {ref!r} without a price"
        elif reason is Reason.ATTRIBUTE_UNKNOWN:
            ref = tables.zone_of(int(found.zone[place]))
            zone = f" in {ref!r}" if ref else ""
            detail = f"tariff {name} has no price for these attributes{zone}"
        told.append((reason.value, detail, ref))
    schema = dict.fromkeys(("reason", "detail", "missing_ref"), pl.String)
    return pl.DataFrame(told, schema=schema, orient="row")


def _asked_for(tariff: Tariff | None, digits: str) -> str:
    field = tariff.zone_by if tariff else ""
    if field == "none":
        return "usage of that time"
    return repr(digits) if digits else f"usage without {field}"
