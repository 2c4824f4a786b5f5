"""Bands in columns: a table of every minute of every kind of day, and where it changes."""

import datetime

import numpy as np

from tallywire.catalog.snapshot import Calendar
from tallywire.rating.columnar.clocks import DAY_US, Clock, Ints

_MINUTE_US = 60_000_000
_MINUTES = 1_440
_KINDS_OF_DAY = 8
_HOLIDAY = 7
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
_EPOCH_DATE = datetime.date(1970, 1, 1)


class Bands:
    """The bands of a calendar."""

    def __init__(self, calendar: Calendar) -> None:
        self.names = calendar.bands
        self.time_zone = calendar.time_zone
        self._table = np.zeros((_KINDS_OF_DAY, _MINUTES), np.int64)
        for rule in reversed(calendar.rules):  # the first rule wins, so it is written last
            for day in rule.days:
                self._table[day, rule.start_minute : rule.end_minute] = rule.band_no
        last = np.ones((_KINDS_OF_DAY, 1), bool)  # a day ends every band
        ends = np.concatenate([self._table[:, :-1] != self._table[:, 1:], last], axis=1)
        edges = np.where(ends, np.arange(1, _MINUTES + 1), _MINUTES)
        self._until = np.minimum.accumulate(edges[:, ::-1], axis=1)[:, ::-1]
        days = [(date - _EPOCH_DATE).days for date in sorted(calendar.holidays)]
        self._holidays = np.array(days, np.int64)

    def at(self, clock: Clock, moments: Ints) -> tuple[Ints, Ints]:
        """Find the band of instants, and the next instant at which it may be another.

        Returns:
            Index into `names`, and an instant after each moment, microseconds UTC.
        """
        if len(self.names) == 1:
            return np.zeros(len(moments), np.int64), moments + DAY_US
        local, setting = clock.until_set(moments)
        day = local // DAY_US
        in_day = local - day * DAY_US
        kind = (day + _EPOCH_WEEKDAY) % 7
        if len(self._holidays):
            kind = np.where(np.isin(day, self._holidays), _HOLIDAY, kind)
        minute = in_day // _MINUTE_US
        edge = moments + self._until[kind, minute] * _MINUTE_US - in_day
        return self._table[kind, minute], np.minimum(edge, setting)
