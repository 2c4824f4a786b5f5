"""Searching many values in sorted keys: in the order of the values, which the cache likes."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt


def places(
    keys: npt.NDArray[Any], values: npt.NDArray[Any], side: Literal["left", "right"]
) -> npt.NDArray[np.int64]:
    """Find where values belong in sorted keys, as `numpy.searchsorted` does, several times faster.

    >>> places(np.array([1, 3, 3]), np.array([3, 0]), "right").tolist()
    [3, 0]
    """
    order = np.argsort(values)
    found = np.empty(len(values), np.int64)
    found[order] = np.searchsorted(keys, values[order], side)
    return found
