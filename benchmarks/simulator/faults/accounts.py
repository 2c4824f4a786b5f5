"""Faults of accounts: who calls is not known, or is thought to have left."""

from collections import defaultdict
from decimal import Decimal

from benchmarks.simulator.clock import instant_us
from benchmarks.simulator.faults.choosing import free, planned, sized, some
from benchmarks.simulator.places import ON_NET
from benchmarks.simulator.records import Usage
from benchmarks.simulator.world import World, mark

NOBODY = {"switch": f"{ON_NET}{{:06d}}", "mobile": f"{ON_NET}{{:06d}}", "pbx": "c{:06d}"}


def unknown(world: World) -> None:
    """Write an identifier that no account has on some calls of a subscriber."""
    known = {name for one in world.people.everyone for name in (one.identifier, one.msisdn)}
    for grade, chance in planned(world, "unknown_subscriber"):
        feed = chance.choice(("switch", "mobile", "pbx"))
        by_served: dict[str, list[Usage]] = defaultdict(list)
        for usage in free(world, feed):
            if usage.parts == 1 and usage.charge > 0:
                by_served[usage.served].append(usage)
        wanted = sized(grade, 25, 8, 2)
        able = [
            served for served in sorted(by_served) if len(by_served[served]) >= wanted
        ] or sorted(by_served)
        if not able:
            continue
        served = chance.choice(able)
        name = NOBODY[feed].format(chance.randrange(1_000_000))
        while name in known:
            name = NOBODY[feed].format(chance.randrange(1_000_000))
        known.add(name)
        made = world.inject("unknown_subscriber", name, feed, grade)
        calls = by_served[served]
        for usage in some(chance, calls, wanted) if grade[1] else calls[:wanted]:
            usage.served = name
            usage.charged = Decimal(0)
            mark(usage, made, usage.charge)


def orphans(world: World) -> None:
    """Let the catalogue believe that a subscriber left, who goes on using."""
    run = world.parameters.run
    by_account: dict[str, list[Usage]] = defaultdict(list)
    for usage in world.usages:
        by_account[usage.subscriber.account].append(usage)
    staying = [
        one.account
        for one in world.people.everyone
        if one.active_to is None and one.active_from is None
    ]
    for grade, chance in planned(world, "orphan"):
        day = run.day(max(1, run.days - sized(grade, run.days * 2 // 3, run.days // 3, 2)))
        left_us = instant_us(day)
        after: dict[str, list[Usage]] = {}
        for account in staying:
            if account in world.left:
                continue
            later = [usage for usage in by_account[account] if _reaches(usage, left_us)]
            if len(later) >= 2:
                after[account] = later
        ranked = sorted(after, key=lambda account: (-len(after[account]), account))
        if not ranked:
            continue
        third = max(1, len(ranked) // 3)
        account = (
            ranked[-1 - chance.randrange(third)] if grade[1] else ranked[chance.randrange(third)]
        )
        world.left[account] = day
        made = world.inject("orphan", account, "", grade, f"said to have left on {day}")
        for usage in after[account]:
            usage.charged = _before(world, usage, left_us)
            # whose price is wrong is not seen where nothing is charged
            mark(usage, made, usage.charge - usage.charged)


def _reaches(usage: Usage, left_us: int) -> bool:
    """Whether usage began after an account is said to have left, or a session went on until then."""
    return usage.start_us >= left_us or (bool(usage.steps) and usage.end_us >= left_us)


def _before(world: World, usage: Usage, left_us: int) -> Decimal:
    """Charge what is known of usage before an account is said to have left: a session in part."""
    if usage.start_us >= left_us:
        return Decimal(0)
    octets = max(up + down for at_us, up, down in usage.steps if at_us < left_us)
    return world.flat[usage.subscriber.plan].data(octets)
