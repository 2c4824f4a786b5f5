"""Drawing allowances in columns: each event takes what those before it in the batch have left."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """What rows got, and what that leaves their counters at.

    Attributes:
        held: What the counter held before each row.
        before: What was left before each row.
        covered: What each row got.
        slots: Counters drawn from, each once, ascending.
        used: What each of them holds now.
    """

    held: Ints
    before: Ints
    covered: Ints
    slots: Ints
    used: Ints


@dataclass(frozen=True)
class Grouped:
    """Rows put together by counter, each counter's rows in their own order.

    Attributes:
        order: Rows, counter by counter.
        begins: Where each counter begins in `order`.
        sizes: Rows of each counter.
    """

    order: Ints
    begins: Ints
    sizes: Ints

    def earlier(self, values: Ints) -> Ints:
        """Sum, for each row in `order`, the values of the counter's rows before it."""
        sums = np.cumsum(values)
        earlier = sums - values
        result: Ints = earlier - np.repeat(earlier[self.begins], self.sizes)
        return result

    def in_row_order(self, values: Ints) -> Ints:
        """Put values of rows in `order` back into the rows' own order."""
        result = np.empty_like(values)
        result[self.order] = values
        return result


def grouped(slots: Ints) -> Grouped:
    """Group rows by counter; at least one row."""
    bits = max(1, (len(slots) - 1).bit_length())
    rows = np.arange(len(slots), dtype=np.int64)
    order: Ints = np.sort(slots << bits | rows) & ((1 << bits) - 1)
    begins = np.flatnonzero(np.diff(slots[order], prepend=-1))
    return Grouped(order, begins, np.diff(np.append(begins, len(order))))


def draw(slots: Ints, used: Ints, limit: Ints, wanted: Ints) -> Drawn:
    """Draw in row order.

    Args:
        slots: Counter of each row; at least one row.
        used: What that counter held before the batch.
        limit: The allowance's size. Rows of one counter may differ in it where a customer changed
            the offer.
        wanted: Units wanted, not negative.
    """
    groups = grouped(slots)
    order, begins = groups.order, groups.begins
    asked, sizes = wanted[order], limit[order]
    left = np.maximum(0, sizes - used[order] - groups.earlier(asked))
    got = np.minimum(left, asked)
    held = np.where(left > 0, sizes - left, np.maximum(used[order], sizes))
    uneven = np.maximum.reduceat(sizes, begins) != np.minimum.reduceat(sizes, begins)
    for group in np.flatnonzero(uneven).tolist():
        _one_by_one(groups, group, (used[order], sizes, asked), (held, left, got))
    first = order[begins]
    return Drawn(
        groups.in_row_order(held), groups.in_row_order(left), groups.in_row_order(got),
        slots[first], used[first] + np.add.reduceat(got, begins),
    )  # fmt: skip


def _one_by_one(
    groups: Grouped, group: int, given: tuple[Ints, Ints, Ints], made: tuple[Ints, Ints, Ints]
) -> None:
    """Draw for one counter row by row: its size changes on the way."""
    start = int(groups.begins[group])
    used, limit, wanted = given
    held = int(used[start])
    for place in range(start, start + int(groups.sizes[group])):
        left = max(0, int(limit[place]) - held)
        got = min(left, int(wanted[place]))
        made[0][place], made[1][place], made[2][place] = held, left, got
        held += got
