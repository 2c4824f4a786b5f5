"""Drawing allowances in columns: each event takes what those before it in the batch have left."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """What rows got, and what that leaves their counters at.

    Attributes:
        before: What was left before each row.
        covered: What each row got.
        slots: Counters drawn from, each once, ascending.
        used: What each of them holds now.
    """

    before: Ints
    covered: Ints
    slots: Ints
    used: Ints


def _grouped(slots: Ints) -> Ints:
    """Order rows by counter, each counter's rows in their own order."""
    bits = max(1, (len(slots) - 1).bit_length())
    rows = np.arange(len(slots), dtype=np.int64)
    ordered: Ints = np.sort(slots << bits | rows) & ((1 << bits) - 1)
    return ordered


def draw(slots: Ints, used: Ints, limit: Ints, wanted: Ints) -> Drawn:
    """Draw in row order.

    Args:
        slots: Counter of each row; at least one row.
        used: What that counter held before the batch.
        limit: The allowance's size; the same for all rows of a counter.
        wanted: Units wanted, not negative.
    """
    order = _grouped(slots)
    grouped, asked = slots[order], wanted[order]
    begins = np.flatnonzero(np.diff(grouped, prepend=-1))
    ends = np.append(begins[1:], len(grouped))
    sums = np.cumsum(asked)
    earlier = sums - asked
    earlier -= np.repeat(earlier[begins], ends - begins)
    left = np.maximum(0, (limit - used)[order] - earlier)
    got = np.minimum(left, asked)
    before, covered = np.empty_like(left), np.empty_like(got)
    before[order], covered[order] = left, got
    first = order[begins]
    return Drawn(before, covered, slots[first], used[first] + np.add.reduceat(got, begins))
