"""Records that are Diameter messages, one behind the other: found by the length in their header.

Source: RFC 6733, 3 (the header: version 1, a length of 24 bits, flags, command code).
"""

import re
from dataclasses import dataclass

from tallywire.mediation.decoded import MAX_RECORD_BYTES
from tallywire.mediation.framing.base import Cut, Framing, cut_of

HEADER_BYTES = 20
_VERSION = 1
_RESERVED_FLAGS = 0x0F
_FIRST_BYTES = 8
_FLAGS = rb"[\x00\x10\x20\x30\x40\x50\x60\x70\x80\x90\xa0\xb0\xc0\xd0\xe0\xf0]"
_MESSAGE = re.compile(rb"\x01..." + _FLAGS + rb"\x00\x01[\x0f\x10]", re.DOTALL)
"""How a message of accounting or credit control begins: what reading goes on with after garbage."""


@dataclass(frozen=True)
class Diameter(Framing):
    """A record is a message. Bytes that are none are a record up to the next accounting message.

    Such a record is at most as long as any record may be; blank bytes between messages count for
    nothing.
    """

    def cut(self, data: bytes, *, at_end: bool, offset: int) -> Cut:  # noqa: ARG002  all are alike
        """Cut messages."""
        found: list[tuple[int, int]] = []
        position = 0
        while position < len(data):
            if data[position] in self.blank:
                position += 1
                continue
            end = _end_of(data, position)
            if end is None:
                break
            found.append((position, end))
            position = end
        if at_end and position < len(data):
            found.append((position, len(data)))
            position = len(data)
        return cut_of(found, position)


def length_of(data: bytes, position: int) -> int | None:
    """Read the length of the message that begins at a place; nothing where none does.

    >>> length_of(bytes.fromhex("0100001480000110"), 0)
    20
    """
    length = int.from_bytes(data[position + 1 : position + 4])
    is_message = (
        data[position] == _VERSION
        and HEADER_BYTES <= length <= MAX_RECORD_BYTES
        and length % 4 == 0
        and not data[position + 4] & _RESERVED_FLAGS
    )
    return length if is_message else None


def _end_of(data: bytes, position: int) -> int | None:
    """Find where the record at a place ends; nothing where more bytes must be seen."""
    if position + _FIRST_BYTES > len(data):
        return None
    length = length_of(data, position)
    if length is not None:
        end = position + length
        return end if end <= len(data) else None
    following = _MESSAGE.search(data, position + 1, position + MAX_RECORD_BYTES + _FIRST_BYTES)
    if following:
        return following.start()
    end = position + MAX_RECORD_BYTES
    return end if end + _FIRST_BYTES <= len(data) else None
