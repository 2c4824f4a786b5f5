"""Storing alerts of controls that run by themselves, beside the follower."""

from collections.abc import Sequence

import polars as pl

from schemas.alerts import Alert
from schemas.columns import rows_to_frame, to_arrow
from warehouse.client import Client
from warehouse.insert import insert


def store_alerts(client: Client, alerts: Sequence[Alert], at: int) -> None:
    """Store alerts under one token.

    Args:
        at: Ledger time, microseconds UTC.

    Raises:
        StoreUnavailable: If the store does not answer; nothing of them is stored, or all.
    """
    if not alerts:
        return
    token = f"controls:alone:{at}"
    frame = rows_to_frame(list(alerts), Alert).with_columns(
        pl.lit(at, dtype=pl.Int64()).alias("ledgered_at"), pl.lit(token).alias("batch_token")
    )
    insert(client, "alerts", to_arrow(frame, Alert), token)
