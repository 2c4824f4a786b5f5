"""Numbered records are charged at once; their numbers must be whole."""

from decimal import Decimal

import pytest

from assurance.sessions import session_faults
from tallywire.mediation.findings import Fault, Finding
from tests.laws.feeds import SNAPSHOT
from tests.session_parts import IDLE, LONGEST, SECOND, Lane, clock, delta, feed_of


def _found(lane: Lane) -> list[tuple[Fault, str, tuple[tuple[int, int], ...], bool]]:
    return [
        (one.fault, one.session, one.numbers, one.closed)
        for made in lane.made
        for one in made.findings
    ]


def test_each_record_is_charged_at_once_and_whole_numbers_are_no_finding() -> None:
    lane = Lane()
    lane.take(delta("a", 1, 0, mark="first"), delta("a", 2, 1), delta("b", 1, 1, mark="first"))
    assert lane.seconds() == [60, 60, 60]
    lane.take(delta("a", 3, 2, 30, "last"), clock(5_000))
    assert lane.seconds() == [60, 60, 60, 30, 1]
    assert _found(lane) == []


def test_a_number_that_is_missing_is_reported_when_nothing_filled_it_for_so_long() -> None:
    lane = Lane()
    lane.take(delta("a", 1, 0, 10, "first"), delta("a", 4, 3, 20), clock(3 + IDLE))
    assert _found(lane) == []
    lane.take(clock(4 + IDLE))
    assert _found(lane) == [(Fault.MISSING, "a", ((2, 3),), False)]
    (found,) = lane.made[-1].findings
    assert (found.records, found.quantity) == (2, 2 * 15 * SECOND)


def test_records_out_of_order_are_no_finding() -> None:
    lane = Lane()
    lane.take(delta("a", 3, 3), delta("a", 1, 0, mark="first"))
    lane.take(delta("a", 2, 2), clock(2 * IDLE))
    assert _found(lane) == []


def test_a_number_that_comes_after_it_was_reported_closes_the_finding() -> None:
    lane = Lane()
    lane.take(delta("a", 1, 0, mark="first"), delta("a", 4, 3), clock(5 + IDLE))
    lane.take(delta("a", 3, 2))
    lane.take(delta("a", 2, 1))
    assert _found(lane) == [
        (Fault.MISSING, "a", ((2, 3),), False),
        (Fault.MISSING, "a", ((2, 2),), False),
        (Fault.MISSING, "a", (), True),
    ]


def test_a_session_whose_beginning_never_came_lacks_the_numbers_before() -> None:
    lane = Lane()
    lane.take(delta("a", 3, 0, 40), clock(IDLE + 1))
    assert _found(lane) == [(Fault.MISSING, "a", ((1, 2),), False)]
    assert lane.made[0].findings[0].quantity == 2 * 40 * SECOND


def test_what_a_number_held_is_known_when_a_lower_one_comes_later() -> None:
    lane = Lane()
    lane.take(delta("a", 5, 0, 10, "first"), delta("a", 6, 1, 50))
    lane.take(delta("a", 3, 2, 30, "first"), clock(3 + IDLE))
    assert _found(lane) == [(Fault.MISSING, "a", ((4, 4),), False)]
    assert lane.made[-1].findings[0].quantity == 20 * SECOND


def test_numbers_may_begin_at_nought_or_where_the_first_record_says() -> None:
    lane = Lane()
    lane.take(delta("a", 0, 0, mark="first"), delta("a", 1, 1), delta("b", 7, 1, mark="first"))
    lane.take(delta("b", 8, 2), clock(5_000))
    assert _found(lane) == []


@pytest.mark.parametrize("order", [(3, 4), (4, 3)])
def test_a_number_beyond_the_last_one_is_reported_in_either_order(order: tuple[int, int]) -> None:
    lane = Lane()
    lane.take(delta("a", 1, 0, mark="first"), delta("a", 2, 0))
    lane.take(*(delta("a", number, 1, mark="last" if number == 3 else "") for number in order))
    assert _found(lane) == [(Fault.AFTER_END, "a", ((4, 4),), False)]


def test_a_number_that_comes_again_under_another_key_is_reported() -> None:
    lane = Lane()
    lane.take(delta("a", 1, 0, mark="first"), delta("a", 2, 0), delta("a", 2, 1))
    assert _found(lane) == [(Fault.REPEATED, "a", ((2, 2),), False)]


def test_a_session_that_never_ends_is_reported_only_where_the_feed_says_it_must() -> None:
    for must, expected in ((False, []), (True, [(Fault.NEVER_ENDED, "a", (), False)])):
        lane = Lane(feed_of(sessions_must_end=must))
        lane.take(delta("a", 1, 0, mark="first"), delta("b", 1, 0, mark="first"))
        lane.take(delta("b", 2, 1, mark="last"), clock(LONGEST + 1))
        assert _found(lane) == []
        lane.take(clock(LONGEST + 2), clock(9_000))
        assert _found(lane) == expected


def test_a_session_that_was_silent_for_too_long_is_another_one() -> None:
    """Elements use ids again: its numbers begin anew, and are no repetition."""
    lane = Lane()
    lane.take(delta("a", 1, 0, mark="first"), delta("a", 2, 1, mark="last"))
    lane.take(delta("a", 1, LONGEST + 5, mark="first"), delta("a", 2, LONGEST + 6))
    assert _found(lane) == []


def test_what_is_missing_is_reported_at_the_end_of_a_session_at_the_latest() -> None:
    lane = Lane(feed_of(idle_minutes=2 * LONGEST))
    lane.take(delta("a", 1, 0, mark="first"), delta("a", 3, 1), clock(2 + LONGEST))
    assert _found(lane) == []
    lane.take(clock(3 + LONGEST))
    assert _found(lane) == [(Fault.MISSING, "a", ((2, 2),), False)]


def _alert(finding: Finding) -> dict[str, object]:
    (alert,) = session_faults([finding], "roamers", 1, SNAPSHOT)
    return alert.model_dump()


def test_missing_records_are_valued_by_their_neighbours_at_the_typical_price() -> None:
    spans = ((2, 3), (7, 7))
    found = Finding(Fault.MISSING, "a", "roaming_voice", spans, 3, 180 * SECOND)
    alert = _alert(found)
    assert (alert["control_id"], alert["pattern"]) == ("C8", "session_records_missing")
    assert (alert["money_at_risk"], alert["currency"]) == (Decimal("2.10"), "EUR")
    assert alert["explanation"] == "Numbers of session a are missing: 2-3, 7."
    assert (alert["expected"], alert["observed"]) == (3, 0)


def test_where_neighbours_held_nothing_the_typical_record_stands_in() -> None:
    found = Finding(Fault.MISSING, "a", "roaming_voice", ((2, 3),), 2, 0)
    assert _alert(found)["money_at_risk"] == 2 * Decimal("2.10")


def test_a_leap_of_many_numbers_is_another_numbering_and_has_no_worth() -> None:
    found = Finding(Fault.MISSING, "a", "roaming_voice", ((2, 90_000),), 89_999, 10**9)
    assert _alert(found)["money_at_risk"] is None


def test_a_finding_that_changed_is_one_alert_in_its_latest_state() -> None:
    first = Finding(Fault.MISSING, "a", "roaming_voice", ((2, 2),), 1, 5)
    alerts = session_faults([first, Finding(Fault.MISSING, "a", "", closed=True)], "roamers", 1,
                            SNAPSHOT)  # fmt: skip
    assert [one.state for one in alerts] == ["auto_closed"]
