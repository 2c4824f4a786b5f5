"""Why a billed amount is not ours: each possible cause is tried by pricing, in a fixed order."""

from collections.abc import Mapping
from enum import StrEnum

import polars as pl

from assurance.overlay.alternatives import (
    Alternative,
    Kept,
    Prices,
    increments,
    plain,
    revisions,
    zone_questions,
    zones,
)
from assurance.overlay.frames import EVENT
from tallywire.catalog.snapshot import Snapshot
from tallywire.money import minor_digits


class Cause(StrEnum):
    """Why money leaks. Published: add, never rename."""

    NOT_BILLED = "not_billed"
    ZERO_RATED = "zero_rated"
    OTHER_REVISION = "other_revision"
    OTHER_INCREMENT = "other_increment"
    OTHER_ZONE = "other_zone"
    OTHER_QUANTITY = "other_quantity"
    TERMS_NOT_APPLIED = "terms_not_applied"
    OTHER_PRICE = "other_price"
    OTHER_CURRENCY = "other_currency"
    OTHER_ACCOUNT = "other_account"
    ROUNDING = "rounding"
    BILLED_TWICE = "billed_twice"
    BILLED_WITHOUT_USAGE = "billed_without_usage"
    CREDIT = "credit"
    UNPRICED = "unpriced"


SENTENCES: Mapping[Cause, str] = {
    Cause.NOT_BILLED: "Usage has a price and no billed line",
    Cause.ZERO_RATED: "Usage that costs something was billed at nothing",
    Cause.OTHER_REVISION: "The billed amount is the price of another date or catalogue",
    Cause.OTHER_INCREMENT: "The billed amount is the price with other increments",
    Cause.OTHER_ZONE: "The billed amount is the price of another zone or a shorter prefix",
    Cause.OTHER_QUANTITY: "The billed amount is the price of the billed quantity, not of the usage",
    Cause.TERMS_NOT_APPLIED: "Billed without the allowance, tier or limit that applies",
    Cause.OTHER_PRICE: "The billed amount is no price that was tried",
    Cause.OTHER_CURRENCY: "Billed in another currency",
    Cause.OTHER_ACCOUNT: "Billed to another account than the one that used it",
    Cause.ROUNDING: "The same charge, rounded otherwise",
    Cause.BILLED_TWICE: "A second line for usage that has a line already",
    Cause.BILLED_WITHOUT_USAGE: "A billed line, and no usage for it",
    Cause.CREDIT: "A credit that takes no single charge back whole",
    Cause.UNPRICED: "Usage that could not be priced here: nothing can be said of its bill",
}

_ZONE_PIECE = 8_192
_NO_CAUSE = pl.Schema({"row": pl.Int64(), "cause": pl.String(), "note": pl.String()})


def _found(rows: pl.DataFrame, cause: Cause, note: pl.Expr) -> pl.DataFrame:
    return rows.select("row", pl.lit(cause.value).alias("cause"), note.alias("note"))


class Explainer:
    """Finds causes of single differences.

    Args:
        snapshot: The catalogue that is right.
        others: Further catalogues whose prices a bill may have, by name.
    """

    def __init__(self, snapshot: Snapshot, others: Mapping[str, Snapshot]) -> None:
        self._prices = Prices()
        self._plain = plain(snapshot)
        self._dated = Kept(revisions(self._plain))
        self._others = [Alternative(name, plain(one)) for name, one in sorted(others.items())]
        self._stepped = Kept(increments(self._plain))
        self._zones = zones(snapshot)

    def explain(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Name the cause of each difference.

        Args:
            rows: Columns of USAGE of usage with a price, and `row`, `billed`, `billed_currency`
                (ours), `billed_quantity` (null where unknown); `billed` is not `ours`.

        Returns:
            `row`, `cause` and `note`, one row for each.
        """
        found = [pl.DataFrame(schema=_NO_CAUSE)]
        left = rows
        for one in (
            self._rounding, self._nothing, self._terms, self._revision, self._increment,
            self._zone, self._quantity,
        ):  # fmt: skip
            if left.is_empty():
                break
            some = one(left)
            found.append(some)
            left = left.join(some, on="row", how="anti")
        found.append(_found(left, Cause.OTHER_PRICE, pl.lit("")))
        return pl.concat(found)

    def _rounding(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Find amounts that are the exact charge, up or down at the decimals they have."""
        away = (pl.col("billed") - pl.col("exact")).abs()
        found = []
        for (currency,), left in rows.group_by("currency", maintain_order=True):
            some = left
            for digits in range(minor_digits(str(currency)), 10):
                unit = pl.lit(10**-digits if digits == 0 else f"0.{'1'.zfill(digits)}")
                near = some.filter(
                    (away < unit.cast(pl.Decimal(38, 9)))
                    & (pl.col("billed") == pl.col("billed").round(digits))
                )
                found.append(_found(near, Cause.ROUNDING, pl.lit(f"rounded at {digits} decimals")))
                some = some.join(near, on="row", how="anti")
        return pl.concat(found)

    def _nothing(self, rows: pl.DataFrame) -> pl.DataFrame:
        return _found(rows.filter(pl.col("billed") == 0), Cause.ZERO_RATED, pl.lit(""))

    def _answers(self, snapshot: Snapshot, rows: pl.DataFrame) -> pl.DataFrame:
        """Price usage, less what allowances pay of it; keep what costs what was billed."""
        usage = rows.with_columns((pl.col("quantity") - _included()).alias("quantity"))
        asked = usage.select("row", *EVENT).filter(pl.col("quantity") >= 0)
        return self._equal(self._prices.ask(snapshot, asked), rows)

    def _equal(self, answers: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
        wanted = rows.select("row", "billed", pl.col("currency").alias("wanted"))
        return answers.join(wanted, on="row").filter(
            (pl.col("amount") == pl.col("billed")) & (pl.col("currency") == pl.col("wanted"))
        )

    def _revision(self, rows: pl.DataFrame) -> pl.DataFrame:
        found = [pl.DataFrame(schema=_NO_CAUSE)]
        tariff, number = pl.col("tariff_id"), pl.col("tariff_revision")
        for one in (*self._dated, *self._others):
            if rows.is_empty():
                break
            same = self._answers(one.snapshot, rows)
            note = pl.format("{}: {} revision {}", pl.lit(one.label), tariff, number)
            if one.moment is not None:
                same = _begun(same, self._plain, one.moment)
                note = pl.format("{} revision {}, in force from {}", tariff, number, "since")
            found.append(_found(same, Cause.OTHER_REVISION, note))
            rows = rows.join(same, on="row", how="anti")
        return pl.concat(found)

    def _increment(self, rows: pl.DataFrame) -> pl.DataFrame:
        found = [pl.DataFrame(schema=_NO_CAUSE)]
        for one in self._stepped:
            if rows.is_empty():
                break
            same = self._answers(one.snapshot, rows.filter(pl.col("unit") == one.unit))
            found.append(_found(same, Cause.OTHER_INCREMENT, pl.lit(f"counted by {one.label}")))
            rows = rows.join(same, on="row", how="anti")
        return pl.concat(found)

    def _zone(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Ask for other zones, a piece at a time: each row is asked for as many times as zones."""
        starts = range(0, rows.height, _ZONE_PIECE)
        return pl.concat([self._zone_of(rows[one : one + _ZONE_PIECE]) for one in starts])

    def _zone_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        asked = zone_questions(rows, self._zones, self._plain.tariffs)
        if asked.is_empty():
            return pl.DataFrame(schema=_NO_CAUSE)
        questions = asked.with_columns(
            pl.col("row").alias("own_row"), pl.int_range(pl.len()).alias("row"),
            (pl.col("quantity") - _included()).alias("quantity"),
        ).filter(pl.col("quantity") >= 0)  # fmt: skip
        answers = self._prices.ask(self._plain, questions.select("row", *EVENT))
        same = self._equal(answers, questions).join(
            questions.select("row", "own_row", "asked_zone", "asked_prefix", "order"), on="row"
        )
        first = same.filter(
            (pl.col("zone_id") == pl.col("asked_zone"))
            & (pl.col("matched_prefix") == pl.col("asked_prefix"))
        ).sort("own_row", "order", "asked_zone").unique("own_row", maintain_order=True)  # fmt: skip
        note = pl.format("zone {}, prefix {}", "zone_id", "matched_prefix")
        return _found(first.with_columns(row="own_row"), Cause.OTHER_ZONE, note)

    def _quantity(self, rows: pl.DataFrame) -> pl.DataFrame:
        other = rows.filter(
            pl.col("billed_quantity").is_not_null()
            & (pl.col("billed_quantity") >= 0)
            & (pl.col("billed_quantity") != pl.col("quantity"))
        )
        usage = other.with_columns(pl.col("billed_quantity").alias("quantity"))
        same = self._equal(self._prices.ask(self._plain, usage.select("row", *EVENT)), other)
        return _found(same, Cause.OTHER_QUANTITY, pl.lit(""))

    def _terms(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Find usage that was billed as if it were the first: what was used before is forgotten."""
        same = self._equal(self._prices.ask(self._plain, rows.select("row", *EVENT)), rows)
        return _found(same, Cause.TERMS_NOT_APPLIED, pl.lit(""))


def _included() -> pl.Expr:
    """Give what an allowance pays of a quantity, where it pays a part; the rest has a price."""
    part = (pl.col("included_quantity") > 0) & (
        pl.col("included_quantity") < pl.col("rated_quantity")
    )
    return pl.when(part).then("included_quantity").otherwise(0)


def _begun(same: pl.DataFrame, snapshot: Snapshot, moment: int) -> pl.DataFrame:
    """Say since when the prices hold that were found as of a moment: `since`, a date."""
    made = [same.clear().with_columns(pl.lit("").alias("since"))]
    for (tariff_id,), some in same.group_by("tariff_id", maintain_order=True):
        held = snapshot.tariffs[str(tariff_id)].prefixes.filter(
            (pl.col("valid_from_us") <= moment) & (pl.col("valid_to_us") > moment)
        )
        day = pl.from_epoch("valid_from_us", "us").dt.convert_time_zone(snapshot.time_zone)
        days = held.select(
            pl.col("prefix").alias("matched_prefix"), day.dt.strftime("%Y-%m-%d").alias("since")
        )
        made.append(some.join(days, on="matched_prefix"))
    return pl.concat(made)
