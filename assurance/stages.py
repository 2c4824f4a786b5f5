"""Adding up what a stage passes on, so that what the next one has can be held against it."""

from collections.abc import Sequence

import polars as pl

from schemas.columns import conform, polars_schema
from schemas.stages import StageSum

_HOUR_US = 3_600_000_000
_KEYS = ("tenant_id", "feed_id", "service")
_EMPTY = pl.DataFrame(schema=polars_schema(StageSum))


def usage_sums(stage: str, usage: pl.DataFrame) -> pl.DataFrame:
    """Add usage events up by the lane that collected them, feed, service and hour of collection.

    Args:
        stage: `accepted` or `read`.

    Returns:
        Rows of StageSum, in the order of what they add up.
    """
    return _sums(stage, usage, ("event_id", "quantity"), (*_KEYS, "lane"), [])


def charge_sums(lane: str, rated: pl.DataFrame) -> pl.DataFrame:
    """Add charges up as they go to the store, by currency, too.

    Returns:
        Rows of StageSum.
    """
    columns, money = ("rated_id", "rated_quantity"), [pl.col("amount").sum()]
    sums = _sums("rated", rated, columns, (*_KEYS, "currency"), money)
    return sums.with_columns(pl.lit(lane).alias("lane"))


def _sums(
    stage: str, rows: pl.DataFrame, columns: tuple[str, str], keys: Sequence[str],
    more: Sequence[pl.Expr],
) -> pl.DataFrame:  # fmt: skip
    if rows.is_empty():
        return _EMPTY
    name, quantity = columns
    hour = (pl.col("collected_at") // _HOUR_US * _HOUR_US).alias("collected_at")
    ids = pl.col(name).bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64, endianness="big")
    sums = rows.group_by(*keys, hour, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("records"), pl.col(quantity).sum().alias("quantity"),
        ids.bitwise_xor().alias("ids"), *more,
    )  # fmt: skip
    return conform(sums.with_columns(pl.lit(stage).alias("stage")), StageSum)
