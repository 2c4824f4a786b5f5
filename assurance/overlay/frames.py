"""The two sides of a comparison as frames: usage as we price it, and lines as they were billed."""

import polars as pl

from schemas.columns import conform, polars_schema
from schemas.usage import NO_EVENT, UsageEvent

MONEY = pl.Decimal(38, 9)
ZERO = pl.lit(0).cast(MONEY)

_NOT_KEPT = frozenset(
    {
        "tenant_id", "event_id", "restatement_no", "attempt", "lane", "format", "file_id",
        "byte_offset", "byte_length", "raw_hash", "collected_at", "end_time", "setup_time",
        "clock_quality", "cause", "cause_q850", "quality_flags", "runs", "schema_version",
        "input_records", "partial_no", "imei", "a_number_raw", "b_number_raw",
    }
)  # fmt: skip
"""Columns of a usage event that neither a price nor a reader of the report needs."""

EVENT = pl.Schema(
    {name: kind for name, kind in polars_schema(UsageEvent).items() if name not in _NOT_KEPT}
)
"""What is kept of a usage event: its place in its file, its parties, and all that is priced."""

_PRICE = pl.Schema(
    {
        "ours": MONEY,  # as we price it, rounded; 0 where it has no price
        "exact": MONEY,  # before rounding, to nine decimals
        "currency": pl.String(),
        "tariff_id": pl.String(),
        "tariff_revision": pl.Int32(),
        "zone_id": pl.String(),
        "matched_prefix": pl.String(),
        "rated_quantity": pl.Int64(),
        "included_quantity": pl.Int64(),
        "reason": pl.String(),  # why it has no price; empty where it has one
        "detail": pl.String(),
        "estimate": MONEY,  # worth of usage without a price, as far as anything is known
    }
)
USAGE = pl.Schema({**EVENT, **_PRICE, **dict.fromkeys(("key", "party", "called"), pl.String())})
"""Usage as we price it. `key`, `party` (account or calling number) and `called` find its line."""

BILLED = pl.Schema(
    {
        "file": pl.String(),
        "line": pl.Int64(),
        "key": pl.String(),
        "account": pl.String(),
        "account_known": pl.Boolean(),  # it is one of the catalogue
        "party": pl.String(),
        "called": pl.String(),
        "service": pl.String(),  # empty where the bill does not say
        "start_time": pl.Int64(),
        "quantity": pl.Int64(),  # base units; null where the bill does not say
        "amount": MONEY,
        "currency": pl.String(),
        "invoice": pl.String(),
    }
)
"""Lines as they were billed."""

USAGE_ORDER = (
    "start_time", "party", "called", "service", "quantity", "key", "feed_id", "file_name",
    "record_no", "item_no",
)  # fmt: skip
BILLED_ORDER = (
    "start_time", "party", "called", "service", "quantity", "amount", "currency", "key",
    "invoice", "account", "file", "line",
)  # fmt: skip
"""Orders in which rows stand, so that the order of the files' rows decides nothing."""


def as_events(rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows with columns of EVENT all columns of UsageEvent; their id is none."""
    return conform(rows.with_columns(event_id=pl.lit(NO_EVENT.bytes)), UsageEvent)
