"""Packets of the last seconds: one that is sent again is answered again, and kept once."""

from typing import Any

WINDOW_S = 15.0
_MOST = 65_536
_HEAD = 20  # code, identifier, length, authenticator

Name = tuple[Any, bytes]
"""Whence a packet came, and its first bytes, in which a digest of all others is."""

PENDING = b""
"""Stands for the answer to a packet that is not durable yet."""


def name_of(peer: object, packet: bytes) -> Name:
    """Name a packet; one that is sent again unchanged has the same name."""
    return peer, packet[:_HEAD]


class Recent:
    """Answers by the name of their packet, for one to two windows.

    One thread asks, begins and turns; another one may answer and forget meanwhile.
    """

    def __init__(self, window_s: float = WINDOW_S, most: int = _MOST) -> None:
        self._window_s, self._most = window_s, most
        self._new: dict[Name, bytes] = {}
        self._old: dict[Name, bytes] = {}
        self._turned = float("-inf")

    def find(self, name: Name) -> bytes | None:
        """Give the answer, or `PENDING`; nothing where the packet is not known."""
        found = self._new.get(name)
        return self._old.get(name) if found is None else found

    def begin(self, name: Name, now: float) -> None:
        """Note a packet that waits to be durable."""
        if now - self._turned > self._window_s or len(self._new) >= self._most:
            self._old, self._new, self._turned = self._new, {}, now
        self._new[name] = PENDING

    def answered(self, name: Name, answer: bytes) -> None:
        """Note the answer."""
        self._new[name] = answer

    def forget(self, name: Name) -> None:
        """Forget a packet that could not be made durable: sent again it is tried again."""
        self._new.pop(name, None)
        self._old.pop(name, None)
