"""Feeds of files as a Bytewax source: one part per feed, ranges ledgered before they leave."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import xxhash
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from dataflows import stop
from dataflows.lane import entry
from dataflows.ledger import Ledger
from dataflows.progress import Progress
from dataflows.settings import Home, Settings
from dataflows.sources.backlog import Backlog
from dataflows.sources.folder import Candidate
from dataflows.sources.manifest import FileState, Manifest
from dataflows.sources.openings import Finder, InputChanged, Opening
from dataflows.sources.ranges import Range, count_records, next_range
from schemas.feeds import LedgerEntry
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Frames
from tallywire.mediation.framing import frame

_POLL = datetime.timedelta(milliseconds=200)
_KIND_OF_STATUS = {
    "complete": "usage",
    "growing": "usage",
    "replayed": "replayed",
    "recycle": "recycle",
}


@dataclass(frozen=True)
class FeedBatch:
    """A ledgered range of a file.

    Attributes:
        kind: `usage`, `overlong` (a piece of a record beyond all bounds), `replayed` (a whole file
            seen before), `recycle` (suspense to be tried again) or `ended` (no more input).
        frames: Records of the range; `None` where the kind has none.
        raw: The range's bytes where it has no frames and is not a whole file.
        detail: What the ledger says of the file.
    """

    feed_id: str
    kind: str
    entry: LedgerEntry
    frames: Frames | None
    detail: Mapping[str, Any]
    raw: bytes = b""


@dataclass(frozen=True)
class FeedWorld:
    """What a feed's part needs to know of the world.

    Attributes:
        scan: Gives the feed's files as they are now, in the order of their names.
        framing: How the feed's format cuts records.
        follow: Wait for more input instead of ending.
        run: Names this run; the end of input is reported under it.
    """

    settings: Settings
    feed: Feed
    framing: str
    scan: Callable[[], list[Candidate]]
    follow: bool
    run: str
    progress: Progress
    catalog_at: Callable[[int], str]


class FeedPart(StatefulSourcePartition[tuple[str, FeedBatch], int]):
    """One feed; resumes at a position of its ledger."""

    def __init__(self, world: FeedWorld, resume: int | None) -> None:
        self._world = world
        self._lane = world.feed.feed_id
        folder = Home(world.settings.home).lane("collection", self._lane)
        self._ledger = Ledger(folder / "ledger")
        self._position = resume or 0
        self._replay_until = len(self._ledger.entries)
        self._manifest = Manifest()
        for done in self._ledger.entries[: self._position]:
            self._manifest.take(done)
        self._finder = Finder(
            growing=world.feed.growing, settle=world.follow, problem=world.progress.problem
        )
        self._backlog = Backlog(world.progress.lane(self._lane), self._manifest)
        self._current: Opening | None = None
        self._ended = False
        self._awake: datetime.datetime | None = None

    def next_batch(self) -> list[tuple[str, FeedBatch]]:
        """Give the next range; one read at most."""
        if stop.stopping():
            raise StopIteration
        self._awake = None
        self._world.progress.write()
        if self._position < self._replay_until:
            cut = self._ledger.entries[self._position]
            return self._emit(cut, orjson.loads(cut.detail), None)
        batch = self._next()
        if batch is not None:
            return batch
        if self._world.follow:
            self._awake = datetime.datetime.now(datetime.UTC) + _POLL
            return []
        if not self._ended:
            self._ended = True
            return [(self._lane, self._end())]
        raise StopIteration

    def _next(self) -> list[tuple[str, FeedBatch]] | None:
        """Cut the next range of the current file, or of the next that has something new."""
        if self._current is not None:
            found = self._range(self._current)
            if found is not None:
                return self._ledgered(self._current, found)
        candidates = self._world.scan()
        self._backlog.listed(candidates)
        while (opening := self._finder.next(candidates, self._manifest)) is not None:
            self._current = opening
            found = self._range(opening)
            if found is not None:
                return self._ledgered(opening, found)
            candidates = [other for other in candidates if other.name > opening.name]
        self._current = None
        self._backlog.nothing()
        return None

    def _state(self, opening: Opening) -> FileState:
        known = self._manifest.files.get(opening.file_id)
        return known or FileState(opening.file_id, opening.name)

    def _framing(self, status: str) -> str:
        return "lines" if status == "recycle" else self._world.framing

    def _range(self, opening: Opening) -> Range | None:
        state = self._state(opening)
        limit = self._world.settings.collection_bytes
        framing = self._framing(opening.status)
        if state.done:
            return None
        if opening.status == "replayed":
            return Range(b"", count_records(opening, framing, limit))
        rows = self._world.settings.collection_rows
        return next_range(opening, state, framing, rows=rows, limit=limit)

    def _ledgered(self, opening: Opening, found: Range) -> list[tuple[str, FeedBatch]]:
        state = self._state(opening)
        replayed = opening.status == "replayed"
        last = opening.size if replayed else state.offset + len(found.data)
        detail = opening.detail(state, last) | {
            "first_record_no": state.records,
            "at_end": last >= opening.size and opening.status != "growing",
            "checksum": xxhash.xxh3_64_hexdigest(found.data),
            "overlong": found.overlong,
            "more": found.more,
            "replay_of": self._manifest.contents.get(opening.sha256, "") if replayed else "",
        }
        cut = entry(
            self._lane, self._position, opening.file_id, (state.offset, last), found.records,
            self._world.catalog_at, orjson.dumps(detail).decode(),
        )  # fmt: skip
        self._ledger.append(cut)
        return self._emit(cut, detail, found.data)

    def _emit(
        self, cut: LedgerEntry, detail: dict[str, Any], data: bytes | None
    ) -> list[tuple[str, FeedBatch]]:
        self._manifest.take(cut)
        self._position = cut.position + 1
        self._world.progress.bytes_read += cut.last - cut.first
        self._world.progress.collected += cut.records
        self._backlog.cut(cut)
        kind = "overlong" if detail["overlong"] else _KIND_OF_STATUS[detail["status"]]
        if kind == "replayed":
            return [(self._lane, FeedBatch(self._lane, kind, cut, None, detail))]
        if data is None:
            data = _read_again(cut, detail, self._world.scan())
        if kind == "overlong":
            return [(self._lane, FeedBatch(self._lane, kind, cut, None, detail, data))]
        frames, _ = frame(
            data, self._framing(detail["status"]), at_end=True,
            first_record_no=detail["first_record_no"], base_offset=cut.first,
        )  # fmt: skip
        return [(self._lane, FeedBatch(self._lane, kind, cut, frames, detail))]

    def _end(self) -> FeedBatch:
        cut = entry(self._lane, self._position, "", (0, 0), 0, self._world.catalog_at)
        return FeedBatch(self._lane, "ended", cut, None, {"run": self._world.run})

    def next_awake(self) -> datetime.datetime | None:
        """Ask to be called again soon when there was nothing: never freeze the other feeds."""
        return self._awake

    def snapshot(self) -> int:
        """Give the position that an epoch commits."""
        return self._position

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()


def _range_of(path: Path, cut: LedgerEntry) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(cut.first)
            return file.read(cut.last - cut.first)
    except OSError:
        return b""


def _read_again(
    cut: LedgerEntry, detail: Mapping[str, Any], candidates: Sequence[Candidate]
) -> bytes:
    """Read a ledgered range once more, exactly; the file may have been renamed meanwhile.

    Raises:
        InputChanged: If no file of the feed holds it any more.
    """
    path = Path(detail["path"])
    for place in [path, *(candidate.path for candidate in candidates)]:
        data = _range_of(place, cut)
        if xxhash.xxh3_64_hexdigest(data) == detail["checksum"]:
            return data
    msg = (
        f"{path} is gone or changed between bytes {cut.first} and {cut.last} since it was read: "
        "put the file back as it was and run again"
    )
    raise InputChanged(msg)


class FeedSource(FixedPartitionedSource[tuple[str, FeedBatch], int]):
    """All feeds that this process collects."""

    def __init__(self, worlds: Mapping[str, FeedWorld]) -> None:
        self._worlds = worlds

    def list_parts(self) -> list[str]:
        """Name every feed."""
        return sorted(self._worlds)

    def build_part(self, _step_id: str, for_part: str, resume_state: int | None) -> FeedPart:
        """Open a feed where the last committed epoch left it."""
        return FeedPart(self._worlds[for_part], resume_state)
