"""How faults choose what they touch: free usage, quiet or busy, and windows of days."""

import random
from collections.abc import Iterable
from datetime import date

from benchmarks.simulator.clock import Run
from benchmarks.simulator.records import LINKED, Batch, Usage
from benchmarks.simulator.streams import stream
from benchmarks.simulator.world import World, grades

SIZES = {"easy": 0, "medium": 1, "hard": 2}
Grade = tuple[str, bool]


def planned(world: World, family: str) -> list[tuple[Grade, random.Random]]:
    """Give each wanted fault of a family its difficulty and its own chance."""
    wanted = grades(world.parameters.count(family))
    return [(grade, stream(world.seed, "fault", family, n)) for n, grade in enumerate(wanted)]


def sized(grade: Grade, easy: int, medium: int, hard: int) -> int:
    """Choose a size by difficulty."""
    return (easy, medium, hard)[SIZES[grade[0]]]


def window(chance: random.Random, run: Run, days: int, earliest: int = 0) -> tuple[date, date]:
    """Draw so many days within the run: from the first, until before the last."""
    days = min(days, run.days - earliest)
    first = earliest + chance.randrange(run.days - days - earliest + 1)
    return run.day(first), run.day(first + days)


def free(world: World, feed: str) -> list[Usage]:
    """Give the written usage of a feed that no fault has touched, in order."""
    return [usage for usage in world.usages if usage.feed == feed and usage.free and usage.written]


def some(chance: random.Random, of: list[Usage], count: int) -> list[Usage]:
    """Draw so many, or all there are."""
    return chance.sample(of, min(count, len(of)))


def of_batch(batch: Batch) -> list[Usage]:
    """Give the usage of a file, once each."""
    return list({id(entry.usage): entry.usage for entry in batch.entries}.values())


def whole(world: World, feeds: Iterable[str], least: int) -> list[Batch]:
    """Give the files of some feeds that no fault holds, with so many records."""
    wanted = frozenset(feeds)
    return [
        batch
        for batch in world.batches
        if batch.feed in wanted and not batch.fault and len(batch.entries) >= least
    ]


def untouched(world: World, feeds: Iterable[str], least: int) -> list[Batch]:
    """Give whole files whose records are no copies and have none, or any where there are none.

    What else was done to their records does not matter: a file's fault takes them over.
    """
    found = whole(world, feeds, least)
    single = [
        batch for batch in found if not any(entry.usage.fate in LINKED for entry in batch.entries)
    ]
    return single or found
