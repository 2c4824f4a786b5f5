"""Local time, scalar: bands across daylight saving, holidays and midnight; billing months.

The truth is pointwise: the band of an instant is that of its local wall time. Where clocks go back
the same wall time comes twice and has the same band both times; where they go forward the wall
times that never come have none.
"""

import datetime as dt
import zoneinfo
from functools import lru_cache

from tallywire.catalog.snapshot import FOREVER_US, BandRule, Calendar

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_HOLIDAY = 7
_MINUTE_US = 60_000_000
_HOUR_US = 60 * _MINUTE_US
_QUARTER_US = 15 * _MINUTE_US
_DAY_MINUTES = 1_440
_DAY_US = _DAY_MINUTES * _MINUTE_US


@lru_cache(maxsize=1_024)  # an event asks for the same few instants many times
def local_time(moment_us: int, time_zone: str) -> dt.datetime:
    """Give the local wall time of an instant.

    Args:
        moment_us: Microseconds UTC, in the years 1 to 9999 of the wall clock.
        time_zone: IANA name.

    Raises:
        OverflowError: If the year has no wall clock.
        zoneinfo.ZoneInfoNotFoundError: If there is no such zone.
    """
    utc = _EPOCH + dt.timedelta(microseconds=moment_us)
    return utc.astimezone(zoneinfo.ZoneInfo(time_zone))


def local_day(moment_us: int, time_zone: str) -> dt.date:
    """Give the day of an instant (microseconds UTC) on the wall clock of a zone.

    >>> local_day(1767222000000000, "Europe/Oslo").isoformat()
    '2026-01-01'
    """
    return local_time(moment_us, time_zone).date()


def billing_month(moment_us: int, time_zone: str) -> str:
    """Name the calendar month of an instant (microseconds UTC) in a zone.

    >>> billing_month(1767222000000000, "Europe/Oslo"), billing_month(1767222000000000, "UTC")
    ('2026-01', '2025-12')
    """
    return period_of(moment_us, time_zone, "month")


def first_day(day: dt.date, period: str) -> dt.date:
    """Give the first day of the period a day lies in.

    Args:
        day: A day.
        period: day, week (from Monday), month, year or once.

    Raises:
        ValueError: If there is no such period.
    """
    if period == "day":
        return day
    if period == "week":
        return day - dt.timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    if period == "year":
        return day.replace(month=1, day=1)
    if period == "once":
        return dt.date.min
    msg = f"there is no period {period!r}; write day, week, month, year or once"
    raise ValueError(msg)


@lru_cache(maxsize=4_096)
def period_name(day: dt.date, period: str) -> str:
    """Name the period a day lies in.

    >>> [period_name(dt.date(2026, 7, 15), kind) for kind in ("day", "week", "month", "year")]
    ['2026-07-15', '2026-W29', '2026-07', '2026']
    """
    start = first_day(day, period)
    if period == "day":
        return start.isoformat()
    if period == "week":
        year, week, _ = start.isocalendar()
        return f"{year:04d}-W{week:02d}"
    return {"month": f"{start.year:04d}-{start.month:02d}", "year": f"{start.year:04d}"}.get(
        period, "once"
    )


def period_of(moment_us: int, time_zone: str, period: str) -> str:
    """Name the period of an instant (microseconds UTC) by the wall clock of a zone."""
    if period == "once":
        return period
    return _name(local_time(moment_us, time_zone).date(), period)


@lru_cache(maxsize=16_384)
def _name(day: dt.date, period: str) -> str:
    return period_name(day, period)


def period_end(moment_us: int, time_zone: str, period: str) -> int:
    """Give the first instant after the period of an instant, microseconds UTC.

    >>> period_end(1767222000000000, "Europe/Oslo", "month") == 1769900400000000
    True
    """
    if period == "once":
        return FOREVER_US
    return _end(local_time(moment_us, time_zone).date(), time_zone, period)


@lru_cache(maxsize=16_384)
def _end(day: dt.date, time_zone: str, period: str) -> int:
    first = first_day(day, period)
    days = {"day": 1, "week": 7, "month": 31, "year": 366}[period]
    return day_start(first_day(first + dt.timedelta(days=days), period), time_zone)


def day_start(day: dt.date, time_zone: str) -> int:
    """Give the first instant of a day on the wall clock of a zone, microseconds UTC.

    Where the clock is set forward at midnight the day begins at that very instant.
    """
    local = dt.datetime(day.year, day.month, day.day, tzinfo=zoneinfo.ZoneInfo(time_zone))
    return (local - _EPOCH) // dt.timedelta(microseconds=1)


def periods_before(moment_us: int, time_zone: str, period: str, count: int) -> list[str]:
    """Name the periods before that of an instant, the nearest first; before `once` there is none.

    >>> periods_before(1767222000000000, "Europe/Oslo", "month", 2)
    ['2025-12', '2025-11']
    """
    if period == "once":
        return []
    day = first_day(local_time(moment_us, time_zone).date(), period)
    names = []
    for _ in range(count):
        day = first_day(day - dt.timedelta(days=1), period)
        names.append(period_name(day, period))
    return names


def whole_months(since_us: int, moment_us: int, time_zone: str) -> int:
    """Count whole months between two instants on the wall clock; negative where none began.

    >>> whole_months(1767222000000000, 1769900400000000 - 1, "Europe/Oslo")
    0
    """
    since, now = (local_time(moment, time_zone) for moment in (since_us, moment_us))
    months = 12 * (now.year - since.year) + now.month - since.month
    in_month = (since.day, since.time()) > (now.day, now.time())
    return months - in_month


def band(calendar: Calendar, moment_us: int) -> int:
    """Find the band of an instant (microseconds UTC): index into `calendar.bands`."""
    return _band_of(calendar, local_time(moment_us, calendar.time_zone)) if calendar.rules else 0


def _band_of(calendar: Calendar, local: dt.datetime) -> int:
    day = _HOLIDAY if local.date() in calendar.holidays else local.weekday()
    minute = 60 * local.hour + local.minute
    for rule in calendar.rules:
        if day in rule.days and rule.start_minute <= minute < rule.end_minute:
            return rule.band_no
    return 0


def band_until(calendar: Calendar, moment_us: int, until_us: int) -> tuple[int, int]:
    """Find the band of an instant, and how long it lasts.

    Args:
        calendar: Bands of local time.
        moment_us: Instant to look on from, microseconds UTC.
        until_us: Where to stop looking, given back when the band stays.

    Returns:
        Index into `calendar.bands`, and the next instant, at most `until_us`, at which the band
        is another.
    """
    if not calendar.rules:
        return 0, until_us
    local = local_time(moment_us, calendar.time_zone)
    now = _band_of(calendar, local)
    look = _next_look(calendar, moment_us, local)
    while look < until_us:
        local = local_time(look, calendar.time_zone)
        if _band_of(calendar, local) != now:
            return now, look
        look = _next_look(calendar, look, local)
    return now, until_us


def next_change(calendar: Calendar, moment_us: int, until_us: int) -> int:
    """Find the next instant, at most `until_us`, at which the band is another."""
    return band_until(calendar, moment_us, until_us)[1]


def _next_look(calendar: Calendar, moment_us: int, local: dt.datetime) -> int:
    """Give the next instant at which the band may change; `local` is the wall time now.

    That is the next boundary of the wall clock as it runs now, or the next time the clock itself
    is set, whichever is first.
    """
    today_us = (60 * local.hour + local.minute) * _MINUTE_US
    today_us += local.second * 1_000_000 + local.microsecond
    edge = (
        moment_us
        + next(later for later in _boundaries(calendar.rules) if later > today_us)
        - today_us
    )
    setting = _next_setting(calendar.time_zone, moment_us)
    return edge if setting is None else min(edge, setting)


@lru_cache(maxsize=1_024)
def _boundaries(rules: tuple[BandRule, ...]) -> tuple[int, ...]:
    """List the times of day at which a band may change, microseconds, ascending to midnight."""
    minutes = {_DAY_MINUTES}
    for rule in rules:
        minutes |= {rule.start_minute, rule.end_minute}
    return tuple(sorted(minute * _MINUTE_US for minute in minutes))


def _next_setting(time_zone: str, moment_us: int) -> int | None:
    """Find the next instant, in this UTC day or the next, at which the clock is set."""
    day = moment_us // _DAY_US
    for settings in (_settings(time_zone, day), _settings(time_zone, day + 1)):
        for setting in settings:
            if setting > moment_us:
                return setting
    return None


@lru_cache(maxsize=65_536)
def _settings(time_zone: str, day: int) -> tuple[int, ...]:
    """List instants at which the clock is set: after the start of a UTC day, up to its end.

    Offsets are compared hour by hour: no zone sets its clock twice within one.
    """
    hours = range(day * _DAY_US, (day + 1) * _DAY_US, _HOUR_US)
    return tuple(
        _setting_within(time_zone, low, low + _HOUR_US)
        for low in hours
        if _offset(time_zone, low) != _offset(time_zone, low + _HOUR_US)
    )


def _setting_within(time_zone: str, low: int, high: int) -> int:
    """Halve (low, high], at whose ends the offsets differ, down to the instant of the change."""
    before = _offset(time_zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(time_zone, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(time_zone: str, moment_us: int) -> dt.timedelta | None:
    return local_time(moment_us, time_zone).utcoffset()
