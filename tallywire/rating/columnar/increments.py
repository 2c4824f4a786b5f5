"""Increments in columns: usage rounded up to steps, laid out in stretches of one group and band."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tallywire.rating.columnar.bands import Bands
from tallywire.rating.columnar.clocks import Clock, Ints
from tallywire.rating.columnar.prices import PriceTable

STRADDLES = ("untimed", "start_band", "prorate", "end_band")
"""Which band a step has: that of the usage's start, of its own first unit, each unit's own, or
that of its last unit."""
UNTIMED, PRORATE, END_BAND = 0, 2, 3


@dataclass(frozen=True)
class Steps:
    """Charged steps of every row and group.

    Attributes:
        first: First charged unit (row, group).
        count: Steps (row, group).
        quantity: Charged units of each row.
    """

    first: Ints
    count: Ints
    quantity: Ints


@dataclass(frozen=True)
class Stretches:
    """One stretch of some rows: charged units of one group in one band."""

    rows: Ints
    group: int
    band: Ints
    length: Ints


def count_steps(table: PriceTable, price: Ints, quantity: Ints) -> Steps:
    """Round usage up, group by group; a step over its group's end uses up the next group."""
    groups = table.steps.shape[1]
    first = np.zeros((len(price), groups), np.int64)
    count = np.zeros((len(price), groups), np.int64)
    charged = np.zeros(len(price), np.int64)
    for group in range(groups):
        size = table.steps[price, group]
        low = np.maximum(table.starts[price, group], charged)
        high = np.minimum(quantity, table.starts[price, group + 1])
        some = high > low
        steps = np.where(some, -((low - high) // size), 0)
        first[:, group] = np.where(some, low, 0)
        count[:, group] = steps
        charged = np.where(some, first[:, group] + steps * size, charged)
    return Steps(first, count, charged)


def stretches(
    table: PriceTable,
    steps: Steps,
    price: Ints,
    start: Ints,
    bands: Bands,
    clock: Clock,
    straddle: Ints,
) -> Iterator[Stretches]:
    """Lay charged usage out in the order it was used: each row's stretches come in that order.

    Args:
        start: Instants at which usage began, microseconds UTC.
        straddle: Index into STRADDLES: which band a step has.
    """
    timed = straddle != UNTIMED
    for group in range(table.steps.shape[1]):
        size = table.steps[price, group]
        plain = np.flatnonzero(~timed & (steps.count[:, group] > 0))
        if len(plain):
            length = steps.count[plain, group] * size[plain]
            yield Stretches(plain, group, bands.at(clock, start[plain])[0], length)
        rows = np.flatnonzero(timed & (steps.count[:, group] > 0))
        grain = np.where(straddle == PRORATE, 1, size)
        ahead = np.where(straddle == END_BAND, size - 1, 0)
        done = np.zeros(len(rows), np.int64)
        while len(rows):
            moment = start[rows] + steps.first[rows, group] + done + ahead[rows]
            band, edge = bands.at(clock, moment)
            left = steps.count[rows, group] * size[rows] - done
            here = np.minimum(left, -((moment - edge) // grain[rows]) * grain[rows])
            yield Stretches(rows, group, band, here)
            on = here < left
            rows, done = rows[on], (done + here)[on]
