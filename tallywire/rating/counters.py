"""Counters of periods: what is used of allowances, counted for tiers, spent, and measured."""

import struct
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice

import numpy as np
import numpy.typing as npt
import polars as pl
import xxhash

from tallywire.collected import Collected
from tallywire.hashes import hash128
from tallywire.keytable import KeyTable, Slots

Ints = npt.NDArray[np.int64]
Key = tuple[str, ...]
Point = tuple[int, int, int]

_RECORD = np.dtype([("hi", "<u8"), ("lo", "<u8"), ("used", "<i8")])
_POINT = np.dtype(
    [("hi", "<u8"), ("lo", "<u8"), ("at", "<i8"), ("number", "<i8"), ("level", "<i8")]
)
_ONE = struct.Struct("<QQq")
"""A record alone; numpy takes four times as long to make it."""
_PIECE = 1_000_000
_TOTAL = 0x7A11_C0DE_7A11_C0DE
"""Low word of the record whose high word is the number of counters that follow; as a counter it
would hold 0, which is what an absent one holds."""
_HEADER = struct.Struct("<8sQ")
_CLEARED = -(2**63)
"""Time of a point that stands for no point: the series begins anew behind it."""
_MAGIC = b"TWCOUNT2"
"""Before it a journal held records of counters alone, without a header."""


@lru_cache(maxsize=4_096)  # what is read is soon written
def _words(key: Key) -> tuple[int, int]:
    return divmod(xxhash.xxh3_128_intdigest("\x1f".join(key).encode()), 2**64)


class Counters:
    """Whole numbers by key, and series of points by key.

    A key is its parts joined by U+001F, kept as its 128-bit hash.
    """

    def __init__(self) -> None:
        self._table = KeyTable({"used": np.int64})
        self._touched: list[npt.NDArray[np.void]] = []
        self._series: dict[tuple[int, int], list[Point]] = {}
        self._added: list[tuple[int, ...]] = []

    def __len__(self) -> int:
        return len(self._table)

    def used(self, key: Key) -> int:
        """Read one counter; 0 where nothing was used."""
        slot = self._table.find_one(*_words(key))
        return int(self._table.values["used"][slot]) if slot >= 0 else 0

    def set(self, key: Key, used: int) -> None:
        """Write one counter."""
        hi, lo = _words(key)
        slot = self._table.claim_one(hi, lo)
        self._table.values["used"][slot] = used
        self._touched.append(np.frombuffer(_ONE.pack(hi, lo, used), _RECORD))

    @property
    def measured(self) -> bool:
        """Tell whether there is any series."""
        return bool(self._series)

    def series(self, key: Key) -> tuple[Point, ...]:
        """Read the points of a series, ascending."""
        return tuple(self._series.get(_words(key), ()))

    def add(self, key: Key, point: Point) -> None:
        """Add a point to a series."""
        words = _words(key)
        self._insert(words, point)
        self._added.append((*words, *point))

    def keep(self, writes: Mapping[Key, int], points: Iterable[tuple[Key, Point]]) -> None:
        """Write what a charge has written: counters, and points of series."""
        for key, value in writes.items():
            self.set(key, value)
        for key, point in points:
            self.add(key, point)

    def _insert(self, words: tuple[int, int], point: Point) -> None:
        insort(self._series.setdefault(words, []), point)

    def prepare(self, most: int) -> None:
        """Make room for so many new counters: until there are more, slots stay valid."""
        self._table.room(most)

    def claim(self, keys: pl.Series) -> tuple[Slots, Ints]:
        """Find counters by key texts, parts joined by U+001F: their slots and what they hold."""
        slots, _ = self._table.claim(*hash128(keys))
        return slots, self._table.values["used"][slots]

    def write(self, slots: Slots, used: Ints) -> None:
        """Write counters just claimed; each slot once."""
        self._table.values["used"][slots] = used
        self._touched.append(self._records(slots))

    def _records(self, slots: Slots) -> npt.NDArray[np.void]:
        records = np.empty(len(slots), _RECORD)
        records["hi"], records["lo"] = self._table.hi[slots], self._table.lo[slots]
        records["used"] = self._table.values["used"][slots]
        return records

    def changes(self) -> bytes:
        """Give what was written since the last call, in that order."""
        touched, self._touched = self._touched, []
        added, self._added = self._added, []
        if not touched and not added:
            return b""
        return _packed(np.concatenate([np.empty(0, _RECORD), *touched]), np.array(added, _POINT))

    def apply(self, changes: bytes) -> None:
        """Take what was written before; a later value of a counter replaces an earlier one."""
        self.apply_all([changes])

    def apply_all(self, pieces: Iterable[bytes]) -> None:
        """Take many pieces of what was written before at once, in order: much sooner."""
        collected = Collected(_RECORD, ("hi", "lo", "used"))
        for piece in pieces:
            records, points = _unpacked(piece)
            if len(records) == 1 and records["lo"][0] == _TOTAL and not records["used"][0]:
                self._table.reserve(int(records["hi"][0]))
                continue
            collected.add(records)
            self._put(points.tolist())
        columns = collected.take()
        self._table.take(columns.pop("hi"), columns.pop("lo"), columns)

    def _put(self, points: list[tuple[int, ...]]) -> None:
        for hi, lo, *point in points:
            if point[0] == _CLEARED:
                self._series.pop((hi, lo), None)
            else:
                self._insert((hi, lo), (point[0], point[1], point[2]))

    def take(self, changes: bytes) -> None:
        """Take what was written elsewhere; unlike `apply` these are changes of this state."""
        records, points = _unpacked(changes)
        slots, _ = self._table.claim(records["hi"].copy(), records["lo"].copy())
        self._table.values["used"][slots] = records["used"]
        self._touched.append(records)
        self._put(points.tolist())
        self._added += points.tolist()

    def read(self, changes: bytes) -> bytes:
        """Give the counters and whole series that some changes name, as they are here."""
        records, points = _unpacked(changes)
        found = records.copy()
        slots = self._table.find(found["hi"].copy(), found["lo"].copy())
        held = self._table.values["used"][np.maximum(slots, 0)]
        found["used"] = np.where(slots >= 0, held, 0)
        named = dict.fromkeys((hi, lo) for hi, lo, *_ in points.tolist())
        series = [
            (*words, *point)
            for words in named
            for point in ((_CLEARED, 0, 0), *self._series.get(words, ()))
        ]
        return _packed(found, np.array(series, _POINT))

    def begun(self, changes: bytes) -> bytes:
        """Give what series begin with, of those that some changes name: points that were carried.

        They are of no event: their numbers are below 0.
        """
        _, points = _unpacked(changes)
        named = dict.fromkeys((hi, lo) for hi, lo, *_ in points.tolist())
        carried = [
            (*words, *point)
            for words in named
            for point in self._series.get(words, ())
            if point[1] < 0
        ]
        return _packed(np.empty(0, _RECORD), np.array(carried, _POINT)) if carried else b""

    def dump(self) -> Iterator[bytes]:
        """Give everything, in pieces; the first says how many counters there are."""
        slots = np.flatnonzero(self._table.used)
        total = np.array([(len(slots), _TOTAL, 0)], _RECORD)
        yield _packed(total, np.empty(0, _POINT))
        for start in range(0, len(slots), _PIECE):
            records = self._records(slots[start : start + _PIECE])
            yield _packed(records, np.empty(0, _POINT))
        points = ((*words, *point) for words, held in self._series.items() for point in held)
        while some := list(islice(points, _PIECE)):
            yield _packed(np.empty(0, _RECORD), np.array(some, _POINT))


def _packed(records: npt.NDArray[np.void], points: npt.NDArray[np.void]) -> bytes:
    return _HEADER.pack(_MAGIC, len(records)) + records.tobytes() + points.tobytes()


def _unpacked(content: bytes) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void]]:
    if not content.startswith(_MAGIC):
        return np.frombuffer(content, _RECORD), np.empty(0, _POINT)
    _, count = _HEADER.unpack_from(content)
    body = memoryview(content)[_HEADER.size :]
    edge = count * _RECORD.itemsize
    return np.frombuffer(body[:edge], _RECORD), np.frombuffer(body[edge:], _POINT)
