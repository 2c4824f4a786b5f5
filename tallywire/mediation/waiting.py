"""Parts that wait for the rest of their session, as rows with what they are worth."""

from typing import Any

import polars as pl

from schemas.columns import conform, polars_schema
from schemas.outcomes import OpenEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.mediation.partials import Held
from tallywire.mediation.worked import frame_of, place_of, row_of
from tallywire.worth import estimate


def open_events(
    opened: list[Held], closed: list[dict[str, Any]], snapshot: Snapshot
) -> pl.DataFrame:
    """Make OpenEvent rows of what a batch opened and settled; what it did both with leaves none.

    Args:
        opened: Parts that wait since this batch.
        closed: Parts that waited and are settled.
        snapshot: For the estimated worth.
    """
    settled = {place_of(part) for part in closed}
    begun = {place_of(row_of(held.part)) for held in opened}
    waiting = [held for held in opened if place_of(row_of(held.part)) not in settled]
    ended = [part for part in closed if place_of(part) not in begun]
    if not waiting and not ended:
        return pl.DataFrame(schema=polars_schema(OpenEvent))
    rows = frame_of([row_of(held.part) for held in waiting]).with_columns(
        pl.Series("last_heard", [held.heard_us for held in waiting], pl.Int64),
        pl.Series("settles_at", [held.settles_us for held in waiting], pl.Int64),
        pl.lit(1).alias("change"),
    )
    gone = frame_of([{**part} for part in ended]).with_columns(
        pl.col("start_us").alias("last_heard"),
        pl.col("start_us").alias("settles_at"),
        pl.lit(-1).alias("change"),
        pl.lit(None, dtype=pl.Decimal(38, 9)).alias("estimated_amount"),
        pl.lit("").alias("estimated_currency"),
        pl.lit("none").alias("estimate_method"),
    )
    both = pl.concat([estimate(rows, snapshot), gone], how="diagonal").with_columns(
        pl.col("session_key").alias("session_id"),
        pl.col("start_us").alias("event_time"),
        pl.col("quantity").fill_null(0),
    )
    return conform(both, OpenEvent)
