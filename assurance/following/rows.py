"""The columns of rated usage that controls look at, and the forms in which they look."""

import polars as pl

ROWS = pl.Schema({
    "tenant_id": pl.String(), "event_id": pl.Binary(), "rated_id": pl.Binary(),
    "feed_id": pl.String(),
    "lane": pl.String(), "file_name": pl.String(), "record_no": pl.Int64(),
    "collected_at": pl.Int64(), "ledgered_at": pl.Int64(),
    "service": pl.String(), "kind": pl.String(), "account_id": pl.String(),
    "a_number": pl.String(), "b_number": pl.String(), "start_time": pl.Int64(),
    "duration_us": pl.Int64(), "quantity": pl.Int64(), "run": pl.String(), "side": pl.String(),
    "party_id": pl.String(), "op": pl.String(), "tariff_id": pl.String(),
    "tariff_revision": pl.Int32(), "rounding_mode": pl.String(), "rounding_scale": pl.Int32(),
    "zone_id": pl.String(), "rated_quantity": pl.Int64(),
    "included_quantity": pl.Int64(), "amount_nano": pl.Int64(), "rounding_nano": pl.Int64(),
    "currency": pl.String(), "rater": pl.String(), "catalog_hash": pl.String(),
    "quality_flags": pl.String(),
    "trunk_in": pl.String(), "trunk_out": pl.String(), "cell_id": pl.String(),
})  # fmt: skip
"""Of each row: times are microseconds UTC, `_nano` are billionths of the currency."""

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US

CHARGED = (pl.col("op") == "charge") & (pl.col("side") == "revenue")
"""A charge of a customer, as it was made first."""
TAKEN_BACK = (pl.col("op") == "reversal") & (pl.col("side") == "revenue")
"""A charge that was taken back: the fault that it had is cured."""


def hour_of(column: str) -> pl.Expr:
    """Give the hour that an instant lies in, as hours since 1970."""
    return (pl.col(column) // HOUR_US).cast(pl.Int64)


def day_of(column: str) -> pl.Expr:
    """Give the day that an instant lies in, UTC, as days since 1970."""
    return (pl.col(column) // DAY_US).cast(pl.Int64)


def place(row: dict[str, object]) -> str:
    """Name the record that a row was made of.

    >>> place({"file_name": "switch/a.csv", "record_no": 4})
    'switch/a.csv, record 5'
    """
    return f"{row['file_name']}, record {int(str(row['record_no'])) + 1}"
