"""Columns collected out of many small pieces, in memory that goes back to the machine afterwards.

Small arrays are cut out of a heap that stays as large as it ever was; large ones have pages of
their own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Columns = dict[str, npt.NDArray[Any]]

_ROWS = 5_000_000
"""Rows of a part: beyond 32 MB an array has pages of its own, free until they are written."""


class Collected:
    """Columns of records, added piece by piece.

    Args:
        record: Kind of the records.
        names: Which of its fields are collected.
    """

    def __init__(self, record: np.dtype[np.void], names: Sequence[str]) -> None:
        self._record, self._names = record, tuple(names)
        self._parts: list[Columns] = []
        self._end = _ROWS

    def add(self, records: npt.NDArray[np.void]) -> None:
        """Add records, in order."""
        while len(records):
            if self._end == _ROWS:
                self._parts.append(
                    {name: np.empty(_ROWS, self._record[name]) for name in self._names}
                )
                self._end = 0
            some = records[: _ROWS - self._end]
            for name in self._names:
                self._parts[-1][name][self._end : self._end + len(some)] = some[name]
            self._end += len(some)
            records = records[len(some) :]

    def take(self) -> Columns:
        """Give the columns whole; nothing is kept here."""
        if len(self._parts) == 1:
            return {name: column[: self._end] for name, column in self._parts.pop().items()}
        found: Columns = {}
        for name in self._names:
            parts = [part.pop(name) for part in self._parts]
            parts[-1:] = [part[: self._end] for part in parts[-1:]]
            found[name] = np.concatenate([*parts, np.empty(0, self._record[name])])
        self._parts = []
        return found
