"""Records that are BER encoded: tag, length, value, found without decoding the value.

Source: ITU-T X.690 (identifier octets 8.1.2, length octets 8.1.3, end-of-contents 8.1.5).
"""

from dataclasses import dataclass

from tallywire.mediation.decoded import MAX_RECORD_BYTES
from tallywire.mediation.framing.base import Cut, Framing, cut_of

_MANY_BYTES = 0x1F
_CONSTRUCTED = 0x20
_INDEFINITE = 0x80
_MOST_DEPTH = 64
_LONGEST_TAG, _LONGEST_LENGTH = 6, 8


class Unfinished(Exception):  # noqa: N818  it says what is the case
    """The bytes end inside an element."""


class Broken(Exception):  # noqa: N818  as above
    """The bytes are no BER, or an element is longer than any record."""


def header(data: bytes, position: int) -> tuple[bytes, int, int | None]:
    """Read tag and length of the element at a place.

    Returns:
        Identifier octets, place of the value, its length; `None` where it is indefinite.

    Raises:
        Unfinished: If the bytes end before the value begins.
        Broken: If they are no tag and length.

    >>> header(bytes.fromhex("6182032f64"), 0)
    (b'a', 4, 815)
    """
    begun = position
    try:
        first = data[position]
        position += 1
        if first & _MANY_BYTES == _MANY_BYTES:
            while data[position] & 0x80:
                position += 1
            position += 1
        if position - begun > _LONGEST_TAG:
            raise Broken
        tag = data[begun:position]
        size = data[position]
        position += 1
        if size < _INDEFINITE:
            return tag, position, size
        if size == _INDEFINITE:
            if not first & _CONSTRUCTED:
                raise Broken
            return tag, position, None
        octets = size & 0x7F
        if octets > _LONGEST_LENGTH:
            raise Broken
        if position + octets > len(data):
            raise Unfinished
    except IndexError:
        raise Unfinished from None
    return tag, position + octets, int.from_bytes(data[position : position + octets])


def end_of(data: bytes, position: int, depth: int = 0) -> int:
    """Find where the element at a place ends.

    Raises:
        Unfinished: If the bytes end before it does.
        Broken: If it is no BER, nested too deep, or longer than a record may be.
    """
    _, place, length = header(data, position)
    if length is not None:
        if length > MAX_RECORD_BYTES:
            raise Broken
        if place + length > len(data):
            raise Unfinished
        return place + length
    if depth >= _MOST_DEPTH:
        raise Broken
    while data[place : place + 2] != b"\0\0":
        if place + 2 > len(data):
            raise Unfinished
        if place - position > MAX_RECORD_BYTES:
            raise Broken
        place = end_of(data, place, depth + 1)
    return place + 2


@dataclass(frozen=True)
class Ber(Framing):
    """A record is an element of the outermost level, or of a list deep in a file's one element.

    What precedes that list is the prologue, and the first record; what follows it in the file's
    element are records of their own. Zero bytes between elements (ends of contents) are passed
    over. Bytes that are no BER are one record up to the end of the file.

    Attributes:
        outer: Identifier octets of the elements that are entered on the way to the list.
        body: Identifier octets of the list; none where records are elements of the outermost level.
    """

    blank = b"\0"
    outer: frozenset[bytes] = frozenset()
    body: bytes = b""

    def cut(self, data: bytes, *, at_end: bool, offset: int) -> Cut:
        """Cut elements."""
        found: list[tuple[int, int]] = []
        position = 0
        if offset == 0 and self.body:
            length = self.prologue(data, at_end=at_end)
            if length is None:
                return cut_of([], 0)
            position = length
            if length:
                found.append((0, length))
        try:
            while position < len(data):
                if data[position] == 0:
                    position += 1
                    continue
                end = end_of(data, position)
                found.append((position, end))
                position = end
        except (Unfinished, Broken):
            pass
        if at_end and position < len(data):
            found.append((position, len(data)))
            position = len(data)
        return cut_of(found, position)

    def prologue(self, start: bytes, *, at_end: bool) -> int | None:
        """Give what precedes the list; nothing where the file holds none."""
        position = 0
        try:
            while self.body and position < len(start):
                tag, place, length = header(start, position)
                if tag == self.body:
                    return place
                if tag in self.outer:
                    position = place
                elif position == 0:
                    return 0
                elif length is None:
                    position = end_of(start, position)
                else:
                    position = place + length
        except Broken:
            return 0
        except Unfinished:
            pass
        return 0 if at_end or not self.body else None
