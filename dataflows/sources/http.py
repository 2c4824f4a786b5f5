"""What came by HTTP as a stream of records: a partition of the ingest spool, by byte positions."""

from pathlib import Path

import numpy as np

from dataflows.ingest.spool import durable_length, spool_folder
from dataflows.segments import forget, segments
from dataflows.sources.openings import InputChanged
from dataflows.sources.streams import Records
from tallywire.mediation.decoded import MAX_RECORD_BYTES

_NEWLINE = 10
_DAY_S = 86_400.0


class HttpStream:
    """One partition of a feed's ingest spool; a `RecordStream`.

    Positions are bytes from the beginning of the partition. A range never crosses a segment.

    Args:
        root: Folder of the ingest spool.
        days: How long segments stay after they were written, whoever has read them.
    """

    def __init__(self, root: Path, feed_id: str, partition: int, days: int) -> None:
        self._days = days
        self.source = f"http/{partition}"
        self._folder = spool_folder(root, feed_id, partition)

    def next(self, first: int, *, rows: int, limit: int) -> Records | None:
        """Give the next whole records; only the first may be longer than `limit`.

        Raises:
            InputChanged: If the segment of the position is not there any more.
        """
        durable = durable_length(self._folder)
        if first >= durable:
            return None
        path, base, end = self._segment(first, durable)
        data = self._bytes(path, first - base, min(limit, end - first))
        if b"\n" not in data:
            # one more than any record has, so that a record longer than `limit` is read whole
            longest = max(limit, MAX_RECORD_BYTES + 1)
            data = self._bytes(path, first - base, min(longest, end - first))
        cut = _cut(first, data, rows)
        if not len(cut):
            raise _gone(path, first, end)
        return cut

    def read(self, first: int, last: int) -> Records:
        """Read a range once more, exactly as `next` gave it.

        Raises:
            InputChanged: If it is not there any more.
        """
        path, base, end = self._segment(first, last)
        data = self._bytes(path, first - base, last - first) if end == last else b""
        if len(data) != last - first or not data.endswith(b"\n"):
            raise _gone(path, first, last)
        return _cut(first, data, len(data))

    def end(self) -> int:
        """Give the durable length."""
        return durable_length(self._folder)

    def forget(self, before: int) -> None:
        """Delete old segments."""
        forget(self._folder, before, self._days * _DAY_S)

    def committed(self, _position: int) -> None:
        """Nobody asks how far the spool is read."""

    def close(self) -> None:
        """Nothing is kept open between reads."""

    def _segment(self, first: int, last: int) -> tuple[Path, int, int]:
        """Give the segment of a position, its base, and where it ends, at most at `last`."""
        known = segments(self._folder)
        before = [number for number, (base, _) in enumerate(known) if base <= first]
        if not before:
            raise _gone(self._folder, first, last)
        number = before[-1]
        base, path = known[number]
        behind = known[number + 1][0] if number + 1 < len(known) else last
        return path, base, min(behind, last)

    @staticmethod
    def _bytes(path: Path, offset: int, length: int) -> bytes:
        try:
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(length)
        except FileNotFoundError:
            return b""


def _cut(first: int, data: bytes, rows: int) -> Records:
    """Cut bytes at newlines, and nowhere else: every byte of a record is as it was sent."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE).astype(np.int64)[:rows]
    length = int(ends[-1]) + 1 if len(ends) else 0
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1)) if len(ends) else ends
    return Records(first, first + length, data[:length], starts, ends - starts)


def _gone(path: Path, first: int, last: int) -> InputChanged:
    msg = (
        f"bytes {first} to {last} of the ingest spool are gone or changed ({path}): restore the "
        "segment from a backup and run again"
    )
    return InputChanged(msg)
