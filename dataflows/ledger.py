"""The lane's ledger: ranges of input, cut once, replayed with the same bounds for ever.

One line per entry, fsynced before the batch leaves: `checksum JSON`. A line that a crash tore is
cut when the ledger is opened; a wrong line before the end means a damaged disk and is an error.

A ledger does not grow for ever: entries that every restart lies behind are folded into its first
line, by whoever knows what they mean.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import xxhash

from dataflows.files import sync_folder, write_atomic
from schemas.feeds import LedgerEntry


class LedgerDamaged(RuntimeError):  # noqa: N818  it says what is the case
    """A ledger holds a line that was never written so."""


def _line(content: dict[str, Any]) -> bytes:
    body = orjson.dumps(content)
    return b"%016x %b\n" % (xxhash.xxh3_64_intdigest(body), body)


def _lines(data: bytes, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the end and content of each whole line; stop at a torn last one."""
    start = 0
    while (end := data.find(b"\n", start)) != -1:
        checksum, _, body = data[start:end].partition(b" ")
        if checksum != b"%016x" % xxhash.xxh3_64_intdigest(body):
            if data.find(b"\n", end + 1) == -1:
                return
            msg = f"{path} is damaged at byte {start}: restore it from a backup"
            raise LedgerDamaged(msg)
        start = end + 1
        yield start, orjson.loads(body)


KEPT = 4_000
"""Entries that stay readable behind the last committed one: requests look back into them."""

Folded = dict[str, Any]
"""What older entries came to, as JSON; its owner alone knows what is in it."""

Fold = Callable[[Folded, Iterable[LedgerEntry]], Folded]


@dataclass
class Held:
    """What a ledger holds.

    Attributes:
        base: Position of its first entry; those before it are folded.
        folded: What they came to.
        acknowledged: Inserts that the store has.
    """

    base: int = 0
    folded: Folded = field(default_factory=dict)
    entries: list[LedgerEntry] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)

    def take(self, content: dict[str, Any]) -> None:
        """Take a line."""
        if "ack" in content:
            self.acknowledged.update(content["ack"])
        elif "base" in content:
            self.base, self.folded = content["base"], content["folded"]
        else:
            self.entries.append(LedgerEntry.model_validate(content))


def read_ledger(path: Path) -> Held:
    """Read a ledger that another process may be writing.

    Raises:
        LedgerDamaged: If a line in the middle is not what was written.
    """
    held = Held()
    for _, content in _lines(path.read_bytes() if path.exists() else b"", path):
        held.take(content)
    return held


class Ledger:
    """An append-only, fsynced list of entries, with acknowledgements of what the store has.

    Raises:
        LedgerDamaged: If a line in the middle is not what was written.
        OSError: If the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._held = Held()
        data = path.read_bytes() if path.exists() else b""
        whole = 0
        for end, content in _lines(data, path):
            self._held.take(content)
            whole = end
        self._file = path.open("ab")
        if whole < len(data):
            self._file.truncate(whole)
        sync_folder(path.parent)

    @property
    def entries(self) -> Sequence[LedgerEntry]:
        """Give the entries that are not folded, in order."""
        return self._held.entries

    @property
    def acknowledged(self) -> set[str]:
        """Give the inserts that the store has."""
        return self._held.acknowledged

    @property
    def base(self) -> int:
        """Give the position of the first entry that is not folded."""
        return self._held.base

    @property
    def folded(self) -> Folded:
        """Give what the entries before it came to."""
        return self._held.folded

    @property
    def end(self) -> int:
        """Give the position behind the last entry."""
        return self.base + len(self.entries)

    def at(self, position: int) -> LedgerEntry:
        """Give the entry at a position that is not folded."""
        return self.entries[position - self.base]

    def between(self, first: int, last: int) -> Sequence[LedgerEntry]:
        """Give the entries of positions [first, last) that are not folded."""
        return self.entries[max(0, first - self.base) : max(0, last - self.base)]

    def begin(self, resume: int | None) -> int:
        """Give the position at which a lane goes on.

        Args:
            resume: Position of the last committed epoch, `None` where there is none.

        Raises:
            LedgerDamaged: If the ledger and the snapshot are not of one time.
        """
        position = resume or 0
        if not self.base <= position <= self.end:
            msg = (
                f"{self.path} holds the positions {self.base} to {self.end}, its snapshot stands "
                f"at {position}: restore both from one backup"
            )
            raise LedgerDamaged(msg)
        return position

    def compact(self, position: int, fold: Fold) -> None:
        """Fold the entries before a position that every restart lies at or behind.

        Args:
            fold: Gives what the entries come to, on top of what older ones came to.
        """
        gone, kept = self.between(self.base, position), self.between(position, self.end)
        folded = fold(self.folded, gone)
        tokens = {entry.token for entry in kept}
        known = sorted(one for one in self.acknowledged if one.rpartition(":")[0] in tokens)
        lines = [_line({"base": position, "folded": folded})]
        lines += [_line(entry.model_dump(mode="json")) for entry in kept]
        lines += [_line({"ack": known})] if known else []
        write_atomic(self.path, b"".join(lines), durable=True)
        self._file.close()
        self._file = self.path.open("ab")
        self._held = Held(position, folded, list(kept), set(known))

    def _write(self, line: bytes, *, durable: bool) -> None:
        self._file.write(line)
        self._file.flush()
        if durable:
            os.fsync(self._file.fileno())

    def append(self, entry: LedgerEntry) -> None:
        """Make an entry durable; only then may its batch leave."""
        self._write(_line(entry.model_dump(mode="json")), durable=True)
        self._held.entries.append(entry)

    def acknowledge(self, tokens: list[str]) -> None:
        """Note that the store has these inserts; lost at a power cut, they are sent again."""
        self._write(_line({"ack": tokens}), durable=False)
        self.acknowledged.update(tokens)

    def close(self) -> None:
        """Close the file; what a full disk keeps from being flushed was not acknowledged."""
        with suppress(OSError):
            self._file.close()
