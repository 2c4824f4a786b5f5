"""Open sessions of a lane: cumulative counters, and parts that wait for the rest of their chain."""

from collections.abc import Iterator
from typing import Any

import orjson

_PIECE = 5_000


class Sessions:
    """Sessions by key, as plain values that can be written down."""

    def __init__(self) -> None:
        self.open: dict[str, dict[str, Any]] = {}
        self._touched: dict[str, None] = {}

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
        if not touched:
            return b""
        return orjson.dumps([[key, self.open.get(key)] for key in touched])

    def apply(self, changes: bytes) -> None:
        """Take changes written before."""
        for key, session in orjson.loads(changes):
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
