"""Feeds as a Bytewax source: one part per lane, ranges ledgered before they leave.

A lane reads the files of its feed, or one partition of its stream; suspense to be tried again is
a file in both cases.
"""

import datetime
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import xxhash
from bytewax.inputs import StatefulSourcePartition

from dataflows import stop
from dataflows.kafka.errors import OffsetExpired, StoppedWaiting
from dataflows.lane import entry
from dataflows.ledger import KEPT, Ledger
from dataflows.settings import Home
from dataflows.skips import Skip, asked_skip, keep_skip, skipped
from dataflows.sources.backlog import Backlog
from dataflows.sources.feed_batch import FeedBatch, FeedWorld
from dataflows.sources.folder import Candidate
from dataflows.sources.manifest import FileState, Manifest, folded
from dataflows.sources.openings import Finder, InputChanged, Opening
from dataflows.sources.ranges import Range, count_records, next_range, prologue_of
from dataflows.sources.streams import LOST, STREAM, Records, RecordStream, stream_detail
from schemas.feeds import LedgerEntry
from tallywire.mediation.decoded import Frames
from tallywire.mediation.framing import LINES, Framing, frame

_POLL = datetime.timedelta(milliseconds=200)
_POLL_STREAM = datetime.timedelta(milliseconds=20)
_KIND_OF_STATUS = {
    STREAM: "usage",
    "complete": "usage",
    "growing": "usage",
    "replayed": "replayed",
    "recycle": "recycle",
    "refused": "refused",
}


class FeedPart(StatefulSourcePartition[tuple[str, FeedBatch], int]):
    """One lane; resumes at a position of its ledger."""

    def __init__(self, world: FeedWorld, resume: int | None) -> None:
        self._world = world
        self._lane, self._feed_id = world.lane, world.feed.feed_id
        self._folder = Home(world.settings.home).lane("collection", self._lane)
        self._ledger = Ledger(self._folder / "ledger")
        world.guard.opened(self._lane)
        self._position = self._committed = self._ledger.begin(resume)
        world.committed(self._committed)
        self._replay_until = self._ledger.end
        self._manifest = Manifest.of(self._ledger.folded)
        for done in self._ledger.between(self._ledger.base, self._position):
            self._manifest.take(done)
        self._finder = Finder(
            growing=world.feed.growing, settle=world.follow, problem=world.progress.problem
        )
        self._backlog = Backlog(world.progress.lane(self._lane), self._manifest)
        self._current: Opening | None = None
        self._ended = False
        self._full = False
        self._skipping: Skip | None = None
        self._looked = self._scanned = 0.0
        self._awake: datetime.datetime | None = None

    def next_batch(self) -> list[tuple[str, FeedBatch]]:
        """Give the next range; one read at most."""
        if stop.stopping():
            raise StopIteration
        self._awake = None
        self._world.progress.write()
        if self._world.guard.aside(self._lane, self._world.progress.lane(self._lane)):
            self._awake = datetime.datetime.now(datetime.UTC) + _POLL
            return []
        if self._position < self._replay_until:
            return self._again(self._ledger.at(self._position))
        awaited = self._world.awaited()  # before looking: what comes last is not missed
        batch = self._next()
        if batch is not None:
            return batch
        if self._world.follow or awaited or not self._drained():
            pause = _POLL_STREAM if self._world.stream else _POLL
            self._awake = datetime.datetime.now(datetime.UTC) + pause
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
        candidates = self._candidates()
        self._backlog.listed(candidates)
        while (opening := self._finder.next(candidates, self._manifest)) is not None:
            self._current = opening
            found = self._range(opening)
            if found is not None:
                return self._ledgered(opening, found)
            candidates = [other for other in candidates if other.name > opening.name]
        self._current = None
        if self._world.stream is not None:
            return self._streamed(self._world.stream)
        self._backlog.nothing()
        return None

    def _candidates(self) -> list[Candidate]:
        """Look for files; a lane that follows a stream has few, and looks now and then."""
        now = time.monotonic()
        rarely = self._world.stream is not None and self._world.follow
        if rarely and now - self._scanned < _POLL.total_seconds():
            return []
        self._scanned = now
        return self._world.scan()

    def _streamed(self, stream: RecordStream) -> list[tuple[str, FeedBatch]] | None:
        """Cut the next range of the stream; what comes slowly is given some time to gather."""
        settings = self._world.settings
        now = time.monotonic()
        if not self._full and now - self._looked < settings.linger_ms / 1_000:
            return None
        state = self._stream_state(stream)
        try:
            found = stream.next(
                state.offset, rows=settings.collection_rows, limit=settings.collection_bytes
            )
        except OffsetExpired as error:
            return self._passed_over(error, stream, state)
        self._looked = now
        self._full = found is not None and 2 * len(found) >= settings.collection_rows
        figures = self._world.progress.lane(self._lane)
        figures.stand(found.last if found else state.offset, stream.end())
        if found is None:
            return None
        detail = stream_detail(stream.source, state, found)
        cut = entry(
            self._lane, self._position, stream.source, (found.first, found.last), len(found),
            self._world.catalog_at, orjson.dumps(detail).decode(),
        )  # fmt: skip
        self._ledger.append(cut)
        return self._emit_records(cut, detail, found)

    def _again(self, cut: LedgerEntry) -> list[tuple[str, FeedBatch]]:
        """Give a ledgered range once more; one that is gone meanwhile is passed over whole."""
        detail = orjson.loads(cut.detail)
        try:
            return self._emit(cut, detail, None)
        except StoppedWaiting:  # the range is read after the next start
            raise StopIteration from None
        except OffsetExpired as error:
            skip = self._skip(error, cut.last - cut.first)
        if skip is None:
            return []
        self._skipping = skip
        keep_skip(self._folder, skip, self._replay_until)
        return self._emit(cut, detail | {"status": LOST, "by": skip.by, "note": skip.note}, b"")

    def _passed_over(
        self, error: OffsetExpired, stream: RecordStream, state: FileState
    ) -> list[tuple[str, FeedBatch]]:
        """Put the loss of messages into the ledger, where a person asked for it."""
        skip = self._skip(error, error.low - error.position)
        if skip is None:
            return []
        nothing = Records(error.position, error.low, b"", np.empty(0, int), np.empty(0, int))
        detail = stream_detail(stream.source, state, nothing) | {
            "status": LOST, "by": skip.by, "note": skip.note,
        }  # fmt: skip
        cut = entry(
            self._lane, self._position, stream.source, (error.position, error.low), 0,
            self._world.catalog_at, orjson.dumps(detail).decode(),
        )  # fmt: skip
        self._ledger.append(cut)
        if self._skipping is None:
            skipped(self._folder)
        return self._emit(cut, detail, b"")

    def _skip(self, error: OffsetExpired, gone: int) -> Skip | None:
        """Look whether a person asked to pass over messages that are gone.

        Otherwise the lane is put aside, and the others go on.

        Raises:
            OffsetExpired: In a run that shall end, with the money at risk.
        """
        world = self._world
        world.progress.lane(self._lane).expired = gone
        goes_on = self._skipping if self._position == self._replay_until else None
        skip = goes_on or asked_skip(self._folder, self._position)
        if skip is None:
            more = world.lost(self._lane, gone)
            told = OffsetExpired(error.place, error.position, error.low, more)
            if not world.guard.put_aside(self._lane, error.place, str(told)):
                raise told from error
            world.progress.problem(str(told))
        return skip

    def _stream_state(self, stream: RecordStream) -> FileState:
        known = self._manifest.files.get(stream.source)
        return known or FileState(stream.source, stream.source)

    def _drained(self) -> bool:
        """Tell whether nothing more lies in the stream; files are looked for by `_next`."""
        stream = self._world.stream
        return stream is None or stream.end() <= self._stream_state(stream).offset

    def _emit_records(
        self, cut: LedgerEntry, detail: dict[str, Any], found: Records
    ) -> list[tuple[str, FeedBatch]]:
        self._taken(cut)
        figures = self._world.progress.lane(self._lane)
        figures.cut(cut)
        figures.without_record += found.without_record
        figures.key_affinity_faults += found.misplaced
        frames = found.frames(detail["first_record_no"], detail["first_byte"])
        batch = FeedBatch(self._lane, self._feed_id, "usage", cut, frames, detail)
        return [(self._lane, batch)]

    def _state(self, opening: Opening) -> FileState:
        known = self._manifest.files.get(opening.file_id)
        return known or FileState(opening.file_id, opening.name)

    def _framing(self, status: str) -> Framing:
        return LINES if status == "recycle" else self._world.framing

    def _range(self, opening: Opening) -> Range | None:
        state = self._state(opening)
        limit = self._world.settings.collection_bytes
        framing = self._framing(opening.status)
        if state.done:
            return None
        if opening.status == "replayed":
            return Range(b"", count_records(opening, framing, limit))
        if opening.status == "refused":
            return Range(opening.read(0, opening.size), 0)
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
        return self._emit(cut, detail, found.data, found.frames)

    def _taken(self, cut: LedgerEntry) -> None:
        self._manifest.take(cut)
        self._position = cut.position + 1
        self._world.progress.bytes_read += cut.last - cut.first
        self._world.progress.collected += cut.records

    def _emit(
        self,
        cut: LedgerEntry,
        detail: dict[str, Any],
        data: bytes | None,
        frames: Frames | None = None,
    ) -> list[tuple[str, FeedBatch]]:
        if detail["status"] == LOST:
            self._taken(cut)
            return [(self._lane, FeedBatch(self._lane, self._feed_id, LOST, cut, None, detail))]
        if detail["status"] == STREAM:
            return self._emit_records(cut, detail, self._read_stream_again(cut, detail))
        self._taken(cut)
        self._backlog.cut(cut)
        kind = "overlong" if detail["overlong"] else _KIND_OF_STATUS[detail["status"]]
        if kind == "replayed":
            return [(self._lane, FeedBatch(self._lane, self._feed_id, kind, cut, None, detail))]
        path = Path(detail["path"])
        if data is None:
            data, path = _read_again(cut, detail, self._world.scan())
        if kind in {"overlong", "refused"}:
            return [
                (self._lane, FeedBatch(self._lane, self._feed_id, kind, cut, None, detail, data))
            ]
        framing = self._framing(detail["status"])
        if frames is None:
            frames, _ = frame(
                data, framing, at_end=True, first_record_no=detail["first_record_no"],
                base_offset=cut.first,
            )  # fmt: skip
        frames = replace(frames, prologue=prologue_of(path, framing))
        return [(self._lane, FeedBatch(self._lane, self._feed_id, kind, cut, frames, detail))]

    def _read_stream_again(self, cut: LedgerEntry, detail: Mapping[str, Any]) -> Records:
        """Read a ledgered range of the stream once more, exactly.

        Raises:
            InputChanged: If it is not any more what was read.
        """
        stream = self._world.stream
        if stream is not None and stream.source == cut.source:
            found = stream.read(cut.first, cut.last)
            if xxhash.xxh3_64_hexdigest(found.data) == detail["checksum"]:
                return found
        msg = (
            f"{cut.source} is not any more what was read between {cut.first} and {cut.last}: "
            "put it back as it was and start again"
        )
        raise InputChanged(msg)

    def _end(self) -> FeedBatch:
        cut = entry(self._lane, self._position, "", (0, 0), 0, self._world.catalog_at)
        return FeedBatch(self._lane, self._feed_id, "ended", cut, None, {"run": self._world.run})

    def next_awake(self) -> datetime.datetime | None:
        """Ask to be called again soon when there was nothing: never freeze the other feeds."""
        return self._awake

    def snapshot(self) -> int:
        """Give the position that an epoch commits; fold what lies far behind the one before."""
        if self._committed - self._ledger.base > 2 * KEPT:
            self._compact()
        if self._skipping is not None and self._committed >= self._replay_until:
            self._skipping = None  # no restart comes before what was passed over any more
            skipped(self._folder)
        self._world.committed(self._committed)
        self._committed = self._position
        if (stream := self._world.stream) is not None:
            stream.committed(self._stream_state(stream).offset)
        return self._position

    def _compact(self) -> None:
        self._ledger.compact(self._committed - KEPT, folded)
        if (stream := self._world.stream) is not None:
            kept = Manifest.of(self._ledger.folded).files.get(stream.source)
            stream.forget(kept.offset if kept else 0)

    def close(self) -> None:
        """Close the ledger and the stream."""
        self._ledger.close()
        if self._world.stream is not None:
            self._world.stream.close()


def _range_of(path: Path, cut: LedgerEntry) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(cut.first)
            return file.read(cut.last - cut.first)
    except OSError:
        return b""


def _read_again(
    cut: LedgerEntry, detail: Mapping[str, Any], candidates: Sequence[Candidate]
) -> tuple[bytes, Path]:
    """Read a ledgered range once more, exactly; the file may have been renamed meanwhile.

    Returns:
        Its bytes, and the file they are in now.

    Raises:
        InputChanged: If no file of the feed holds it any more.
    """
    path = Path(detail["path"])
    for place in [path, *(candidate.path for candidate in candidates)]:
        data = _range_of(place, cut)
        if xxhash.xxh3_64_hexdigest(data) == detail["checksum"]:
            return data, place
    msg = (
        f"{path} is gone or changed between bytes {cut.first} and {cut.last} since it was read: "
        "put the file back as it was and run again"
    )
    raise InputChanged(msg)
