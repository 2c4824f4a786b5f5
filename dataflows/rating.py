"""The rating flow: usage log → account lanes → store."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import bytewax.operators as op
import orjson
import polars as pl
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.operators import KeyedStream, StatefulBatchLogic
from bytewax.outputs import Sink

from assurance.files import suspended
from assurance.stages import charge_sums, usage_sums
from dataflows.closing import STATES, changed_state
from dataflows.corrections import corrected
from dataflows.crashes import Guard
from dataflows.journal import Cut, Journal
from dataflows.lane import LogBatch, StoreBatch
from dataflows.lane_progress import RATING
from dataflows.outcomes import add_held, held_of
from dataflows.partners import partners_trued_up
from dataflows.progress import Progress
from dataflows.requests import Asked
from dataflows.settings import Home, Settings
from dataflows.tallies import fates_of, misplaced
from dataflows.usage_log.spool import USAGE
from schemas.alerts import Alert
from schemas.columns import conform, rows_to_frame
from schemas.feeds import LedgerEntry
from schemas.requests import RequestKind
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Outcome, Rater
from tallywire.rating.periods import Periods, booked, withheld
from tallywire.suspense import suspend_usage

Snapshots = Callable[[str], Snapshot]


@dataclass(frozen=True)
class AccountCut:
    """What the snapshot of an account lane holds.

    Attributes:
        lane: Its name: the builder of the logic is not told.
        journal: Where the journal of its counters stood.
        held: Sums of suspense by feed and reason, for its alerts.
        periods: Where the journal of its periods stood; nothing in snapshots from before it was.
    """

    lane: str
    journal: Cut
    held: bytes
    periods: Cut | None = None


def stamped(frame: pl.DataFrame, entry: LedgerEntry) -> pl.DataFrame:
    """Write ledger time and token into rows, the only things the streams add to them."""
    return frame.with_columns(
        pl.lit(entry.ledgered_at, dtype=pl.Int64()).alias("ledgered_at"),
        pl.lit(entry.token).alias("batch_token"),
    )


def numbered(rated: pl.DataFrame) -> pl.DataFrame:
    """Write into rows where they stand in their batch: the order of the lane is theirs."""
    return rated.with_columns(pl.int_range(pl.len(), dtype=pl.Int32).alias("batch_row"))


def _ledgered(entry: LedgerEntry, collected: pl.DataFrame | None) -> pl.DataFrame:
    """Give the entry of a batch, beside those of the collection whose outcomes it holds."""
    own = rows_to_frame([entry], LedgerEntry)
    return own if collected is None else pl.concat([conform(collected, LedgerEntry), own])


class Rate(StatefulBatchLogic[LogBatch, StoreBatch, AccountCut]):
    """The state of one lane of the log, and the work on its batches."""

    def __init__(
        self,
        settings: Settings,
        raters: Callable[[str], tuple[Rater, Snapshot]],
        progress: Progress,
        guard: Guard,
        resume: AccountCut | None,
    ) -> None:
        self._settings, self._raters, self._resume = settings, raters, resume
        self._guard = guard
        self._progress = progress
        self._counters = Counters()
        self._periods = Periods()
        self._journal: Journal | None = None
        self._period_journal: Journal | None = None
        self._lane = resume.lane if resume else ""
        self._held: dict[str, dict[str, Any]] = orjson.loads(resume.held) if resume else {}

    def _open(self, lane: str) -> None:
        """Open the lane at its first batch, when its name is known."""
        if self._journal is None:
            self._lane = lane
            cut = self._resume.journal if self._resume else None
            folder = Home(self._settings.home).lane("rating", lane)
            self._journal = Journal(folder, self._counters, cut)
            cut = self._resume.periods if self._resume else None
            self._period_journal = Journal(folder / "periods", self._periods, cut)

    def on_batch(self, values: list[LogBatch]) -> tuple[Iterable[StoreBatch], bool]:
        """Work batches in order."""
        return [self._work(batch) for batch in values], StatefulBatchLogic.RETAIN

    def _work(self, batch: LogBatch) -> StoreBatch:
        began = time.perf_counter()
        self._open(batch.entry.lane)
        with self._guard.working(batch.entry.lane, batch.entry.token):
            tables = self._tables(batch)
            tables |= self._sums(batch, tables)
        collected = tables.pop("lane_ledger", None)
        tables = {name: stamped(frame, batch.entry) for name, frame in tables.items()}
        tables["lane_ledger"] = _ledgered(batch.entry, collected)
        self._count(batch, tables, time.perf_counter() - began)
        return StoreBatch(batch.entry, tables, replayed=batch.replayed)

    def _count(self, batch: LogBatch, tables: dict[str, pl.DataFrame], seconds: float) -> None:
        """Add a batch to the figures of its lane; outcomes of collection were counted there."""
        lane = self._progress.lane(self._lane, RATING)
        if batch.topic != USAGE:
            lane.worked(seconds, batch.entry.ledgered_at, 0)
            return
        usage = batch.tables["usage_events"]
        lane.add(fates_of(tables))
        number = int(self._lane.rpartition("-")[2])
        lane.key_affinity_faults += misplaced(usage, number, self._settings.partitions)
        newest = [int(usage[name].max() or 0) for name in ("collected_at", "start_time")]  # type: ignore[arg-type]
        lane.worked(seconds, newest[0], newest[1])

    def _tables(self, batch: LogBatch) -> dict[str, pl.DataFrame]:
        if batch.asked is not None:
            return self._answer(batch.asked, batch.entry)
        return self._rate(batch) if batch.topic == USAGE else dict(batch.tables)

    def _sums(self, batch: LogBatch, tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
        """Add up what was read of the log, and what goes to the store."""
        if "rated_events" not in tables:
            return {}
        sums = charge_sums(self._lane, tables["rated_events"])
        if batch.topic == USAGE:
            read = usage_sums("read", batch.tables["usage_events"])
            sums = pl.concat([read, sums])
        return {"stage_sums": sums}

    def _answer(self, asked: Asked, entry: LedgerEntry) -> dict[str, pl.DataFrame]:
        """Work what the lane was asked, at its place between the ranges of the log."""
        _, snapshot = self._raters(entry.catalog_hash)
        if asked.request.kind in STATES:
            state, partitions = (self._periods, self._counters), self._settings.partitions
            answer = changed_state(asked.request, entry, snapshot, state, partitions)
        elif asked.request.kind is RequestKind.TRUE_UP:
            answer = partners_trued_up(
                asked, lambda name: self._raters(name)[1], snapshot.tenant_id, self._periods
            )
        else:
            answer = corrected(asked, self._raters, self._counters, snapshot, self._periods)
        for records in answer.counters:
            self._counters.take(records)
        return {**answer.tables, "rated_events": numbered(answer.tables["rated_events"])}

    def _rate(self, batch: LogBatch) -> dict[str, pl.DataFrame]:
        rater, snapshot = self._raters(batch.entry.catalog_hash)
        usage = batch.tables["usage_events"]
        outcome = self._rate_open(rater, snapshot, usage)
        self._progress.rated += usage.height
        suspense = suspend_usage(outcome.refused, snapshot, stage="rate")
        return {
            "rated_events": numbered(outcome.rated),
            "suspense_events": suspense,
            "alerts": self._alerts(suspense, batch.entry, snapshot),
        }

    def _rate_open(self, rater: Rater, snapshot: Snapshot, usage: pl.DataFrame) -> Outcome:
        """Rate usage; that of periods which are not open goes where the catalogue says."""
        if not self._periods:
            return rater.rate(usage, self._counters)
        usage, late = withheld(usage, snapshot, self._periods)
        outcome = rater.rate(usage, self._counters)
        rated = booked(outcome.rated, self._periods, snapshot.late_usage)
        refused = pl.concat([outcome.refused, late.select(outcome.refused.columns)])
        return Outcome(rated, refused)

    def _alerts(
        self, suspense: pl.DataFrame, entry: LedgerEntry, snapshot: Snapshot
    ) -> pl.DataFrame:
        """Report what could not be priced, for each feed, reason and missing reference."""
        alerts = []
        for (feed_id, reference), rows in suspense.group_by(
            "feed_id", "missing_ref", maintain_order=True
        ):
            place = f"{self._lane} {reference}".strip()
            reasons = self._held.setdefault(f"{feed_id}\x1f{place}", {})
            add_held(reasons, rows)
            alerts += [
                suspended(snapshot.tenant_id, str(feed_id), place, reason, held_of(held),
                          entry.ledgered_at)
                for reason, held in sorted(reasons.items())
                if held.pop("new", False)
            ]  # fmt: skip
        return rows_to_frame(alerts, Alert)

    def snapshot(self) -> AccountCut:
        """Make the lane's counters durable and say where."""
        if self._journal is None or self._period_journal is None:
            if self._resume is None:
                msg = "a lane without a batch has nothing to snapshot"
                raise RuntimeError(msg)
            return self._resume
        cut = AccountCut(
            self._lane, self._journal.commit(), orjson.dumps(self._held),
            self._period_journal.commit(),
        )  # fmt: skip
        lane = self._progress.lane(self._lane, RATING)
        lane.state_bytes = self._journal.length + self._period_journal.length
        lane.state_keys = len(self._counters) + len(self._periods)
        return cut


def rating_flow(
    source: Source[tuple[str, LogBatch]],
    sink: Sink[tuple[str, StoreBatch]],
    settings: Settings,
    snapshots: Snapshots,
    progress: Progress,
    guard: Guard,
    flow: Dataflow | None = None,
    published: Sink[tuple[str, StoreBatch]] | None = None,
) -> Dataflow:
    """Wire the account lanes between their ends.

    Args:
        source: Gives (lane, range of the usage log).
        sink: Takes (lane, rows for the store).
        settings: Partitions and places.
        snapshots: Catalogue snapshot by hash.
        progress: Counts rated events.
        guard: Counts crashes against the range that was worked.
        flow: A flow to add to, where both halves share a process.
        published: Takes the same rows as the store, for those who follow them.
    """

    @lru_cache(maxsize=8)
    def raters(catalog_hash: str) -> tuple[Rater, Snapshot]:
        snapshot = snapshots(catalog_hash)
        return Rater(snapshot), snapshot

    flow = flow or Dataflow("rating")
    ranges: KeyedStream[LogBatch] = op.input("rate_source", flow, source)
    rated = op.stateful_batch(
        "rate_rate", ranges, lambda resume: Rate(settings, raters, progress, guard, resume)
    )
    op.output("rate_store", rated, sink)
    if published is not None:
        op.output("rate_publish", rated, published)
    return flow
