"""What is expected of a feed: patterns that can be read, times that are times, bands that exist."""

import re
from collections.abc import Iterator

from schemas.services import Unit
from tallywire.catalog.entries import Entries, Placed
from tallywire.catalog.expect_models import ExpectEntry, NumbersEntry
from tallywire.catalog.models import FeedEntry
from tallywire.catalog.pricing import in_units
from tallywire.catalog.problems import Problem
from tallywire.catalog.values import Amount

Found = Iterator[tuple[tuple[str, ...], str]]
LONGEST_TIME_US = 35 * 86_400_000_000


def expected(placed: Placed[FeedEntry], entries: Entries) -> Iterator[Problem]:
    """Check what is expected of one feed."""
    expect = placed.value.expect
    if expect is None:
        return
    found = [
        *_sequence(expect), *_schedule(expect, entries), *_nodes(expect),
        *_sources(placed.value, expect),
    ]  # fmt: skip
    for path, text in found:
        yield placed.problem(("expect", *path), text)


def _numbers(entry: NumbersEntry) -> Found:
    if entry.wraps_to is not None and entry.wraps_at is None:
        yield ("wraps_to",), "says where numbers go on after the greatest; write wraps_at, too"
    least = entry.first if entry.wraps_to is None else entry.wraps_to
    if entry.wraps_at is not None and entry.wraps_at <= (least or 0):
        yield ("wraps_at",), f"must be greater than {least or 0}, with which numbers go on"


def _sequence(expect: ExpectEntry) -> Found:
    sequence = expect.sequence
    if sequence is None:
        return
    yield from ((("sequence", *path), text) for path, text in _numbers(sequence))
    if sequence.name is None:
        return
    try:
        groups = re.compile(sequence.name)
    except re.error as error:
        yield ("sequence", "name"), f"is no regular expression: {error}"
        return
    if not groups.groups:
        yield (
            ("sequence", "name"),
            "has no group; write for example DE([0-9]{6}), the file's number",
        )


def _time(amount: Amount | None, name: str, *, least: int = 0) -> Found:
    if amount is None:
        return
    time = in_units(amount, Unit.MICROSECOND)
    if time is None:
        yield (name,), "is no time; write for example 15min or 1h"
    elif not least <= time <= LONGEST_TIME_US:
        yield (name,), "must be longer than nothing, and at most 840h (35 days)"


def _schedule(expect: ExpectEntry, entries: Entries) -> Found:
    yield from _time(expect.every, "every", least=1)
    yield from _time(expect.grace, "grace")
    if expect.calendar is None:
        if expect.bands:
            yield ("bands",), "are bands of a calendar; write calendar, too"
        return
    if expect.every is None:
        yield ("calendar",), "says when files are expected; write every, too"
    if expect.calendar not in entries.known("calendars", entries.calendars):
        yield ("calendar",), f"there is no calendar {expect.calendar!r}"
    elif calendar := entries.calendar(expect.calendar):
        if not expect.bands:
            yield ("bands",), "is missing; name the bands in which files are expected"
        for band in expect.bands:
            if band not in calendar.bands:
                yield ("bands",), f"{band!r} is not one of {', '.join(calendar.bands)}"


def _nodes(expect: ExpectEntry) -> Found:
    if expect.nodes is None:
        return
    yield from ((("nodes", *path), text) for path, text in _numbers(expect.nodes))
    yield from ((("nodes", *path), text) for path, text in _time(expect.nodes.grace, "grace"))


def _sources(feed: FeedEntry, expect: ExpectEntry) -> Found:
    """Files are expected of feeds that read whole ones."""
    if feed.path and not feed.growing:
        return
    for name in ("sequence", "every"):
        if getattr(expect, name) is not None:
            yield (name,), "is expected of feeds of whole files; this one reads records one by one"
