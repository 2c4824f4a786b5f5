"""Timings: when a rate holds, by year, month, day of the month, weekday and time of day."""

import calendar
import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tallywire.catalog.imports.cgrates.tables import Cells
from tallywire.catalog.imports.report import Kind, Note

DAY_MINUTES = 1_440
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])")
_ANY = ("", "*any")
_END_OF_DAY = "23:59:59"


@dataclass(frozen=True)
class Timing:
    """When rates hold, in local time.

    Attributes:
        years, months, month_days: What a date must have; empty for any. Negative days count from
            the end of the month: -1 is the last.
        week_days: 0 is Monday; empty for any.
        start, end: Minutes of the day, the end exclusive.
    """

    name: str
    line: int
    years: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    week_days: frozenset[int] = frozenset()
    start: int = 0
    end: int = DAY_MINUTES

    @property
    def dated(self) -> bool:
        """Tell whether it depends on more than the weekday and the time of day."""
        return bool(self.years or self.months or self.month_days)

    def on_weekday(self, day: int) -> bool:
        """Tell whether a weekday is among its own."""
        return not self.week_days or day in self.week_days

    def on(self, date: dt.date) -> bool:
        """Tell whether it holds at some time of a date."""
        last = calendar.monthrange(date.year, date.month)[1]
        return (
            (not self.years or date.year in self.years)
            and (not self.months or date.month in self.months)
            and (
                not self.month_days
                or date.day in self.month_days
                or date.day - last - 1 in self.month_days
            )
            and self.on_weekday(date.weekday())
        )


ALWAYS = Timing("*any", 0)
"""The timing that needs no line: every instant."""


def _numbers(text: str, least: int, most: int) -> frozenset[int] | None:
    if text in _ANY:
        return frozenset()
    parts = [part.strip() for part in text.split(";")]
    if not all(re.fullmatch(r"-?[0-9]{1,4}", part) for part in parts):
        return None
    found = frozenset(int(part) for part in parts)
    return found if all(least <= one <= most and one for one in found or {least}) else None


def _week_days(text: str) -> frozenset[int] | None:
    """Read weekdays: 1 is Monday, 7 and 0 are Sunday."""
    if text in _ANY:
        return frozenset()
    parts = [part.strip() for part in text.split(";")]
    if not all(re.fullmatch(r"[0-7]", part) for part in parts):
        return None
    return frozenset((int(part) - 1) % 7 for part in parts)


def _minute(text: str) -> tuple[int, int] | None:
    found = _CLOCK.fullmatch(text)
    return (int(found[1]) * 60 + int(found[2]), int(found[3])) if found else None


def _clock(row: Cells, notes: list[Note]) -> tuple[int, int] | None:
    first, _, second = row["time"].partition(";")
    start = _minute("00:00:00" if first in _ANY else first)
    end = (DAY_MINUTES, 0) if second in {"", _END_OF_DAY} else _minute(second)
    if start is None or end is None:
        return None
    for what, (minute, seconds) in (("start", start), ("end", end)):
        if seconds:
            text = f"the {what} is moved to the whole minute {minute // 60:02}:{minute % 60:02}"
            money = f"calls in {seconds} s of a day are in the other band"
            notes.append(row.note(Kind.LOST, f"{row['id']}: {text}", money))
    return start[0], end[0]


def _timing(row: Cells, notes: list[Note]) -> Timing | None:
    years = _numbers(row["years"], 1970, 9999)
    months = _numbers(row["months"], 1, 12)
    days = _numbers(row["month_days"], -31, 31)
    week = _week_days(row["week_days"])
    clock = _clock(row, notes)
    if years is None or months is None or days is None or week is None or clock is None:
        shown = ", ".join(row[name] for name in ("years", "months", "month_days", "week_days"))
        text = f"the timing {row['id']} ({shown}, {row['time']}) cannot be read"
        notes.append(row.note(Kind.LOST, text, "rates at this timing are not carried over"))
        return None
    if clock[0] >= clock[1]:
        text = f"the timing {row['id']} ends before it begins; write two, one for each day"
        notes.append(row.note(Kind.LOST, text, "rates at this timing are not carried over"))
        return None
    return Timing(row["id"], row.line, years, months, days, week, *clock)


def read_timings(rows: Iterable[Cells], notes: list[Note]) -> dict[str, Timing]:
    """Read timings by name; what cannot be read becomes a note."""
    found = {ALWAYS.name: ALWAYS}
    for row in rows:
        if row["id"] in found:
            text = f"the timing {row['id']} is given twice; keep one line"
            notes.append(row.note(Kind.REFUSED, text, "the first line counts"))
            continue
        timing = _timing(row, notes)
        if timing is not None:
            found[timing.name] = timing
    return found


def dates_of(timings: Iterable[Timing], first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Give the dates from `first` to `last` on which one of the timings holds."""
    every = tuple(timings)
    date = first
    while every and date <= last:
        if any(one.on(date) for one in every):
            yield date
        date += dt.timedelta(days=1)
