"""Local time, scalar: bands across daylight saving, holidays and midnight; billing months.

The truth is pointwise: the band of an instant is that of its local wall time. Where clocks go back
the same wall time comes twice and has the same band both times; where they go forward the wall
times that never come have none.
"""

import datetime as dt
import zoneinfo
from functools import lru_cache

from tallywire.catalog.snapshot import BandRule, Calendar

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_HOLIDAY = 7
_MINUTE_US = 60_000_000
_HOUR_US = 60 * _MINUTE_US
_DAY_MINUTES = 1_440
_DAY_US = _DAY_MINUTES * _MINUTE_US


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


def billing_month(moment_us: int, time_zone: str) -> str:
    """Name the calendar month of an instant (microseconds UTC) in a zone.

    >>> billing_month(1767222000000000, "Europe/Oslo"), billing_month(1767222000000000, "UTC")
    ('2026-01', '2025-12')
    """
    local = local_time(moment_us, time_zone)
    return f"{local.year:04d}-{local.month:02d}"


def band(calendar: Calendar, moment_us: int) -> int:
    """Find the band of an instant (microseconds UTC): index into `calendar.bands`."""
    if not calendar.rules:
        return 0
    local = local_time(moment_us, calendar.time_zone)
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
    now = band(calendar, moment_us)
    look = _next_look(calendar, moment_us) if calendar.rules else until_us
    while look < until_us:
        if band(calendar, look) != now:
            return now, look
        look = _next_look(calendar, look)
    return now, until_us


def next_change(calendar: Calendar, moment_us: int, until_us: int) -> int:
    """Find the next instant, at most `until_us`, at which the band is another."""
    return band_until(calendar, moment_us, until_us)[1]


def _next_look(calendar: Calendar, moment_us: int) -> int:
    """Give the next instant at which the band may change.

    That is the next boundary of the wall clock as it runs now, or the next time the clock itself
    is set, whichever is first.
    """
    local = local_time(moment_us, calendar.time_zone)
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
