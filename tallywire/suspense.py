"""Making suspense: reason, place, bytes, worth, and what a recycle needs."""

import orjson
import polars as pl

from schemas.columns import as_written, conform, defaults, polars_schema
from schemas.outcomes import SuspenseEvent
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.hashes import hash128, to_bytes
from tallywire.worth import estimate

RAW_BYTES = 65_536
"""Bytes of a record kept in suspense; the file keeps the rest."""


_PLACE = ("feed_id", "file_id", "record_no", "byte_offset", "raw_hash")


def suspense_ids(frame: pl.DataFrame) -> pl.Series:
    """Name suspended records by their place, content, item and leg: stable over attempts."""
    parts = [pl.col(name) for name in _PLACE]
    for name, absent, more in (("item_no", 0, [pl.lit("item")]), ("run", "", [])):
        if name in frame.columns:
            named = pl.concat_str(parts[-1], *more, name, separator="\x1f")
            parts[-1] = pl.when(pl.col(name) == absent).then(parts[-1]).otherwise(named)
    texts = frame.select(pl.concat_str(parts, separator="\x1f")).to_series()
    return to_bytes(*hash128(texts)).bin.encode("hex")


def suspend(frame: pl.DataFrame, snapshot: Snapshot, *, stage: str) -> pl.DataFrame:
    """Make SuspenseEvent rows.

    Args:
        frame: Origin columns, reason, detail, service, quantity; optionally missing_ref, raw,
            usage, event_time, payload_hash.
        snapshot: For the estimated worth.
        stage: Where it was suspended.
    """
    if frame.is_empty():
        return pl.DataFrame(schema=polars_schema(SuspenseEvent))
    frame = estimate(frame.with_columns(pl.col("quantity").fill_null(0)), snapshot)
    return conform(
        frame.with_columns(suspense_ids(frame).alias("suspense_id"), pl.lit(stage).alias("stage")),
        SuspenseEvent,
    )


DECODED = "decoded"
"""Beside a suspended event: the texts it was made of, for normalising it again."""


def usage_json(frame: pl.DataFrame) -> pl.Series:
    """Write usage events as JSON, fields that have their default left out.

    Args:
        frame: Columns of UsageEvent; optionally DECODED, JSON that is written beside them.
    """
    empty = defaults(UsageEvent)
    made_of = frame[DECODED] if DECODED in frame.columns else [""] * frame.height
    rows = as_written(frame, UsageEvent).iter_rows(named=True)
    texts = []
    for row, decoded in zip(rows, made_of, strict=True):
        kept = {name: value for name, value in row.items() if value != empty.get(name, ...)}
        if decoded:
            kept[DECODED] = orjson.loads(decoded)
        texts.append(orjson.dumps(kept).decode())
    return pl.Series(texts, dtype=pl.String)


def suspend_usage(refused: pl.DataFrame, snapshot: Snapshot, *, stage: str) -> pl.DataFrame:
    """Make SuspenseEvent rows of usage events with reason, detail and missing_ref.

    A joined event stands for its one unsettled input record: the others were merged.
    """
    if refused.is_empty():
        return suspend(refused, snapshot, stage=stage)
    return suspend(
        refused.with_columns(
            usage_json(refused).alias("usage"), pl.col("start_time").alias("event_time")
        ),
        snapshot,
        stage=stage,
    )
