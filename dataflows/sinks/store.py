"""The store as a Bytewax sink: tokens, one insert thread, all in before the epoch commits."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from dataflows import stop
from dataflows.lane import StoreBatch
from dataflows.lane_progress import RATING
from dataflows.ledger import Ledger
from dataflows.ownership import Ownership
from dataflows.progress import Progress
from schemas.columns import to_arrow
from schemas.feeds import LedgerEntry
from warehouse.client import Client, StoreUnavailable
from warehouse.insert import insert
from warehouse.owners import StaleOwner, claim, following, newest
from warehouse.recovery import complete, inserts_since
from warehouse.rollups import writer_of
from warehouse.tables import DEDUPLICATION_WINDOW, TABLES

_DAY_US = 86_400_000_000
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 2.0
_MOST_WAITING = 1
"""Batches that may wait while another is being inserted: each takes 200 MB."""


class StoreGone(RuntimeError):  # noqa: N818  it says what is the case
    """The store did not answer for longer than the run may wait, or the run was stopped."""


@dataclass(frozen=True)
class StoreWorld:
    """What the sink needs to know of the world.

    Attributes:
        connect: Opens a client of the writer; called in the thread that uses it.
        ledgers: Ledger of each lane, where acknowledgements go.
        folder: Gives the folder of a lane.
        patience_s: How long to retry a store that does not answer.
    """

    connect: Callable[[], Client]
    ledgers: Mapping[str, Ledger]
    folder: Callable[[str], Path]
    progress: Progress
    patience_s: float


class Inserter:
    """Sends batches in order from one thread; retries the same rows with the same token."""

    def __init__(self, world: StoreWorld) -> None:
        self._world = world
        self._client: Client | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="insert")

    def submit(self, work: Callable[[Client], None]) -> Future[None]:
        """Queue work for the insert thread."""
        return self._thread.submit(self._persist, work)

    def _persist(self, work: Callable[[Client], None]) -> None:
        """Do the work, again and again while the store is away; once more when the run ends.

        Raises:
            StoreGone: When patience or the run ends; nothing was committed, a restart repeats it.
        """
        waited, pause, last = 0.0, _FIRST_WAIT_S, False
        while True:
            try:
                if self._client is None:
                    self._client = self._world.connect()
                work(self._client)
            except StoreUnavailable as error:
                self._client = None
                self._world.progress.retries += 1
                self._world.progress.problem(f"the store does not answer: {error}")
                self._world.progress.write()
            else:
                return
            if last or waited >= self._world.patience_s:
                msg = f"the store did not answer for {waited:.0f} s; nothing is lost, run again"
                raise StoreGone(msg)
            last = stop.wait(pause)
            waited, pause = waited + pause, min(2 * pause, _LONGEST_WAIT_S)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _arrow(name: str, frame: pl.DataFrame) -> pa.Table:
    return to_arrow(frame, TABLES[name].record)


def send(client: Client, batch: StoreBatch, done: set[str]) -> None:
    """Insert every table of a batch that the store does not have yet.

    A replayed range may be older than the store's memory of tokens, or than the views that add up
    its rows: then its rows are counted by token and completed instead.
    """
    for name, frame in batch.tables.items():
        token = f"{batch.entry.token}:{name}"
        if frame.is_empty() or token in done:
            continue
        table = _arrow(name, frame)
        if batch.replayed and _aged(client, name, batch.entry):
            complete(client, name, table, batch.entry.token)
        else:
            for mark, rows in by_day(table, batch.entry.ledgered_at):
                insert(client, name, rows, f"{batch.entry.token}{mark}")
        done.add(token)


def by_day(table: pa.Table, own_us: int) -> Iterator[tuple[str, pa.Table]]:
    """Part rows by ledger day: entries of collection may be of a day before that of their batch.

    Args:
        own_us: Ledger time of the batch; nothing marks the rows of its day.
    """
    days = pc.divide(table.column("ledgered_at").cast(pa.int64()), _DAY_US)
    every = sorted(pc.unique(days).to_pylist())
    for day in every:
        mark = "" if day == own_us // _DAY_US else f"@{day}"
        yield mark, table if len(every) == 1 else table.filter(pc.equal(days, day))


def _aged(client: Client, table: str, entry: LedgerEntry) -> bool:
    if not writer_of(entry.token):
        return True
    return inserts_since(client, table, entry.ledgered_at) > DEDUPLICATION_WINDOW // 2


class StorePart(StatefulSinkPartition[StoreBatch, None]):
    """One lane's way into the store."""

    def __init__(self, lane: str, world: StoreWorld, inserter: Inserter) -> None:
        self._lane, self._world, self._inserter = lane, world, inserter
        self._pending: list[Future[None]] = []
        self._fresh: list[str] = []
        self._generation = 0
        self._ownership = Ownership(world.folder(lane), lane)
        self._figures = world.progress.lane(lane, RATING)
        inserter.submit(self._claim).result()

    def _claim(self, client: Client) -> None:
        """Claim the lane, unless another home has done so since this one did."""
        found = newest(client, self._lane)
        self._ownership.check(found, f"{found}")
        generation = following(found)
        self._ownership.begin(f"{generation}")
        claim(client, self._lane, generation)
        self._ownership.done(generation)
        self._generation = generation

    def _check_owner(self, client: Client) -> None:
        found = newest(client, self._lane)
        if found != self._generation:
            msg = (
                f"lane {self._lane} was taken over by another worker (generation {found}, ours is "
                f"{self._generation}); this one stops and changes nothing more"
            )
            raise StaleOwner(msg)

    def write_batch(self, items: list[StoreBatch]) -> None:
        """Queue inserts; the flow goes on while the store works, a few batches ahead at most."""
        for batch in items:
            for future in self._pending[:-_MOST_WAITING]:
                future.result()
            tokens = {f"{batch.entry.token}:{name}" for name in batch.tables}
            done = tokens & self._world.ledgers[self._lane].acknowledged
            self._fresh += sorted(tokens)
            self._pending.append(self._inserter.submit(partial(self._send, batch, done)))
            self._world.progress.batches += 1

    def _send(self, batch: StoreBatch, done: set[str], client: Client) -> None:
        began = time.perf_counter()
        self._check_owner(client)
        send(client, batch, done)
        self._figures.inserts.add(time.perf_counter() - began)

    def snapshot(self) -> None:
        """Wait for the epoch's inserts, then acknowledge: this runs before the epoch commits."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        for future in pending:
            future.result()
        self._world.ledgers[self._lane].acknowledge(self._fresh)
        self._fresh = []
        self._world.progress.write()

    def close(self) -> None:
        """Nothing is open here."""


class StoreSink(FixedPartitionedSink[StoreBatch, None]):
    """The store, written lane by lane.

    All lanes are claimed at once, before anything is read: Bytewax builds a part when its first
    batch comes, and until then a lane would still belong to whoever worked it before.

    Raises:
        StaleOwner: If another home has taken over one of them.
        StoreGone: If the store does not answer for longer than the run may wait.
    """

    def __init__(self, world: StoreWorld, lanes: list[str]) -> None:
        self._lanes = sorted(lanes)
        inserter = Inserter(world)
        self._parts = {lane: StorePart(lane, world, inserter) for lane in self._lanes}

    def list_parts(self) -> list[str]:
        """Name every lane."""
        return self._lanes

    def part_fn(self, item_key: str) -> int:
        """Send a lane's batches to that lane's part: parts are counted in sorted order."""
        return self._lanes.index(item_key)

    def build_part(self, _step_id: str, for_part: str, _resume_state: None) -> StorePart:
        """Give a lane's part."""
        return self._parts[for_part]
