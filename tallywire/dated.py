"""Dated texts, found by hash and confirmed by text: exact keys, and longest prefixes."""

from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from tallywire.hashes import hash64
from tallywire.search import places

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class DatedKeys:
    """Keys with the times in which they hold, for columns of look-ups.

    Args:
        keys: A text for each row; rows of one key do not overlap in time.
        since, until: When each row holds, microseconds UTC, the end excluded.

    Attributes:
        order: Row of the arguments that stands at each place.
    """

    def __init__(self, keys: pl.Series, since: Ints, until: Ints) -> None:
        hashes = hash64(keys)
        self.order: Ints = np.lexsort((since, hashes))
        self._hashes = hashes[self.order]
        self._keys = keys.gather(self.order)
        self._from, self._to = since[self.order], until[self.order]
        begins = np.append(True, self._hashes[1:] != self._hashes[:-1])[: len(self._hashes)]
        self._first = np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))

    def find(self, keys: pl.Series, moments: Ints) -> tuple[Ints, Flags]:
        """Find the place of the row that holds at each moment.

        Returns:
            Place in `order`, -1 where none holds; and whether the key is known, now or at another
            time.
        """
        if not len(self._hashes):
            return np.full(len(keys), -1, np.int64), np.zeros(len(keys), bool)
        hashes = hash64(keys)
        place = np.maximum(places(self._hashes, hashes, "right") - 1, 0)
        known = self._hashes[place] == hashes
        first = np.where(known, self._first[place], 0)
        later = known & (self._from[place] > moments)
        while later.any():
            place = np.where(later, place - 1, place)
            later = later & (place >= first) & (self._from[np.maximum(place, 0)] > moments)
        safe = np.maximum(place, 0)
        same = (self._keys.gather(safe) == keys).fill_null(value=False).to_numpy()
        known &= same | (place < first)
        holds = (
            known & (place >= first) & (self._from[safe] <= moments) & (moments < self._to[safe])
        )
        return np.where(holds, safe, -1), known

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted(set(self._keys.str.len_chars().unique().to_list()), reverse=True)

    def find_longest(self, texts: pl.Series, moments: Ints) -> tuple[Ints, Flags]:
        """Find, as `find` does, the longest key that a text begins with and that holds then."""
        found = np.full(len(texts), -1, np.int64)
        known = np.zeros(len(texts), bool)
        lengths = texts.str.len_chars().to_numpy()
        rows = np.arange(len(texts))
        for length in self._lengths:
            if not len(rows):
                break
            some = rows[lengths[rows] >= length]
            place, there = self.find(texts.gather(some).str.slice(0, length), moments[some])
            found[some] = place
            known[some] |= there
            rows = rows[found[rows] < 0]
        return found, known
