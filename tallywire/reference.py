"""Reference data: dated tables that tell more of usage than its record does."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from tallywire.dated import DatedKeys, Flags, Ints

BETWEEN = "\x1f"
"""Between the parts of a key that has several."""
ALIASES = "aliases"
ALIAS_PARTS = ("kind", "to_kind", "value")
"""What an alias is found by: what it is, what it shall become, its text."""

VALIDITY = ("valid_from_us", "valid_to_us")


@dataclass(frozen=True, eq=False)
class ReferenceTable:
    """Rows of a file in `reference/`, found by a key and an instant.

    Attributes:
        name: Name of the file, without folder and ending.
        keys: Columns that it can be looked up by; the first is its own.
        rows: Text columns, valid_from_us, valid_to_us.
    """

    name: str
    keys: tuple[str, ...]
    rows: pl.DataFrame
    _indexes: dict[str, tuple[Ints, DatedKeys]] = field(default_factory=dict, repr=False)

    def find(
        self, texts: pl.Series, moments: Ints, *, key: str, longest: bool = False
    ) -> tuple[Ints, Flags]:
        """Look texts up at their moments.

        Args:
            texts: What to look for; an empty text finds nothing.
            moments: When, microseconds UTC.
            key: The column to look in.
            longest: Take the longest key that a text begins with, instead of an equal one.

        Returns:
            Row, -1 where none holds; and whether the key is known, now or at another time.
        """
        order, index = self._index(key)
        place, known = (index.find_longest if longest else index.find)(texts, moments)
        if not len(order):
            return place, known
        return np.where(place < 0, -1, order[np.maximum(place, 0)]), known

    def _index(self, key: str) -> tuple[Ints, DatedKeys]:
        """Build the look-up of a column once; rows without that key are not in it."""
        if key not in self._indexes:
            texts = self.rows.select(key_of(self.name, key).alias("key")).to_series()
            rows = np.flatnonzero((texts != "").to_numpy())
            since, until = (self.rows[name].to_numpy()[rows] for name in VALIDITY)
            index = DatedKeys(texts.gather(rows), since, until)
            self._indexes[key] = (rows[index.order], index)
        return self._indexes[key]

    def take(self, rows: Ints, column: str) -> pl.Series:
        """Give a column of found rows; empty text for -1."""
        missing = pl.Series(rows < 0)
        if not self.rows.height:
            return pl.Series([""]).gather(np.zeros(len(rows), np.int64))
        taken = self.rows[column].gather(np.maximum(rows, 0))
        return pl.select(pl.when(missing).then(pl.lit("")).otherwise(taken)).to_series()


def key_of(table: str, key: str) -> pl.Expr:
    """Give the key of rows: a column, or of an alias its three parts together."""
    if table != ALIASES:
        return pl.col(key)
    return pl.concat_str(ALIAS_PARTS, separator=BETWEEN)


Reference = Mapping[str, ReferenceTable]
