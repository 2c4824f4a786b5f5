"""Elements of many records at once: tag, length and place of each, in columns.

A step reads one element of every record that still has some, so the work of a batch is that of its
longest record, not of its records. The last few that have more are read one by one.

Source: ITU-T X.690 (identifier octets 8.1.2, length octets 8.1.3, end-of-contents 8.1.5).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tallywire.mediation.framing.ber import Broken, Unfinished, end_of, header

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
FEW = 24
"""So many records are read faster one by one than as columns."""
MOST_ELEMENTS = 65_536
"""An element with more elements than this is no record of any format here."""
_ROOM = 16
_MANY_BYTES, _CONSTRUCTED, _INDEFINITE = 0x1F, 0x20, 0x80
_TAG_OCTETS, _LENGTH_OCTETS = 4, 8
_HUGE = 1 << 40
_END = b"\0\0"


class Octets:
    """The bytes of a piece of a file, as bytes and as numbers that may be read beyond the end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.numbers = np.frombuffer(data + bytes(_ROOM), np.uint8)

    def at(self, place: Ints) -> Ints:
        """Give the bytes at places."""
        return self.numbers[np.minimum(place, len(self.data))].astype(np.int64)


@dataclass(frozen=True)
class Spans:
    """One value of each of some rows.

    Attributes:
        start: Place of the value; -1 where a row has none.
        length: Its bytes; 0 where a row has none.
    """

    start: Ints
    length: Ints

    def __len__(self) -> int:
        return len(self.start)

    @property
    def present(self) -> Flags:
        """Tell which rows have a value."""
        return self.start >= 0

    def take(self, rows: Ints) -> "Spans":
        """Give the values of rows; none for row -1."""
        if not len(self):
            return spans(np.full(len(rows), -1), np.zeros(len(rows)))
        none = rows < 0
        safe = np.where(none, 0, rows)
        return Spans(np.where(none, -1, self.start[safe]), np.where(none, 0, self.length[safe]))


@dataclass(frozen=True)
class Elements:
    """Elements one level below those of some rows, those of a row in their order.

    Attributes:
        owner: The row that each belongs to.
        tag: Its identifier octets, read as one number: `0x5f816d` is [APPLICATION 237].
        broken: Rows whose value is no sequence of elements; what they hold up to there is given.
    """

    owner: Ints
    tag: Ints
    start: Ints
    length: Ints
    broken: Flags

    def first(self, *tags: int) -> Spans:
        """Give each row's first element of some tags."""
        found = Spans(np.full(len(self.broken), -1, np.int64), np.zeros(len(self.broken), np.int64))
        rows = np.flatnonzero(self._of(tags))[::-1]  # the first of a row is written last
        owner = self.owner[rows]
        found.start[owner] = self.start[rows]
        found.length[owner] = self.length[rows]
        return found

    def all(self, *tags: int) -> tuple[Ints, Spans]:
        """Give every element of some tags: the row it belongs to, and its value."""
        rows = np.flatnonzero(self._of(tags))
        order = rows[np.argsort(self.owner[rows], kind="stable")]
        return self.owner[order], Spans(self.start[order], self.length[order])

    def _of(self, tags: Sequence[int]) -> Flags:
        if len(tags) == 1:
            return np.asarray(self.tag == tags[0])
        return np.isin(self.tag, tags)


def spans(start: npt.ArrayLike, length: npt.ArrayLike) -> Spans:
    """Make values of places and lengths."""
    return Spans(np.asarray(start, np.int64), np.asarray(length, np.int64))


def _headers(octets: Octets, place: Ints) -> tuple[Ints, Ints, Ints, Flags]:
    """Read tags and lengths.

    Returns:
        Tag, place of the value, its length (-1: indefinite), and which are none that are read here.
    """
    tag = octets.at(place)
    at = place + 1
    more = (tag & _MANY_BYTES) == _MANY_BYTES
    for _ in range(_TAG_OCTETS - 1):
        if not more.any():
            break
        rows = np.flatnonzero(more)
        octet = octets.at(at[rows])
        tag[rows] = tag[rows] << 8 | octet
        at[rows] += 1
        more[rows] = octet >= _INDEFINITE
    size = octets.at(at)
    indefinite = size == _INDEFINITE
    wrong = more | (indefinite & (octets.at(place) & _CONSTRUCTED == 0))
    at = at + 1
    rows = np.flatnonzero(size > _INDEFINITE)
    if len(rows):
        count = size[rows] & (_INDEFINITE - 1)
        wrong[rows] |= count > _LENGTH_OCTETS
        count = np.minimum(count, _LENGTH_OCTETS)
        found = np.zeros(len(rows), np.int64)
        for number in range(int(count.max())):
            octet = octets.at(at[rows] + number)
            found = np.where(number < count, found << 8 | octet, found)
        wrong[rows] |= found < 0
        size[rows] = np.minimum(found, _HUGE)
        at[rows] += count
    size[indefinite] = -1
    return tag, at, size, wrong


def children(octets: Octets, within: Spans, few: int = FEW) -> Elements:
    """Find the elements that values consist of; a value that a row does not have has none."""
    count = len(within)
    end = within.start + within.length
    at = within.start.copy()
    broken = np.zeros(count, bool)
    found: list[tuple[Ints, Ints, Ints, Ints]] = []
    alive = np.flatnonzero(within.present & (within.length > 0))
    steps = 0
    while len(alive) > few and steps < MOST_ELEMENTS:
        steps += 1
        tag, place, size, wrong = _headers(octets, at[alive])
        after = place + size
        for row in np.flatnonzero((size < 0) & ~wrong).tolist():
            after[row], wrong[row] = _end(octets.data, int(at[alive[row]]))
            size[row] = after[row] - len(_END) - place[row]
        wrong |= (after > end[alive]) | (place > end[alive]) | (size < 0)
        good = ~wrong
        broken[alive[wrong]] = True
        alive = alive[good]
        found.append((alive, tag[good], place[good], size[good]))
        at[alive] = after[good]
        alive = alive[at[alive] < end[alive]]
    for row in alive.tolist():
        rest, whole = _one_by_one(octets.data, int(at[row]), int(end[row]))
        broken[row] = not whole
        if rest:
            table = np.array(rest, np.int64)
            found.append((np.full(len(rest), row, np.int64), table[:, 0], table[:, 1], table[:, 2]))
    if not found:
        none = np.zeros(0, np.int64)
        return Elements(none, none, none, none, broken)
    owner, tag, start, length = (np.concatenate(part) for part in zip(*found, strict=True))
    return Elements(owner, tag, start, length, broken)


def _end(data: bytes, place: int) -> tuple[int, bool]:
    """Find where an element of indefinite length ends, and whether it is none."""
    try:
        return end_of(data, place), False
    except (Broken, Unfinished):
        return place, True


def _one_by_one(data: bytes, at: int, end: int) -> tuple[list[tuple[int, int, int]], bool]:
    """Find the elements between two places: tag, place and length; and whether that is all."""
    found: list[tuple[int, int, int]] = []
    try:
        while at < end and len(found) < MOST_ELEMENTS:
            tag, place, length = header(data, at)
            after = end_of(data, at) if length is None else place + length
            size = after - len(_END) - place if length is None else length
            if after > end or len(tag) > _TAG_OCTETS:
                return found, False
            found.append((int.from_bytes(tag), place, size))
            at = after
    except (Broken, Unfinished):
        return found, False
    return found, at == end


def framed(octets: Octets, starts: Ints, lengths: Ints) -> tuple[Ints, Spans, Flags]:
    """Read the one element that each record is.

    Returns:
        Its tag (0 where it is none), its value, and which records end before their element does.
    """
    tag, place, size, wrong = _headers(octets, starts)
    end = starts + lengths
    ended = octets.at(end - 1) + octets.at(end - 2) == 0
    open_ended = size < 0
    size = np.where(open_ended & ended, end - len(_END) - place, size)
    short = ~wrong & ((size < 0) | (place + size > end))
    good = ~wrong & ~short & (open_ended | (place + size == end))
    return (
        np.where(good | short, tag, 0),
        Spans(np.where(good, place, -1), np.where(good, size, 0)),
        short,
    )
