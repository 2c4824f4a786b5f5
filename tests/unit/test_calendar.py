import datetime as dt
import zoneinfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.columns import micros_from_text
from tallywire.calendar import band, band_until, billing_month, local_time, next_change
from tallywire.catalog.snapshot import BandRule, Calendar
from tests.priced import peak_calendar
from tests.strategies import MOMENTS, calendars

MINUTE = 60_000_000
HOUR = 60 * MINUTE


def us(text: str) -> int:
    found = micros_from_text(text)
    assert isinstance(found, int)
    return found


def expected_band(calendar: Calendar, moment_us: int) -> int:
    """Another way to the wall clock: from seconds since 1970, by the library alone."""
    local = dt.datetime.fromtimestamp(
        moment_us // 1_000_000, tz=zoneinfo.ZoneInfo(calendar.time_zone)
    )
    day = 7 if local.date() in calendar.holidays else local.isoweekday() - 1
    for rule in calendar.rules:
        since = dt.timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
        first, last = (dt.timedelta(minutes=m) for m in (rule.start_minute, rule.end_minute))
        if day in rule.days and first <= since < last:
            return rule.band_no
    return 0


@settings(max_examples=60, deadline=None)
@given(calendars(), st.sampled_from(MOMENTS), st.integers(-7_200, 7_200))
def test_the_next_change_is_the_first(calendar: Calendar, moment: int, seconds: int) -> None:
    start = moment + seconds * 1_000_000
    end = start + 26 * HOUR
    edge = next_change(calendar, start, end)
    now = expected_band(calendar, start)
    assert start < edge <= end
    assert edge == end or expected_band(calendar, edge) != now
    assert expected_band(calendar, edge - 1) == now
    first_minute = start // MINUTE * MINUTE + MINUTE
    for minute in range(first_minute, edge, MINUTE):
        assert expected_band(calendar, minute) == band(calendar, minute) == now


NIGHTS = {
    "clocks go forward in Oslo": (
        "Europe/Oslo", 120, 180, "2026-03-29T00:00:00Z", []
    ),  # 02:00 to 03:00 never comes
    "clocks go forward in Oslo, looked at from the day before": (
        "Europe/Oslo", 180, 240, "2026-03-28T23:00:00Z",
        ["2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"],
    ),
    "clocks go back in Oslo": (
        "Europe/Oslo", 150, 180, "2026-10-25T00:00:00Z",
        ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z",
         "2026-10-25T02:00:00Z"],
    ),
    "clocks go back in New York": (
        "America/New_York", 60, 90, "2026-11-01T04:30:00Z",
        ["2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z", "2026-11-01T06:00:00Z",
         "2026-11-01T06:30:00Z"],
    ),
    "half an hour forward on Lord Howe": (
        "Australia/Lord_Howe", 130, 160, "2026-10-03T15:00:00Z",
        ["2026-10-03T15:30:00Z", "2026-10-03T15:40:00Z"],
    ),
    "half an hour back on Lord Howe": (
        "Australia/Lord_Howe", 100, 110, "2026-04-04T14:00:00Z",
        ["2026-04-04T14:40:00Z", "2026-04-04T14:50:00Z", "2026-04-04T15:10:00Z",
         "2026-04-04T15:20:00Z"],
    ),
    "a plain night in Kolkata": (
        "Asia/Kolkata", 0, 30, "2026-03-28T17:00:00Z",
        ["2026-03-28T18:30:00Z", "2026-03-28T19:00:00Z"],
    ),
    "midnight never comes in Sao Paulo": (
        "America/Sao_Paulo", 0, 90, "2018-11-04T01:00:00Z",
        ["2018-11-04T03:00:00Z", "2018-11-04T03:30:00Z"],
    ),
    "midnight never comes in Beirut": (
        "Asia/Beirut", 30, 61, "2026-03-28T20:00:00Z",
        ["2026-03-28T22:00:00Z", "2026-03-28T22:01:00Z"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("night", NIGHTS)
def test_bands_change_when_the_wall_clock_says_so(night: str) -> None:
    zone, first, last, start, changes = NIGHTS[night]
    calendar = peak_calendar(zone, first, last)
    moment, end, found = us(start), us(start) + 6 * HOUR, []
    while (moment := next_change(calendar, moment, end)) < end:
        found.append(moment)
    assert found == [us(change) for change in changes]


def test_a_holiday_is_a_day_of_its_own() -> None:
    christmas = dt.date(2026, 12, 24)
    calendar = peak_calendar("Europe/Oslo", 480, 1080, holidays=(christmas,))
    noons = [f"2026-12-{day}T11:00:00Z" for day in (23, 24, 25)]
    assert [band(calendar, us(noon)) for noon in noons] == [1, 0, 1]
    feast = (BandRule(1, frozenset({7}), 0, 1440),)
    holiday = Calendar("h", "Europe/Oslo", ("off", "feast"), feast, frozenset({christmas}))
    edge = next_change(holiday, us("2026-12-23T12:00:00Z"), us("2026-12-31T00:00:00Z"))
    assert edge == us("2026-12-23T23:00:00Z")
    assert next_change(holiday, edge, us("2026-12-31T00:00:00Z")) == us("2026-12-24T23:00:00Z")


def test_a_calendar_without_rules_never_changes() -> None:
    calendar = Calendar("c", "UTC", ("a", "b"))
    assert band(calendar, us("2026-01-15T12:00:00Z")) == 0
    assert band_until(calendar, 5, 10**15) == (0, 10**15)


@pytest.mark.parametrize("clock", ["11:58:59.999999", "11:59:00", "11:59:30.25", "11:59:59.999999"])
def test_a_band_lasts_to_the_microsecond(clock: str) -> None:
    calendar = peak_calendar("UTC", 720, 721)
    start, noon = us(f"2026-01-15T{clock}Z"), us("2026-01-15T12:00:00Z")
    assert band_until(calendar, start, noon + HOUR) == (0, noon)
    assert band_until(calendar, start, noon) == (0, noon)
    assert band_until(calendar, start, noon - 1) == (0, noon - 1)
    assert band_until(calendar, start + MINUTE, noon + HOUR) == (
        (1, noon + MINUTE) if start + MINUTE >= noon else (0, noon)
    )


def test_the_first_rule_that_matches_wins() -> None:
    days = frozenset({0})
    rules = (BandRule(2, days, 600, 660), BandRule(1, days, 540, 720))
    calendar = Calendar("c", "UTC", ("a", "b", "c"), rules)
    monday = us("2026-01-05T00:00:00Z")
    assert [band(calendar, monday + minute * MINUTE) for minute in (539, 540, 600, 660, 720)] == [
        0, 1, 2, 1, 0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("moment", "zone", "month"),
    [
        ("2026-01-31T22:59:59.999999Z", "Europe/Oslo", "2026-01"),
        ("2026-01-31T23:00:00Z", "Europe/Oslo", "2026-02"),
        ("2026-01-31T23:00:00Z", "UTC", "2026-01"),
        ("2026-03-01T04:59:59Z", "America/New_York", "2026-02"),
        ("2026-12-31T18:30:00Z", "Asia/Kolkata", "2027-01"),
        ("1970-01-01T00:00:00Z", "America/New_York", "1969-12"),
    ],
)
def test_the_month_is_that_of_the_local_date(moment: str, zone: str, month: str) -> None:
    assert billing_month(us(moment), zone) == month


def test_microseconds_are_kept() -> None:
    assert local_time(us("2026-03-29T00:59:59.999999Z"), "Europe/Oslo").isoformat() == (
        "2026-03-29T01:59:59.999999+01:00"
    )
