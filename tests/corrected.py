"""Charges as a store would hold them, and re-rating them: what the tests of corrections share."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from schemas.columns import conform, polars_schema, rows_to_frame
from schemas.rated import RatedEvent
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.corrections import RETAIL, standing
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.in_order import Catalogs
from tallywire.rating.rerate import Rerated, Work, rerate

CAUSE, OTHER_CAUSE = b"c" * 16, b"d" * 16
NO_USAGE = pl.DataFrame(schema=polars_schema(UsageEvent))
NO_LATER = pl.DataFrame(schema={**polars_schema(UsageEvent), "catalog_hash": pl.String()})


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
    """Charges as they stand, each account's in their order, with the columns of RatedEvent."""
    return conform(standing(history).sort("routing_id", maintain_order=True), RatedEvent)


@dataclass
class Told:
    """What an event at a time, each of its legs by the catalogue it should have, comes to.

    Attributes:
        rows: Charges, in the order in which they stand.
        lost: Event and run of what the catalogue has no price for; of all of it the run is empty.
        kept: Legs of partners that stay under the catalogue that charged them.
    """

    rows: list[Mapping[str, Any]] = field(default_factory=list)
    lost: set[tuple[bytes, str]] = field(default_factory=set)
    kept: set[tuple[bytes, str]] = field(default_factory=set)
    counters: Counters = field(default_factory=Counters)

    def frame(self, like: pl.DataFrame) -> pl.DataFrame:
        """The charges, each account's in their order, with the columns of others."""
        names = [name for name in like.columns if all(name in row for row in self.rows)]
        by_account = sorted(self.rows, key=lambda row: row["routing_id"])
        rows = [[row[name] for name in names] for row in by_account]
        return pl.DataFrame(rows, {name: like.schema[name] for name in names}, orient="row")


def told(
    catalogs: Catalogs, events: Sequence[UsageEvent], history: pl.DataFrame, target: str
) -> Told:
    """Rate charged usage under a catalogue, from the start, by the rulebook and one by one.

    What has no price in it stays under the catalogue that charged it: all of an event, or the leg
    of a partner; which stays as it is, where it was a share of what is no more.
    """
    charged: dict[bytes, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    newest: dict[bytes, str] = {}
    for row in standing(history).sort("ledgered_at", maintain_order=True).iter_rows(named=True):
        charged[row["event_id"]][row["run"]] = row
        newest[row["event_id"]] = row["catalog_hash"]
    made = Told()
    for event in rows_to_frame(list(events), UsageEvent).iter_rows(named=True):
        if event["event_id"] in charged:
            was = charged[event["event_id"]]
            if not _told_one(made, catalogs(target), event, was, catalogs):
                _told_one(made, catalogs(newest[event["event_id"]]), event, was, catalogs)
    return made


def _told_one(
    made: Told, catalog: tuple[Rater, Snapshot], event: Mapping[str, Any],
    was: Mapping[str, Mapping[str, Any]], catalogs: Catalogs,
) -> bool:  # fmt: skip
    rows, refused = catalog[0].rate_one(event, made.counters)
    lost = {one["run"] for one in refused}
    made.lost |= {(event["event_id"], run) for run in lost}
    if "" in lost:
        return False
    amounts = {row["run"]: (int(row["amount"] * 10**9), row["currency"]) for row in rows}
    for name in sorted({was[run]["catalog_hash"] for run in lost & set(was)}):
        kept = [run for run in was if run in lost and was[run]["catalog_hash"] == name]
        made.kept |= {(event["event_id"], run) for run in kept}
        legs = {**event, "runs": "+".join(kept)}
        again, without = catalogs(name)[0].rate_one(legs, made.counters, amounts)
        left = [was[one["run"]] for one in without]
        rows = rows + again + left
    rows = [{**row, "runs": event["runs"]} for row in rows]
    made.rows += sorted(rows, key=lambda row: (row["run"] != RETAIL, row["run"]))
    return True
