"""Faults of data sessions: reports that never came, counters that began anew."""

from benchmarks.simulator import clock, drawing
from benchmarks.simulator.emitters.access import WRAP
from benchmarks.simulator.faults.choosing import free, planned, sized, some
from benchmarks.simulator.world import World, mark


def missing_interims(world: World) -> None:
    """Lose reports within sessions: nothing is lost in money, for counters go on."""
    for grade, chance in planned(world, "missing_interim"):
        able = [usage for usage in free(world, "access") if len(usage.steps) >= 4]
        made = world.inject("missing_interim", "access", "access", grade)
        for usage in some(chance, able, sized(grade, 4, 2, 1)):
            inner = range(1, len(usage.steps) - 1)
            lost = (
                len(inner)
                if grade[0] == "easy"
                else max(1, len(inner) // 2)
                if grade[0] == "medium"
                else 1
            )
            usage.dropped = frozenset(chance.sample(inner, lost))
            mark(usage, made, usage.charge - usage.charged, usage.steps[min(usage.dropped)][0])


def missing_stops(world: World) -> None:
    """Lose the last report of sessions, and what was used since the one before."""
    for grade, chance in planned(world, "missing_stop"):
        able = [usage for usage in free(world, "access") if len(usage.steps) >= 3]
        made = world.inject("missing_stop", "access", "access", grade)
        for usage in some(chance, able, sized(grade, 4, 2, 1)):
            usage.dropped = frozenset({len(usage.steps) - 1})
            _, up, down = usage.steps[-2]
            usage.charged = world.flat[usage.subscriber.plan].data(up + down)
            mark(usage, made, usage.charge - usage.charged, usage.steps[-1][0])


def wraps(world: World) -> None:
    """Let sessions of an element without Gigawords pass 32 bits, once or more often."""
    nodes, run = world.parameters.feeds["access"].nodes, world.parameters.run
    able = [
        one
        for one in world.people.by_kind.get("consumer", ())
        if nodes > 1 and one.number % nodes == nodes - 1
    ]
    for grade, chance in planned(world, "counter_wrap"):
        index = chance.randrange(run.days - 1)
        staying = [
            one
            for one in able
            if drawing.serves(one, world, index)
            and one.account not in world.left
            and not one.active_to
        ]
        if not staying:
            return
        times = 2 if grade[0] == "medium" else 1
        least = WRAP * times * 115 // 100 + chance.randrange(WRAP // 8)
        at_us = clock.moment_us(chance, run, index, clock.DATA_HOURS)
        usage = drawing.session(world, chance, chance.choice(staying), at_us, least)
        usage.charged = usage.charge
        made = world.inject("counter_wrap", f"nas{nodes}", "access", grade, f"{times} wraps")
        if grade[1]:
            # the report before the wrap or after it is lost: only two remote ones tell
            wrapped = next(n for n, step in enumerate(usage.steps) if step[2] >= WRAP)
            usage.dropped = frozenset({wrapped} & set(range(1, len(usage.steps) - 1)))
        mark(usage, made, world.flat[usage.subscriber.plan].data(WRAP * times))
