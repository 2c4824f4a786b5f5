"""Days, weeks, months and years on the wall clock: their names, their ends, what came before."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.columns import micros_from_text
from tallywire.calendar import (
    billing_month,
    day_start,
    first_day,
    local_time,
    period_end,
    period_name,
    period_of,
    periods_before,
    whole_months,
)
from tallywire.catalog.snapshot import FOREVER_US
from tallywire.catalog.terms import PERIODS
from tests.moments import MOMENTS, ZONES

KINDS = ("day", "week", "month", "year")


def us(text: str) -> int:
    found = micros_from_text(text)
    assert isinstance(found, int)
    return found


NAMES = {
    "2026-01-01": ("2026-01-01", "2026-W01", "2026-01", "2026"),
    "2025-12-29": ("2025-12-29", "2026-W01", "2025-12", "2025"),
    "2027-01-03": ("2027-01-03", "2026-W53", "2027-01", "2027"),
    "2024-02-29": ("2024-02-29", "2024-W09", "2024-02", "2024"),
    "0987-06-05": ("0987-06-05", "0987-W23", "0987-06", "0987"),
}
FIRST = {
    "2026-01-01": ("2026-01-01", "2025-12-29", "2026-01-01", "2026-01-01"),
    "2026-11-29": ("2026-11-29", "2026-11-23", "2026-11-01", "2026-01-01"),
    "2026-11-30": ("2026-11-30", "2026-11-30", "2026-11-01", "2026-01-01"),
}


@pytest.mark.parametrize("day", NAMES)
def test_names(day: str) -> None:
    date = dt.date.fromisoformat(day)
    assert tuple(period_name(date, kind) for kind in KINDS) == NAMES[day]
    assert period_name(date, "once") == "once"


@pytest.mark.parametrize("day", FIRST)
def test_first_days(day: str) -> None:
    date = dt.date.fromisoformat(day)
    assert tuple(first_day(date, kind).isoformat() for kind in KINDS) == FIRST[day]
    assert first_day(date, "once") == dt.date.min


def test_there_are_no_other_periods() -> None:
    with pytest.raises(ValueError, match=r"^there is no period 'decade'; write day, week, month"):
        first_day(dt.date(2026, 1, 1), "decade")
    with pytest.raises(ValueError, match="'hour'"):
        period_of(0, "UTC", "hour")
    assert (*KINDS, "once") == PERIODS


ENDS = {
    ("2026-03-28T22:59:59Z", "Europe/Oslo"): (
        "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-31T22:00:00Z",
        "2026-12-31T23:00:00Z",
    ),
    ("2026-12-31T23:00:00Z", "UTC"): (
        "2027-01-01T00:00:00Z", "2027-01-04T00:00:00Z", "2027-01-01T00:00:00Z",
        "2027-01-01T00:00:00Z",
    ),
    ("2026-12-31T23:00:00Z", "Europe/Oslo"): (
        "2027-01-01T23:00:00Z", "2027-01-03T23:00:00Z", "2027-01-31T23:00:00Z",
        "2027-12-31T23:00:00Z",
    ),
    ("2018-11-03T12:00:00Z", "America/Sao_Paulo"): (
        "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", "2018-12-01T02:00:00Z",
        "2019-01-01T02:00:00Z",
    ),
    ("2024-02-29T12:00:00Z", "UTC"): (
        "2024-03-01T00:00:00Z", "2024-03-04T00:00:00Z", "2024-03-01T00:00:00Z",
        "2025-01-01T00:00:00Z",
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", ENDS)
def test_ends(place: tuple[str, str]) -> None:
    moment, zone = place
    assert [period_end(us(moment), zone, kind) for kind in KINDS] == [
        us(end) for end in ENDS[place]
    ]
    assert period_end(us(moment), zone, "once") == FOREVER_US
    assert period_of(us(moment), zone, "once") == "once"


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(MOMENTS), st.integers(-90_000, 90_000), st.sampled_from(ZONES),
    st.sampled_from(KINDS),
)  # fmt: skip
def test_a_period_lasts_until_its_end(moment: int, seconds: int, zone: str, kind: str) -> None:
    start = moment + seconds * 1_000_000
    end = period_end(start, zone, kind)
    name = period_of(start, zone, kind)
    assert start < end
    assert period_of(end - 1, zone, kind) == name < period_of(end, zone, kind)
    assert periods_before(end, zone, kind, 1) == [name]


def test_before() -> None:
    moment = us("2026-01-15T12:00:00Z")
    assert periods_before(moment, "UTC", "day", 2) == ["2026-01-14", "2026-01-13"]
    assert periods_before(moment, "UTC", "week", 3) == ["2026-W02", "2026-W01", "2025-W52"]
    assert periods_before(moment, "UTC", "month", 2) == ["2025-12", "2025-11"]
    assert periods_before(moment, "UTC", "year", 2) == ["2025", "2024"]
    assert periods_before(us("2026-01-31T23:00:00Z"), "Europe/Oslo", "month", 1) == ["2026-01"]
    assert periods_before(moment, "UTC", "month", 0) == []
    assert periods_before(moment, "UTC", "once", 5) == []


def test_a_day_begins_where_the_clock_says_so() -> None:
    assert day_start(dt.date(2026, 3, 29), "Europe/Oslo") == us("2026-03-28T23:00:00Z")
    assert day_start(dt.date(2026, 3, 30), "Europe/Oslo") == us("2026-03-29T22:00:00Z")
    assert day_start(dt.date(2018, 11, 4), "America/Sao_Paulo") == us("2018-11-04T03:00:00Z")
    assert day_start(dt.date(2026, 3, 29), "Asia/Beirut") == us("2026-03-28T22:00:00Z")
    assert day_start(dt.date(1970, 1, 1), "UTC") == 0
    assert isinstance(day_start(dt.date(1970, 1, 1), "UTC"), int), "whole microseconds"


MONTHS = [
    ("2026-01-15T12:00:00Z", "2026-01-15T12:00:00Z", 0),
    ("2026-01-15T12:00:00Z", "2026-02-15T11:59:59.999999Z", 0),
    ("2026-01-15T12:00:00Z", "2026-02-15T12:00:00Z", 1),
    ("2026-01-15T12:00:00Z", "2027-02-14T12:00:00Z", 12),
    ("2025-11-15T12:00:00Z", "2026-02-16T00:00:00Z", 3),
    ("2026-01-31T12:00:00Z", "2026-02-28T23:00:00Z", 0),
    ("2026-01-31T12:00:00Z", "2026-03-31T12:00:00Z", 2),
    ("2026-02-15T12:00:00Z", "2026-01-15T12:00:00Z", -1),
    ("2026-02-15T12:00:00Z", "2026-02-15T11:59:59Z", -1),
]


@pytest.mark.parametrize(("since", "moment", "months"), MONTHS)
def test_whole_months(since: str, moment: str, months: int) -> None:
    assert whole_months(us(since), us(moment), "UTC") == months


def test_months_are_counted_on_the_wall_clock() -> None:
    """23:30 UTC on the last of January is February in Oslo: the hours of the day decide there."""
    since, now = us("2026-01-31T23:30:00Z"), us("2026-02-28T23:29:00Z")
    assert whole_months(since, now, "Europe/Oslo") == 0
    assert whole_months(since, us("2026-02-28T23:30:00Z"), "Europe/Oslo") == 1
    assert whole_months(since, us("2026-03-31T22:30:00Z"), "Europe/Oslo") == 2
    assert billing_month(since, "Europe/Oslo") == "2026-02"


def test_a_zone_that_is_not_there_is_told() -> None:
    with pytest.raises(KeyError, match="Mars"):
        local_time(0, "Mars/Olympus")
