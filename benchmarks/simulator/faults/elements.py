"""Faults of whole elements: they fall silent, write less than there was, or have a wrong clock."""

import random
from decimal import Decimal

from benchmarks.simulator.clock import HOUR, SECOND
from benchmarks.simulator.faults.choosing import free, planned, sized
from benchmarks.simulator.world import World, mark

VOICE = ("switch", "mobile", "pbx")


def _element(chance: random.Random, world: World, feeds: tuple[str, ...]) -> tuple[str, int]:
    feed = chance.choice(feeds)
    return feed, chance.randrange(world.parameters.feeds[feed].nodes)


def _hours(chance: random.Random, world: World, hours: int) -> tuple[int, int]:
    """Draw a window that begins in the morning."""
    run = world.parameters.run
    begin = run.midnight_us(chance.randrange(run.days)) + chance.randrange(7, 12) * HOUR
    return begin, min(begin + hours * HOUR, run.end_us)


def silent(world: World) -> None:
    """Write none of an element's usage for hours, or only a part of it: at least a fifth is lost."""
    for grade, chance in planned(world, "silent_node"):
        feed, node = _element(chance, world, VOICE)
        hours, share = sized(grade, 10, 10, 30), sized(grade, 100, 55, 28)
        since, until = _hours(chance, world, hours)
        inside = [
            usage
            for usage in free(world, feed)
            if usage.node == node and since <= usage.end_us < until
        ]
        if len(inside) < 4:
            continue
        made = world.inject(
            "silent_node", f"{feed}/{node + 1}", feed, grade, f"{share} % for {hours} h"
        )
        for usage in chance.sample(inside, max(1, -(-len(inside) * share // 100))):
            usage.written = False
            usage.charged = Decimal(0)
            mark(usage, made, usage.charge)


def skewed(world: World) -> None:
    """Let an element's clock be wrong for some hours: by an hour, or by less than two minutes."""
    for grade, chance in planned(world, "skewed_node"):
        feed, node = _element(chance, world, ("mobile", "pbx", "switch"))
        since, until = _hours(chance, world, sized(grade, 24, 16, 8))
        skew_s = chance.choice((-1, 1)) * sized(grade, 3600, 90, chance.randrange(30, 91))
        inside = [
            usage
            for usage in free(world, feed)
            if usage.node == node and since <= usage.start_us < until
        ]
        if len(inside) < 3:
            continue
        made = world.inject("skewed_node", f"{feed}/{node + 1}", feed, grade, f"{skew_s} s")
        for usage in inside:
            usage.skew_us = skew_s * SECOND
            usage.charged = world.by_catalogue(usage)
            mark(usage, made, abs(usage.charge - usage.charged))
