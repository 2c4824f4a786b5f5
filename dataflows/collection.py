"""The collection flow: files → decode → deduplicate, correlate, normalise → usage log."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import bytewax.operators as op
from bytewax.dataflow import Dataflow, Stream
from bytewax.inputs import Source
from bytewax.operators import KeyedStream, StatefulBatchLogic
from bytewax.outputs import Sink

from dataflows.canaries.key import canary_key
from dataflows.crashes import Guard
from dataflows.journal import Cut, Journal
from dataflows.lane import SpoolItem
from dataflows.lane_progress import COLLECTION
from dataflows.outcomes import Gathered, LaneWork
from dataflows.progress import Progress
from dataflows.settings import Home, Settings
from dataflows.sinks.log import LOG_PART
from dataflows.sources.feed_batch import FeedBatch
from dataflows.tallies import fates_of
from tallywire.catalog.snapshot import Snapshot
from tallywire.mediation.decoded import Decoded

Snapshots = Callable[[str], Snapshot]


@dataclass(frozen=True)
class LaneCut:
    """What the snapshot of a collection lane holds.

    Attributes:
        lane: Its name: the builder of the logic is not told.
        files: Counts of the files being read.
        journal: Where the journal of its large state stood.
    """

    lane: str
    files: bytes
    journal: Cut


class Mediate(StatefulBatchLogic[tuple[FeedBatch, Decoded | None], SpoolItem, LaneCut]):
    """The state of one lane, and the work on its batches."""

    def __init__(
        self,
        settings: Settings,
        snapshots: Snapshots,
        guard: Guard,
        progress: Progress,
        resume: LaneCut | None,
    ) -> None:
        self._settings, self._snapshots, self._resume = settings, snapshots, resume
        self._guard, self._progress = guard, progress
        self._work: LaneWork | None = None
        self._journal: Journal | None = None

    def _open(self, lane: str) -> LaneWork:
        """Open the lane at its first batch, when its name is known."""
        if self._work is None:
            home = Home(self._settings.home)
            self._work = LaneWork(
                lane, self._settings.partitions, cache(partial(canary_key, home, os.environ))
            )
            folder: Path = home.lane("collection", lane)
            cut = self._resume.journal if self._resume else None
            self._journal = Journal(folder, self._work.state, cut)
            if self._resume:
                self._work.restore_files(self._resume.files)
        return self._work

    def on_batch(
        self, values: list[tuple[FeedBatch, Decoded | None]]
    ) -> tuple[Iterable[SpoolItem], bool]:
        """Work batches in order."""
        items = []
        for batch, decoded in values:
            work = self._open(batch.lane)
            began = time.perf_counter()
            snapshot = self._snapshots(batch.entry.catalog_hash)
            with self._guard.working(batch.lane, batch.entry.token):
                gathered: Gathered = work.work(batch, decoded, snapshot)
                items.append(gathered.item())
            self._count(work, gathered, time.perf_counter() - began)
        return items, StatefulBatchLogic.RETAIN

    def _count(self, work: LaneWork, gathered: Gathered, seconds: float) -> None:
        """Add a batch to the figures of its lane."""
        lane = self._progress.lane(work.lane, COLLECTION)
        lane.add(fates_of(gathered.outcomes))
        reached = gathered.batch.detail.get("arrived_us") or gathered.batch.entry.ledgered_at
        lane.worked(seconds, reached, work.state.dedup.watermark)
        lane.open_sessions = len(work.state.sessions)

    def snapshot(self) -> LaneCut:
        """Make the lane's state durable and say where."""
        if self._work is None or self._journal is None:
            if self._resume is None:
                msg = "a lane without a batch has nothing to snapshot"
                raise RuntimeError(msg)
            return self._resume
        cut = LaneCut(self._work.lane, self._work.dump_files(), self._journal.commit())
        lane = self._progress.lane(self._work.lane, COLLECTION)
        lane.state_bytes = self._journal.length
        lane.state_keys = len(self._work.state.dedup) + len(self._work.state.sessions)
        return cut


def _decoded(
    decode: Callable[[FeedBatch], Decoded | None],
    guard: Guard,
    progress: Progress,
    batch: FeedBatch,
) -> tuple[FeedBatch, Decoded | None]:
    """Decode a batch, and note how long that takes."""
    began = time.perf_counter()
    with guard.working(batch.lane, batch.entry.token):
        decoded = decode(batch)
    progress.lane(batch.lane, COLLECTION).decoded(time.perf_counter() - began)
    return batch, decoded


def collection_flow(
    source: Source[tuple[str, FeedBatch]],
    sink: Sink[tuple[str, SpoolItem]],
    decode: Callable[[FeedBatch], Decoded | None],
    settings: Settings,
    snapshots: Snapshots,
    guard: Guard,
    progress: Progress,
    flow: Dataflow | None = None,
) -> Dataflow:
    """Wire the collection lanes between their ends.

    Args:
        source: Gives (lane, batch).
        sink: Takes blocks for the usage log.
        decode: Total: turns a batch into decoded rows, `None` for batches without frames.
        settings: Partitions and places.
        snapshots: Catalogue snapshot by hash.
        guard: Counts crashes against the range that was worked.
        progress: Counts what becomes of records.
        flow: A flow to add to, where both halves share a process.
    """
    flow = flow or Dataflow("collection")
    batches: Stream[tuple[str, FeedBatch]] = op.input("collect_source", flow, source)
    decoded: KeyedStream[tuple[FeedBatch, Decoded | None]] = op.map_value(
        "collect_decode", batches, partial(_decoded, decode, guard, progress)
    )
    mediated = op.stateful_batch(
        "collect_mediate",
        decoded,
        lambda resume: Mediate(settings, snapshots, guard, progress, resume),
    )
    items = op.map("collect_route", mediated, lambda pair: (LOG_PART, pair[1]))
    op.output("collect_log", items, sink)
    return flow
