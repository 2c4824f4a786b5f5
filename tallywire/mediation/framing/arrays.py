"""Records that are elements of an array in a JSON document: found by their brackets."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tallywire.mediation.framing.base import Cut, Framing, cut_of

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]:,]', re.DOTALL)
_QUOTE, _BACKSLASH = ord('"'), ord("\\")
_FILLER = b" \t\r\n,"


@dataclass(frozen=True)
class Array(Framing):
    """A record is an element of one array; what precedes and follows the array are records, too.

    Attributes:
        path: Names that lead to the array from the top; none where it is the document itself.
    """

    blank = _FILLER
    path: tuple[str, ...] = ()

    def cut(self, data: bytes, *, at_end: bool, offset: int) -> Cut:
        """Cut elements."""
        found: list[tuple[int, int]] = []
        position = 0
        if offset == 0:
            length = self.prologue(data, at_end=at_end)
            if length is None:
                return cut_of([], 0)
            position = length
            _take(found, data, 0, position)
        depth = _depth(data[position:])
        ends = np.flatnonzero((depth[1:] == 0) & (depth[:-1] == 1)) + position + 1
        starts = np.flatnonzero((depth[1:] == 1) & (depth[:-1] == 0)) + position
        closed = np.flatnonzero(depth < 0)
        last = position + int(closed[0]) - 1 if len(closed) else len(data)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=False):
            if end > last:
                break
            _take(found, data, position, start)
            found.append((start, end))
            position = end
        if at_end:
            _take(found, data, position, len(data))
            position = len(data)
        return cut_of(found, position)

    def prologue(self, start: bytes, *, at_end: bool) -> int | None:
        """Give what precedes the first element: up to the bracket that opens the array."""
        below: list[bytes] = []
        name = b""
        wanted = [f'"{part}"'.encode() for part in self.path]
        for token in _TOKEN.finditer(start):
            text = token[0]
            if text == b"[" and [*below, name][1:] == wanted:
                return token.end()
            if text in b"[{":
                below.append(name)
                name = b""
            elif text in b"]}":
                name = below.pop() if below else b""
            elif text not in b",:":
                name = text
        return 0 if at_end else None


def _take(found: list[tuple[int, int]], data: bytes, first: int, last: int) -> None:
    """Take what is neither blank nor a comma for a record."""
    text = data[first:last]
    kept = text.strip(_FILLER)
    if kept:
        begin = first + text.index(kept)
        found.append((begin, begin + len(kept)))


def _escaped(buffer: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tell which bytes follow an odd number of backslashes."""
    slash = buffer == _BACKSLASH
    place = np.arange(len(buffer))
    before = np.maximum.accumulate(np.where(slash, -1, place))  # last byte that is none
    run = place - before
    odd = np.zeros(len(buffer), bool)
    odd[1:] = (run[:-1] & 1).astype(bool) & slash[:-1]
    return odd


def _depth(data: bytes) -> npt.NDArray[np.int32]:
    """Give the depth of brackets ahead of each byte, and behind the last; texts do not count."""
    buffer = np.frombuffer(data, np.uint8)
    quotes = buffer == _QUOTE
    if _BACKSLASH in data:
        quotes &= ~_escaped(buffer)
    outside = (np.cumsum(quotes, dtype=np.int32) & 1) == 0
    opens = ((buffer == ord("{")) | (buffer == ord("["))) & outside
    closes = ((buffer == ord("}")) | (buffer == ord("]"))) & outside
    depth = np.zeros(len(buffer) + 1, np.int32)
    np.cumsum(opens.astype(np.int8) - closes.astype(np.int8), dtype=np.int32, out=depth[1:])
    return depth
