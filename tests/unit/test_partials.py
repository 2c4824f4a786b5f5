"""Parts of a session become one charge, whatever their order; what never comes is named."""

from decimal import Decimal

import polars as pl
import pytest

from schemas.reasons import Reason
from tallywire.mediation.findings import Fault
from tallywire.mediation.patience import MINUTE_US
from tests.session_parts import (
    FEED,
    IDLE,
    LONGEST,
    NOON,
    SECOND,
    Lane,
    bye,
    clock,
    feed_of,
    invite,
    part,
    record,
    whole,
)  # fmt: skip


def test_an_invite_and_its_bye_are_one_call_of_the_time_between() -> None:
    lane = Lane()
    made = lane.take(invite("a", 0), bye("a", 3))
    (call,) = made.usage.iter_rows(named=True)
    assert (call["quantity"], call["duration_us"]) == (180 * SECOND, 180 * SECOND)
    assert (call["start_time"], call["end_time"]) == (NOON, NOON + 3 * MINUTE_US)
    assert (call["b_number"], call["input_records"]) == ("4741234567", 2)
    assert made.set_aside["reason"].to_list() == [Reason.PARTIAL_JOINED]
    assert made.waiting.is_empty()


def test_a_bye_that_comes_a_file_before_its_invite_ends_the_same_call() -> None:
    lane = Lane()
    assert lane.take(bye("a", 3)).usage.is_empty()
    made = lane.take(invite("a", 0))
    (call,) = made.usage.iter_rows(named=True)
    assert (call["start_time"], call["end_time"]) == (NOON, NOON + 3 * MINUTE_US)
    assert call["b_number"] == "4741234567"
    assert lane.open().is_empty()


def test_a_call_whose_bye_was_lost_is_held_and_never_rated_by_a_guess() -> None:
    lane = Lane()
    lane.take(invite("a", 0), clock(LONGEST))
    assert lane.held() == []
    made = lane.take(clock(LONGEST + 1))
    assert made.usage.height == 1
    (held,) = lane.held()
    assert (held["reason"], held["stage"]) == (Reason.SESSION_OPEN_TOO_LONG, "correlate")
    assert "session a never came within 240 minutes" in held["detail"]


def test_its_worth_is_the_time_it_was_open_and_no_more_than_the_longest() -> None:
    lane = Lane()
    lane.take(invite("a", 0), clock(5_000))
    (held,) = lane.held()
    assert held["quantity"] == LONGEST * MINUTE_US
    # three minutes of a call abroad are worth 2.10 by the median price
    assert held["estimated_amount"] == Decimal("0.70") * LONGEST
    assert held["estimate_method"] == "typical_rate"


def test_a_bye_without_its_invite_is_incomplete_after_the_same_time() -> None:
    lane = Lane()
    lane.take(bye("a", 0), clock(LONGEST))
    assert lane.held() == []
    lane.take(clock(LONGEST + 1))
    assert [held["reason"] for held in lane.held()] == [Reason.PARTIAL_INCOMPLETE]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("together", [True, False])
def test_a_bye_that_comes_too_late_and_its_invite_are_recycled_into_one_charge(
    order: tuple[int, int], *, together: bool
) -> None:
    lane = Lane()
    lane.take(invite("a", 0), clock(LONGEST + 1))
    lane.take(bye("a", 3))
    lane.take(clock(3 * LONGEST))
    held = lane.held()
    assert [one["reason"] for one in held] == ["session_open_too_long", "partial_incomplete"]
    chosen = [held[place] for place in order]
    if together:
        lane.recycle(*chosen)
    else:
        lane.recycle(chosen[0])
        assert lane.open().height == 1
        lane.recycle(chosen[1])
    assert lane.seconds() == [1, 1, 180]
    assert lane.held() == []
    assert lane.open().is_empty()
    joined = whole(lane.made, "usage")[-1]
    assert (joined["start_time"][0], joined["attempt"][0]) == (NOON, 1)


def test_the_missing_bye_may_also_meet_an_invite_that_was_recycled() -> None:
    lane = Lane()
    lane.take(invite("a", 0), clock(LONGEST + 1))
    lane.recycle(*lane.held())
    lane.take(bye("a", 3))
    assert lane.seconds() == [1, 180]
    assert lane.held() == []


def test_recycled_alone_it_waits_again_and_is_held_again_under_the_same_name() -> None:
    lane = Lane()
    lane.take(invite("a", 0), clock(LONGEST + 1))
    (first,) = lane.held()
    lane.recycle(first)
    assert lane.held() == []
    lane.take(clock(LONGEST + 1 + LONGEST))
    assert lane.held() == []
    lane.take(clock(LONGEST + 2 + LONGEST))
    (again,) = lane.held()
    assert (again["suspense_id"], again["attempt"]) == (first["suspense_id"], 1)
    lane.recycle(again)
    lane.take(bye("a", 3))
    assert lane.seconds() == [1, 1, 1, 180]


def test_a_recycle_is_done_once() -> None:
    lane = Lane()
    lane.take(invite("a", 0), clock(LONGEST + 1))
    held = lane.held()
    lane.recycle(*held)
    assert lane.recycle(*held).counts.is_empty()
    assert lane.open().height == 1


def test_a_recycle_settles_others_under_their_own_names() -> None:
    lane = Lane()
    lane.take(invite("a", 0), clock(LONGEST + 1))
    lane.take(invite("b", LONGEST + 2), clock(3 * LONGEST))
    held = lane.held()
    lane.recycle(held[0])
    names = whole(lane.made, "suspense").filter(pl.col("change") > 0)["suspense_id"]
    assert names.n_unique() == 2
    assert [one["attempt"] for one in lane.held()] == [0]


def test_a_call_that_ends_before_it_begins_is_held_with_both_parts() -> None:
    lane = Lane()
    lane.take(invite("a", 3), bye("a", 0))
    assert [one["reason"] for one in lane.held()] == [Reason.DURATION_INCONSISTENT] * 2
    assert lane.open().is_empty()


def test_a_part_that_comes_late_is_waited_for_from_then_on() -> None:
    """A file of yesterday holds whole calls: they are not given up between their parts."""
    lane = Lane()
    lane.take(clock(3_000))
    lane.take(invite("a", 0), clock(3_001), invite("b", 5), bye("a", 3), bye("b", 6))
    assert lane.seconds() == [1, 1, 180, 60]
    assert lane.held() == []


def test_parts_that_add_up_wait_for_the_one_in_the_middle() -> None:
    lane = Lane()
    lane.take(part("a", 1, 0, 60, "first"), part("a", 3, 2, 15, "last"))
    assert lane.seconds() == []
    made = lane.take(part("a", 2, 1, 60))
    assert lane.seconds() == [135]
    assert made.findings == ()


def test_a_middle_that_never_comes_is_reported_with_what_its_neighbours_held() -> None:
    lane = Lane()
    lane.take(part("a", 1, 0, 60, "first"), part("a", 4, 2, 20, "last"))
    made = lane.take(clock(IDLE + 4))
    assert lane.seconds() == [80, 1]
    assert "parts_missing" in made.usage["quality_flags"][0]
    (found,) = made.findings
    assert (found.fault, found.session, found.numbers) == (Fault.MISSING, "a", ((2, 3),))
    assert (found.records, found.quantity) == (2, 2 * 40 * SECOND)


def test_parts_without_numbers_are_joined_when_both_ends_are_there() -> None:
    lane = Lane()
    lane.take(part("a", 0, 0, 60, "first"), part("a", 0, 1, 15, "last"))
    assert lane.seconds() == [75]


def test_a_first_part_without_end_is_joined_when_nothing_came_for_so_long() -> None:
    lane = Lane()
    lane.take(part("a", 1, 0, 60, "first"), clock(IDLE + 1))
    assert lane.seconds() == [1]
    made = lane.take(clock(IDLE + 2))
    assert lane.seconds() == [1, 60, 1]
    assert "no_final" in made.usage["quality_flags"][0]


def test_what_waits_is_listed_with_its_worth_and_when_it_is_settled() -> None:
    lane = Lane()
    lane.take(part("a", 1, 0, 180, "first"), invite("b", 1))
    rows = lane.open().sort("session_id").to_dicts()
    assert [row["session_id"] for row in rows] == ["a", "b"]
    assert rows[0]["settles_at"] == NOON + (3 + IDLE) * MINUTE_US
    assert rows[1]["settles_at"] == NOON + (1 + LONGEST) * MINUTE_US
    assert [row["estimated_amount"] for row in rows] == [Decimal("2.10")] * 2
    assert [row["estimate_method"] for row in rows] == ["typical_rate", "typical_quantity"]
    lane.take(bye("b", 4))
    assert lane.open()["session_id"].to_list() == ["a"]


def test_sessions_of_a_version_before_are_joined_all_the_same() -> None:
    """It kept parts whole, and nothing beside them."""
    lane = Lane()
    lane.take(part("a", 1, 0, 60, "first"))
    sessions = lane.state.sessions
    (kept,) = sessions.open["a"]["parts"]
    row = {**record("a", 0, "partial", 60, is_first=True, is_last=False, quality_flags=""), **kept}
    del row["partial_no"]
    sessions.put("a", {"parts": [{**row, "partial_no": 1, "setup_us": None}]})
    lane.take(part("a", 2, 1, 15, "last"))
    assert lane.seconds() == [75]


def test_a_feed_says_how_long_it_waits() -> None:
    lane = Lane(feed_of(max_open_minutes=10))
    lane.take(invite("a", 0), clock(11))
    assert [one["reason"] for one in lane.held()] == [Reason.SESSION_OPEN_TOO_LONG]
    assert FEED.options["max_open_minutes"] == LONGEST
