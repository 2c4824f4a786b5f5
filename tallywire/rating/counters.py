"""Allowance counters: how much each subscription has used of each allowance in each month."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl
import xxhash

from tallywire.hashes import UInts, hash128
from tallywire.keytable import KeyTable, Slots

Ints = npt.NDArray[np.int64]

_RECORD = np.dtype([("hi", "<u8"), ("lo", "<u8"), ("used", "<i8")])
_PIECE = 1_000_000


def _words(key: tuple[str, str, str]) -> tuple[UInts, UInts]:
    number = xxhash.xxh3_128_intdigest("\x1f".join(key).encode())
    return np.array([number >> 64], np.uint64), np.array([number & (2**64 - 1)], np.uint64)


class Counters:
    """Used base units by (subscription, allowance, billing month)."""

    def __init__(self) -> None:
        self._table = KeyTable({"used": np.int64})
        self._touched: list[npt.NDArray[np.void]] = []

    def __len__(self) -> int:
        return len(self._table)

    def used(self, key: tuple[str, str, str]) -> int:
        """Read one counter; 0 where nothing was used."""
        slot = self._table.find(*_words(key))[0]
        return int(self._table.values["used"][slot]) if slot >= 0 else 0

    def set(self, key: tuple[str, str, str], used: int) -> None:
        """Write one counter."""
        hi, lo = _words(key)
        slots, _ = self._table.claim(hi, lo)
        self.write(slots, np.array([used], np.int64))

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
        """Give counters written since the last call, in the order they were written."""
        touched, self._touched = self._touched, []
        return np.concatenate(touched).tobytes() if touched else b""

    def apply(self, changes: bytes) -> None:
        """Take counters written before; a later value of a counter replaces an earlier one."""
        records = np.frombuffer(changes, _RECORD)
        slots, _ = self._table.claim(records["hi"].copy(), records["lo"].copy())
        self._table.values["used"][slots] = records["used"]

    def dump(self) -> Iterator[bytes]:
        """Give every counter, in pieces."""
        slots = np.flatnonzero(self._table.used)
        for start in range(0, len(slots), _PIECE):
            yield self._records(slots[start : start + _PIECE]).tobytes()
