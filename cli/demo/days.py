"""The days of the demo's second exchange: the last two weeks, as of the run."""

import datetime
from dataclasses import dataclass
from typing import Self
from zoneinfo import ZoneInfo

from dataflows.wall_clock import now_us
from schemas.instants import EPOCH, MICROSECOND

_SINCE = datetime.timedelta(hours=8)


@dataclass(frozen=True)
class Days:
    """When people called.

    Attributes:
        last: When the first hour of the last day began, UTC: all of that day has come by now.
    """

    last: datetime.datetime

    @classmethod
    def until_now(cls) -> Self:
        """Let the last day end some hours ago."""
        now = EPOCH + now_us() * MICROSECOND
        return cls((now - _SINCE).replace(minute=0, second=0, microsecond=0))

    def micros(self, ago: int) -> int:
        """Give the first call of so many days before the last, microseconds UTC."""
        return (self.last - datetime.timedelta(days=ago) - EPOCH) // MICROSECOND

    def local(self, ago: int, zone: str) -> datetime.date:
        """Give the day of so many days before the last, in a zone."""
        return (self.last - datetime.timedelta(days=ago)).astimezone(ZoneInfo(zone)).date()

    def date(self, ago: int) -> str:
        """Write the date of so many days before the last."""
        return f"{(self.last - datetime.timedelta(days=ago)).date()}"
