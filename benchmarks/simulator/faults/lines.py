"""Faults of single records in files: lost on their way to the file, or written once more."""

import random
from dataclasses import replace
from decimal import Decimal

from benchmarks.simulator.faults.choosing import planned, sized, whole
from benchmarks.simulator.faults.copies import copied
from benchmarks.simulator.records import Batch, Entry, Injection
from benchmarks.simulator.world import World, mark

FEEDS = ("switch", "pbx", "mobile", "platform")


def lose(batch: Batch, entry: Entry, made: Injection) -> None:
    """Take a record out of its file for good."""
    batch.entries.remove(entry)
    usage = entry.usage
    usage.written = False
    usage.charged = Decimal(0)
    mark(usage, made, usage.charge)


def plain(entry: Entry) -> bool:
    """Whether a record is all there is of its usage, and nothing was done to it."""
    return entry.usage.free and entry.usage.parts == 1 and entry.usage.written


def lost_records(world: World) -> None:
    """Lose records before their file is closed: in bursts, or one by one over days."""
    for grade, chance in planned(world, "lost_records"):
        feed = "switch" if grade[0] == "easy" else chance.choice(FEEDS)
        burst, bursts = sized(grade, 20, 6, 1), 3 if grade[1] else 1
        node = chance.randrange(world.parameters.feeds[feed].nodes)
        able = [batch for batch in whole(world, (feed,), burst + 3) if batch.node == node] or whole(
            world, (feed,), 3
        )
        if not able:
            continue
        made = world.inject(
            "lost_records", f"{feed}/{node + 1}", feed, grade, f"{bursts} times {burst}"
        )
        for batch in chance.sample(able, min(bursts, len(able))):
            _burst(chance, batch, burst, made)


def _burst(chance: random.Random, batch: Batch, burst: int, made: Injection) -> None:
    # neither the first nor the last record: those would be seen from the files around
    inner = [entry for entry in batch.entries[1:-1] if plain(entry)]
    if not inner:
        return
    begin = chance.randrange(max(1, len(inner) - burst + 1))
    for entry in inner[begin : begin + burst]:
        lose(batch, entry, made)


def exact_duplicates(world: World) -> None:
    """Write the same record again: at once, in the next file, or days later."""
    files = {feed: whole(world, (feed,), 3) for feed in FEEDS}
    for grade, chance in planned(world, "exact_duplicate"):
        feed = chance.choice(FEEDS)
        able = files[feed]
        if not able:
            continue
        made = world.inject("exact_duplicate", feed, feed, grade)
        batch = chance.choice(able)
        target = _target(chance, world, batch, grade[0])
        entries = [entry for entry in batch.entries if plain(entry)]
        entries = [entry for entry in entries if entry.usage.charged > 0] or entries
        for entry in chance.sample(entries, min(len(entries), sized(grade, 5, 2, 1))):
            _again(world, chance, entry, target, made)


def _target(chance: random.Random, world: World, batch: Batch, difficulty: str) -> Batch:
    """Choose the file of the copy: the same, the next of its element, or any later one."""
    later = [
        one for one in world.batches
        if (one.feed, one.node) == (batch.feed, batch.node) and one.number > batch.number and not one.fault
    ]  # fmt: skip
    if difficulty == "easy" or not later:
        return batch
    return later[0] if difficulty == "medium" else chance.choice(later)


def _again(
    world: World, chance: random.Random, entry: Entry, target: Batch, made: Injection
) -> None:
    usage = entry.usage
    twin = copied(usage, made)
    twin.keys, twin.entries = usage.keys, 1
    usage.injection, usage.fate = made.number, "written_twice"
    place = target.entries.index(entry) + 1 if entry in target.entries else 0
    place = chance.randrange(place, len(target.entries) + 1)
    target.entries.insert(place, replace(entry, usage=twin))
    twin.worth_at_us = target.closes_us
    world.usages.append(twin)
