"""Bands of a tariff: which price of each destination holds when, minute by minute of the week."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tallywire.catalog.imports.cgrates.plans import Candidate
from tallywire.catalog.imports.cgrates.timings import DAY_MINUTES, Timing, dates_of
from tallywire.catalog.imports.report import Kind, Note
from tallywire.catalog.imports.yaml_out import Ids, plain_id
from tallywire.catalog.yaml_text import Tree

LAST_DATE = dt.date(2099, 12, 31)
MOST_HOLIDAYS = 2_000
HOLIDAY = 7
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")

_NONE = -1

Key = tuple[int, ...]
"""The price that holds for each destination: its place among its candidates; -1 for none."""

Day = tuple[Key, ...]
"""One key for each stretch between the edges of the day."""


@dataclass(frozen=True)
class Bands:
    """The bands of a tariff.

    Attributes:
        keys: Band id to the price of each destination; the first is the default.
        rules: Rules of the calendar, none where there is one band.
        holidays: Dates that have the rules of `holiday`.
        priced: Candidates of each destination.
    """

    keys: Mapping[str, Key]
    rules: tuple[Tree, ...]
    holidays: tuple[dt.date, ...]
    priced: Sequence[Sequence[Candidate]]

    def without_price(self, place: int) -> list[str]:
        """Name the bands in which a destination has no price."""
        return [name for name, key in self.keys.items() if key[place] == _NONE]

    def of(self, place: int) -> dict[str, Candidate]:
        """Give the price of a destination in each band; it has one in all of them."""
        return {name: self.priced[place][key[place]] for name, key in self.keys.items()}


class Week:
    """The days of a tariff whose destinations have these candidates.

    Args:
        priced: Candidates of each destination.
        notes: Takes what is ambiguous.
    """

    def __init__(self, priced: Sequence[Sequence[Candidate]], notes: list[Note]) -> None:
        self.priced = priced
        self.notes = notes
        self.timings = tuple(dict.fromkeys(one.timing for found in priced for one in found))
        ends = {edge for one in self.timings for edge in (one.start, one.end)}
        self.edges = tuple(sorted({0, DAY_MINUTES, *ends}))
        self.dated = tuple(one for one in self.timings if one.dated)
        self._days: dict[frozenset[Timing], Day] = {}
        self._told: set[tuple[int, int, int]] = set()

    def weekday(self, day: int) -> Day:
        """Give an ordinary weekday: what depends on dates does not hold."""
        return self._day(lambda timing: not timing.dated and timing.on_weekday(day))

    def date(self, date: dt.date) -> Day:
        """Give a date."""
        return self._day(lambda timing: timing.on(date))

    def _day(self, holds: Callable[[Timing], bool]) -> Day:
        active = frozenset(one for one in self.timings if holds(one))
        if active not in self._days:
            self._days[active] = tuple(
                tuple(self._winner(place, active, minute) for place in range(len(self.priced)))
                for minute in self.edges[:-1]
            )
        return self._days[active]

    def _winner(self, place: int, active: frozenset[Timing], minute: int) -> int:
        """Give the price that holds: of the highest weight, then of the latest start."""
        holding = [
            (one.weight, one.timing.start, -number, one)
            for number, one in enumerate(self.priced[place])
            if one.timing.start <= minute < one.timing.end and one.timing in active
        ]
        if not holding:
            return _NONE
        best = max(holding, key=lambda one: one[:3])
        for other in holding:
            told = place, best[2], other[2]
            if other[:2] == best[:2] and other[3].rate != best[3].rate and told not in self._told:
                self._told.add(told)
                self.notes.append(_level(best[3], other[3]))
        return -best[2]


def _level(best: Candidate, other: Candidate) -> Note:
    row = other.plan_row
    text = (
        f"{row['id']}: {row['destination_rates']} and line {best.number} hold at one time with one "
        "weight; the source takes either, here it is the first: give one a higher weight"
    )
    return row.note(Kind.LOST, text, "the other price is not used while both hold")


def bands_of(priced: Sequence[Sequence[Candidate]], first: dt.date, notes: list[Note]) -> Bands:
    """Find the bands of a tariff.

    Args:
        priced: Candidates of each destination, of all revisions.
        first: Date from which the tariff holds; dates before it need no holiday.
        notes: Takes what the calendar cannot say.
    """
    week = Week(priced, notes)
    days = {day: week.weekday(day) for day in range(HOLIDAY)}
    holidays = _holidays(week, days, first, notes)
    if holidays:
        days[HOLIDAY] = week.date(holidays[0])
    names = _names(week, days)
    rules = tuple(_rules(week, days, names)) if len(names) > 1 else ()
    return Bands({name: key for key, name in names.items()}, rules, holidays, priced)


def _holidays(
    week: Week, days: Mapping[int, Day], first: dt.date, notes: list[Note]
) -> tuple[dt.date, ...]:
    """Find the dates that are unlike their weekday; only one such kind of day can be written."""
    special: dict[Day, list[dt.date]] = {}
    for date in dates_of(week.dated, first, LAST_DATE):
        day = week.date(date)
        if day != days[date.weekday()]:
            special.setdefault(day, []).append(date)
    kept: list[dt.date] = []
    ordered = sorted(special.values(), key=lambda dates: (-len(dates), dates[0]))
    for dates in ordered:
        if not kept and len(dates) <= MOST_HOLIDAYS:
            kept = dates
        else:
            notes += _not_a_holiday(week, dates)
    return tuple(kept)


def _not_a_holiday(week: Week, dates: Sequence[dt.date]) -> Iterator[Note]:
    for timing in week.dated:
        own = [date for date in dates if timing.on(date)]
        if own:
            span = f"{own[0]}" if len(own) == 1 else f"{own[0]} to {own[-1]}, {len(own)} dates"
            text = (
                f"the timing {timing.name} cannot be a holiday ({span}): a calendar has one kind "
                f"of holiday and at most {MOST_HOLIDAYS} of them"
            )
            money = "these dates are priced as ordinary days of the week"
            yield Note("Timings.csv", timing.line, Kind.LOST, text, money)


def _minutes(week: Week, days: Mapping[int, Day]) -> Counter[Key]:
    found: Counter[Key] = Counter()
    for number, day in days.items():
        for key, (start, end) in zip(day, pairwise(week.edges), strict=True):
            found[key] += 0 if number == HOLIDAY else end - start
    return found


def _names(week: Week, days: Mapping[int, Day]) -> dict[Key, str]:
    """Name the bands by their timings, that of most minutes first."""
    ids = Ids()
    common = _minutes(week, days).most_common()
    return {
        key: ids.of(str(number), _name(week.priced, key)) for number, (key, _) in enumerate(common)
    }


def _name(priced: Sequence[Sequence[Candidate]], key: Key) -> str:
    held = [found[at] for found, at in zip(priced, key, strict=True) if at != _NONE]
    names = {one.timing.name: None for one in held}
    telling = [plain_id(name) for name in names if name != "*any"] or ["any"]
    if not names:
        return "no_price"
    return "-".join(telling) if len(telling) <= 3 else f"{telling[0]}-and-others"


def _rules(week: Week, days: Mapping[int, Day], names: Mapping[Key, str]) -> Iterator[Tree]:
    default = next(iter(names.values()))
    spans: dict[tuple[str, int, int], list[int]] = {}
    for number, day in days.items():
        for band, start, end in _merged((names[key] for key in day), week.edges):
            spans.setdefault((band, start, end), []).append(number)
    for (band, start, end), numbers in sorted(spans.items(), key=lambda one: (one[1], one[0][1])):
        if band != default:
            yield {
                "band": band,
                "days": _days_text(numbers),
                "from": _clock(start),
                "to": _clock(end),
            }


def _merged(bands: Iterable[str], edges: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    start, before = 0, ""
    for band, (at, _) in zip(bands, pairwise(edges), strict=True):
        if before and band != before:
            yield before, start, at
            start = at
        before = band
    yield before, start, edges[-1]


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _days_text(numbers: Sequence[int]) -> str:
    """Write days of the week, runs of them as ranges.

    >>> _days_text([0, 1, 2, 5, 7])
    'mon-wed, sat, holiday'
    """
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1 and number != HOLIDAY:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        _DAYS[run[0]] if len(run) == 1 else f"{_DAYS[run[0]]}-{_DAYS[run[-1]]}" for run in runs
    )
