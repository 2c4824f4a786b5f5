"""Local time in columns: the offset of a zone at many instants, and what the wall clock shows."""

import datetime
import zoneinfo
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

DAY_US = 86_400_000_000
_SECOND_US = 1_000_000
_PROBE_S = 6 * 3_600
_UTC = datetime.UTC


def _offset_s(zone: zoneinfo.ZoneInfo, moment_s: int) -> int:
    offset = datetime.datetime.fromtimestamp(moment_s, zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0


@lru_cache(maxsize=4_096)
def _changes(name: str, year: int) -> tuple[tuple[int, int], ...]:
    """List (instant, offset from then on), seconds, for a year; the first is its beginning."""
    zone = zoneinfo.ZoneInfo(name)
    first = int(datetime.datetime(year, 1, 1, tzinfo=_UTC).timestamp())
    last = int(datetime.datetime(year + 1, 1, 1, tzinfo=_UTC).timestamp())
    found = [(first, _offset_s(zone, first))]
    for probe in range(first + _PROBE_S, last + 1, _PROBE_S):
        if _offset_s(zone, probe) != found[-1][1]:
            low, high = probe - _PROBE_S, probe
            while high - low > 1:
                middle = (low + high) // 2
                same = _offset_s(zone, middle) == found[-1][1]
                low, high = (middle, high) if same else (low, middle)
            if high < last:
                found.append((high, _offset_s(zone, high)))
    return tuple(found)


def _year(moment_us: int) -> int:
    return datetime.datetime.fromtimestamp(moment_us // _SECOND_US, _UTC).year


class Clock:
    """The wall clock of a zone over a span of instants.

    Args:
        zone: IANA name.
        first_us: Earliest instant asked for, microseconds UTC.
        last_us: Latest instant asked for.
    """

    def __init__(self, zone: str, first_us: int, last_us: int) -> None:
        years = range(_year(first_us), _year(last_us) + 1)
        changes = [change for year in years for change in _changes(zone, year)]
        self._instants = np.array([instant * _SECOND_US for instant, _ in changes], np.int64)
        self._offsets = np.array([offset * _SECOND_US for _, offset in changes], np.int64)
        index = np.searchsorted(self._instants, [first_us, last_us], "right")
        self._only = int(index[0]) if index[0] == index[1] else None

    def _index(self, moments: Ints) -> Ints | int:
        """Count changes until each moment; one number where the clock is not set in the span."""
        if self._only is not None:
            return self._only
        index: Ints = np.searchsorted(self._instants, moments, "right")
        return index

    def local(self, moments: Ints) -> Ints:
        """Show wall times, as microseconds since 1970 on that clock."""
        local: Ints = moments + self._offsets[self._index(moments) - 1]
        return local

    def until_set(self, moments: Ints) -> tuple[Ints, Ints]:
        """Show wall times, and the next instant at which the clock is set or a day has gone by."""
        index = self._index(moments)
        later = np.append(self._instants, np.iinfo(np.int64).max)[index]
        return moments + self._offsets[index - 1], np.minimum(later, moments + DAY_US)
