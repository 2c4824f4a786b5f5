"""Whom the network serves against the catalogue and usage, day by day."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assurance.outside.reading import ListWrongError
from assurance.outside.served import (
    HOUR_US,
    Clock,
    Days,
    Episode,
    Holding,
    Served,
    Use,
    differences,
    episodes,
)
from assurance.outside.served_file import day_in, read_served
from assurance.outside.served_findings import Rated, told

_FIRST = date(2026, 10, 12)
_DAY_US = 24 * HOUR_US
_CLOCK = Clock({_FIRST + timedelta(days=n): n * _DAY_US for n in range(8)})
_ANNA = ("msisdn", "4790010001")
FOREVER_US = 2**62


def held(first: int = -_DAY_US * 9, behind: int = FOREVER_US, offer: str = "basic") -> Holding:
    return Holding("anna-1", "anna", offer, _ANNA, first, behind)


def line(offer: str = "basic", name: tuple[str, str] = _ANNA) -> Served:
    return Served("anna-1", "anna", offer, name)


OTHER = Served("bo-1", "bo", "basic", ("msisdn", "4790010002"))
_BO = Holding("bo-1", "bo", "basic", OTHER.name, -_DAY_US * 9, FOREVER_US)


def used(number: int, around: tuple[int, int] = (0, 0), name: tuple[str, str] = _ANNA) -> Use:
    day = _FIRST + timedelta(days=number)
    days = (day + timedelta(days=around[0]), day + timedelta(days=around[1]))
    return Use("anna-1", "anna", name, day, days, 2, Decimal(3), "EUR")


def found(
    lists: Sequence[Sequence[Served] | None], holdings: Sequence[Holding], *uses: Use,
    tests: frozenset[str] = frozenset(),
) -> list[Episode]:  # fmt: skip
    """Compare days one after the other; of those that are nothing there is no list."""
    days = {
        _FIRST + timedelta(days=n): [OTHER, *served]
        for n, served in enumerate(lists) if served is not None
    }  # fmt: skip
    made = differences(Days(days), [*holdings, _BO], uses, _CLOCK, tests)
    return episodes(made, days)


def short(made: list[Episode]) -> list[tuple[str, int, int]]:
    return [(one.first.cause, one.first.day.day, one.last.day) for one in made]


def test_who_is_served_as_the_catalogue_says_is_no_finding() -> None:
    assert found([[line()]] * 3, [held()], used(0), used(2)) == []


def test_each_cause_has_its_name_and_one_finding_of_all_its_days() -> None:
    assert short(found([[line()], [], []], [held()])) == [("billed_not_served", 13, 14)]
    assert short(found([[line()], [], []], [held()], used(2))) == [("used_not_served", 13, 14)]
    assert short(found([[line()]] * 2, [])) == [("unknown_here", 12, 13)]
    [one] = found([[line("extra")]] * 2, [held()])
    assert (one.first.cause, one.first.said, one.days) == ("other_offer", ("extra", "basic"), 2)


def test_days_apart_are_findings_apart_and_a_day_without_a_list_ends_none() -> None:
    assert short(found([[], [line()], []], [held()])) == [
        ("billed_not_served", 12, 12), ("billed_not_served", 14, 14),
    ]  # fmt: skip
    assert short(found([[], None, []], [held()])) == [("billed_not_served", 12, 14)]


@pytest.mark.parametrize(("hours", "day"), [(0, 13), (3, 13), (5, 12)])
def test_what_is_under_way_is_no_finding(hours: int, day: int) -> None:
    """An end that the network learns of by the second day; the first counts beyond the grace."""
    made = found([[line()]] * 2, [held(behind=-hours * HOUR_US)])
    assert [one.first.day.day for one in made] == [day]
    begun = found([[], [], [line()]], [held(first=hours * HOUR_US)])
    assert [one.first.day.day for one in begun] == [13]


def test_usage_within_the_grace_of_a_day_that_is_served_is_no_finding() -> None:
    ended = held(behind=_DAY_US)
    assert found([[line()], []], [ended], used(1, (-1, 0))) == []
    assert short(found([[line()], []], [ended], used(1))) == [("used_not_served", 13, 13)]


def test_identifiers_of_a_type_that_the_list_does_not_say_are_served_with_their_subscription() -> (
    None
):
    login = ("user_name", "anna@example.org")
    assert found([[line()]], [held()], used(0, name=login)) == []
    other = ("msisdn", "4790019999")
    assert short(found([[line()]], [held()], used(0, name=other))) == [("used_not_served", 12, 12)]


def test_an_offer_that_changes_in_the_catalogue_leaves_no_gap() -> None:
    changed = [held(behind=_DAY_US), held(first=_DAY_US, offer="extra")]
    assert found([[line()], [line("extra")]], changed) == []
    assert short(found([[], []], changed)) == [("billed_not_served", 12, 13)]


def test_test_identifiers_may_differ() -> None:
    for one in ("anna-1", "4790010001"):
        assert found([[line()]], [], tests=frozenset({one})) == []
        assert found([[]], [held()], used(0), tests=frozenset({one})) == []


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_the_days_of_all_findings_are_the_days_that_differ(serves: list[bool]) -> None:
    made = found([[line()] if one else [] for one in serves], [held()])
    assert sum(one.days for one in made) == serves.count(False)


def test_money_is_what_was_rated_or_what_the_other_offer_would_have_cost() -> None:
    [one] = found([[line("extra")]] * 2, [held()])
    less = told(one, Rated(2, Decimal(5), Decimal(3), "EUR"), "t", _CLOCK, 9)
    assert (less.money_at_risk, less.direction, less.money_method) == (
        Decimal(2), "over", "priced_by_other_offer",
    )  # fmt: skip
    more = told(one, Rated(2, Decimal(5), Decimal(9), "EUR"), "t", _CLOCK, 9)
    assert (more.money_at_risk, more.direction) == (Decimal(4), "under")
    unknown = told(one, Rated(2, Decimal(5), None, "EUR"), "t", _CLOCK, 9)
    assert (unknown.money_at_risk, unknown.money_method, unknown.confidence) == (
        Decimal(5), "in_question", 50,
    )  # fmt: skip
    assert {one.alert_id for one in (less, more, unknown)} == {less.alert_id}
    assert (less.window_start, less.window_end) == (0, 2 * _DAY_US)
    [billed] = found([[]], [held()])
    assert told(billed, Rated(), "t", _CLOCK, 9).money_at_risk is None


def test_lists_are_read_by_the_day_in_their_name() -> None:
    head = "subscription_id,account_id,offer_id,identifier_type,identifier\n"
    [one] = read_served("x", head + "s,a,PROFILE7,msisdn,47900\n", {}, {"PROFILE7": "basic"})
    assert (one.offer_id, one.name) == ("basic", ("msisdn", "47900"))
    for name in ("served.csv", "served-2026-13-40.csv"):
        with pytest.raises(ListWrongError, match="its name says no day"):
            day_in(name)
    with pytest.raises(ListWrongError, match="lists nobody"):
        read_served("x", head, {}, {})
    with pytest.raises(ListWrongError, match="x, line 2: identifier_type and identifier"):
        read_served("x", head + "s,a,b,msisdn,\n", {}, {})
