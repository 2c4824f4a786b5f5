"""What an hour of an entity usually brings: hours like it, of earlier weeks or earlier days.

Hours are those of the wall clock of the operator, since 1970: people live by it.
"""

from collections.abc import Sequence

from assurance.following.totals import History

HOURS_OF_DAY, HOURS_OF_WEEK = 24, 168
_WEEKS, _LEAST_WEEKS = 4, 2
_DAYS, _LEAST_DAYS, _LEAST_DAYS_OFF = 14, 3, 2
_EPOCH_MONDAY = 4 * HOURS_OF_DAY
"""Hours from 1970 to its first Monday."""


def usual(history: History, hour: int) -> int | None:
    """Give how many records are usual in an hour, in thousandths; none where too little is known.

    The middle of that hour of at least two earlier weeks; where there are not so many yet, of the
    same hour of three workdays or two days off, of those less in proportion where the day a week
    before was less than four fifths of such a day: a Sunday is no Saturday.
    """
    weeks = _weeks(history, hour)
    if len(weeks) >= _LEAST_WEEKS:
        return _middle(_records(history, weeks))
    days = like(history, hour)
    if not days:
        return None
    found = _middle(_records(history, days))
    if weeks and found and _is_off(hour):
        then = 1_000 * _of_day(history, weeks[0])
        typical = _middle([_of_day(history, one) for one in days])
        if 5 * then < 4 * typical:
            return found * then // typical
    return found


def like(history: History, hour: int) -> list[int]:
    """Name the same hours of earlier weeks, else of earlier days of the same kind; none if few."""
    weeks = _weeks(history, hour)
    if len(weeks) >= _LEAST_WEEKS:
        return weeks
    first = min(history)
    days = [hour - HOURS_OF_DAY * number for number in range(1, _DAYS + 1)]
    found = [one for one in days if one >= first and _is_off(one) == _is_off(hour)]
    return found if len(found) >= (_LEAST_DAYS_OFF if _is_off(hour) else _LEAST_DAYS) else []


def _weeks(history: History, hour: int) -> list[int]:
    first = min(history)
    weeks = [hour - HOURS_OF_WEEK * number for number in range(1, _WEEKS + 1)]
    return [one for one in weeks if one >= first]


def _records(history: History, hours: Sequence[int]) -> list[int]:
    return [history[one][0] if one in history else 0 for one in hours]


def _of_day(history: History, hour: int) -> int:
    """Count the records of the day that an hour lies in."""
    begin = hour - hour % HOURS_OF_DAY
    return sum(_records(history, range(begin, begin + HOURS_OF_DAY)))


def _middle(counts: Sequence[int]) -> int:
    """Give the mean of the middle half, in thousandths; of two the lesser.

    >>> _middle([5, 1, 90, 8]), _middle([3, 5]), _middle([1, 2, 90])
    (6500, 3000, 2000)
    """
    ranked = sorted(counts)
    left = (len(ranked) + 1) // 4
    kept = ranked[left : len(ranked) - left] if len(ranked) > 2 else ranked[:1]
    return 1_000 * sum(kept) // len(kept)


def _is_off(hour: int) -> bool:
    """Tell Saturdays and Sundays."""
    return (hour - _EPOCH_MONDAY) % HOURS_OF_WEEK >= 5 * HOURS_OF_DAY
