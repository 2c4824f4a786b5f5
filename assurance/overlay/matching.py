"""Usage matched to billed lines, one to one: by key, or by party, number, start and quantity.

Where both carry a key, equal keys match. Otherwise usage and line have the same party, called
number and service, and begin within a tolerance of each other; those of equal quantity go first,
then the nearest in time, of two equally near the earlier. Which pairs come out does not depend on
the order of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from assurance.overlay.frames import BILLED_ORDER, USAGE_ORDER

KEY, EXACT, NEAR = "key", "exact", "near"
"""How a pair was found: equal keys; equal parties, start and quantity; the nearest start."""

PAIRS = pl.Schema(
    {"u": pl.Int64(), "b": pl.Int64(), "match": pl.String(), "ambiguous": pl.Boolean()}
)
_QUANTITIES = ("quantity", "rated_quantity")
"""A bill gives the quantity used, or the one that was counted."""


@dataclass(frozen=True)
class Matched:
    """What came of matching.

    Attributes:
        usage, billed: What was given, in canonical order, numbered by `u` and `b` from 0.
        pairs: Rows of PAIRS; no `u` and no `b` is in two of them. A pair is ambiguous where
            another one was possible at first.
    """

    usage: pl.DataFrame
    billed: pl.DataFrame
    pairs: pl.DataFrame

    @property
    def usage_left(self) -> pl.DataFrame:
        """Give usage without a line."""
        return self.usage.join(self.pairs, on="u", how="anti")

    @property
    def charges_left(self) -> pl.DataFrame:
        """Give lines without usage that are no credits: only they may have some."""
        return self.billed_left.filter(pl.col("amount") >= 0)

    @property
    def billed_left(self) -> pl.DataFrame:
        """Give lines without usage."""
        return self.billed.join(self.pairs, on="b", how="anti")


def numbered(usage: pl.DataFrame, billed: pl.DataFrame) -> Matched:
    """Put both sides into canonical order and number them; nothing is matched yet."""
    places = ((usage, USAGE_ORDER, "u"), (billed, BILLED_ORDER, "b"))
    first, second = (
        frame.sort(order, nulls_last=True).with_columns(pl.int_range(pl.len()).alias(name))
        for frame, order, name in places
    )
    return Matched(first, second, pl.DataFrame(schema=PAIRS))


def by_key(sides: Matched) -> Matched:
    """Match rows of equal keys, in their order; rows without a key stay as they are."""
    usage, billed = (
        _ranked(frame.filter(pl.col("key") != ""), ["key"])
        for frame in (sides.usage_left, sides.charges_left)
    )
    found = usage.join(billed, on=["key", "rank"]).select(
        "u", "b", match=pl.lit(KEY), ambiguous=pl.col("rank_many") > 1
    )
    return _with(sides, found)


def by_party(sides: Matched, *, tolerance_us: int) -> Matched:
    """Match what is left by party, called number, service, start and quantity.

    Rows that both carry a key are never matched so: their keys differ.

    Args:
        sides: Both sides.
        tolerance_us: Most microseconds from one start to the other.
    """
    keyless = pl.col("key") == ""
    for of_usage, of_billed in ((pl.lit(value=True), keyless), (keyless, ~keyless)):
        if not sides.charges_left.filter(of_billed).is_empty():
            sides = _without_keys(sides, of_usage, of_billed, tolerance_us)
    return sides


def _without_keys(
    sides: Matched, of_usage: pl.Expr, of_billed: pl.Expr, tolerance_us: int
) -> Matched:
    """Match rows as if they had no keys, step by step."""
    for quantity in _QUANTITIES:
        usage, billed = _grouped(
            sides.usage_left.filter(of_usage), sides.charges_left.filter(of_billed), quantity
        )
        same = ["group", "start_time"]
        found = _ranked(usage, same).join(_ranked(billed, same), on=[*same, "rank"])
        pairs = found.select("u", "b", match=pl.lit(EXACT), ambiguous=pl.lit(value=False))
        sides = _with(sides, pairs)
    for name in (*_QUANTITIES, None):
        usage, billed = _grouped(
            sides.usage_left.filter(of_usage), sides.charges_left.filter(of_billed), name
        )
        sides = _with(sides, _nearest(usage, billed, tolerance_us))
    return sides


def _with(sides: Matched, pairs: pl.DataFrame) -> Matched:
    return Matched(sides.usage, sides.billed, pl.concat([sides.pairs, pairs.cast(PAIRS)]))


def _ranked(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Number rows that are alike, and say how many there are."""
    return frame.with_columns(
        pl.int_range(pl.len()).over(by).alias("rank"), pl.len().over(by).alias("rank_many")
    )


def _grouped(
    usage: pl.DataFrame, billed: pl.DataFrame, quantity: str | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give rows that may match the same number: `group`, `start_time`, and `u` or `b`."""
    serviceless = pl.col("service") == ""
    plain = not billed.is_empty() and bool(billed.select(serviceless.all()).item())
    service = pl.lit("") if plain else pl.col("service")
    names = [pl.col("party"), pl.col("called"), service.alias("service")]
    first = usage.filter(pl.col("party") != "").select(
        "u", "start_time", *names, (pl.col(quantity) if quantity else pl.lit(0)).alias("size")
    )
    second = billed.filter(pl.col("party") != "").select(
        "b", "start_time", *names, (pl.col("quantity") if quantity else pl.lit(0)).alias("size")
    )
    by = ["party", "called", "service", "size"]
    groups = second.select(by).drop_nulls().unique().with_row_index("group")
    return tuple(  # type: ignore[return-value]
        frame.join(groups, on=by).select(name, "group", "start_time").sort("start_time", name)
        for frame, name in ((first, "u"), (second, "b"))
    )


def _nearest(usage: pl.DataFrame, billed: pl.DataFrame, tolerance_us: int) -> pl.DataFrame:
    """Match each to its nearest where that is mutual, until none is left.

    Of two equally near, both sides take the earlier, so that each round matches the leftmost of
    the nearest pairs at least: it ends.
    """
    crowded = _crowded(usage, billed, tolerance_us)
    found = []
    while not usage.is_empty() and not billed.is_empty():
        forth = _pick(usage, billed, "u", "b", tolerance_us)
        back = _pick(billed, usage, "b", "u", tolerance_us)
        pairs = forth.join(back, on=["u", "b"])
        if pairs.is_empty():
            break
        found.append(pairs)
        usage = usage.join(pairs, on="u", how="anti", maintain_order="left")
        billed = billed.join(pairs, on="b", how="anti", maintain_order="left")
    if not found:
        return pl.DataFrame(schema=PAIRS)
    unclear = pl.col("u").is_in(crowded[0].implode()) | pl.col("b").is_in(crowded[1].implode())
    return pl.concat(found).select("u", "b", match=pl.lit(NEAR), ambiguous=unclear)


def _sought(
    left: pl.DataFrame, right: pl.DataFrame, other: str, tolerance_us: int, *, back: bool,
    last: bool = False,
) -> pl.DataFrame:  # fmt: skip
    """Find for each row the nearest one before or after it; of equal ones the first, or last."""
    ordered = right.sort("start_time", other, descending=[False, back != last])
    return left.join_asof(
        ordered.with_columns(pl.col("start_time").alias("there")),
        on="start_time",
        by="group",
        strategy="backward" if back else "forward",
        tolerance=tolerance_us,
        check_sortedness=False,
    )


def _pick(
    left: pl.DataFrame, right: pl.DataFrame, name: str, other: str, tolerance_us: int
) -> pl.DataFrame:
    """Find for each row the nearest of the other side: `name` and `other`."""
    before = _sought(left, right, other, tolerance_us, back=True)
    after = _sought(left, right, other, tolerance_us, back=False).select(
        name, pl.col(other).alias("later"), (pl.col("there") - pl.col("start_time")).alias("ahead")
    )
    both = before.join(after, on=name)
    behind = pl.col("start_time") - pl.col("there")
    earlier = behind.is_not_null() & (behind <= pl.col("ahead").fill_null(tolerance_us + 1))
    chosen = both.select(name, pl.when(earlier).then(other).otherwise("later").alias(other))
    return chosen.drop_nulls()


def _crowded(
    usage: pl.DataFrame, billed: pl.DataFrame, tolerance_us: int
) -> tuple[pl.Series, pl.Series]:
    """Find rows that have more than one candidate on the other side."""
    return (
        _several(usage, billed, "u", "b", tolerance_us),
        _several(billed, usage, "b", "u", tolerance_us),
    )


def _several(
    left: pl.DataFrame, right: pl.DataFrame, name: str, other: str, tolerance_us: int
) -> pl.Series:
    """Find rows of which the first and the last candidate are two."""
    ends = []
    for shift, back in ((-tolerance_us, False), (tolerance_us, True)):
        moved = left.with_columns(pl.col("start_time") + shift)
        found = _sought(moved, right, other, 2 * tolerance_us, back=back, last=back)
        ends.append(found.select(name, other))
    both = ends[0].join(ends[1], on=name)
    return both.filter(pl.col(other) != pl.col(f"{other}_right"))[name]


def twins(sides: Matched, taken: pl.DataFrame, *, tolerance_us: int) -> pl.DataFrame:
    """Find lines without usage that say what a line with usage says: billed twice.

    Args:
        sides: What was matched.
        taken: Further lines that have usage: rows of BILLED.
        tolerance_us: Most microseconds from one start to the other.

    Returns:
        `b`, and `file`, `line` and `invoice` of the other line.
    """
    matched = sides.billed.join(sides.pairs, on="b", how="semi").drop("b")
    taken = pl.concat([matched, taken]).with_columns(pl.int_range(pl.len()).alias("twin"))
    left = sides.charges_left
    keyed = (
        left.filter(pl.col("key") != "")
        .join(taken.select("key", "twin"), on="key")
        .group_by("b")
        .agg(pl.col("twin").min())
    )
    rest = left.join(keyed, on="b", how="anti").filter(pl.col("party") != "")
    by = ["party", "called", "service", "quantity"]
    groups = taken.select(by).unique().with_row_index("group")
    first, second = (
        frame.join(groups, on=by, nulls_equal=True)
        .select(name, "group", "start_time")
        .sort("start_time", name)
        for frame, name in ((rest, "b"), (taken, "twin"))
    )
    near = _pick(first, second, "b", "twin", tolerance_us)
    found = pl.concat([keyed, near.select("b", "twin")])
    return found.join(taken.select("twin", "file", "line", "invoice"), on="twin").drop("twin")


def cancelled(billed: pl.DataFrame) -> pl.DataFrame:
    """Find charges that a credit takes back whole, and those credits: rows of `file` and `line`."""
    by = ["key", "party", "called", "service", "start_time", "quantity", "currency", "size"]
    sized = billed.with_columns(pl.col("amount").abs().alias("size")).sort(BILLED_ORDER)
    charges = _ranked(sized.filter(pl.col("amount") > 0), by)
    taken_back = _ranked(sized.filter(pl.col("amount") < 0), by)
    both = charges.join(taken_back, on=[*by, "rank"], nulls_equal=True)
    return pl.concat(
        [both.select("file", "line"), both.select(file="file_right", line="line_right")]
    )
