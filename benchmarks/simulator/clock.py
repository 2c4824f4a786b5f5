"""Time: the days of a run by the operator's wall clock, and when people use what they pay for."""

import functools
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Oslo")
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_EPOCH = date(1970, 1, 1).toordinal()

VOICE_HOURS = (
    3,
    2,
    1,
    1,
    1,
    3,
    12,
    40,
    100,
    72,
    62,
    60,
    62,
    60,
    66,
    84,
    105,
    96,
    70,
    56,
    44,
    30,
    16,
    7,
)
"""Calls by hour of the local day: peaks at 8 and at 16, and a quiet night."""
MESSAGE_HOURS = (
    8,
    4,
    2,
    2,
    2,
    4,
    10,
    26,
    40,
    44,
    46,
    50,
    54,
    52,
    54,
    60,
    72,
    90,
    98,
    96,
    86,
    66,
    40,
    18,
)
DATA_HOURS = (
    30,
    20,
    14,
    10,
    10,
    14,
    26,
    44,
    56,
    56,
    56,
    60,
    62,
    60,
    60,
    64,
    70,
    74,
    80,
    88,
    92,
    88,
    70,
    46,
)
FLAT_HOURS = (1,) * 24
WEEK = (96, 98, 100, 104, 122, 108, 72)
"""Days from Monday: Friday and Saturday are busier, Sunday is quiet."""


@dataclass(frozen=True, slots=True)
class Run:
    """The days of a run: the first one, and how many."""

    first: date
    days: int

    def day(self, index: int) -> date:
        return self.first + timedelta(days=index)

    def midnight_us(self, index: int) -> int:
        """Give the instant at which a local day begins, microseconds since 1970."""
        return instant_us(self.day(index))

    @property
    def begin_us(self) -> int:
        return self.midnight_us(0)

    @property
    def end_us(self) -> int:
        return self.midnight_us(self.days)


def instant_us(day: date) -> int:
    """Give the instant at which a local day begins, microseconds since 1970."""
    return int(datetime.combine(day, time(), ZONE).timestamp()) * SECOND


def utc(us: int) -> datetime:
    """Give an instant as a time in UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)


def local(us: int) -> datetime:
    """Give an instant as the operator's wall clock shows it."""
    return utc(us).astimezone(ZONE)


@functools.cache
def _ahead_us(hour: int) -> int:
    """Tell by how much the wall clock is ahead of UTC in an hour: it changes between hours only."""
    ahead = local(hour * HOUR).utcoffset()
    return 0 if ahead is None else ahead // timedelta(microseconds=1)


def local_date(us: int) -> date:
    """Give the date of an instant by the operator's wall clock.

    >>> local_date(1_793_574_000_000_000)
    datetime.date(2026, 11, 2)
    """
    return date.fromordinal(_EPOCH + (us + _ahead_us(us // HOUR)) // DAY)


def local_hour(us: int) -> int:
    """Give the hour of an instant by the operator's wall clock."""
    return (us + _ahead_us(us // HOUR)) // HOUR % 24


def rfc3339(us: int) -> str:
    """Write an instant in UTC, to the millisecond.

    >>> rfc3339(0)
    '1970-01-01T00:00:00.000Z'
    """
    return utc(us).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_us(chance: random.Random, run: Run, index: int, hours: tuple[int, ...]) -> int:
    """Draw an instant of a local day by its hours; a day of 25 hours shows one of them twice."""
    begin, end = run.midnight_us(index), run.midnight_us(index + 1)
    while True:
        at = chance.randrange(begin, end, SECOND)
        if chance.randrange(max(hours)) < hours[local_hour(at)]:
            return at


def share_of_day(chance: random.Random, run: Run, index: int, mean_thousandths: int) -> int:
    """Draw how many events a day has: its weekday counts, and a little chance."""
    weekday = WEEK[run.day(index).weekday()]
    exact = mean_thousandths * weekday * chance.randrange(93, 108)
    whole, rest = divmod(exact, 1000 * 100 * 100)
    return whole + (chance.randrange(1000 * 100 * 100) < rest)
