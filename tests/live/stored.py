"""Rated usage put into a store as account lanes put it there: ranges with tokens, in a ledger."""

from decimal import Decimal

import polars as pl

from schemas.columns import conform, rows_to_frame, to_arrow
from schemas.feeds import LedgerEntry
from schemas.rated import RatedEvent
from warehouse.client import Client
from warehouse.insert import insert

_LEDGER = "hash"


def as_rated(rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows as controls see them all columns of a rated event."""
    whole = pl.Decimal(38, 0)
    wide = rows.with_columns(
        _money("amount_nano").alias("amount"),
        _money("rounding_nano").alias("rounding_difference"),
        pl.col("amount_nano").cast(whole).alias("amount_numerator"),
        pl.lit(10**9).cast(whole).alias("amount_denominator"),
    ).drop("amount_nano", "rounding_nano")
    return conform(wide, RatedEvent)


def _money(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Decimal(38, 9)) * pl.lit(Decimal("0.000000001"))


def store_range(client: Client, rows: pl.DataFrame, lane: str, position: int, at: int) -> None:
    """Store a range as a lane does: its rows, then the entry of its ledger."""
    entry = LedgerEntry(
        lane=lane, position=position, source="usage", first=position, last=position + 1,
        records=rows.height, ledgered_at=at, catalog_hash=_LEDGER,
        token=f"{lane}:{position}:{position}-{position + 1}",
    )  # fmt: skip
    rated = as_rated(rows).with_columns(
        pl.lit(at, dtype=pl.Int64()).alias("ledgered_at"), pl.lit(entry.token).alias("batch_token"),
        pl.int_range(pl.len(), dtype=pl.Int32).alias("batch_row"),
    )  # fmt: skip
    if rows.height:
        insert(client, "rated_events", to_arrow(rated, RatedEvent), entry.token)
    insert(
        client, "lane_ledger", to_arrow(rows_to_frame([entry], LedgerEntry), LedgerEntry),
        entry.token,
    )  # fmt: skip
