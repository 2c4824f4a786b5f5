"""Clocks that move are found by how late their records come; delivery that is late is no clock."""

from dataclasses import asdict

import orjson
import polars as pl

from assurance.clocks import ClockMemory, clocks

HOUR = 3_600_000_000
START = 500_000 * HOUR


def _hour(memory: ClockMemory, number: int, late_s: dict[str, int]) -> list[tuple[str, str, int]]:
    """Give the hour's batch, ten records of each node that end so many seconds before it."""
    at = START + number * HOUR
    rows = [
        {"node": node, "reason": None, "start_us": 0, "end_us": at - (late + spread) * 1_000_000}
        for node, late in late_s.items()
        for spread in range(10)
    ]
    frame = pl.DataFrame(
        rows,
        schema={"node": pl.String, "reason": pl.String, "start_us": pl.Int64, "end_us": pl.Int64},
    )
    found = clocks(memory, frame, tenant_id="t", feed_id="hub", collected_at=at)
    return [(one.entity_id, one.state, one.observed - one.expected) for one in found]


def test_a_clock_that_jumps_is_found_once_the_hour_is_over_and_closes_itself() -> None:
    memory = ClockMemory()
    usual = {"oslo": 60, "bergen": 62, "tromso": 90}
    told = [_hour(memory, number, usual) for number in range(3)]
    told.append(_hour(memory, 3, {**usual, "bergen": 2}))
    told.append(_hour(memory, 4, {**usual, "bergen": 2}))
    told.append(_hour(memory, 5, usual))
    told.append(_hour(memory, 6, usual))
    assert told == [
        [], [], [], [], [("hub/bergen", "open", 58)], [("hub/bergen", "open", 58)],
        [("hub/bergen", "auto_closed", 0)],
    ]  # fmt: skip


def test_a_clock_that_falls_behind_is_told_by_how_much() -> None:
    memory = ClockMemory()
    assert _hour(memory, 0, {"oslo": 60, "bergen": 62}) == []
    assert _hour(memory, 1, {"oslo": 60, "bergen": 262}) == []
    assert _hour(memory, 2, {"oslo": 60, "bergen": 62}) == [("hub/bergen", "open", -200)]


def test_files_that_come_hours_late_are_no_clock() -> None:
    memory = ClockMemory()
    assert _hour(memory, 0, {"oslo": 60, "bergen": 62}) == []
    assert _hour(memory, 1, {"oslo": 7_260, "bergen": 7_262}) == []
    assert _hour(memory, 2, {"oslo": 60, "bergen": 62}) == []
    assert _hour(memory, 3, {"oslo": 60, "bergen": 62}) == []


def test_usage_that_ends_after_it_was_collected_needs_no_other_node() -> None:
    memory = ClockMemory()
    assert _hour(memory, 0, {"oslo": -60}) == []
    assert _hour(memory, 1, {"oslo": -60}) == [("hub/oslo", "open", 56)]


def test_a_memory_is_written_and_read_back() -> None:
    memory = ClockMemory()
    _hour(memory, 0, {"oslo": 60, "bergen": 62})
    _hour(memory, 1, {"oslo": 60, "bergen": 2})
    again = ClockMemory(**orjson.loads(orjson.dumps(asdict(memory))))
    assert again == memory
    assert _hour(again, 2, {"oslo": 60}) == _hour(memory, 2, {"oslo": 60}) != []
