"""Periods in columns: the name of the day, week, month or year of many instants."""

import datetime
from collections.abc import Callable

import numpy as np
import polars as pl

from tallywire.rating.columnar.clocks import DAY_US, Clock, Ints, month_names, months

_EPOCH = datetime.date(1970, 1, 1)
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday


def period_names(zone: str, period: str, moments: Ints) -> pl.Series:
    """Name the period of each instant on the wall clock of a zone.

    Args:
        zone: IANA name.
        period: day, week, month, year or once.
        moments: Microseconds UTC, at least one.
    """
    if period == "once":
        return pl.Series(["once"]).new_from_index(0, len(moments))
    clock = Clock(zone, int(moments.min()), int(moments.max()))
    if period == "month":
        return month_names(months(clock, moments))
    if period == "year":
        numbers = months(clock, moments) // 12 + 1970
        return _named(numbers, lambda year: f"{year:04d}")
    days = clock.local(moments) // DAY_US
    if period == "day":
        return _named(days, lambda day: (_EPOCH + datetime.timedelta(days=day)).isoformat())
    return _named(days - (days + _EPOCH_WEEKDAY) % 7, _week)


def _week(monday: int) -> str:
    year, week, _ = (_EPOCH + datetime.timedelta(days=monday)).isocalendar()
    return f"{year:04d}-W{week:02d}"


def _named(numbers: Ints, name: Callable[[int], str]) -> pl.Series:
    distinct, places = np.unique(numbers, return_inverse=True)
    names = pl.Series([name(number) for number in distinct.tolist()], dtype=pl.String)
    return names.gather(places)


def by_zone(zones: pl.Series, period: str, moments: Ints) -> pl.Series:
    """Name periods where the zone differs from row to row."""
    if zones.n_unique() == 1:
        return period_names(str(zones[0]), period, moments)
    found = pl.Series([""]).new_from_index(0, len(moments))
    for zone in sorted(zones.unique().to_list()):
        rows = (zones == zone).arg_true()
        found = found.scatter(rows, period_names(zone, period, moments[rows.to_numpy()]))
    return found
