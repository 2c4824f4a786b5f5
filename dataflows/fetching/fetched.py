"""What was fetched: a durable list, one line for each file, that decides what is new.

A line is fsynced before the next file is looked at. A line that a crash tore is cut when the list
is opened; the latest line of a file holds.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson
import xxhash

from dataflows.files import sync_folder, write_atomic

_WORN = 1_000


class ListDamaged(RuntimeError):  # noqa: N818  it says what is the case
    """A list holds a line that was never written so."""


@dataclass(frozen=True)
class Fetched:
    """One file as it was fetched, or refused.

    Attributes:
        number: Its place in the order of fetching, from 1: the folder it was handed over in.
        key: How its source knows it.
        version: Its size and time of change, or its entity tag, as the source gave them.
        at_us: When, microseconds UTC.
        refused: The published code, where it or members of it were refused.
        unclaimed: Members that no feed took.
        limits: The bounds that held, where something was refused.
        cleared: It was archived or deleted at its source, or was to be left there.
    """

    number: int
    key: str
    name: str
    version: str
    sha256: str
    size: int
    at_us: int
    files: int = 0
    refused: str = ""
    unclaimed: list[str] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    cleared: bool = True

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Read it back."""
        return cls(**content)


def _line(one: Fetched) -> bytes:
    body = orjson.dumps(asdict(one))
    return b"%016x %b\n" % (xxhash.xxh3_64_intdigest(body), body)


class FetchedList:
    """The list of one place.

    Raises:
        ListDamaged: If a line in the middle is not what was written.
        OSError: If it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._latest: dict[str, Fetched] = {}
        self.last = 0
        lines, whole = 0, 0
        data = path.read_bytes() if path.exists() else b""
        while (end := data.find(b"\n", whole)) != -1:
            checksum, _, body = data[whole:end].partition(b" ")
            if checksum != b"%016x" % xxhash.xxh3_64_intdigest(body):
                if data.find(b"\n", end + 1) == -1:
                    break
                msg = f"{path} is damaged at byte {whole}: restore it from a backup"
                raise ListDamaged(msg)
            self._take(Fetched.of(orjson.loads(body)))
            whole, lines = end + 1, lines + 1
        if lines > 2 * len(self._latest) + _WORN:
            write_atomic(path, b"".join(map(_line, self._latest.values())), durable=True)
            whole = path.stat().st_size
        self._path = path
        with path.open("ab") as file:
            file.truncate(whole)
        sync_folder(path.parent)

    def _take(self, one: Fetched) -> None:
        self._latest[one.key] = one
        self.last = max(self.last, one.number)

    def get(self, key: str) -> Fetched | None:
        """Give what is known of a file."""
        return self._latest.get(key)

    def add(self, one: Fetched) -> None:
        """Make a line durable."""
        with self._path.open("ab") as file:
            file.write(_line(one))
            file.flush()
            os.fsync(file.fileno())
        self._take(one)

    def counts(self) -> tuple[int, int]:
        """Tell how many files were fetched, and of how many something was refused."""
        known = self._latest.values()
        return sum(not one.refused for one in known), sum(bool(one.refused) for one in known)
