"""Periods in columns: the name of the day, week, month or year of many instants."""

import datetime
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tallywire.rating.columnar.clocks import DAY_US, Clock, Ints

_EPOCH = datetime.date(1970, 1, 1)


class Periods:
    """Periods of usage, each on the wall clock of its own zone.

    Args:
        zone: Number of each row's zone.
        zones: IANA names by number.
        start: Instants, microseconds UTC.
    """

    def __init__(self, zone: Ints, zones: Sequence[str], start: Ints) -> None:
        self._zone, self._zones, self._start = zone, zones, start
        self._days: Ints | None = None
        self._made: dict[str, tuple[Ints, list[str]]] = {}

    def of(self, period: str) -> tuple[Ints, list[str]]:
        """Number the period of each row, and give the names by number.

        Args:
            period: day, week, month, year or once.
        """
        if period not in self._made:
            self._made[period] = self._named(period)
        return self._made[period]

    def _named(self, period: str) -> tuple[Ints, list[str]]:
        if period == "once" or not len(self._start):
            return np.zeros(len(self._start), np.int64), ["once"]
        if self._days is None:
            self._days = self._local_days()
        low, high = int(self._days.min()), int(self._days.max())
        names = [
            _NAMES[period](_EPOCH + datetime.timedelta(days=day)) for day in range(low, high + 1)
        ]
        distinct = list(dict.fromkeys(names))
        number = {name: place for place, name in enumerate(distinct)}
        of_day = np.array([number[name] for name in names], np.int64)
        return of_day[self._days - low], distinct

    def _local_days(self) -> Ints:
        days = np.empty(len(self._start), np.int64)
        for code, zone in enumerate(self._zones):
            rows = slice(None) if len(self._zones) == 1 else np.flatnonzero(self._zone == code)
            start = self._start[rows]
            if len(start):
                clock = Clock(zone, int(start.min()), int(start.max()))
                days[rows] = clock.local(start) // DAY_US
        return days


def _week(day: datetime.date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


_NAMES: Mapping[str, Callable[[datetime.date], str]] = {
    "day": datetime.date.isoformat,
    "week": _week,
    "month": lambda day: f"{day.year:04d}-{day.month:02d}",
    "year": lambda day: f"{day.year:04d}",
}
