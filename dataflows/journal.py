"""State beside the snapshot: a journal that goes back to exactly where the snapshot was taken.

The window of seen keys, allowance counters and open sessions are too large for a snapshot. Their
changes are appended here; the snapshot holds only a `Cut`. A restart truncates the journal to that
cut: state that survived a crash beyond it would call replayed usage duplicates, and lose it.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol, runtime_checkable

import xxhash

from dataflows.files import sync_folder

_HEADER = struct.Struct("<QQ")  # length of the piece, xxh3 of it
_COMPACT_ABOVE = 64 * 1024 * 1024
_COMPACT_FACTOR = 2
"""How far a journal grows beyond its last compaction: what a restart reads is at most so much."""
_TOGETHER = 512 * 1024 * 1024
"""Bytes of pieces that a restart hands over at once: what it needs beside the state itself."""


class Journaled(Protocol):
    """State that can be written down as changes and read back."""

    def changes(self) -> bytes:
        """Give what changed since the last call."""
        ...

    def apply(self, changes: bytes) -> None:
        """Take changes written before."""
        ...

    def dump(self) -> Iterator[bytes]:
        """Give the whole state in pieces, each fit for `apply`."""
        ...


@runtime_checkable
class Together(Protocol):
    """State that takes many pieces at once sooner than one by one."""

    def apply_all(self, pieces: Iterable[bytes]) -> None:
        """Take pieces written before, in order."""
        ...


@dataclass(frozen=True)
class Cut:
    """A place in a journal.

    Attributes:
        generation: Number of the file; each compaction begins the next.
        length: Bytes of it that count.
        checksum: xxh3 over the checksums of its pieces, in order.
        base: Bytes that the last compaction wrote; 0 before one, and in snapshots from before it
            was noted.
    """

    generation: int
    length: int
    checksum: int
    base: int = 0


class JournalDamaged(RuntimeError):  # noqa: N818  it says what is the case
    """The journal does not hold what its snapshot says."""


class Journal:
    """The journal of one piece of state, opened at a cut (`None`: from nothing).

    Raises:
        JournalDamaged: If the file does not contain the cut.
        OSError: If the folder cannot be read or written.
    """

    def __init__(self, folder: Path, state: Journaled, cut: Cut | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._state = state
        self._generation = cut.generation if cut else 0
        self._length = 0
        self._base = cut.base if cut else 0  # length right after the last compaction
        self._chain = xxhash.xxh3_64()
        path = self._path(self._generation)
        if cut is not None:
            self._restore(path, cut)
        self._file = path.open("r+b" if path.exists() else "w+b")
        self._file.truncate(self._length)
        self._file.seek(self._length)
        self._drop_others(keep={self._generation})

    def _path(self, generation: int) -> Path:
        return self._folder / f"journal.{generation:08d}"

    def _restore(self, path: Path, cut: Cut) -> None:
        length = path.stat().st_size if path.exists() else 0
        if length < cut.length:
            msg = f"{path} has {length} bytes, its snapshot needs {cut.length}: restore a backup"
            raise JournalDamaged(msg)
        pieces = self._pieces(path, cut)
        for piece in pieces:
            if isinstance(self._state, Together):
                self._state.apply_all(chain([piece], _some(pieces, _TOGETHER)))
            else:
                self._state.apply(piece)
        if self._chain.intdigest() != cut.checksum:
            msg = f"{path} is not the journal its snapshot was taken with: restore a backup"
            raise JournalDamaged(msg)

    def _pieces(self, path: Path, cut: Cut) -> Iterator[bytes]:
        """Read the pieces up to a cut, each checked against its checksum."""
        if not cut.length:
            return
        with path.open("rb") as file:
            while self._length < cut.length:
                size, checksum = _HEADER.unpack(file.read(_HEADER.size))
                piece = file.read(min(size, cut.length))
                if xxhash.xxh3_64_intdigest(piece) != checksum:
                    msg = f"{path} is damaged at byte {self._length}: restore it from a backup"
                    raise JournalDamaged(msg)
                yield piece
                self._chain.update(checksum.to_bytes(8, "little"))
                self._length += _HEADER.size + size

    def _drop_others(self, *, keep: set[int]) -> None:
        for path in sorted(self._folder.glob("journal.*")):
            if int(path.suffix[1:]) not in keep:
                path.unlink()

    def _append(self, piece: bytes) -> None:
        checksum = xxhash.xxh3_64_intdigest(piece)
        self._file.write(_HEADER.pack(len(piece), checksum))
        self._file.write(piece)
        self._chain.update(checksum.to_bytes(8, "little"))
        self._length += _HEADER.size + len(piece)

    @property
    def length(self) -> int:
        """Bytes of the journal as it is."""
        return self._length

    def commit(self) -> Cut:
        """Make all changes durable and say where; called when an epoch closes.

        Raises:
            OSError: If the disk is full or gone: nothing of the epoch is then committed.
        """
        changes = self._state.changes()
        if self._length > max(_COMPACT_ABOVE, _COMPACT_FACTOR * self._base):
            self._compact()
        elif changes:
            self._append(changes)
        self._file.flush()
        os.fsync(self._file.fileno())
        return Cut(self._generation, self._length, self._chain.intdigest(), self._base)

    def _compact(self) -> None:
        """Write the whole state as the next generation; the last stays until the one after."""
        self._file.close()
        self._drop_others(keep={self._generation})
        self._generation += 1
        self._file = self._path(self._generation).open("w+b")
        self._length = 0
        self._chain = xxhash.xxh3_64()
        for piece in self._state.dump():
            self._append(piece)
        self._base = self._length
        sync_folder(self._folder)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _some(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """Give pieces until they have so many bytes."""
    total = 0
    while total < limit and (piece := next(pieces, None)) is not None:
        total += len(piece)
        yield piece
