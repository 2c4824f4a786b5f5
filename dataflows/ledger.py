"""The lane's ledger: ranges of input, cut once, replayed with the same bounds for ever.

One line per entry, fsynced before the batch leaves: `checksum JSON`. A line that a crash tore is
cut when the ledger is opened; a wrong line before the end means a damaged disk and is an error.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import xxhash

from dataflows.files import sync_folder
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


def read_ledger(path: Path) -> tuple[list[LedgerEntry], set[str]]:
    """Read a ledger that another process may be writing: its entries, and what the store has.

    Raises:
        LedgerDamaged: If a line in the middle is not what was written.
    """
    entries: list[LedgerEntry] = []
    acknowledged: set[str] = set()
    for _, content in _lines(path.read_bytes() if path.exists() else b"", path):
        if "ack" in content:
            acknowledged.update(content["ack"])
        else:
            entries.append(LedgerEntry.model_validate(content))
    return entries, acknowledged


class Ledger:
    """An append-only, fsynced list of entries, with acknowledgements of what the store has.

    Raises:
        LedgerDamaged: If a line in the middle is not what was written.
        OSError: If the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.entries: list[LedgerEntry] = []
        self.acknowledged: set[str] = set()
        data = path.read_bytes() if path.exists() else b""
        whole = 0
        for end, content in _lines(data, path):
            self._take(content)
            whole = end
        self._file = path.open("ab")
        if whole < len(data):
            self._file.truncate(whole)
        sync_folder(path.parent)

    def _take(self, content: dict[str, Any]) -> None:
        if "ack" in content:
            self.acknowledged.update(content["ack"])
        else:
            self.entries.append(LedgerEntry.model_validate(content))

    def _write(self, line: bytes, *, durable: bool) -> None:
        self._file.write(line)
        self._file.flush()
        if durable:
            os.fsync(self._file.fileno())

    def append(self, entry: LedgerEntry) -> None:
        """Make an entry durable; only then may its batch leave."""
        self._write(_line(entry.model_dump(mode="json")), durable=True)
        self.entries.append(entry)

    def acknowledge(self, tokens: list[str]) -> None:
        """Note that the store has these inserts; lost at a power cut, they are sent again."""
        self._write(_line({"ack": tokens}), durable=False)
        self.acknowledged.update(tokens)

    def close(self) -> None:
        """Close the file; what a full disk keeps from being flushed was not acknowledged."""
        with suppress(OSError):
            self._file.close()
