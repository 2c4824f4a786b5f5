"""Finding the rows of two sources that belong together, one to one."""

from collections.abc import Sequence

import polars as pl

LEFT, RIGHT = "left_row", "right_row"
"""Columns of row numbers, of either side and of the pairs."""
_NEAR = ("apart", "size_apart", LEFT, RIGHT)


def by_place(left: pl.DataFrame, right: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Match rows of equal keys in their order.

    Args:
        left: With LEFT and the keys.
        right: With RIGHT and the keys.
        names: Columns of the keys, in both.
    """
    place = pl.int_range(pl.len()).over(names).alias("place")
    return left.with_columns(place).join(
        right.with_columns(place), on=[*names, "place"], how="inner", maintain_order="left"
    ).select(LEFT, RIGHT)  # fmt: skip


def by_time(
    left: pl.DataFrame, right: pl.DataFrame, names: Sequence[str], within: int
) -> pl.DataFrame:
    """Match rows of equal keys whose times lie near each other, the nearest first.

    Of pairs equally far apart those come first whose sizes are more alike, where rows have a
    column `size`; then those of the first rows.

    Args:
        left: With LEFT, the keys and `time`.
        right: With RIGHT, the keys and `time`.
        within: How far times may lie apart, in their unit.
    """
    near = left.join(right, on=names, how="inner", maintain_order="left").with_columns(
        (pl.col("time") - pl.col("time_right")).abs().alias("apart")
    )
    sized = "size" in left.columns and "size" in right.columns
    size = (pl.col("size") - pl.col("size_right")).abs() if sized else pl.lit(0)
    near = near.filter(pl.col("apart") <= within).with_columns(size.alias("size_apart"))
    used: tuple[set[int], set[int]] = (set(), set())
    pairs = []
    for mine, other in near.sort(_NEAR).select(LEFT, RIGHT).iter_rows():
        if mine not in used[0] and other not in used[1]:
            used[0].add(mine)
            used[1].add(other)
            pairs.append((mine, other))
    schema = {LEFT: near.schema[LEFT], RIGHT: near.schema[RIGHT]}
    return pl.DataFrame(pairs, schema=schema, orient="row").sort(LEFT)
