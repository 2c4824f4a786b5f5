"""Storing what controls found and did: rows of one moment, under one token."""

from collections.abc import Sequence

import polars as pl

from schemas.alerts import Alert
from schemas.columns import Record, rows_to_frame, to_arrow
from warehouse.client import Client
from warehouse.insert import insert


def put(
    client: Client, table: str, rows: Sequence[Record], record: type[Record], token: str, at: int
) -> None:
    """Store rows, all of them or none.

    Args:
        token: Names the insert; another for every one.
        at: Ledger time, microseconds UTC.

    Raises:
        StoreUnavailable: If the store does not answer.
        StoreRefused: If it refuses.
    """
    if not rows:
        return
    frame = rows_to_frame(list(rows), record).with_columns(
        pl.lit(at, dtype=pl.Int64()).alias("ledgered_at"), pl.lit(token).alias("batch_token")
    )
    insert(client, table, to_arrow(frame, record), token)


def put_alerts(client: Client, alerts: Sequence[Alert], at: int) -> None:
    """Store alerts of a control that runs by itself, beside the follower."""
    put(client, "alerts", alerts, Alert, f"controls:alone:{at}", at)
