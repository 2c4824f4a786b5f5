"""What a draft does to bills: winners and losers, and how far the totals of accounts move."""

from collections.abc import Iterable
from decimal import Context, Decimal, FloatOperation, Inexact

import polars as pl

from tallywire.money import round_ratio

MONEY = pl.Decimal(38, 9)
EXACT = Context(prec=80, traps=[FloatOperation, Inexact])
_PERCENT_SCALE = 2

BUCKETS = (
    "-50 % or less",
    "-50 to -20 %",
    "-20 to -5 %",
    "-5 to 0 %",
    "unchanged",
    "0 to 5 %",
    "5 to 20 %",
    "20 to 50 %",
    "over 50 %",
    "new charge from zero",
)
"""Accounts by the change of their total, from the greatest fall to the greatest rise.

The outer edge of a bucket belongs to it: minus 20 % is in "-50 to -20 %", plus 20 % in "5 to 20 %".
"""
_FALLS = (50, 20, 5)
_RISES = (5, 20, 50)
_UNCHANGED, _FROM_ZERO = BUCKETS.index("unchanged"), len(BUCKETS) - 1


def bucket(now: int, draft: int) -> int:
    """Find the bucket of an account: index into BUCKETS.

    Args:
        now: Its total now, in any unit.
        draft: Its total under the draft, in the same unit.

    >>> [BUCKETS[bucket(100, total)] for total in (50, 96, 100, 105, 151)]
    ['-50 % or less', '-5 to 0 %', 'unchanged', '0 to 5 %', 'over 50 %']
    """
    change, size = 100 * (draft - now), abs(now)
    if not change:
        return _UNCHANGED
    if not now:
        return _FROM_ZERO if change > 0 else 0
    if change < 0:
        return sum(change > -edge * size for edge in _FALLS)
    return _UNCHANGED + 1 + sum(change > edge * size for edge in _RISES)


def percent(now: int, draft: int) -> Decimal | None:
    """Give the change in percent, two decimals, halves to even; `None` from nothing.

    Args:
        now: An amount, in any unit.
        draft: The other, in the same unit.

    >>> percent(3, 4), percent(0, 1)
    (Decimal('33.33'), None)
    """
    if not now:
        return None if draft else Decimal("0.00")
    change = round_ratio(100 * 10**_PERCENT_SCALE * (draft - now), abs(now), "half_even")
    return Decimal(change).scaleb(-_PERCENT_SCALE, EXACT)


def _pairs(sums: pl.DataFrame) -> Iterable[tuple[int, int]]:
    """Give amounts `now` and `draft` in billionths, as whole numbers."""
    units = (sums[name].cast(MONEY).to_physical().to_list() for name in ("now", "draft"))
    return zip(*units, strict=True)


def compared(sums: pl.DataFrame) -> pl.DataFrame:
    """Add `difference` (draft less now, money) and `percent` to sums `now` and `draft`."""
    changes = [percent(now, draft) for now, draft in _pairs(sums)]
    return sums.with_columns(
        (pl.col("draft") - pl.col("now")).cast(MONEY).alias("difference"),
        pl.Series("percent", changes, dtype=pl.Decimal(38, _PERCENT_SCALE)),
    )


def bill_shock(accounts: pl.DataFrame) -> pl.DataFrame:
    """Count accounts by the change of their total.

    Args:
        accounts: `currency`, `account_id`, money `now` and `draft`: totals of accounts.

    Returns:
        `currency`, `bucket`, `accounts`, money `now`, `draft`, `difference`; every bucket of every
        currency, in order.
    """
    numbers = [bucket(now, draft) for now, draft in _pairs(accounts)]
    placed = accounts.with_columns(pl.Series("number", numbers, dtype=pl.Int64))
    counted = placed.group_by("currency", "number").agg(
        pl.len().cast(pl.Int64).alias("accounts"), pl.col("now", "draft").sum()
    )
    currencies = accounts.select(pl.col("currency").unique().sort())
    every = currencies.join(
        pl.DataFrame({"number": range(len(BUCKETS)), "bucket": BUCKETS}), how="cross"
    )
    filled = every.join(counted, on=["currency", "number"], how="left").sort("currency", "number")
    zero = pl.lit(0).cast(MONEY)
    return filled.select(
        "currency", "bucket", pl.col("accounts").fill_null(0),
        pl.col("now", "draft").fill_null(zero),
        (pl.col("draft") - pl.col("now")).fill_null(zero).cast(MONEY).alias("difference"),
    )  # fmt: skip


def sides(accounts: pl.DataFrame) -> pl.DataFrame:
    """Count who pays less, the same, more.

    Returns:
        `currency`, `side` (`pays less`, `pays the same`, `pays more`), `accounts`, money `now`,
        `draft`, `difference`.
    """
    change = pl.col("draft") - pl.col("now")
    side = (
        pl.when(change < 0).then(pl.lit("pays less"))
        .when(change > 0).then(pl.lit("pays more"))
        .otherwise(pl.lit("pays the same"))
    )  # fmt: skip
    counted = accounts.group_by("currency", side.alias("side")).agg(
        pl.len().cast(pl.Int64).alias("accounts"), pl.col("now", "draft").sum()
    )
    return counted.with_columns(change.cast(MONEY).alias("difference")).sort("currency", "side")


def most_moved(accounts: pl.DataFrame, most: int) -> pl.DataFrame:
    """Give the accounts of each currency whose totals fall most, and those whose rise most.

    Returns:
        `currency`, `side`, `account_id`, money `now`, `draft`, `difference`, and `percent`; at
        most `most` for each currency and side, the greatest difference first.
    """
    moved = accounts.with_columns(
        (pl.col("draft") - pl.col("now")).cast(MONEY).alias("difference")
    ).filter(pl.col("difference") != 0)
    found = [
        moved.filter(pl.col("difference") < 0 if falls else pl.col("difference") > 0)
        .sort("currency", "difference", "account_id", descending=[False, not falls, False])
        .group_by("currency", maintain_order=True)
        .head(most)
        .with_columns(pl.lit("pays less" if falls else "pays more").alias("side"))
        for falls in (True, False)
    ]
    columns = ["currency", "side", "account_id", "now", "draft"]
    both = pl.concat([one.select(columns) for one in found])
    return compared(both.sort("currency", maintain_order=True))


def by_price(changes: pl.DataFrame, *, offers: bool = False) -> pl.DataFrame:
    """Add the changes of charges by price, or by price and offer.

    Args:
        changes: As in `Backtest.changes`.
        offers: Each offer apart.

    Returns:
        `side`, `currency`, `tariff_id`, `zone_id`, with `offers` `offer_id`, then `events`,
        `accounts`, money `now`, `draft`, `difference`, and `percent`; with `offers` also
        `most_moved`, the account with the greatest change.
    """
    keys = ["side", "currency", "tariff_id", "zone_id", *(["offer_id"] if offers else [])]
    size = (pl.col("draft") - pl.col("now")).abs()
    summed = (
        changes.sort("account_id")
        .group_by(keys, maintain_order=True)
        .agg(
            pl.col("events").sum(),
            pl.col("account_id").n_unique().cast(pl.Int64).alias("accounts"),
            pl.col("now", "draft").sum(),
            pl.col("account_id").get(size.arg_max()).alias("most_moved"),
        )
        .sort(keys)
    )
    return compared(summed if offers else summed.drop("most_moved"))
