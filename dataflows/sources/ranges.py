"""Cutting the next range of a file: whole records, bounded in rows and bytes."""

from dataclasses import dataclass, replace
from pathlib import Path

from dataflows.sources.manifest import HEAD_BYTES, FileState
from dataflows.sources.openings import Opening
from tallywire.mediation.decoded import Frames
from tallywire.mediation.framing import PROLOGUE_BYTES, Framing, frame

_DOCUMENT_BYTES = 64 * 1024 * 1024
_LEAST_BYTES = 256 * 1024


@dataclass(frozen=True)
class Range:
    """A range of a file.

    Attributes:
        data: Its bytes.
        records: Records in it, counted here, at the source.
        overlong: It is a piece of one record beyond all bounds.
        more: That record goes on behind it.
        frames: Its records, where they were cut, without what the file says ahead of them.
    """

    data: bytes
    records: int
    overlong: bool = False
    more: bool = False
    frames: Frames | None = None


def read_limit(framing: Framing, limit: int) -> int:
    """Bytes read at once: a document is one record, so it is read whole up to a bound."""
    return max(limit, _DOCUMENT_BYTES) if framing.whole else limit


def limited(frames: Frames, consumed: int, rows: int) -> tuple[Frames, int]:
    """Keep the first rows of the frames, and the bytes up to the next."""
    if len(frames.starts) <= rows:
        return frames, consumed
    kept = replace(frames, starts=frames.starts[:rows], lengths=frames.lengths[:rows])
    return kept, int(frames.starts[rows])


def likely_bytes(state: FileState, rows: int, limit: int) -> int:
    """Tell how many bytes hold so many records and half as many more, by those read so far.

    What is read beyond the rows of a range is cut in vain.

    >>> likely_bytes(FileState("f", "f", offset=10**6, records=10_000), 4_000, 2**24)
    600000
    """
    if not state.records:
        return limit
    return min(limit, max(_LEAST_BYTES, 3 * state.offset * rows // (2 * state.records)))


def _piece(data: bytes, framing: Framing) -> Range:
    """Take a piece of an overlong record: up to its end, or all there is."""
    end = data.find(framing.separator) if framing.separator else -1
    length = end + len(framing.separator) if end != -1 else len(data)
    return Range(data[:length], 1, overlong=True, more=end == -1)


def next_range(
    opening: Opening, state: FileState, framing: Framing, *, rows: int, limit: int
) -> Range | None:
    """Cut the next range of a file; `None` when it has nothing whole yet.

    Raises:
        InputChanged: If the file is shorter than it was.
    """
    limit = read_limit(framing, limit)
    by_rows = not framing.whole and not state.overlong
    likely = likely_bytes(state, rows, limit) if by_rows else limit
    data = opening.read(state.offset, likely)
    if not data:
        whole = opening.status != "growing" and state.offset >= opening.size
        return Range(b"", 0) if whole else None
    if state.overlong:
        return _piece(data, framing)
    found = _cut(data, opening, state, framing, rows)
    if found is None and likely < limit:
        data = opening.read(state.offset, limit)
        found = _cut(data, opening, state, framing, rows)
    if found is None and len(data) >= limit:
        return _piece(data, framing)
    return found


def _cut(
    data: bytes, opening: Opening, state: FileState, framing: Framing, rows: int
) -> Range | None:
    """Cut a range out of the next bytes; `None` where they hold no whole record."""
    at_end = opening.status != "growing" and state.offset + len(data) >= opening.size
    frames, consumed = frame(
        data, framing, at_end=at_end, first_record_no=state.records, base_offset=state.offset
    )
    if consumed == 0:
        return None
    frames, consumed = limited(frames, consumed, rows)
    taken = data[:consumed]
    return Range(taken, len(frames), frames=replace(frames, data=taken))


def prologue_of(path: Path, framing: Framing) -> bytes:
    """Read what a file says ahead of its records; nothing where it says nothing.

    Raises:
        OSError: If the file cannot be read.
    """
    if framing.prologue(b"", at_end=False) == 0:
        return b""
    with path.open("rb") as file:
        for size in (HEAD_BYTES, PROLOGUE_BYTES):
            file.seek(0)
            start = file.read(size)
            length = framing.prologue(start, at_end=len(start) < size)
            if length is not None:
                return start[:length]
    return b""


def count_records(opening: Opening, framing: Framing, limit: int) -> int:
    """Count the records of a whole file without keeping them."""
    state = FileState(opening.file_id, opening.name)
    while state.offset < opening.size:
        found = next_range(opening, state, framing, rows=opening.size, limit=limit)
        if found is None:
            break
        state.offset += len(found.data)
        state.records += found.records
        state.overlong = found.more
    return state.records
