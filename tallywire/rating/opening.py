"""Counters as they were before the first of some charges: what their rows say was read."""

from collections.abc import Callable

import polars as pl

from tallywire.rating.counters import Counters
from tallywire.rating.rulebook import CounterKey, Rulebook


def opening(standing: pl.DataFrame, books: Callable[[str], Rulebook]) -> bytes:
    """Give the counters that do not begin with 0.

    A row whose column `counters` is empty read only counters of its period, which begin with 0.
    For the others the rulebook tells which counters were read, in its order; the first row that
    read a counter says what it held.

    Args:
        standing: Rows of RatedEvent as charged, in lane order.
        books: Rulebook of a catalogue by its hash.

    Returns:
        Records for a state of counters.
    """
    found: dict[CounterKey, int] = {}
    for row in standing.filter(pl.col("counters") != "").iter_rows(named=True):
        values = iter(int(value) for value in row["counters"].split())

        def used(key: CounterKey, values: object = values) -> int:
            value = next(values)  # type: ignore[call-overload]  # an iterator of this row
            found.setdefault(key, value)
            return int(value)

        books(row["catalog_hash"]).rate(row, used)
    counters = Counters()
    for key, value in found.items():
        counters.set(key, value)
    return counters.whole()
