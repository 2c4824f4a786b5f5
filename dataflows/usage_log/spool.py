"""The embedded usage log: fsynced segments per topic and partition, one writer, any readers.

Readers see only what the writer has made durable: it publishes the durable length after its fsync.
Whole blocks are never removed by a writer, they may have been read; only a torn tail is cut.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from dataflows.files import sync_folder, write_atomic
from dataflows.segments import segments
from dataflows.usage_log.blocks import BlockDamaged, Header, header_at, read_header

USAGE = "usage"
OUTCOMES = "outcomes"
REQUESTS = "requests"
"""No topic: what a lane was asked stands in its ledger between ranges of the log."""
_DURABLE = "durable.json"


@dataclass(frozen=True)
class Durable:
    """What a partition's readers may see.

    Attributes:
        length: Bytes from the beginning of the partition.
        ended: Lane to the run in which it reached the end of its input.
        seen: Lane to the position of its newest block; nothing in what older versions wrote.
    """

    length: int
    ended: dict[str, str]
    seen: dict[str, int] | None = None


def partition_folder(root: Path, topic: str, partition: int) -> Path:
    """Where a partition's segments lie."""
    return root / topic / f"{partition:04d}"


def read_durable(folder: Path) -> Durable:
    """Read what the writer published; nothing yet is length 0."""
    try:
        content = orjson.loads((folder / _DURABLE).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):  # its writer publishes it anew
        return Durable(0, {})
    return Durable(content["length"], content["ended"], content.get("seen"))


def _headers(data: memoryview) -> Iterator[tuple[int, Header]]:
    offset = 0
    while (header := header_at(data, offset)) is not None:
        yield offset, header
        offset += header.length


class SpoolWriter:
    """The one writer of a partition.

    Raises:
        OSError: If the folder cannot be written.
        BlockDamaged: If a segment holds something else than blocks.
    """

    def __init__(self, folder: Path, segment_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._segment_bytes = segment_bytes
        known = read_durable(folder)
        self._seen: dict[str, int] = dict(known.seen or {})
        self._ended = dict(known.ended)
        self._dirty = True
        known_segments = segments(folder) or [(0, folder / f"{0:020d}.segment")]
        read = known.length if known.seen is not None else 0
        for number, (base, path) in enumerate(known_segments):
            size = path.stat().st_size if path.exists() else 0
            whole = self._scan(path, max(0, read - base)) if base + size > read else size
            following = known_segments[number + 1 :]
            if following and base + whole != following[0][0]:
                msg = f"{path} is cut short in the middle of the log: restore it from a backup"
                raise BlockDamaged(msg)
            self.length = base + whole
        self._base = known_segments[-1][0]
        self._file = self._open(known_segments[-1][1])
        self._file.truncate(self.length - self._base)
        self._file.seek(self.length - self._base)
        self.sync()

    @staticmethod
    def _open(path: Path) -> BinaryIO:
        return path.open("r+b" if path.exists() else "w+b")

    def _scan(self, path: Path, first: int) -> int:
        """Note the origins of a segment's blocks from a place on; return where whole ones end."""
        with path.open("rb") as file:
            file.seek(first)
            data = memoryview(file.read())
        whole = 0
        for offset, header in _headers(data):
            self._seen[header.origin] = max(self._seen.get(header.origin, -1), header.position)
            whole = offset + header.length
        return first + whole

    def append(self, origin: str, position: int, block: bytes) -> None:
        """Write a block, unless this origin has already written that position."""
        if position <= self._seen.get(origin, -1):
            return
        if self.length - self._base >= self._segment_bytes:
            self._rotate()
        self._file.write(block)
        self.length += len(block)
        self._seen[origin] = position
        self._dirty = True

    def _rotate(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._base = self.length
        self._file = self._open(self._folder / f"{self._base:020d}.segment")
        sync_folder(self._folder)

    def end(self, lane: str, run: str) -> None:
        """Note that a lane has come to the end of its input in a run."""
        self._ended[lane] = run
        self._dirty = True

    def sync(self) -> None:
        """Make everything appended durable, then visible."""
        if not self._dirty:
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        content = orjson.dumps({"length": self.length, "ended": self._ended, "seen": self._seen})
        write_atomic(self._folder / _DURABLE, content)
        self._dirty = False

    def close(self) -> None:
        """Close the open segment; what was not synced is written again after a restart.

        Never raises: on a full disk the flow is already ending for that reason.
        """
        with suppress(OSError):
            self._file.close()


class SpoolReader:
    """Reads blocks of a partition by byte ranges."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def durable(self) -> Durable:
        """Tell what may be read now."""
        return read_durable(self._folder)

    def read(self, first: int, last: int) -> memoryview:
        """Read bytes [first, last); a range never crosses a segment.

        Raises:
            BlockDamaged: If the range is not there.
        """
        base, path = self._segment_of(first)
        with path.open("rb") as file:
            file.seek(first - base)
            data = file.read(last - first)
        if len(data) != last - first:
            msg = f"{path} ends before byte {last} of the log: restore it from a backup"
            raise BlockDamaged(msg)
        return memoryview(data)

    def _segment_of(self, offset: int) -> tuple[int, Path]:
        found = [item for item in segments(self._folder) if item[0] <= offset]
        if not found:
            msg = f"byte {offset} of the log is gone from {self._folder}: restore it from a backup"
            raise BlockDamaged(msg)
        return found[-1]

    def plan(self, first: int, durable: int, max_rows: int) -> tuple[int, int, int]:
        """Choose the next range: whole blocks of one segment, up to a number of rows.

        Returns:
            End of the range, its rows, and whether more is there: 1 when the range is full or its
            segment ends, so that waiting for more would be vain; else 0.
        """
        base, path = self._segment_of(first)
        end = min(durable, base + path.stat().st_size)
        last, rows = first, 0
        with path.open("rb") as file:
            while last < end and rows < max_rows:
                header = read_header(file, last - base)
                if rows and rows + header.rows > max_rows:
                    return last, rows, 1
                last += header.length
                rows += header.rows
        return last, rows, int(rows >= max_rows or last < durable)
