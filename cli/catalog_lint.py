"""What `catalog lint` warns of, and what it compares a catalogue with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from cli.price import located
from cli.usage_lines import parsed
from schemas.columns import rows_to_frame
from schemas.usage import UsageEvent
from tallywire.catalog import Problem, Reading, Snapshot
from tallywire.catalog.lint import compared, cost_warnings, warnings
from tallywire.catalog.places import Places
from tallywire.mediation.resolve import IdentifierIndex
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.one_by_one import one_by_one

_BATCH = 20_000


@dataclass(frozen=True)
class Asked:
    """What lint compares with, beyond the catalogue itself.

    Attributes:
        previous: An earlier catalogue.
        hits: Usage events by tariff id and prefix.
        costs: Pairs of tariff ids: the one that sells, the one that buys.
    """

    previous: Snapshot | None = None
    hits: Mapping[tuple[str, str], int] | None = None
    costs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class UsageHits:
    """Usage rated to see which prefixes it meets.

    Attributes:
        by_prefix: Events by tariff id and matched prefix.
        rated: Events that have a price.
        others: Lines that are no usage event, have no account or no price.
    """

    by_prefix: Mapping[tuple[str, str], int]
    rated: int
    others: int


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as source:
        yield from ((number, line) for number, line in enumerate(source, 1) if line.strip())


def usage_hits(snapshot: Snapshot, path: Path) -> UsageHits:
    """Count the usage events that each prefix decides.

    Args:
        snapshot: Catalogue to rate by.
        path: File of usage events as JSON lines.
    """
    rater, index, counters = Rater(snapshot), IdentifierIndex(snapshot.identifiers), Counters()
    by_prefix: dict[tuple[str, str], int] = {}
    numbers: set[int] = set()
    lines = 0
    usage = parsed(_lines(path))
    while batch := list(islice(usage, _BATCH)):
        lines += len(batch)
        events = [
            event.model_copy(update={"record_no": number})
            for number, event in batch
            if isinstance(event, UsageEvent)
        ]
        frame, named = located(rows_to_frame(events, UsageEvent), index)
        outcome = rater.rate(frame.filter(named["reason"].is_null()), counters)
        numbers |= set(outcome.rated["record_no"].to_list())  # an event may have several legs
        counted = outcome.rated.group_by("tariff_id", "matched_prefix").agg(pl.len())
        for tariff_id, prefix, count in counted.iter_rows():
            by_prefix[tariff_id, prefix] = by_prefix.get((tariff_id, prefix), 0) + count
    return UsageHits(by_prefix, len(numbers), lines - len(numbers))


def ordinary_warnings(reading: Reading) -> list[Problem]:
    """Find the warnings of a catalogue on its own."""
    return sorted({*warnings(reading), *one_by_one(reading)})


def warnings_of(reading: Reading, snapshot: Snapshot, asked: Asked) -> list[Problem]:
    """Find the warnings of a catalogue, and those of what it is compared with.

    Args:
        reading: A reading without problems.
        snapshot: What came of it.
        asked: What to compare with.
    """
    places = Places(reading.entries)
    found = {*warnings(reading, asked.hits), *one_by_one(reading)}
    operator = reading.entries.operator
    if asked.previous is not None and operator is not None:
        percent = operator.value.max_change_percent
        found |= set(compared(asked.previous, snapshot, places, percent, asked.hits))
    for retail, cost in asked.costs:
        found |= set(cost_warnings(snapshot.tariffs[retail], snapshot.tariffs[cost], places))
    return sorted(found)
