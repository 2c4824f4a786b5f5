"""Charges as a store would hold them, and re-rating them: what the tests of corrections share."""

from collections.abc import Mapping, Sequence

import polars as pl

from schemas.columns import conform, polars_schema, rows_to_frame
from schemas.rated import RatedEvent
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.corrections import standing
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.in_order import Catalogs
from tallywire.rating.rerate import Rerated, Work, rerate

CAUSE, OTHER_CAUSE = b"c" * 16, b"d" * 16
NO_USAGE = pl.DataFrame(schema=polars_schema(UsageEvent))
NO_LATER = NO_USAGE.with_columns(pl.lit("").alias("catalog_hash"))


def catalogs_of(snapshots: Mapping[str, Snapshot]) -> Catalogs:
    """Raters of some snapshots by name; each is named by its hash."""
    made = {name: (Rater(snapshot), snapshot) for name, snapshot in snapshots.items()}
    return made.__getitem__


def stored(rows: pl.DataFrame, position: int) -> pl.DataFrame:
    """Rows as a lane stamps them."""
    return rows.with_columns(
        pl.lit(f"usage-0000:{position}:0:9").alias("batch_token"),
        pl.lit(position, dtype=pl.Int64).alias("ledgered_at"),
        pl.int_range(pl.len(), dtype=pl.Int32).alias("batch_row"),
    )


def charge(
    catalogs: Catalogs, name: str, events: Sequence[UsageEvent], counters: Counters, position: int
) -> pl.DataFrame:
    """Rate usage as one batch of a lane; give its rows."""
    made = catalogs(name)[0].rate(rows_to_frame(list(events), UsageEvent), counters)
    return stored(made.rated, position)


def again(
    catalogs: Catalogs, history: pl.DataFrame, target: str, lane: Counters | None = None,
    *, cause: bytes = CAUSE, selected: pl.Expr | None = None, replaced: pl.DataFrame = NO_USAGE,
    later: pl.DataFrame = NO_LATER, opening: bytes = b"",
) -> Rerated:  # fmt: skip
    """Rate everything again under a catalogue."""
    chosen = pl.lit(value=True) if selected is None else selected
    there = standing(history).with_columns(chosen.alias("selected"))
    work = Work(
        standing=there, target=target, reason="price_corrected", cause_id=cause,
        replaced=replaced, later=later, opening=opening,
    )  # fmt: skip
    return rerate(work, catalogs, lane or Counters())


def take(lane: Counters, made: Rerated) -> None:
    """Do with a lane's counters what a re-rating says."""
    for records in made.counters:
        lane.take(records)


def now(history: pl.DataFrame) -> pl.DataFrame:
    """Charges as they stand, with the columns of RatedEvent."""
    return conform(standing(history), RatedEvent)
