"""Faults of whole files: lost, cut short, with a wrong trailer, sent again, late."""

import random
from dataclasses import replace
from decimal import Decimal

from benchmarks.simulator.clock import HOUR, SECOND
from benchmarks.simulator.emitters import EMITTERS
from benchmarks.simulator.faults.choosing import Grade, of_batch, planned, sized, untouched
from benchmarks.simulator.faults.copies import copied
from benchmarks.simulator.faults.lines import lose, plain
from benchmarks.simulator.records import LINKED, Batch, Entry, Injection, Usage
from benchmarks.simulator.world import World, mark

FEEDS = ("switch", "pbx", "mobile", "platform")


def _by_size(chance: random.Random, able: list[Batch], grade: Grade) -> Batch:
    """Choose a busy file, or a quiet one where it should be hard to see."""
    ranked = sorted(
        able, key=lambda batch: (-len(batch.entries), batch.feed, batch.node, batch.number)
    )
    third = max(1, len(ranked) // 3)
    return ranked[-1 - chance.randrange(third)] if grade[1] else ranked[chance.randrange(third)]


def _of_one_feed(chance: random.Random, world: World, least: int, *, quiet: bool) -> list[Batch]:
    """Give files of a feed that is drawn first, so that a feed of large files gets no more faults.

    Quiet files are looked for among all feeds: every file of a busy one is large.
    """
    if quiet:
        return untouched(world, FEEDS, least)
    return untouched(world, (chance.choice(FEEDS),), least) or untouched(world, FEEDS, least)


def _begin(world: World, family: str, batch: Batch, grade: Grade) -> Injection:
    batch.fault = family
    made = world.inject(family, "", batch.feed, grade)
    made.files.append(batch)
    return made


def _lost(batch: Batch, entries: list[Entry], made: Injection) -> None:
    for usage in {id(entry.usage): entry.usage for entry in entries}.values():
        usage.written = False
        usage.charged = Decimal(0)
        if usage.fate not in LINKED:
            mark(usage, made, usage.charge, batch.closes_us)


def lost_files(world: World) -> None:
    for grade, chance in planned(world, "lost_file"):
        able = _of_one_feed(chance, world, 3, quiet=grade[1])
        if not able:
            return
        batch = _by_size(chance, able, grade)
        made = _begin(world, "lost_file", batch, grade)
        batch.lost = True
        _lost(batch, batch.entries, made)


def truncated(world: World) -> None:
    """Cut files short: by a half, a tenth, or one record and a piece of a line."""
    for grade, chance in planned(world, "truncated_file"):
        able = _of_one_feed(chance, world, 6, quiet=False)
        if not able:
            return
        batch = _by_size(chance, able, (grade[0], False))
        made = _begin(world, "truncated_file", batch, grade)
        count = len(batch.entries)
        batch.cut_entries = 1 if grade[1] else max(1, count // sized(grade, 2, 8, 20))
        batch.no_trailer = True
        batch.half_line = True
        _lost(batch, batch.entries[count - batch.cut_entries :], made)


def wrong_trailers(world: World) -> None:
    """Let a trailer count records that are not there, or seconds that a record does not show."""
    for place, (grade, chance) in enumerate(planned(world, "trailer_mismatch")):
        able = untouched(world, ("switch",), 8)
        if not able:
            return
        batch = _by_size(chance, able, (grade[0], False))
        entries = [entry for entry in batch.entries[1:-1] if plain(entry)]
        if not entries:
            continue
        made = _begin(world, "trailer_mismatch", batch, grade)
        if grade[0] == "hard" or place % 2:
            _shortened(world, batch, entries, made)
            continue
        for entry in chance.sample(entries, min(len(entries), sized(grade, 5, 2, 1))):
            batch.more_records += 1
            batch.more_seconds += entry.seconds
            lose(batch, entry, made)


def _shortened(world: World, batch: Batch, entries: list[Entry], made: Injection) -> None:
    """Write fewer seconds than a call had: the dearest of the file loses a tenth, but one at least."""
    entry = max(entries, key=lambda one: (one.usage.charge, one.seconds, one.number))
    usage = entry.usage
    less = max(1, entry.seconds // 10) if entry.seconds > 1 else 0
    fields = entry.text.rstrip("\n").split(";")
    fields[7] = str(entry.seconds - less)
    changed = replace(entry, text=";".join(fields) + "\n", seconds=entry.seconds - less)
    batch.entries[batch.entries.index(entry)] = changed
    batch.more_seconds += less
    usage.charged = world.catalogue.charge(
        usage.subscriber.plan, usage.number, world.day_of(usage), (entry.seconds - less) * SECOND
    )
    mark(usage, made, usage.charge - usage.charged)
    made.detail = f"{less} s less in record {entry.number}"


def replayed(world: World) -> None:
    """Send a file again under another name: as it was, as the next number, or days later."""
    for grade, chance in planned(world, "replayed_file"):
        able = _of_one_feed(chance, world, 3, quiet=grade[1])
        if not able:
            return
        batch = _by_size(chance, able, grade)
        made = _begin(world, "replayed_file", batch, grade)
        twins: dict[int, Usage] = {}
        for entry in batch.entries:
            usage = entry.usage
            if id(usage) not in twins:
                twins[id(usage)] = twin = copied(usage, made)
                twin.keys, twin.worth_at_us = usage.keys, batch.closes_us
                world.usages.append(twin)
                if usage.free:
                    usage.injection, usage.fate = made.number, "sent_again"
            twins[id(usage)].entries += 1
        entries = [replace(entry, usage=twins[id(entry.usage)]) for entry in batch.entries]
        again = replace(batch, entries=entries)
        _numbered(chance, world, batch, again, grade)
        made.files.append(again)


def _numbered(
    chance: random.Random, world: World, batch: Batch, again: Batch, grade: Grade
) -> None:
    """Choose name, number and time of a file that is sent again."""
    world.batches.append(again)
    if grade[0] == "easy":
        again.resent = True
        again.delivered_us = batch.delivered_us + chance.randrange(1, 20) * HOUR
        return
    series = [
        one
        for one in world.batches
        if (one.feed, one.node) == (batch.feed, batch.node) and one is not again
    ]
    later = [one for one in series if one.number > batch.number and not one.resent] or [batch]
    before = later[0] if grade[0] == "medium" else chance.choice(later)
    # its element numbers it anew, and everything behind it
    for one in series:
        if one.number > before.number:
            one.number += 1
    again.number = before.number + 1
    again.opens_us, again.closes_us = before.opens_us, before.closes_us
    again.delivered_us = before.delivered_us + 60 * SECOND


def late(world: World) -> None:
    """Deliver files long after they were due: some of a day, or one by an hour beyond grace."""
    for grade, chance in planned(world, "late_feed"):
        able = untouched(world, (chance.choice(tuple(EMITTERS)),), 1)
        if not able:
            continue
        first = chance.choice(able)
        series = [
            one for one in world.batches
            if (one.feed, one.node) == (first.feed, first.node) and not one.fault and one.number >= first.number
        ]  # fmt: skip
        grace_us = world.parameters.feeds[first.feed].grace_s * SECOND
        delay_us = (
            grace_us + (chance.randrange(1, 3) if grade[1] else sized(grade, 30, 10, 4)) * HOUR
        )
        made = world.inject("late_feed", f"{first.feed}/{first.node + 1}", first.feed, grade)
        arrives_us = 0
        for batch in series[: sized(grade, 4, 2, 1)]:
            batch.fault = "late_feed"
            arrives_us = max(arrives_us, batch.closes_us + delay_us)
            batch.delivered_us = arrives_us
            for usage in of_batch(batch):
                made.touch(batch.closes_us, usage.charged)
        made.files = series[: sized(grade, 4, 2, 1)]
