"""Local time, scalar: bands across daylight saving, holidays and midnight; billing months.

The truth is pointwise: the band of an instant is that of its local wall time. Where clocks go back
the same wall time comes twice and has the same band both times; where they go forward the wall
times that never come have none.
"""

import datetime
import zoneinfo

from tallywire.catalog.snapshot import Calendar

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_HOLIDAY = 7
_MINUTE_US = 60_000_000


def local_time(moment_us: int, time_zone: str) -> datetime.datetime:
    """Give the local wall time of an instant."""
    utc = _EPOCH + datetime.timedelta(microseconds=moment_us)
    return utc.astimezone(zoneinfo.ZoneInfo(time_zone))


def billing_month(moment_us: int, time_zone: str) -> str:
    """Name the calendar month of an instant.

    >>> billing_month(1767222000000000, "Europe/Oslo"), billing_month(1767222000000000, "UTC")
    ('2026-01', '2025-12')
    """
    local = local_time(moment_us, time_zone)
    return f"{local.year:04d}-{local.month:02d}"


def _band_at(calendar: Calendar, local: datetime.datetime) -> int:
    day = _HOLIDAY if local.date() in calendar.holidays else local.weekday()
    minute = 60 * local.hour + local.minute
    for rule in calendar.rules:
        if day in rule.days and rule.start_minute <= minute < rule.end_minute:
            return rule.band_no
    return 0


def band(calendar: Calendar, moment_us: int) -> int:
    """Find the band of an instant: index into `calendar.bands`."""
    return _band_at(calendar, local_time(moment_us, calendar.time_zone))


def _boundaries(calendar: Calendar) -> list[int]:
    minutes = {0}
    for rule in calendar.rules:
        minutes |= {rule.start_minute, rule.end_minute % 1440}
    return sorted(minutes)


def _next_look(calendar: Calendar, moment_us: int) -> int:
    """Give the next instant at which the band may change.

    That is the next boundary of the wall clock as it runs now, or the next change of the clock
    itself, whichever is first.
    """
    local = local_time(moment_us, calendar.time_zone)
    into_day_us = (
        (60 * local.hour + local.minute) * _MINUTE_US + local.second * 1_000_000 + local.microsecond
    )
    later = [minute * _MINUTE_US for minute in _boundaries(calendar)]
    later = [minute - into_day_us for minute in later if minute > into_day_us]
    step = min(later, default=1440 * _MINUTE_US - into_day_us)
    change = _clock_change(calendar.time_zone, moment_us, moment_us + step)
    return moment_us + step if change is None else change


def _clock_change(time_zone: str, first_us: int, last_us: int) -> int | None:
    """Find the first instant in (first, last] with another offset than at `first`."""
    offset = local_time(first_us, time_zone).utcoffset()
    low, probe = first_us, min(first_us + 3_600_000_000, last_us)
    while local_time(probe, time_zone).utcoffset() == offset:
        if probe == last_us:
            return None
        low, probe = probe, min(probe + 3_600_000_000, last_us)
    high = probe
    while high - low > 1:
        middle = (low + high) // 2
        if local_time(middle, time_zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high


def next_change(calendar: Calendar, moment_us: int, until_us: int) -> int:
    """Find the next instant, at most `until_us`, at which the band is another."""
    now = band(calendar, moment_us)
    look = moment_us
    while look < until_us:
        look = _next_look(calendar, look)
        if look < until_us and band(calendar, look) != now:
            return look
    return until_us
