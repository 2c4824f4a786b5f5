"""Our calls against a partner's list: what is matched, what is explained, what is in dispute."""

from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assurance.outside.calls import CALLS, SECOND_US, Allowed, Cause, Judged, judge
from assurance.outside.calls_file import read_calls
from assurance.outside.partner_findings import Limits, Parties, by_day, told, worth_of
from assurance.outside.pricing import Repricing
from assurance.outside.reading import ListWrongError
from tallywire.catalog.snapshot import Group
from tests.priced import one_tariff

_NOON = 1_791_806_400 * SECOND_US  # 2026-10-12T12:00:00Z
_PARTIES = Parties("t", "partner", "nordvik", "our usage", "nordvik", "EUR")
_PRICES = Repricing(one_tariff(Group(0, 1_000_000, (Fraction(1, 60_000_000),))))


def call(number: int, after_s: int = 0, seconds: str = "60", **more: Any) -> dict[str, Any]:
    return {
        "place": f"r{number}", "time": _NOON + (number * 600 + after_s) * SECOND_US,
        "caller": "4790010001", "called": f"46{number:06d}",
        "size": int(Decimal(seconds) * SECOND_US), "amount": None, "tariff": "tariff",
        "destination": "", "suspended": False, "waiting": 0, **more,
    }  # fmt: skip


def frame(*calls: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(calls), schema=CALLS, orient="row")


def causes(made: Judged) -> list[tuple[str, str]]:
    return sorted((one.cause, one.call.place) for one in made.disputes)


TEN = [call(number) for number in range(10)]


def test_equal_lists_have_nothing_in_dispute() -> None:
    made = judge(frame(*TEN), frame(*TEN), Allowed())
    assert (made.disputes, made.matched, made.shift_us, made.longer) == ((), 10, 0, 0)


def test_each_cause_has_its_name() -> None:
    ours = [*TEN, call(20), call(21), call(22, amount=Decimal(3)), call(23, seconds="70")]
    theirs = [*TEN, call(21, seconds="65"), call(22, amount=Decimal(4)), call(23), call(24)]
    assert causes(judge(frame(*ours), frame(*theirs), Allowed())) == [
        ("longer", "r21"), ("only_ours", "r20"), ("only_theirs", "r24"), ("other_charge", "r22"),
        ("shorter", "r23"),
    ]  # fmt: skip


@pytest.mark.parametrize(("after_s", "found"), [(2, 0), (-2, 0), (3, 2)])
def test_starts_may_lie_as_far_apart_as_is_allowed(after_s: int, found: int) -> None:
    allowed = Allowed(clock_us=0)
    theirs = [*TEN, call(20, after_s)]
    assert len(judge(frame(*TEN, call(20)), frame(*theirs), allowed).disputes) == found


def test_a_second_is_no_rounding_where_nearly_all_agree_exactly() -> None:
    longer = frame(*[call(number) for number in range(60)], call(60, seconds="61"))
    made = judge(frame(*[call(number) for number in range(61)]), longer, Allowed())
    assert (causes(made), made.size_allowed) == ([("longer", "r60")], 0)
    rough = [call(number, seconds=f"60.{number}") for number in range(10)]
    made = judge(frame(*rough, call(60)), frame(*TEN, call(60, seconds="61")), Allowed())
    assert (causes(made), made.size_allowed) == ([], SECOND_US)
    given_size = Allowed(size=SECOND_US)
    assert (
        judge(frame(*TEN, call(60)), frame(*TEN, call(60, seconds="61")), given_size).disputes == ()
    )


def test_a_habit_of_clock_and_counting_is_taken_out_and_told() -> None:
    theirs = [call(number, after_s=3_600, seconds="63") for number in range(10)]
    made = judge(frame(*TEN, call(20)), frame(*theirs, call(20, 3_600, "70")), Allowed())
    assert (made.shift_us, made.longer) == (3_600 * SECOND_US, 3 * SECOND_US)
    [one] = made.disputes
    assert one.theirs is not None
    assert (one.cause, one.theirs.time - one.at_us) == ("longer", 3_600 * SECOND_US)
    assert one.size == 7 * SECOND_US


def test_a_caller_that_is_withheld_is_found_by_the_called_number() -> None:
    theirs = [*TEN, call(20, caller="")]
    assert judge(frame(*TEN, call(20)), frame(*theirs), Allowed()).disputes == ()


def test_what_agrees_in_all_but_its_clock_and_what_is_in_suspense_is_explained() -> None:
    ours = [*TEN, call(20), call(30, suspended=True), call(31, suspended=True)]
    theirs = [*TEN, call(20, after_s=90), call(30)]
    made = judge(frame(*ours), frame(*theirs), Allowed())
    assert made.disputes == ()
    assert made.explained == {
        "began_by_another_clock": 1, "unread_in_suspense": 0, "ours_in_suspense": 1,
        "rest_of_ours_waits": 0,
    }  # fmt: skip


@pytest.mark.parametrize(("seconds", "found"), [("160", 0), ("161", 1), ("59", 1)])
def test_what_is_longer_by_parts_of_ours_that_wait_is_explained(seconds: str, found: int) -> None:
    many = [call(number) for number in range(60)]
    ours = call(60, waiting=100 * SECOND_US)
    made = judge(frame(*many, ours), frame(*many, call(60, seconds=seconds)), Allowed())
    assert len(made.disputes) == found
    assert made.explained["rest_of_ours_waits"] == 1 - found


def test_a_record_in_suspense_of_which_no_number_was_read_is_found_by_its_time_and_length() -> None:
    unread = call(20, seconds="61.4", caller="", called="", suspended=True)
    made = judge(frame(*TEN, unread), frame(*TEN, call(20, 2, "61")), Allowed())
    assert (made.disputes, made.explained["unread_in_suspense"]) == ((), 1)
    made = judge(frame(*TEN, unread), frame(*TEN, call(20, 2, "62")), Allowed())
    assert [one.cause for one in made.disputes] == ["only_theirs"]
    assert set(made.explained.values()) == {0}


def test_of_two_records_of_a_call_the_one_that_agrees_is_matched() -> None:
    twice = [call(20, seconds="61"), call(20)]
    made = judge(frame(*TEN, *twice), frame(*TEN, call(20)), Allowed())
    [one] = made.disputes
    assert (one.cause, one.size) == ("only_ours", 61 * SECOND_US)


def _calls() -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.builds(
        call, st.integers(0, 4), st.integers(-5, 5), st.integers(1, 4).map(str),
        suspended=st.booleans(),
    )  # fmt: skip
    return st.lists(one, max_size=12)


@given(_calls(), _calls(), st.randoms())
def test_every_call_is_matched_explained_or_in_dispute_once_in_whatever_order(
    ours: list[dict[str, Any]], theirs: list[dict[str, Any]], chance: Any
) -> None:
    theirs = [{**one, "suspended": False} for one in theirs]
    made = judge(frame(*ours), frame(*theirs), Allowed())
    count = Counter(one.cause for one in made.disputes)
    clocks, waiting = made.explained["began_by_another_clock"], made.explained["ours_in_suspense"]
    assert made.matched + clocks + waiting + count[Cause.ONLY_OURS] == len(ours)
    assert made.matched + clocks + count[Cause.ONLY_THEIRS] == len(theirs)
    chance.shuffle(ours)
    chance.shuffle(theirs)
    again = judge(frame(*ours), frame(*theirs), Allowed())
    assert (again.explained, Counter(one.cause for one in again.disputes)) == (
        made.explained, count,
    )  # fmt: skip


def test_money_is_what_both_say_else_what_the_tariff_says() -> None:
    ours = [call(20, amount=Decimal(1)), call(21, amount=Decimal("1.5"))]
    theirs = [
        call(20, seconds="90", tariff=""), call(21, amount=Decimal(2)), call(22, seconds="120"),
    ]  # fmt: skip
    made = judge(frame(*TEN, *ours), frame(*TEN, *theirs), Allowed())
    worth = {one.call.place: one.worth for one in worth_of(made.disputes, _PRICES, "tariff")}
    assert worth == {"r20": Decimal("0.5"), "r21": Decimal("0.5"), "r22": Decimal(2)}


def test_findings_are_of_a_day_and_cause_beyond_shares_of_the_day() -> None:
    theirs = [*TEN, call(20), call(21), call(1_000)]
    disputes = worth_of(judge(frame(*TEN), frame(*theirs), Allowed()).disputes, _PRICES, "tariff")
    days = by_day(disputes, "Europe/Oslo")
    assert [(f"{day}", len(mine)) for (day, _), mine in days.items()] == [
        ("2026-10-12", 2), ("2026-10-19", 1),
    ]  # fmt: skip

    def alerts(*limits: int, owed: bool = True) -> list[Any]:
        parties = Parties("t", "partner", "nordvik", "us", "nordvik", "EUR", owed=owed)
        of_day = {date(2026, 10, 12): (12, 720 * SECOND_US, Decimal(12))}
        shares = Limits(*(Decimal(one) for one in limits))
        return list(
            told(
                days, lambda day: of_day.get(day, (0, 0, Decimal(0))), parties, shares,
                "Europe/Oslo", 7,
            )
        )  # fmt: skip

    first, last = alerts(0, 0, 0)
    assert (first.pattern, first.observed, first.money_at_risk) == (
        "partner_only_theirs", 2, Decimal(2),
    )  # fmt: skip
    assert first.explanation == (
        "nordvik lists 2 calls of which us has none on 2026-10-12: 120 s in question."
    )
    assert (last.window_end - last.window_start) == 86_400 * SECOND_US
    assert [one.observed for one in alerts(20, 20, 20)] == [1]
    assert len(alerts(20, 20, 10)) == 2
    assert [one.direction for one in alerts(0, 0, 0, owed=False)] == ["over", "over"]


HEAD = "call_id,start,caller,called,seconds,amount\n"


def test_a_list_is_read_with_its_own_names_and_zone() -> None:
    text = "Id,Begin,caller,called,seconds\n=1,2026-10-12 14:00:00,+47 900,0046701,1.5\n"
    made = read_calls("l", text, "Europe/Oslo", {"call_id": "Id", "start": "Begin"})
    row = made.row(0, named=True)
    assert (row["place"], row["time"], row["size"]) == ("=1", _NOON, 1_500_000)
    assert (row["caller"], row["called"], row["amount"]) == ("47900", "46701", None)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a,noon,1,2,3,", "'noon' is no time"),
        ("a,2026-10-12T12:00:00Z,1,2,long,", "seconds 'long' is no number"),
        ("a,2026-10-12T12:00:00Z,1,2,-3,", "seconds '-3' is no duration"),
        ("a,2026-10-12T12:00:00Z,1,2,NaN,", "seconds 'NaN' is no number"),
        ("a,2026-10-12T12:00:00Z,1,2,3,much", "amount 'much' is no number"),
    ],
)
def test_a_wrong_line_is_named_with_what_is_wrong(line: str, words: str) -> None:
    with pytest.raises(ListWrongError, match=r"l\.csv, line 2: ") as caught:
        read_calls("l.csv", HEAD + line + "\n", "UTC", {})
    assert words in str(caught.value)


def test_a_list_without_its_columns_says_which_it_has() -> None:
    with pytest.raises(ListWrongError, match="columns call_id, seconds are missing"):
        read_calls("l.csv", "start,caller,called\n", "UTC", {})
