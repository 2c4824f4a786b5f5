"""Sums of stages: in one batch or in many, and what they notice."""

import itertools

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from assurance.planted import event_ids
from assurance.reconciling.stages import HOUR_US, Stored
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


def test_what_the_look_at_a_whole_day_finds_is_told_an_hour_later() -> None:
    night = 20_000 * 24 * HOUR_US + 3 * HOUR_US + 60_000_000
    long_ago = night // HOUR_US * HOUR_US - 20 * HOUR_US
    row = {
        "tenant_id": "default", "feed_id": "f", "service": "voice", "currency": "EUR",
        "hour_us": long_ago, "told": 5, "found": 4, "amount": 1, "lanes": ["usage-0000"],
    }  # fmt: skip
    control = Stored("default")
    assert long_ago in control.compared(night)
    assert control.judge([row], night) == []
    kept = Stored("default")
    kept.load(control.dump())
    later = night + HOUR_US
    assert kept.compared(later) == [
        long_ago,
        *(later // HOUR_US * HOUR_US - n * HOUR_US for n in (3, 2, 1)),
    ]
    assert [one.pattern for one in kept.judge([row], later)] == ["charges_not_stored"]
    assert long_ago in kept.compared(later + HOUR_US), "as long as it is open"
    assert [one.state for one in kept.judge([], later + HOUR_US)] == ["auto_closed"]
    assert long_ago not in kept.compared(later + 2 * HOUR_US)
