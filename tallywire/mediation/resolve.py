"""Whose usage it is: identifier and instant to account, subscription, offer and routing id."""

import numpy as np
import polars as pl

from tallywire.dated import DatedKeys, Flags, Ints

SEPARATOR = ":"
"""Between type and value of an identifier; no type contains it."""


class IdentifierIndex:
    """Identifiers of a snapshot, found by hash, confirmed by text."""

    def __init__(self, identifiers: pl.DataFrame) -> None:
        keys = identifiers.select(
            pl.concat_str("identifier_type", "identifier", separator=SEPARATOR)
        ).to_series()
        since, until = (identifiers[name].to_numpy() for name in ("valid_from_us", "valid_to_us"))
        self._keys = DatedKeys(keys, since, until)
        self._rows = identifiers[self._keys.order]

    def find(self, keys: pl.Series, moments: Ints) -> tuple[Ints, Flags]:
        """Find the row that holds at each moment.

        Returns:
            Row, -1 where none holds; and whether the identifier is known at another time.
        """
        return self._keys.find(keys, moments)

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
