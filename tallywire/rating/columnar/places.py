"""Where the charges of several legs go: usage by usage, and of each the legs in their order."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Scalar = TypeVar("Scalar", bound=np.generic)


class Places:
    """Puts values of legs into the order of charges.

    Args:
        legs: For each leg the places of its usage, ascending, each once.
        height: How much usage there is.

    Attributes:
        usage: For each charge the place of its usage; none where charges are the usage, one each.
    """

    def __init__(self, legs: Sequence[Ints], height: int) -> None:
        self.height = sum(len(rows) for rows in legs)
        self._of_leg: list[slice | Ints] = []
        if all(len(rows) == height for rows in legs):
            self._of_leg += [slice(number, None, len(legs)) for number in range(len(legs))]
            self.usage = np.repeat(np.arange(height), len(legs)) if len(legs) > 1 else None
            return
        count = np.zeros(height, np.int64)
        for rows in legs:
            count[rows] += 1
        place = np.cumsum(count) - count
        for rows in legs:
            self._of_leg.append(place[rows])
            place[rows] += 1
        self.usage = np.repeat(np.arange(height), count)

    def joined(self, parts: Sequence[npt.NDArray[Scalar]]) -> npt.NDArray[Scalar]:
        """Put an array of each leg together."""
        if len(parts) == 1:
            return parts[0]
        made = np.empty(self.height, parts[0].dtype)
        for place, part in zip(self._of_leg, parts, strict=True):
            made[place] = part
        return made

    def of_usage(self, column: pl.Series) -> pl.Series | pl.Expr:
        """Give each charge what its usage has; one value stays one where all rows have it."""
        if is_constant(column):
            return pl.lit(column[0], dtype=column.dtype)
        return column if self.usage is None else column.gather(self.usage)


def is_constant(column: pl.Series) -> bool:
    """Tell whether all rows, at least one, have one value; ids never are."""
    if column.null_count():
        return column.null_count() == len(column)
    if not len(column) or column.dtype == pl.Binary() or column[0] != column[-1]:
        return False
    return bool((column == column[0]).all())
