"""Calls of a generator: each charged once, in time, as long as it was, at its price."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assurance.test_calls.entries import TestCall, read_calls
from assurance.test_calls.findings import ids_of, told
from assurance.test_calls.judge import Fault, Stored, judge

_HEAD = "a_number,b_number,start,seconds,amount,currency,within\n"
_SECOND = 1_000_000
_NEAR = 30 * _SECOND
_LATER = 4_000_000_000 * _SECOND
LINE = "+4790010001,4722000100,2026-10-20T10:00:00+02:00,61,0.16,EUR,120"
_START = 1_792_483_200 * _SECOND


def calls(*lines: str) -> list[TestCall]:
    made, problems = read_calls(_HEAD + "\n".join(lines), "Europe/Oslo")
    assert problems == []
    return made


def charged(call: TestCall, **changes: object) -> Stored:
    """The charge that a call must have, or one that differs."""
    whole = Stored(
        call.a_number, call.b_number, call.start_us, call.duration_us, call.amount, call.currency,
        call.due_us, f"switch/a.csv, record {call.line}",
    )  # fmt: skip
    return replace(whole, **changes)  # type: ignore[arg-type]  # names of its fields


def faults(made: Sequence[TestCall], stored: Sequence[Stored], now: int = _LATER) -> list[Fault]:
    return [one.fault for one in judge(made, stored, near_us=_NEAR, now_us=now)[0]]


def test_a_line_is_read_exactly() -> None:
    [call] = calls(LINE)
    assert call == TestCall(
        2, "4790010001", "4722000100", _START, 61 * _SECOND, Fraction(4, 25), "EUR", 120 * _SECOND
    )


def test_a_start_without_an_offset_is_of_the_operators_zone() -> None:
    assert calls(LINE.replace("+02:00", "")) == calls(LINE)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("4722000100", "Oslo", "b_number 'Oslo' is no number"),
        ("2026-10-20T10:00:00+02:00", "yesterday", "Invalid isoformat"),
        (",61,", ",-1,", "seconds -1 is below nothing"),
        (",61,", ",1/0,", "Fraction"),
        ("0.16", "0.0000000001", "more than nine decimals"),
        (",120", ",0.0000001", "finer than a millionth"),
        (",EUR,", ",,", "currency must be given"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_with_its_number(old: str, new: str, words: str) -> None:
    made, problems = read_calls(_HEAD + LINE.replace(old, new), "UTC")
    assert made == []
    assert len(problems) == 1
    assert problems[0].startswith("line 2: ")
    assert words in problems[0]


def test_a_list_without_its_columns_and_a_call_that_stands_twice_are_told() -> None:
    assert read_calls("a_number,b_number\n", "UTC")[1] == [
        "line 1: the columns start, seconds, amount, currency, within are missing"
    ]
    assert read_calls(f"{_HEAD}{LINE}\n{LINE}", "UTC")[1] == ["line 3: the same call as line 2"]


def test_each_fault_has_its_name() -> None:
    made = [call] = calls(LINE)
    good = charged(call)
    assert faults(made, [good]) == []
    assert faults(made, []) == [Fault.MISSING]
    assert faults(made, [good, good]) == [Fault.TWICE]
    assert faults(made, [charged(call, came_us=call.due_us + 1)]) == [Fault.LATE]
    assert faults(made, [charged(call, amount=Fraction(3, 25))]) == [Fault.CHARGE]
    assert faults(made, [charged(call, currency="NOK")]) == [Fault.CHARGE]
    second = call.duration_us + _SECOND
    assert faults(made, [charged(call, duration_us=second)]) == []
    assert faults(made, [charged(call, duration_us=second + 1)]) == [Fault.DURATION]


def test_a_call_whose_time_is_not_over_is_waited_for() -> None:
    made = [call] = calls(LINE)
    assert judge(made, [], near_us=_NEAR, now_us=call.due_us) == ([], [call])
    assert faults(made, [], call.due_us + 1) == [Fault.MISSING]


def test_a_charge_belongs_to_the_nearest_call_and_to_none_that_is_far() -> None:
    made = [first, second] = calls(LINE, LINE.replace("10:00:00", "10:00:40"))
    near_second = charged(second, start_us=second.start_us - 15 * _SECOND)
    assert faults(made, [near_second]) == [Fault.MISSING]
    assert faults(made, [charged(first, start_us=first.start_us - _NEAR - 1)]) == [
        Fault.MISSING, Fault.MISSING,
    ]  # fmt: skip


def test_a_finding_says_what_it_costs_and_which_way() -> None:
    made = [call] = calls(LINE)

    def of(*stored: Stored) -> tuple[str, str, Decimal | None, str]:
        [one] = judge(made, stored, near_us=_NEAR, now_us=_LATER)[0]
        alert = told(one, "t", _LATER)
        assert alert.alert_id in set(ids_of(call))
        return alert.pattern, alert.direction, alert.money_at_risk, alert.explanation

    begin = "Test call of line 2, 4790010001 to 4722000100: "
    assert of() == (
        "test_call_missing", "under", Decimal("0.16"),
        f"{begin}not charged within 120 s of its end.",
    )  # fmt: skip
    assert of(charged(call, amount=Fraction(1, 5))) == (
        "test_call_wrong_charge",
        "over",
        Decimal("0.04"),
        f"{begin}0.2 EUR instead of 0.16 EUR.",
    )
    assert of(charged(call), charged(call)) == (
        "test_call_twice",
        "over",
        Decimal("0.16"),
        f"{begin}charged 2 times.",
    )
    assert of(charged(call, duration_us=90 * _SECOND))[3] == f"{begin}90 s instead of 61 s."


numbers = st.sampled_from(["4790010001", "4790010002"])
made_calls = st.lists(
    st.builds(
        TestCall, st.integers(2, 99), numbers, st.just("4722000100"),
        st.integers(0, 20).map(lambda slot: _START + slot * 10 * _NEAR), st.integers(0, 10**9),
        st.fractions(0, 9, max_denominator=100), st.just("EUR"), st.integers(0, 10**9),
    ),
    max_size=8, unique_by=(lambda one: one.line, lambda one: (one.a_number, one.start_us)),
)  # fmt: skip


@given(made_calls, st.integers(-_NEAR, _NEAR), st.randoms(use_true_random=False))
def test_calls_that_are_charged_as_they_must_be_have_no_fault_in_any_order(
    made: list[TestCall], moved: int, chance: object
) -> None:
    stored = [charged(one, start_us=one.start_us + moved) for one in made]
    chance.shuffle(stored)  # type: ignore[attr-defined]  # hypothesis gives a Random
    assert faults(made, stored) == []


@given(made_calls.filter(len), st.data())
def test_one_that_is_lost_is_the_only_one_missing_and_its_return_cures(
    made: list[TestCall], data: st.DataObject
) -> None:
    lost = data.draw(st.sampled_from(made))
    found, _ = judge(
        made, [charged(one) for one in made if one is not lost], near_us=_NEAR, now_us=_LATER
    )
    assert [(one.call, one.fault) for one in found] == [(lost, Fault.MISSING)]
