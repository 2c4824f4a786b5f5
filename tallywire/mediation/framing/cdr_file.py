"""Records of a 3GPP CDR file: a header of the file, then records that have headers of their own.

Source: 3GPP TS 32.297, clauses 6.1.1 (file header) and 6.1.2 (CDR header).
"""

from dataclasses import dataclass

from tallywire.mediation.framing.base import Cut, Framing, cut_of

_LEAST_HEADER, _MOST_HEADER = 50, 200_000
_SIZE = 2
_EXTENDED = 7


def header_length(start: bytes) -> int | None:
    """Give the length of the file header; 0 where it is none, `None` where more must be seen."""
    if len(start) < 8:
        return None
    length = int.from_bytes(start[4:8])
    return length if _LEAST_HEADER <= length <= _MOST_HEADER else 0


def record_header(start: bytes, position: int) -> int:
    """Give the length of a record's header: one octet more where the release needs it."""
    return 5 if start[position + 2] >> 5 == _EXTENDED else 4


@dataclass(frozen=True)
class CdrFile(Framing):
    """A record is a CDR with its header; the file's header is the first.

    Zero bytes between records are passed over. What is no header, or what a record's length leads
    beyond, is one record up to the end of the file.
    """

    blank = b"\0"

    def cut(self, data: bytes, *, at_end: bool, offset: int) -> Cut:
        """Cut records."""
        found: list[tuple[int, int]] = []
        position = 0
        if offset == 0:
            length = self.prologue(data, at_end=at_end)
            if not length and not at_end:
                return cut_of([], 0)
            position = length or len(data)
            if data.strip(self.blank):
                found.append((0, position))
        position = _records(data, position, found)
        if at_end:
            begin = len(data) - len(data[position:].lstrip(self.blank))
            if begin < len(data):
                found.append((begin, len(data)))
            position = len(data)
        return cut_of(found, position)

    def prologue(self, start: bytes, *, at_end: bool) -> int | None:
        """Give the file header."""
        length = header_length(start)
        if length is None or (length > len(start) and not at_end):
            return 0 if at_end else None
        return length if length <= len(start) else 0


def _records(data: bytes, position: int, found: list[tuple[int, int]]) -> int:
    """Find whole records; give the place behind the last."""
    size = len(data)
    while position + 5 <= size:
        length = int.from_bytes(data[position : position + _SIZE])
        if not length:
            position += 1
            continue
        end = position + record_header(data, position) + length
        if end > size:
            break
        found.append((position, end))
        position = end
    return position
