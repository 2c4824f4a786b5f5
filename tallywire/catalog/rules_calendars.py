"""Calendars: bands that exist, days that can be read, rules that apply."""

from collections.abc import Iterator

from tallywire.catalog.days import MINUTES, weekdays
from tallywire.catalog.entries import Entries, Placed, Result
from tallywire.catalog.models import CalendarEntry
from tallywire.catalog.problems import Problem


def _rule(placed: Placed[CalendarEntry], number: int, taken: set[int]) -> Iterator[Problem]:
    rule = placed.value.rules[number]
    path = ("rules", number)
    if rule.band not in placed.value.bands:
        text = f"{rule.band!r} is not one of the bands: {', '.join(placed.value.bands)}"
        yield placed.problem((*path, "band"), text)
    days = weekdays(rule.days)
    if days is None:
        text = f"{rule.days!r} are not days; write for example mon-fri, sun, holiday or all"
        yield placed.problem((*path, "days"), text)
        return
    if rule.start >= rule.end:
        text = "ends before it begins; write two rules, one to 24:00 and one from 00:00"
        yield placed.problem((*path, "to"), text)
        return
    minutes = {day * MINUTES + at for day in days for at in range(rule.start, rule.end)}
    if minutes <= taken:
        yield placed.problem(path, "never applies: the rules above cover all of it; remove it")
    taken |= minutes


def _calendar(placed: Placed[CalendarEntry]) -> Iterator[Problem]:
    entry = placed.value
    if not entry.bands:
        yield placed.problem(("bands",), "has no band; write at least the default band")
    for number, band in enumerate(entry.bands):
        if band in entry.bands[:number]:
            yield placed.problem(("bands", number), f"the band {band!r} is given twice")
    taken: set[int] = set()
    for number in range(len(entry.rules)):
        yield from _rule(placed, number, taken)
    for number, day in enumerate(entry.holidays):
        if day in entry.holidays[:number]:
            yield placed.problem(("holidays", number), f"the holiday {day} is given twice")


def calendars(entries: Entries) -> Result:
    """Check every calendar."""
    return entries, [problem for one in entries.calendars for problem in _calendar(one)]
