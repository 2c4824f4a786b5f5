"""Drawing allowances in columns: each event takes what those before it in the batch have left."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def draw(slots: Ints, used: Ints, limit: Ints, wanted: Ints) -> tuple[Ints, Ints]:
    """Draw in row order.

    Args:
        slots: Counter of each row.
        used: What that counter held before the batch.
        limit: The allowance's size; the same for all rows of a counter.
        wanted: Units wanted, not negative.

    Returns:
        What was left before each row, and what each row got.
    """
    order = np.argsort(slots, kind="stable")
    sums = np.cumsum(wanted[order])
    before = sums - wanted[order]
    grouped = slots[order]
    begins = np.flatnonzero(np.diff(grouped, prepend=-1))
    sizes = np.diff(np.append(begins, len(grouped)))
    before -= np.repeat(before[begins], sizes) if len(begins) else 0
    left = np.empty_like(before)
    left[order] = np.maximum(0, (limit - used)[order] - before)
    return left, np.minimum(left, wanted)


def last_of_each(slots: Ints) -> npt.NDArray[np.int64]:
    """Give the last row of each counter."""
    _, reverse_first = np.unique(slots[::-1], return_index=True)
    return len(slots) - 1 - reverse_first
