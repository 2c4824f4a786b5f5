"""Revisions of a tariff follow one another without gap or overlap."""

from collections.abc import Iterator

from schemas.services import Unit
from tallywire.catalog.entries import Entries, Placed, Result
from tallywire.catalog.models import TariffEntry
from tallywire.catalog.problems import Problem
from tallywire.catalog.prose import quantity_words
from tallywire.catalog.snapshot import FOREVER_US

_DAY_US = 86_400_000_000


def revision_spans(tariff: TariffEntry, zone: str) -> list[tuple[int, int]]:
    """Give [from, to) of every revision, microseconds UTC.

    A revision without `valid_to` ends where the next begins; the last never ends.
    """
    starts = [one.valid_from.micros(zone) for one in tariff.revisions]
    ends = [*starts[1:], FOREVER_US][: len(starts)]
    return [
        (start, one.valid_to.micros(zone) if one.valid_to else end)
        for start, end, one in zip(starts, ends, tariff.revisions, strict=True)
    ]


def gap_words(length_us: int) -> str:
    """Write how long a short gap is, and the reason there mostly is for it; else nothing.

    >>> gap_words(1_000_000)
    ' of 1 s (an end does not count: write the instant at which the next begins)'
    """
    if length_us > _DAY_US:
        return ""
    length = quantity_words(length_us, Unit.MICROSECOND)
    return f" of {length} (an end does not count: write the instant at which the next begins)"


def _tariff(placed: Placed[TariffEntry], zone: str) -> Iterator[Problem]:
    revisions = placed.value.revisions
    if not revisions:
        yield placed.problem(("revisions",), "has no revision; write at least one")
    spans = revision_spans(placed.value, zone)
    for number, (start, end) in enumerate(spans):
        path = ("revisions", number)
        if end <= start:
            yield placed.problem((*path, "valid_to"), "is not after valid_from; correct one")
        if not number:
            continue
        if revisions[number].revision <= revisions[number - 1].revision:
            text = "must be greater than the revision above it; write revisions in order"
            yield placed.problem((*path, "revision"), text)
        before = spans[number - 1][1]
        if start < before:
            text = "overlaps the revision above it; begin where that one ends"
            yield placed.problem((*path, "valid_from"), text)
        elif start > before:
            text = (
                f"leaves a gap{gap_words(start - before)}: the revision above ends earlier; begin "
                "where it ends"
            )
            yield placed.problem((*path, "valid_from"), text)


def revisions(entries: Entries) -> Result:
    """Check the dates of every tariff's revisions."""
    found = [
        problem for one in entries.tariffs for problem in _tariff(one, entries.zone_of(one.value))
    ]
    return entries, found
