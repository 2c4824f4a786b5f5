"""Open sessions of a lane: counters, parts that wait for their chain, numbers that were seen."""

from collections.abc import Iterator
from typing import Any

import orjson

from tallywire.mediation.deadlines import Deadlines
from tallywire.mediation.numbered import Numbered
from tallywire.mediation.patience import Patience

_PIECE = 5_000
_WITH_NUMBERS = b"\x01"
"""Begins a piece that tells of numbered sessions, too; others are JSON alone, and begin so."""


class Sessions:
    """Sessions by key, as plain values that can be written down.

    Attributes:
        open: Counters, and chains of parts.
        numbered: Sessions of which only the numbers are watched.
        deadlines: Of the chains, by `patience`; derived from them, never written down.
        due: Of counters, by their server; likewise.
    """

    def __init__(self) -> None:
        self.open: dict[str, dict[str, Any]] = {}
        self.numbered = Numbered()
        self.deadlines: Deadlines | None = None
        self.patience: Patience | None = None
        self.due: dict[str, Deadlines] | None = None
        self._touched: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self.open) + len(self.numbered)

    def get(self, key: str) -> dict[str, Any] | None:
        """Read a session; write it back with `put` after changing it."""
        return self.open.get(key)

    def put(self, key: str, session: dict[str, Any]) -> None:
        """Keep a session."""
        self.open[key] = session
        self._touched[key] = None

    def drop(self, key: str) -> None:
        """Forget a session."""
        self.open.pop(key, None)
        self._touched[key] = None

    def changes(self) -> bytes:
        """Give the sessions touched since the last call; `null` for dropped ones."""
        touched, self._touched = self._touched, {}
        text = orjson.dumps([[key, self.open.get(key)] for key in touched]) if touched else b""
        return _packed(text, self.numbered.changes())

    def apply(self, changes: bytes) -> None:
        """Take changes written before."""
        self.deadlines = self.due = None
        text, numbers = _unpacked(changes)
        self.numbered.apply(numbers)
        for key, session in orjson.loads(text or b"[]"):
            if session is None:
                self.open.pop(key, None)
            else:
                self.open[key] = session

    def dump(self) -> Iterator[bytes]:
        """Give every session, in pieces."""
        keys = list(self.open)
        for start in range(0, len(keys), _PIECE):
            piece = keys[start : start + _PIECE]
            yield orjson.dumps([[key, self.open[key]] for key in piece])
        for numbers in self.numbered.dump():
            yield _packed(b"", numbers)


def _packed(text: bytes, numbers: bytes) -> bytes:
    if not numbers:
        return text
    return _WITH_NUMBERS + len(text).to_bytes(8, "little") + text + numbers


def _unpacked(changes: bytes) -> tuple[bytes, bytes]:
    if changes[:1] != _WITH_NUMBERS:
        return changes, b""
    end = 9 + int.from_bytes(changes[1:9], "little")
    return changes[9:end], changes[end:]
