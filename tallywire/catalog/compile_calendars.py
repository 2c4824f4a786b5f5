"""Calendars, compiled."""

from collections.abc import Mapping

from tallywire.catalog.days import weekdays
from tallywire.catalog.entries import Entries
from tallywire.catalog.models import CalendarEntry
from tallywire.catalog.rules_tariffs import ONE_BAND
from tallywire.catalog.snapshot import BandRule, Calendar

ALWAYS = "always"
"""Id of the calendar of tariffs that name none: one band, in the operator's time zone."""


def _calendar(entry: CalendarEntry) -> Calendar:
    rules = tuple(
        BandRule(
            entry.bands.index(rule.band), weekdays(rule.days) or frozenset(), rule.start, rule.end
        )
        for rule in entry.rules
    )
    return Calendar(entry.id, entry.time_zone, entry.bands, rules, frozenset(entry.holidays))


def compile_calendars(entries: Entries) -> Mapping[str, Calendar]:
    """Compile every calendar, and the one of tariffs without."""
    found = {ALWAYS: Calendar(ALWAYS, entries.time_zone, ONE_BAND)}
    return found | {one.value.id: _calendar(one.value) for one in entries.calendars}
