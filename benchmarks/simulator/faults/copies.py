"""Usage that is written twice by different elements, or once in parts and once as a whole."""

from dataclasses import replace
from decimal import Decimal

from benchmarks.simulator.clock import HOUR, SECOND
from benchmarks.simulator.emitters.emitter import digits_of
from benchmarks.simulator.faults.choosing import free, planned, sized, some
from benchmarks.simulator.records import Injection, Usage
from benchmarks.simulator.world import World, mark


def copied(usage: Usage, made: Injection) -> Usage:
    """Give usage that is another record of the same, which nobody should pay."""
    return replace(
        usage, charge=Decimal(0), cost=Decimal(0), keys={}, entries=0,
        fate=made.family, injection=made.number, worth=usage.charged, worth_at_us=usage.start_us,
    )  # fmt: skip


def near_duplicates(world: World) -> None:
    """Let a second switch write a call, too: two seconds off at most, its length by one."""
    nodes = world.parameters.feeds["switch"].nodes
    if nodes < 2:
        return
    for grade, chance in planned(world, "near_duplicate"):
        able = [usage for usage in free(world, "switch") if usage.parts == 1 and usage.charge > 0]
        made = world.inject("near_duplicate", "switch", "switch", grade)
        for usage in some(chance, able, sized(grade, 6, 3, 1)):
            off = chance.choice((-2, -1, 1, 2)) if grade[1] else chance.randrange(-1, 2)
            seconds = max(1, usage.quantity // SECOND + chance.randrange(-1, 2))
            twin = copied(usage, made)
            twin.start_us += off * SECOND
            twin.quantity = twin.duration_us = seconds * SECOND
            twin.node = (usage.node + 1 + chance.randrange(nodes - 1)) % nodes
            usage.injection, usage.fate = made.number, "near_duplicated"
            _add(world, twin, made)


def partial_and_total(world: World) -> None:
    """Write a call that came in parts once more, as a whole."""
    for grade, chance in planned(world, "partial_and_total"):
        able = [usage for usage in free(world, "switch") if usage.parts > 1 and usage.charge > 0]
        if not able:
            return
        made = world.inject("partial_and_total", "switch", "switch", grade)
        for usage in some(chance, able, sized(grade, 3, 2, 1)):
            later = chance.randrange(6, 30) * HOUR if grade[1] else chance.randrange(5) * SECOND
            total = copied(usage, made)
            total.parts, total.later_us = 1, later
            total.keys = {"call": digits_of("call", usage.served, usage.start_us, length=10)}
            usage.keys = dict(total.keys)
            usage.injection, usage.fate = made.number, "written_in_parts"
            _add(world, total, made)


def _add(world: World, twin: Usage, made: Injection) -> None:
    twin.charged = world.by_catalogue(twin)
    mark(twin, made, twin.charged)
    world.usages.append(twin)
