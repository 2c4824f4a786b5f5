"""Whose usage it is: identifier and instant to account, subscription, offer and routing id."""

import numpy as np
import numpy.typing as npt
import polars as pl

from tallywire.hashes import hash64
from tallywire.search import places

Ints = npt.NDArray[np.int64]
SEPARATOR = ":"
"""Between type and value of an identifier; no type contains it."""


class IdentifierIndex:
    """Identifiers of a snapshot, found by hash, confirmed by text."""

    def __init__(self, identifiers: pl.DataFrame) -> None:
        keys = identifiers.select(
            pl.concat_str("identifier_type", "identifier", separator=SEPARATOR)
        ).to_series()
        hashes = hash64(keys)
        order = np.lexsort((identifiers["valid_from_us"].to_numpy(), hashes))
        self._hashes = hashes[order]
        self._rows = identifiers[order]
        self._keys = keys.gather(order)
        self._from = self._rows["valid_from_us"].to_numpy()
        self._to = self._rows["valid_to_us"].to_numpy()

    def find(self, keys: pl.Series, moments: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Find the row that holds at each moment.

        Returns:
            Row, -1 where none holds; and whether the identifier is known at another time.
        """
        if not len(self._hashes):
            return np.full(len(keys), -1, np.int64), np.zeros(len(keys), bool)
        hashes = hash64(keys)
        place = places(self._hashes, hashes, "right") - 1
        first = places(self._hashes, hashes, "left")
        known = place >= first
        place = np.where(known, place, 0)
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

    def columns(self, rows: Ints) -> pl.DataFrame:
        """Give account, subscription, offer and routing id of rows; empty text for -1."""
        found = self._rows.select("account_id", "subscription_id", "offer_id", "routing_id")
        taken = found[np.maximum(rows, 0)] if found.height else found.clear(len(rows))
        missing = pl.Series(rows < 0)
        columns = [
            pl.when(missing).then(pl.lit("")).otherwise(name).alias(name) for name in taken.columns
        ]
        named: pl.DataFrame = taken.with_columns(columns)
        return named
