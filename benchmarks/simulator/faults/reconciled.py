"""What others say of the same usage: carriers, the network's own list, a provider of resources.

Each table is made right first; in a run with faults some of it is then changed.
"""

import random
from collections import defaultdict
from datetime import date
from decimal import Decimal

from benchmarks.simulator import drawing
from benchmarks.simulator.book import plan_ids
from benchmarks.simulator.clock import SECOND, local_date, rfc3339
from benchmarks.simulator.faults.choosing import planned, sized, window
from benchmarks.simulator.flat import SKUS
from benchmarks.simulator.people import PREFIXES, number_to
from benchmarks.simulator.places import longest
from benchmarks.simulator.records import COPIES, Injection, Usage
from benchmarks.simulator.world import World

Call = tuple[str, int, str, str, int]
"""What a carrier says of a call: carrier, start in microseconds, caller, called, seconds."""


def seen(usage: Usage) -> Call:
    """Tell how the carrier saw a call."""
    caller = usage.subscriber.msisdn if usage.feed == "pbx" else usage.served
    return usage.trunk, usage.start_us, caller, usage.number, usage.quantity // SECOND


def partners(world: World) -> None:
    """Let carriers list calls that we never made, make calls longer, or leave some out."""
    carried = [usage for usage in world.usages if usage.trunk and usage.fate not in COPIES]
    calls = [seen(usage) for usage in carried]
    clean = [
        place for place, usage in enumerate(carried) if usage.free and usage.quantity > 2 * SECOND
    ]
    removed: set[int] = set()
    for number, (grade, chance) in enumerate(planned(world, "partner_mismatch")):
        if not clean:
            break
        place = chance.choice(clean)
        carrier = carried[place].trunk
        kind = "added" if grade[0] == "easy" else "left_out" if number % 5 == 1 else "longer"
        made = world.inject("partner_mismatch", carrier, "", grade, kind)
        of_carrier = [one for one in clean if carried[one].trunk == carrier and one not in removed]
        for one in chance.sample(
            of_carrier, min(len(of_carrier), sized(grade, 6, 3, 1 + number % 2))
        ):
            removed.add(one)
            _other(chance, world, carried[one], one, calls, made)
    left_out = {place for place in removed if not calls[place][0]}
    kept = [call for place, call in enumerate(calls) if place not in left_out]
    rows = defaultdict(list)
    for place, (carrier, start_us, caller, called, seconds) in enumerate(sorted(kept)):
        row = [f"{carrier[-1]}{place + 500_000}", rfc3339(start_us), caller, called, str(seconds)]
        rows[f"partner_calls/{carrier}_{local_date(start_us)}.csv"].append(row)
    world.side.update(rows)


def _other(
    chance: random.Random,
    world: World,
    usage: Usage,
    place: int,
    calls: list[Call],
    made: Injection,
) -> None:
    carrier, start_us, caller, called, seconds = calls[place]
    day = local_date(start_us)
    if made.detail == "added":
        other = number_to(chance, longest(called, PREFIXES))
        start_us += chance.randrange(-600, 600) * SECOND
        calls.append((carrier, start_us, caller, other, seconds))
        made.touch(start_us, usage.cost)
    elif made.detail == "left_out":
        calls[place] = ("", start_us, caller, called, seconds)
        made.touch(start_us, usage.cost)
    else:
        more = chance.randrange(1, 7) if made.subtle else max(2, seconds // 4)
        calls[place] = (carrier, start_us, caller, called, seconds + more)
        dearer = world.costs.charge(carrier, called, day, (seconds + more) * SECOND)
        made.touch(start_us, dearer - usage.cost)


def subscriptions(world: World) -> None:
    """List day by day whom the network serves, and with which offer."""
    run, everyone = world.parameters.run, world.people.everyone
    other: dict[tuple[str, int], str] = {}
    calls: dict[str, list[Usage]] = defaultdict(list)
    for usage in world.usages:
        if usage.service == "voice" and usage.free:
            calls[usage.subscriber.account].append(usage)
    plans = plan_ids(world.parameters.plans)
    staying = [
        one
        for one in everyone
        if one.account not in world.left and not one.active_from and not one.active_to
    ]
    for number, (grade, chance) in enumerate(planned(world, "subscription_mismatch")):
        if not staying:
            break
        one = staying.pop(chance.randrange(len(staying)))
        since, until = window(chance, run, sized(grade, run.days, max(2, run.days // 3), 2))
        plan = "" if number % 2 else chance.choice([plan for plan in plans if plan != one.plan])
        made = world.inject(
            "subscription_mismatch",
            one.subscription,
            "",
            grade,
            f"offer {plan}" if plan else "not served",
        )
        money: dict[date, Decimal] = defaultdict(Decimal)
        for usage in calls[one.account]:
            day = local_date(usage.start_us)
            differs = (
                usage.charge
                if not plan
                else world.book.charge(plan, usage.number, day, usage.quantity) - usage.charge
            )
            money[day] += abs(differs)
        for index in range((since - run.first).days, (until - run.first).days):
            other[one.account, index] = plan
            made.touch(run.midnight_us(index), money[run.day(index)])
    for index in range(run.days):
        rows = []
        for one in everyone:
            plan = other.get((one.account, index), one.plan)
            if plan and drawing.serves(one, world, index):
                rows.append(
                    [one.subscription, one.account, plan, one.identifier_type, one.identifier]
                )
        world.side[f"subscriptions/{run.day(index)}.csv"] = sorted(rows)


def resale(world: World) -> None:
    """Bill what the provider counted of each customer's resources; some of it was never told us."""
    hours: dict[tuple[int, str, str], int] = defaultdict(int)
    run = world.parameters.run
    for usage in world.usages:
        if usage.service == "cloud" and usage.fate not in COPIES:
            index = (local_date(usage.start_us) - run.first).days
            hours[index, usage.subscriber.identifier, usage.kind] += usage.quantity
    tenants = [
        one
        for one in world.people.by_kind.get("tenant", [])
        if not one.active_from and not one.active_to
    ]
    for grade, chance in planned(world, "resale_mismatch"):
        if not tenants:
            break
        one = chance.choice(tenants)
        held = sorted({sku for _, customer, sku in hours if customer == one.identifier})
        new = [sku for sku in SKUS if sku not in held]
        sku = (
            chance.choice(new) if grade[0] == "easy" and new else chance.choice(held or list(SKUS))
        )
        made = world.inject("resale_mismatch", f"{one.identifier}/{sku}", "platform", grade)
        days = range(run.days)
        for index in sorted(chance.sample(days, min(len(days), sized(grade, 10, 4, 2)))):
            more = sized(grade, 12, 5, 1)
            hours[index, one.identifier, sku] += more
            made.touch(run.midnight_us(index), world.flat[one.plan].pieces("cloud", sku, more))
    world.side["provider_bill.csv"] = [
        [run.day(index).isoformat(), customer, sku, str(count)]
        for (index, customer, sku), count in sorted(hours.items())
    ]
