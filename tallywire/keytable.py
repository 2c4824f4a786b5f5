"""A table from 128-bit keys to numbers, in arrays: exact, order-true, 100 times less than a dict.

Open addressing with linear probing. A batch of absent keys is put in by claims: every key writes
its row into its slot, in reverse order, and reads it back; the first in order has won, the others
look at the same slot again and find their own key there, or go on.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

UInts = npt.NDArray[np.uint64]
Slots = npt.NDArray[np.int64]

_FILL_NUMERATOR, _FILL_DENOMINATOR = 3, 5
_LARGE = 1 << 19
"""Slots above which a table grows by doubling, to save memory; below by four, to save time."""
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class KeyTable:
    """Keys of two 64-bit words, each with a number in every named column.

    Args:
        columns: Name and numpy type of each column.
        capacity: Keys expected at first; it grows as it fills.
    """

    def __init__(self, columns: Mapping[str, npt.DTypeLike], capacity: int = 1024) -> None:
        self._types = {name: np.dtype(kind) for name, kind in columns.items()}
        self._count = 0
        self._allocate(1 << max(6, (capacity * 2 - 1).bit_length()))

    def _allocate(self, slots: int) -> None:
        self._mask = slots - 1
        self._shift = np.uint64(64 - (slots.bit_length() - 1))
        self.hi: UInts = np.zeros(slots, np.uint64)
        self.lo: UInts = np.zeros(slots, np.uint64)
        self.used = np.zeros(slots, bool)
        self.values = {name: np.zeros(slots, kind) for name, kind in self._types.items()}

    def __len__(self) -> int:
        return self._count

    def _home(self, hi: UInts, lo: UInts) -> Slots:
        return (((hi ^ lo) * _SPREAD) >> self._shift).astype(np.int64)

    def find(self, hi: UInts, lo: UInts) -> Slots:
        """Look keys up: the slot of each, -1 where it is absent."""
        found = np.full(len(hi), -1, np.int64)
        rows = np.arange(len(hi), dtype=np.int64)
        slots = self._home(hi, lo)
        while len(rows):
            same = (self.lo[slots] == lo[rows]) & (self.hi[slots] == hi[rows])
            taken = self.used[slots]
            hit = same & taken
            found[rows[hit]] = slots[hit]
            on = taken & ~hit
            rows, slots = rows[on], (slots[on] + 1) & self._mask
        return found

    def claim(self, hi: UInts, lo: UInts) -> tuple[Slots, npt.NDArray[np.bool_]]:
        """Look keys up and put absent ones in, with zeros in their columns.

        Returns:
            The slot of each key, valid until the next claim, and whether this row put it in: of
            equal absent keys the first in order did.
        """
        self._reserve(len(hi))
        found = np.empty(len(hi), np.int64)
        fresh = np.zeros(len(hi), bool)
        rows = np.arange(len(hi), dtype=np.int64)
        slots = self._home(hi, lo)
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
            rows, slots = rows[on], (slots[on] + 1) & self._mask
        self._count += int(fresh.sum())
        return found, fresh

    def _reserve(self, more: int) -> None:
        slots = len(self.used)
        wanted = self._count + more
        while wanted * _FILL_DENOMINATOR > slots * _FILL_NUMERATOR:
            slots *= 4 if slots < _LARGE else 2
        if slots > len(self.used):
            self._rebuild(slots, self.used)

    def _rebuild(self, slots: int, keep: npt.NDArray[np.bool_]) -> None:
        hi, lo = self.hi[keep], self.lo[keep]
        values = {name: column[keep] for name, column in self.values.items()}
        self._allocate(slots)
        home = self._home(hi, lo)
        order = np.argsort(home)
        rows = np.arange(len(order))
        place = rows + np.maximum.accumulate(home[order] - rows)  # where probing would put them
        inside = place < slots  # the others go round to the beginning
        self._put(place[inside], order[inside], hi, lo)
        self._count = int(inside.sum())
        late, _ = self.claim(hi[order[~inside]], lo[order[~inside]])
        for name, column in values.items():
            self.values[name][place[inside]] = column[order[inside]]
            self.values[name][late] = column[order[~inside]]

    def _put(self, slots: Slots, rows: Slots, hi: UInts, lo: UInts) -> None:
        self.hi[slots], self.lo[slots], self.used[slots] = hi[rows], lo[rows], True

    def forget(self, keep: npt.NDArray[np.bool_]) -> None:
        """Drop every key whose slot is not kept."""
        if not (keep | ~self.used).all():
            self._rebuild(len(self.used), keep & self.used)
