"""The usage log as a Bytewax source: one part per partition, ranges ledgered before they leave."""

import datetime
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from dataflows import stop
from dataflows.crashes import Guard
from dataflows.kafka.errors import OffsetExpired, StoppedWaiting
from dataflows.lane import LogBatch, entry
from dataflows.lane_progress import RATING
from dataflows.ledger import KEPT, Folded, Ledger, LedgerDamaged
from dataflows.progress import Progress
from dataflows.requests import SOURCE, Asked, Inbox, load
from dataflows.settings import Home, Settings
from dataflows.usage_log.kafka import Seen
from dataflows.usage_log.reading import LogReader
from dataflows.usage_log.spool import REQUESTS
from schemas.feeds import LedgerEntry

_IDLE = datetime.timedelta(milliseconds=20)
_LONGEST_IDLE = datetime.timedelta(milliseconds=100)
"""With many partitions each looks less often."""


@dataclass(frozen=True)
class LogEnds:
    """When the log is at its end: these lanes have ended in this run. No lanes at all: never."""

    run: str = ""
    lanes: frozenset[str] | None = None

    def reached(self, ended: Mapping[str, str]) -> bool:
        """Tell whether nothing more will come."""
        return self.lanes is not None and all(ended.get(one) == self.run for one in self.lanes)


Readers = Callable[[str, int], LogReader]
"""Opens a partition of a topic of the log."""


def part_name(topic: str, partition: int) -> str:
    """Name the lane that works a partition of the log.

    >>> part_name("usage", 3)
    'usage-0003'
    """
    return f"{topic}-{partition:04d}"


def place_of(lane: str) -> tuple[str, int]:
    """Tell which partition of which topic a lane works.

    >>> place_of("usage-0003")
    ('usage', 3)
    """
    topic, _, number = lane.rpartition("-")
    return topic, int(number)


def folded(before: Folded, entries: Iterable[LedgerEntry]) -> Folded:
    """Fold entries of an account lane: where they ended, what was asked, what the reader keeps."""
    offset, worked, seen = before.get("offset", 0), list(before.get("worked", ())), Seen()
    if before.get("seen"):
        seen.add(before["seen"])
    for one in entries:
        offset = one.last
        if one.source.startswith(SOURCE):
            worked.append(one.source.removeprefix(SOURCE))
        elif one.detail:
            seen.add(one.detail)
    return {"offset": offset, "worked": worked, "seen": seen.since(Seen())}


class LogPart(StatefulSourcePartition[tuple[str, LogBatch], int]):
    """One partition of the log; resumes at a position of its ledger."""

    def __init__(
        self,
        lane: str,
        reader: LogReader,
        settings: Settings,
        ends: LogEnds,
        progress: Progress,
        catalog_at: Callable[[int], str],
        guard: Guard,
        resume: int | None,
    ) -> None:
        home = Home(settings.home)
        self._lane, self._topic = lane, place_of(lane)[0]
        self._settings, self._ends, self._progress = settings, ends, progress
        self._catalog_at, self._guard = catalog_at, guard
        guard.opened(lane)
        self._reader = reader
        self._figures = progress.lane(lane, RATING)
        self.ledger = Ledger(home.lane("rating", lane) / "ledger")
        self._position = self._committed = self.ledger.begin(resume)
        self._replay_until = self.ledger.end
        done = self.ledger.between(self.ledger.base, self._position)
        self._offset = done[-1].last if done else self.ledger.folded.get("offset", 0)
        reader.resume(self.ledger.folded, done)
        if self._position < self._replay_until:
            following = self.ledger.at(self._position).first
            if following != self._offset:
                msg = (
                    f"the ledger of {lane} goes on at {following}, and what is committed ends at "
                    f"{self._offset}: restore both from one backup"
                )
                raise LedgerDamaged(msg)
        self._home, self._inbox = home, Inbox(home, lane)
        entries = (one.source for one in self.ledger.entries)
        for source in [*self.ledger.folded.get("worked", ()), *entries]:
            self._inbox.worked(source)
        self._waiting_since: float | None = None
        self._idle = min(_IDLE * settings.partitions, _LONGEST_IDLE)
        self._awake: datetime.datetime | None = None

    def next_batch(self) -> list[tuple[str, LogBatch]]:
        """Give the next range, or nothing yet; never blocks longer than one read."""
        if stop.stopping():
            raise StopIteration
        self._awake = None
        if self._guard.aside(self._lane, self._figures):
            return self._wait()
        if self._position < self._replay_until:
            return self._again(self.ledger.at(self._position))
        if (name := self._inbox.next(self._progress.problem)) is not None:
            return self._take(f"{SOURCE}{name}", self._offset, 0)
        return self._next()

    def _again(self, cut: LedgerEntry) -> list[tuple[str, LogBatch]]:
        """Give a ledgered range once more."""
        try:
            return self._emit(cut)
        except OffsetExpired as error:
            return self._gone(error)

    def _gone(self, error: OffsetExpired) -> list[tuple[str, LogBatch]]:
        """Put the lane aside, and let the others go on.

        Raises:
            OffsetExpired: In a run that shall end.
        """
        if not self._guard.put_aside(self._lane, error.place, str(error)):
            raise error
        self._progress.problem(str(error))
        return self._wait()

    def _next(self) -> list[tuple[str, LogBatch]]:
        """Cut the next range, when it is full or has waited for long enough."""
        try:
            found = self._reader.plan(self._offset, self._settings.rating_rows)
        except OffsetExpired as error:
            return self._gone(error)
        self._progress.bytes_total = max(self._progress.bytes_total, found.end)
        self._figures.stand(found.at, found.end)
        ended = self._ends.reached(found.ended)
        if not found.rows:
            if ended:
                raise StopIteration
            return self._wait()
        if not found.full and not ended and self._lingers():
            return self._wait()
        return self._take(self._topic, found.last, found.rows, found.detail)

    def _take(
        self, source: str, last: int, rows: int, detail: str = ""
    ) -> list[tuple[str, LogBatch]]:
        """Put a range, or a request, into the ledger; then it may leave."""
        cut = entry(
            self._lane, self._position, source, (self._offset, last), rows, self._catalog_at,
            detail,
        )  # fmt: skip
        self.ledger.append(cut)
        self._inbox.worked(source)
        return self._emit(cut)

    def _lingers(self) -> bool:
        now = time.monotonic()
        if self._waiting_since is None:
            self._waiting_since = now
        return now - self._waiting_since < self._settings.linger_ms / 1_000

    def _wait(self) -> list[tuple[str, LogBatch]]:
        self._awake = datetime.datetime.now(datetime.UTC) + self._idle
        self._progress.write()
        return []

    def _emit(self, cut: LedgerEntry) -> list[tuple[str, LogBatch]]:
        try:
            batch = self._read(cut)
        except StoppedWaiting:  # the range is read after the next start
            raise StopIteration from None
        self._waiting_since = None
        self._position = cut.position + 1
        self._offset = cut.last
        self._progress.log_bytes += cut.last - cut.first
        self._figures.cut(cut)
        return [(self._lane, batch)]

    def _read(self, cut: LedgerEntry) -> LogBatch:
        """Read a ledgered range, or the request that stands in its place."""
        replayed = cut.position < self._replay_until
        if cut.source.startswith(SOURCE):
            return LogBatch(REQUESTS, cut, {}, replayed=replayed, asked=self._asked(cut))
        return LogBatch(self._topic, cut, self._reader.read(cut), replayed=replayed)

    def _asked(self, cut: LedgerEntry) -> Asked:
        """Read a request, and what the lane did for its accounts since its charges were read."""
        asked = load(self._home, self._lane, cut.source.removeprefix(SOURCE))
        mine = sorted(asked.routing_ids)
        later, stale = [asked.later], set[str]()
        since = asked.request.position + 1
        if since < self.ledger.base:  # too long ago to tell: what was charged must be read anew
            stale |= asked.routing_ids
        for done in self.ledger.between(since, cut.position):
            if done.source.startswith(SOURCE):
                other = load(self._home, self._lane, done.source.removeprefix(SOURCE))
                stale |= asked.routing_ids & (other.routing_ids or asked.routing_ids)
                continue
            before = self.ledger.between(self.ledger.base, done.position)
            usage = self._reader.again(done, self.ledger.folded, before)["usage_events"]
            usage = usage.filter(pl.col("routing_id").is_in(mine))
            later.append(usage.with_columns(pl.lit(done.catalog_hash).alias("catalog_hash")))
        return replace(asked, later=pl.concat(later), stale=frozenset(stale))

    def next_awake(self) -> datetime.datetime | None:
        """Ask to be called again soon when there was nothing: never freeze the other parts."""
        return self._awake

    def snapshot(self) -> int:
        """Give the position that an epoch commits; fold what lies far behind the one before."""
        if self._committed - self.ledger.base > 2 * KEPT:
            self.ledger.compact(self._committed - KEPT, folded)
            self._reader.forget(self.ledger.folded["offset"])
        self._committed = self._position
        return self._position

    def close(self) -> None:
        """Leave the ledger open: the sink still acknowledges into it."""


class LogSource(FixedPartitionedSource[tuple[str, LogBatch], int]):
    """All partitions of the log that this process owns."""

    def __init__(
        self,
        lanes: Sequence[str],
        readers: Readers,
        settings: Settings,
        ends: LogEnds,
        progress: Progress,
        catalog_at: Callable[[int], str],
        guard: Guard,
    ) -> None:
        self._lanes, self._readers = list(lanes), readers
        self._make = (settings, ends, progress, catalog_at, guard)
        self.ledgers: dict[str, Ledger] = {}

    def list_parts(self) -> list[str]:
        """Name every lane."""
        return self._lanes

    def build_part(self, _step_id: str, for_part: str, resume_state: int | None) -> LogPart:
        """Open a partition where the last committed epoch left it."""
        reader = self._readers(*place_of(for_part))
        part = LogPart(for_part, reader, *self._make, resume_state)
        self.ledgers[for_part] = part.ledger
        return part
