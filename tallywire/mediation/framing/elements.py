"""Records that are elements of an XML document: found by their tags, without reading the rest."""

import re
from dataclasses import dataclass
from functools import cached_property

from tallywire.mediation.framing.base import Cut, Framing, cut_of

_Found = list[tuple[int, int]]


@dataclass(frozen=True)
class Elements(Framing):
    """A record is an element of one of some names; what stands between them is a record, too.

    An element does not contain one of its own name. What precedes the first is the prologue: the
    declaration and the root's start tag.

    Attributes:
        names: Names as they are written, with their prefix where they have one.
    """

    names: tuple[str, ...]

    @cached_property
    def _start(self) -> re.Pattern[bytes]:
        names = b"|".join(re.escape(name.encode()) for name in self.names)
        return re.compile(b"<(" + names + rb")(?=[\s/>])")

    def cut(self, data: bytes, *, at_end: bool, offset: int) -> Cut:  # noqa: ARG002  tags tell
        """Cut elements."""
        found: _Found = []
        position = 0
        while (start := self._start.search(data, position)) is not None:
            _between(found, data, position, start.start())
            end = _end_of(data, start)
            if end is None:
                position = start.start()
                break
            found.append((start.start(), end))
            position = end
        if at_end:
            _between(found, data, position, len(data))
            position = len(data)
        return cut_of(found, position)

    def prologue(self, start: bytes, *, at_end: bool) -> int | None:
        """Give what precedes the first element."""
        first = self._start.search(start)
        return first.start() if first else 0 if at_end else None


def _between(found: _Found, data: bytes, first: int, last: int) -> None:
    """Take what is not blank between two elements for a record."""
    text = data[first:last]
    kept = text.strip(Elements.blank)
    if kept:
        begin = first + text.index(kept)
        found.append((begin, begin + len(kept)))


def _end_of(data: bytes, start: re.Match[bytes]) -> int | None:
    """Find where an element ends, `None` where it does not."""
    tag_end = data.find(b">", start.end())
    if tag_end == -1:
        return None
    if data[tag_end - 1] == ord("/"):
        return tag_end + 1
    position = tag_end
    closing = b"</" + start[1]
    while (position := data.find(closing, position)) != -1:
        end = data.find(b">", position)
        if end == -1:
            return None
        if not data[position + len(closing) : end].strip():
            return end + 1
        position = end
    return None
