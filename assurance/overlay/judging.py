"""What was matched and what was not, judged: one entry each, with its money and its cause.

`billed - ours = over - under + unverified` holds for every entry, exactly, and so for every sum.
"""

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import polars as pl

from assurance.overlay.causes import Cause, Explainer
from assurance.overlay.frames import MONEY, ZERO
from assurance.overlay.matching import Matched, twins

RECOVERABLE, TIME_BARRED = "recoverable", "time_barred"

ENTRY = pl.Schema(
    {
        "cause": pl.String(),  # empty: nothing is wrong
        "note": pl.String(),
        "currency": pl.String(),
        "month": pl.String(),
        "age": pl.String(),  # `recoverable` or `time_barred`; empty where no limit is known
        "account": pl.String(),
        "service": pl.String(),
        "start_time": pl.Int64(),
        "calling": pl.String(),
        "called": pl.String(),
        "ours": MONEY,
        "billed": MONEY,
        "under": MONEY,
        "over": MONEY,
        "unverified": MONEY,  # billed for usage that we could not price
        "estimate": MONEY,
        "match": pl.String(),  # `key`, `exact`, `near`; empty: unmatched
        "ambiguous": pl.Boolean(),
        "part": pl.String(),  # of a record that stands in two entries: `usage` or `bill`
        "quantity": pl.Int64(),
        "rated_quantity": pl.Int64(),
        "billed_quantity": pl.Int64(),
        "tariff_id": pl.String(),
        "tariff_revision": pl.Int32(),
        "zone_id": pl.String(),
        "matched_prefix": pl.String(),
        "key": pl.String(),
        "usage_feed": pl.String(),
        "usage_file": pl.String(),
        "usage_record": pl.Int64(),  # counted from 1
        "billed_file": pl.String(),
        "billed_line": pl.Int64(),
        "invoice": pl.String(),
    }
)


@dataclass(frozen=True)
class Age:
    """How long usage may still be billed.

    Attributes:
        time_zone: Of months, and of the limit.
        as_of: The day that is counted from; `None` where no limit is known.
        months: Usage of so many months before that day, or later, may be billed.
    """

    time_zone: str
    as_of: datetime.date | None = None
    months: int = 0

    @property
    def limit_us(self) -> int | None:
        """Give the instant before which usage is time-barred, microseconds UTC.

        >>> Age("UTC", datetime.date(2026, 3, 31), 1).limit_us == 1_772_236_800_000_000
        True
        """
        if self.as_of is None:
            return None
        whole = self.as_of.year * 12 + self.as_of.month - 1 - self.months
        year, month = divmod(whole, 12)
        first = datetime.date(year, month + 1, 1)
        last = (first + datetime.timedelta(days=31)).replace(day=1) - datetime.timedelta(days=1)
        day = min(self.as_of.day, last.day)
        moment = datetime.datetime(year, month + 1, day, tzinfo=ZoneInfo(self.time_zone))
        return int(moment.timestamp()) * 1_000_000

    def columns(self) -> list[pl.Expr]:
        """Give `month` and `age` of a start time."""
        local = pl.from_epoch("start_time", "us").dt.replace_time_zone("UTC")
        month = local.dt.convert_time_zone(self.time_zone).dt.strftime("%Y-%m")
        known = pl.col("start_time") > 0  # a record that cannot be read has no time
        late = pl.col("start_time") < pl.lit(self.limit_us)
        age = pl.when(late).then(pl.lit(TIME_BARRED)).when(~late).then(pl.lit(RECOVERABLE))
        return [
            pl.when(known).then(month).otherwise(pl.lit("")).alias("month"),
            pl.when(known).then(age).fill_null("").alias("age"),
        ]


def judged(
    sides: Matched, taken: pl.DataFrame, explainer: Explainer, age: Age, *, tolerance_us: int
) -> pl.DataFrame:
    """Judge both sides after matching: rows of ENTRY.

    Args:
        sides: What was matched.
        taken: Further lines that have usage, matched elsewhere: rows of BILLED.
        explainer: Names the causes of differences.
        age: How long usage may be billed.
        tolerance_us: Of a second line for the same usage.
    """
    rows = _placed(sides, twins(sides, taken, tolerance_us=tolerance_us))
    rows = _split(_first_causes(rows))
    rows = _explained(rows, explainer)
    difference = pl.col("billed") - pl.col("ours")
    unpriced = pl.col("cause") == Cause.UNPRICED.value
    rows = rows.with_columns(
        pl.when(unpriced).then(ZERO).otherwise(difference).alias("difference"),
        pl.when(unpriced).then("billed").otherwise(ZERO).alias("unverified"),
    ).with_columns(
        pl.max_horizontal(-pl.col("difference"), ZERO).alias("under"),
        pl.max_horizontal("difference", ZERO).alias("over"),
        *age.columns(),
    )
    return rows.select(pl.col(name).cast(kind) for name, kind in ENTRY.items())


def _placed(sides: Matched, second: pl.DataFrame) -> pl.DataFrame:
    """Put pairs, usage without line and lines without usage below each other."""
    words = pl.format("a second line beside line {} of {}, invoice {}", "line", "file", "invoice")
    twin = second.select("b", words.alias("beside"))
    lines = sides.billed.rename(
        {
            "account": "billed_account", "start_time": "billed_start", "quantity":
            "billed_quantity", "amount": "billed", "currency": "billed_currency",
            "service": "billed_service", "party": "billed_party", "called": "billed_called",
            "key": "billed_key", "file": "billed_file", "line": "billed_line",
        }
    ).join(twin, on="b", how="left")  # fmt: skip
    joined = sides.usage.join(sides.pairs, on="u", how="left").join(
        lines, on="b", how="full", coalesce=True
    )
    return joined.sort("u", "b", nulls_last=True).with_row_index("row").with_columns(
        pl.col("row").cast(pl.Int64),
        pl.col("a_number").alias("calling"),
        pl.col("feed_id").alias("usage_feed"), pl.col("file_name").alias("usage_file"),
        (pl.col("record_no") + 1).alias("usage_record"),
        pl.col("u").is_not_null().alias("used"), pl.col("b").is_not_null().alias("lined"),
        pl.col("match").fill_null(""), pl.col("ambiguous").fill_null(value=False),
        pl.col("billed").fill_null(ZERO), pl.col("ours").fill_null(ZERO),
        pl.coalesce(pl.col("account_id").replace("", None), "billed_account", pl.lit(""))
        .alias("account"),
        *(
            pl.coalesce(name, f"billed_{name}").alias(name)
            for name in ("service", "called", "key")
        ),
        pl.coalesce("start_time", "billed_start").alias("start_time"),
        pl.col("reason").fill_null(""),
    )  # fmt: skip


def _first_causes(rows: pl.DataFrame) -> pl.DataFrame:
    """Name causes that need no price to be tried; what differs otherwise stays `None`."""
    used, lined = pl.col("used"), pl.col("lined")
    free = (pl.col("billed") == 0) & (pl.col("ours") == 0)
    money = pl.col("billed_currency") != pl.col("currency")
    other = (
        pl.col("account_known").fill_null(value=False)  # else the bill has names of its own
        & (pl.col("account_id") != "")
        & (pl.col("billed_account") != pl.col("account_id"))
    )
    cause = (
        pl.when(used & (pl.col("reason") != "")).then(pl.lit(Cause.UNPRICED.value))
        .when(free).then(pl.lit(""))
        .when(~lined).then(pl.lit(Cause.NOT_BILLED.value))
        .when(~used & (pl.col("billed") < 0)).then(pl.lit(Cause.CREDIT.value))
        .when(~used & pl.col("beside").is_not_null()).then(pl.lit(Cause.BILLED_TWICE.value))
        .when(~used).then(pl.lit(Cause.BILLED_WITHOUT_USAGE.value))
        .when(money).then(pl.lit(Cause.OTHER_CURRENCY.value))
        .when(other).then(pl.lit(Cause.OTHER_ACCOUNT.value))
        .when(pl.col("billed") == pl.col("ours")).then(pl.lit(""))
    )  # fmt: skip
    note = (
        pl.when(pl.col("reason") != "").then(pl.format("{}: {}", "reason", "detail"))
        .when(money & used & lined).then(pl.format("billed in {}", "billed_currency"))
        .when(other).then(pl.format("billed to {}", "billed_account"))
        .otherwise(pl.col("beside").fill_null(""))
    )  # fmt: skip
    return rows.with_columns(cause.alias("cause"), note.alias("note"))


def _split(rows: pl.DataFrame) -> pl.DataFrame:
    """Put what concerns two currencies or two accounts in two rows."""
    twofold = pl.col("cause").is_in([Cause.OTHER_CURRENCY.value, Cause.OTHER_ACCOUNT.value])
    both = rows.filter(twofold.fill_null(value=False))
    lacking = both.with_columns(ZERO.alias("billed"), pl.lit("usage").alias("part"))
    wrong = both.with_columns(
        ZERO.alias("ours"), pl.lit("bill").alias("part"),
        pl.col("billed_currency").alias("currency"),
        pl.coalesce(pl.col("billed_account").replace("", None), "account").alias("account"),
    )  # fmt: skip
    theirs = (pl.col("reason") != "") & pl.col("lined")  # no money of ours is in it
    unused = pl.when(~theirs).then(pl.col("currency").replace("", None))
    rest = rows.filter(~twofold.fill_null(value=False)).with_columns(pl.lit("").alias("part"))
    return pl.concat([rest, lacking, wrong]).with_columns(
        pl.coalesce(unused, "billed_currency", pl.lit("")).alias("currency")
    )


def _explained(rows: pl.DataFrame, explainer: Explainer) -> pl.DataFrame:
    """Name the causes of what is billed otherwise than priced."""
    open_ = rows.filter(pl.col("cause").is_null())
    found = explainer.explain(open_).rename({"cause": "found", "note": "found_note"})
    named = rows.join(found, on="row", how="left", maintain_order="left")
    return named.with_columns(
        pl.coalesce("cause", "found", pl.lit("")).alias("cause"),
        pl.coalesce("found_note", "note").alias("note"),
    )
