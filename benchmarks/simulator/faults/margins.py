"""Routes that cost more than they bring: what a carrier asks rises above what customers pay."""

from dataclasses import replace
from functools import partial

from benchmarks.simulator.clock import local_date
from benchmarks.simulator.faults.choosing import planned, sized, window
from benchmarks.simulator.faults.prices import alter
from benchmarks.simulator.money import Terms
from benchmarks.simulator.people import PREFIXES
from benchmarks.simulator.places import longest
from benchmarks.simulator.records import Usage
from benchmarks.simulator.world import World


def raise_costs(world: World) -> None:
    """Let some routes cost too much for some days: usage itself stays as it was."""
    run = world.parameters.run
    taken: set[tuple[str, str]] = set()
    for grade, chance in planned(world, "negative_margin"):
        since, until = window(chance, run, max(2, run.days // sized(grade, 2, 4, 8)))
        found: dict[tuple[str, str], list[Usage]] = {}
        for usage in world.usages:
            if usage.trunk and since <= local_date(usage.start_us) < until:
                found.setdefault((usage.trunk, longest(usage.number, PREFIXES)), []).append(usage)
        ranked = sorted(
            (route for route, calls in found.items() if len(calls) >= 3 and route not in taken),
            key=lambda route: (-len(found[route]), route),
        )
        if not ranked:
            continue
        half = max(1, len(ranked) // 2)
        route = (
            ranked[chance.randrange(half)] if not grade[1] else ranked[-1 - chance.randrange(half)]
        )
        taken.add(route)
        rates = sorted(
            world.book.of(call.subscriber.plan, call.number, since).terms.rate
            for call in found[route]
        )
        # a subtle one loses on the cheaper plans alone
        asked = rates[-1] * 2 if grade[0] == "easy" else rates[len(rates) // 2] * 105 // 100 + 1
        alter(world.costs, route, since, until, partial(_at_least, rate=asked))
        world.costs.index()
        made = world.inject(
            "negative_margin",
            "/".join(route),
            "",
            grade,
            f"{asked} ten-thousandths a minute from {since} until {until}",
        )
        for call in found[route]:
            call.cost = world.costs.charge(
                call.trunk, call.number, local_date(call.start_us), call.quantity
            )
            if call.cost > call.charge:
                made.touch(call.start_us, call.cost - call.charge)


def _at_least(terms: Terms, rate: int) -> Terms:
    return replace(terms, rate=max(terms.rate, rate))
