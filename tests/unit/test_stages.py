"""Sums of stages: in one batch or in many, and what they notice."""

import itertools

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from assurance.planted import event_ids
from assurance.stages import charge_sums, usage_sums
from schemas.columns import conform
from schemas.usage import UsageEvent

_HOUR = 3_600_000_000


def events(count: int, salt: int = 1) -> pl.DataFrame:
    numbers = pl.int_range(count, eager=True)
    return conform(
        pl.DataFrame({
            "event_id": event_ids(count, salt), "feed_id": ["f"] * count, "lane": ["f"] * count,
            "service": ["voice"] * count, "quantity": numbers, "start_time": numbers,
            "collected_at": numbers * _HOUR // 4,
        }),
        UsageEvent,
    )  # fmt: skip


def added(sums: pl.DataFrame) -> list[tuple[object, ...]]:
    keys = ("feed_id", "service", "collected_at")
    found = sums.group_by(keys).agg(
        pl.col("records").sum(), pl.col("quantity").sum(), pl.col("ids").bitwise_xor()
    )
    return sorted(found.rows())


@given(st.lists(st.integers(0, 20), max_size=4))
def test_sums_of_parts_are_those_of_the_whole(cuts: list[int]) -> None:
    rows = events(20)
    bounds = sorted({0, *cuts, 20})
    parts = [rows[a:b] for a, b in itertools.pairwise(bounds)]
    whole = usage_sums("accepted", rows)
    assert added(pl.concat([usage_sums("accepted", one) for one in parts])) == added(whole)
    assert whole["records"].sum() == 20
    assert whole["collected_at"].to_list() == [hour * _HOUR for hour in range(5)]


def test_one_lost_and_one_doubled_is_seen_by_the_ids_alone() -> None:
    rows = events(3).with_columns(
        pl.lit(7, dtype=pl.Int64()).alias("quantity"), pl.lit(0, dtype=pl.Int64()).alias("collected_at")
    )  # fmt: skip
    other = pl.concat([rows[:2], rows[:1]])
    [one], [two] = usage_sums("read", rows).to_dicts(), usage_sums("read", other).to_dicts()
    assert one.pop("ids") != two.pop("ids")
    assert one == two


def test_ids_are_the_first_eight_bytes_of_each_combined() -> None:
    rows = events(2).with_columns(
        pl.Series("event_id", [bytes(range(16)), bytes([1] * 16)]),
        pl.lit(0, dtype=pl.Int64()).alias("collected_at"),
    )
    expected = int.from_bytes(bytes(range(8))) ^ int.from_bytes(bytes([1] * 8))
    assert usage_sums("read", rows)["ids"].to_list() == [expected]


def test_of_nothing_there_are_no_sums() -> None:
    assert usage_sums("read", events(0)).is_empty()
    assert charge_sums("usage-0000", events(0)).is_empty()
