"""Legs of partners that stay under the catalogue they were charged by, as they have no price now.

The other legs of their event are rated under another catalogue.
"""

import polars as pl

from tallywire.rating.events import CATALOG, ENTRY, KEPT, REPLACED

LEGS = [*ENTRY, "run"]


def to_keep(events: pl.DataFrame, refused: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """Find legs that were charged by another catalogue than that of their event, and refused by it.

    Args:
        events: Usage as it was rated, with CATALOG and KEPT.
        refused: Refusals of rating it.
        standing: Charges as they stand.

    Returns:
        `event_id`, `attempt`, `run`, and the catalogue of the charge as `_leg`.
    """
    legs = refused.filter(pl.col("run") != "").select(LEGS)
    charged = standing.select(*LEGS, pl.col("catalog_hash").alias("_leg"))
    charged = charged.unique(LEGS, keep="last", maintain_order=True)
    return (
        legs.join(charged, on=LEGS)
        .join(events.filter(~pl.col(REPLACED)).select(*ENTRY, CATALOG), on=ENTRY)
        .join(legs_kept(events), on=LEGS, how="anti")
        .filter(pl.col("_leg") != pl.col(CATALOG))
        .select(*LEGS, "_leg")
    )


def keeping(events: pl.DataFrame, legs: pl.DataFrame) -> pl.DataFrame:
    """Have some more legs stay: rows of `to_keep`."""
    told = pl.concat_str("run", pl.lit("="), "_leg").sort_by("run").str.join("+")
    added = legs.group_by(ENTRY).agg(told.alias("_added"))
    both = pl.concat_str(KEPT, "_added", separator="+", ignore_nulls=True).str.strip_chars("+")
    return (
        events.join(added, on=ENTRY, how="left", maintain_order="left")
        .with_columns(both.alias(KEPT))
        .drop("_added")
    )


def legs_kept(events: pl.DataFrame) -> pl.DataFrame:
    """List the legs that stay: `event_id`, `attempt`, `run`."""
    told = events.filter(pl.col(KEPT) != "").select(*ENTRY, pl.col(KEPT).str.split("+"))
    run = pl.col(KEPT).str.extract("^(.*)=", 1)
    return told.explode(KEPT).select(*ENTRY, run.alias("run"))
