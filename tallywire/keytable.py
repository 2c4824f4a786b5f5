"""A table from 128-bit keys to numbers, in arrays: exact, order-true, 100 times less than a dict.

Open addressing with linear probing. A batch of absent keys is put in by claims: every key writes
its row into its slot, in reverse order, and reads it back; the first in order has won, the others
look at the same slot again and find their own key there, or go on.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tallywire.collected import Columns

UInts = npt.NDArray[np.uint64]
Slots = npt.NDArray[np.int64]

_FILL_NUMERATOR, _FILL_DENOMINATOR = 3, 5
_ROOM_NUMERATOR, _ROOM_DENOMINATOR = 11, 20
"""How full a table is that was made for a number of keys: it may still grow by some."""
_LARGE = 1 << 19
"""Slots above which a table grows by half, to save memory; below by four, to save time."""
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_WORD = 2**64 - 1


class KeyTable:
    """Keys of two 64-bit words, each with a number in every named column.

    Args:
        columns: Name and numpy type of each column.
        capacity: Keys expected at first; it grows as it fills.
    """

    def __init__(self, columns: Mapping[str, npt.DTypeLike], capacity: int = 1024) -> None:
        self._types = {name: np.dtype(kind) for name, kind in columns.items()}
        self._count = 0
        slots = 1 << max(6, (capacity * 2 - 1).bit_length())
        self.hi: UInts = np.zeros(slots, np.uint64)
        self.lo: UInts = np.zeros(slots, np.uint64)
        self.used = np.zeros(slots, bool)
        self.values = {name: np.zeros(slots, kind) for name, kind in self._types.items()}

    def __len__(self) -> int:
        return self._count

    def _homes(self, hi: UInts, lo: UInts, slots: int) -> tuple[Slots, Slots]:
        """Give rows and the slot where each is looked for first, ascending: memory is read once.

        Rows of one slot stay in their order.
        """
        spread = ((hi ^ lo) * _SPREAD) >> _HALF
        home = ((spread * np.uint64(slots)) >> _HALF).astype(np.int64)
        bits = max(1, (len(hi) - 1).bit_length())
        both = np.sort(home << bits | np.arange(len(hi), dtype=np.int64))
        return both & ((1 << bits) - 1), both >> bits

    def _next(self, slots: Slots) -> Slots:
        slots = slots + 1
        slots[slots == len(self.used)] = 0
        return slots

    def find(self, hi: UInts, lo: UInts) -> Slots:
        """Look keys up: the slot of each, -1 where it is absent."""
        found = np.full(len(hi), -1, np.int64)
        rows, slots = self._homes(hi, lo, len(self.used))
        while len(rows):
            same = (self.lo[slots] == lo[rows]) & (self.hi[slots] == hi[rows])
            taken = self.used[slots]
            hit = same & taken
            found[rows[hit]] = slots[hit]
            on = taken & ~hit
            rows, slots = rows[on], self._next(slots[on])
        return found

    def find_one(self, hi: int, lo: int) -> int:
        """Look one key up: its slot, -1 where it is absent."""
        slot = self._probe(hi, lo)
        return slot if self.used[slot] else -1

    def claim_one(self, hi: int, lo: int) -> int:
        """Look one key up, put it in with zeros where it is absent: its slot."""
        self.room(1)
        slot = self._probe(hi, lo)
        if not self.used[slot]:
            self.hi[slot], self.lo[slot], self.used[slot] = hi, lo, True
            self._count += 1
        return slot

    def _probe(self, hi: int, lo: int) -> int:
        """Give the slot that holds a key, else the free one where it would be put."""
        slots = len(self.used)
        spread = (((hi ^ lo) * int(_SPREAD)) & _WORD) >> int(_HALF)
        slot = (spread * slots) >> int(_HALF)
        while self.used[slot] and (int(self.lo[slot]) != lo or int(self.hi[slot]) != hi):
            slot = (slot + 1) % slots
        return slot

    def claim(self, hi: UInts, lo: UInts) -> tuple[Slots, npt.NDArray[np.bool_]]:
        """Look keys up and put absent ones in, with zeros in their columns.

        Returns:
            The slot of each key, valid until the next claim, and whether this row put it in: of
            equal absent keys the first in order did.
        """
        self.room(len(hi))
        found = np.empty(len(hi), np.int64)
        fresh = np.zeros(len(hi), bool)
        rows, slots = self._homes(hi, lo, len(self.used))
        while len(rows):
            free = np.flatnonzero(~self.used[slots])
            claims = rows[free].view(np.uint64)
            self.lo[slots[free[::-1]]] = claims[::-1]  # a free slot's word is scratch
            won = free[self.lo[slots[free]] == claims]
            self._put(slots[won], rows[won], hi, lo)
            fresh[rows[won]] = True
            hit = (self.lo[slots] == lo[rows]) & (self.hi[slots] == hi[rows])
            found[rows[hit]] = slots[hit]
            on = ~hit
            rows, slots = rows[on], self._next(slots[on])
        self._count += int(fresh.sum())
        return found, fresh

    def _put(self, slots: Slots, rows: Slots, hi: UInts, lo: UInts) -> None:
        self.hi[slots], self.lo[slots], self.used[slots] = hi[rows], lo[rows], True

    def reserve(self, count: int) -> None:
        """Make room for that many keys in one step, where they would not fit.

        Whoever puts keys in in the order of another table's slots asks first: in a table that is
        still small they would all belong into one corner, and crowd it.

        Args:
            count: Keys expected in all.
        """
        slots = count * _ROOM_DENOMINATOR // _ROOM_NUMERATOR
        if count * _FILL_DENOMINATOR > len(self.used) * _FILL_NUMERATOR:
            self._rebuild(slots, np.flatnonzero(self.used))

    def room(self, more: int) -> None:
        """Make room for so many more keys: slots stay valid while no more than these are put in."""
        slots = len(self.used)
        wanted = self._count + more
        while wanted * _FILL_DENOMINATOR > slots * _FILL_NUMERATOR:
            slots = slots * 4 if slots < _LARGE else slots * 3 // 2
        if slots > len(self.used):
            self._rebuild(slots, np.flatnonzero(self.used))

    def _rebuild(self, slots: int, kept: Slots) -> None:
        """Move the kept slots to a table of another size."""
        order, home = self._homes(self.hi[kept], self.lo[kept], slots)
        self._lay(self.hi, self.lo, dict(self.values), kept[order], home, slots)

    def _lay(
        self, hi: UInts, lo: UInts, values: Columns, kept: Slots, home: Slots, slots: int
    ) -> None:
        """Make the table anew of distinct keys, column by column, to save memory.

        Args:
            hi, lo, values: Columns that hold them.
            kept: Their places in the columns, in the order of their homes.
            home: The home of each; its memory is used again.
            slots: The new number of slots.
        """
        rows = np.arange(len(kept))
        place = np.maximum.accumulate(np.subtract(home, rows, out=home), out=home)
        place += rows  # where probing would put them
        del rows
        inside = int(np.searchsorted(place, slots))  # the others go round to the beginning
        place, late, kept = place[:inside], kept[inside:], kept[:inside]
        late_hi, late_lo = hi[late], lo[late]
        late_values = {name: column[late] for name, column in values.items()}
        self.hi = _moved(hi, kept, place, slots)
        self.lo = _moved(lo, kept, place, slots)
        self.used = np.zeros(slots, bool)
        self.used[place] = True
        for name in late_values:
            self.values[name] = _moved(values.pop(name), kept, place, slots)
        self._count = inside
        self._put_values(late_hi, late_lo, late_values)

    def _put_values(self, hi: UInts, lo: UInts, values: Columns) -> None:
        found, _ = self.claim(hi, lo)
        for name, column in values.items():
            self.values[name][found] = column

    def take(self, hi: UInts, lo: UInts, values: Columns) -> None:
        """Put many keys in with their values; of a key that is there already the last counts.

        Where the table is smaller than what comes, it is made anew of both in one pass, three times
        as fast as by claims.

        Args:
            hi, lo: The keys, in the order in which they were written.
            values: A column for each of the table's; the mapping is emptied, to save memory.
        """
        if len(hi) <= self._count or not len(hi):
            self._put_values(hi, lo, values)
            return
        if self._count:
            kept = np.flatnonzero(self.used)
            hi = np.concatenate([self.hi[kept], hi])
            lo = np.concatenate([self.lo[kept], lo])
            for name in self.values:
                values[name] = np.concatenate([self.values[name][kept], values[name]])
        rows, spread, doubtful = _last_of_each(hi, lo)
        rest = {name: column[doubtful] for name, column in values.items()}
        rest_hi, rest_lo = hi[doubtful], lo[doubtful]
        slots = max(len(self.used), len(rows) * _ROOM_DENOMINATOR // _ROOM_NUMERATOR)
        spread *= np.uint64(slots)
        spread >>= _HALF
        self._lay(hi, lo, values, rows, spread.view(np.int64), slots)
        self._put_values(rest_hi, rest_lo, rest)

    def forget(self, keep: npt.NDArray[np.bool_]) -> None:
        """Drop every key whose slot is not kept."""
        if not (keep | ~self.used).all():
            self._rebuild(len(self.used), np.flatnonzero(keep & self.used))


def _last_of_each(hi: UInts, lo: UInts) -> tuple[Slots, UInts, Slots]:
    """Give the last row of each key in the order of their homes, its hash, and rows in doubt.

    Keys are told apart by as many bits of their hash as the number of the row leaves in a word; the
    rows of the few that agree in those and differ are in doubt, ascending.
    """
    bits = np.uint64(max(1, (len(hi) - 1).bit_length()))
    both = ((hi ^ lo) * _SPREAD) >> bits << bits
    both |= np.arange(len(hi), dtype=np.uint64)
    both.sort()
    rows = (both & np.uint64((1 << int(bits)) - 1)).astype(np.int64)
    both >>= bits
    spread = both >> (_HALF - bits)
    again = both[1:] == both[:-1]
    if not again.any():
        return rows, spread, rows[:0]
    last = np.append(~again, True)
    pairs = np.flatnonzero(again)
    first, second = rows[pairs], rows[pairs + 1]
    differ = (hi[first] != hi[second]) | (lo[first] != lo[second])
    if not differ.any():
        return rows[last], spread[last], rows[:0]
    doubtful = np.isin(both, both[pairs[differ]])
    last &= ~doubtful
    return rows[last], spread[last], np.sort(rows[doubtful])


def _moved(column: npt.NDArray[Any], old: Slots, new: Slots, slots: int) -> npt.NDArray[Any]:
    moved = np.zeros(slots, column.dtype)
    moved[new] = column[old]
    return moved
