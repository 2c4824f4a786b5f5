"""True usage, drawn day by day: the price and its increments first, then what is used."""

import math
import random

from benchmarks.simulator import clock
from benchmarks.simulator.clock import MINUTE, SECOND
from benchmarks.simulator.flat import SKUS
from benchmarks.simulator.money import call_charge
from benchmarks.simulator.people import Subscriber, called
from benchmarks.simulator.records import Usage
from benchmarks.simulator.streams import stream
from benchmarks.simulator.world import World

VOICE = {"switch": ("consumer", "call_centre"), "pbx": ("business",), "mobile": ("mvno",)}
LONG_CALL_US = 30 * MINUTE
"""A call of the switch that lasts so long is written in parts."""
INTERIM_US = 15 * MINUTE
LONGEST_US = 4 * clock.HOUR
LONGEST_SESSION_US = 6 * clock.HOUR


def draw(world: World) -> None:
    """Draw all usage of the run, feed by feed."""
    for feed, kinds in VOICE.items():
        for kind in kinds:
            _calls(world, feed, kind)
    _sessions(world)
    _messages(world)
    _readings(world)
    _tenants(world)


def duration_s(chance: random.Random, kind: str) -> float:
    """Draw about how long a call lasts: log-logistic, cut off; those of call centres are short."""
    median, shape = (24.0, 2.6) if kind == "call_centre" else (75.0, 1.45)
    share = chance.randrange(1, 1_000_000) / 1_000_000
    return min(median * math.pow(share / (1 - share), 1 / shape), LONGEST_US / SECOND)


def call(
    world: World, chance: random.Random, feed: str, who: Subscriber, at_us: int, number: str
) -> Usage:
    """Make a call: its terms are known before its length, and its length ends within an increment."""
    day = clock.local_date(at_us)
    terms = world.book.of(who.plan, number, day).terms
    wish_s = max(1, math.ceil(duration_s(chance, who.kind)))
    over = max(0, -(-(wish_s - terms.first_s) // terms.next_s))
    counted = terms.first_s + over * terms.next_s
    step = terms.next_s if over else terms.first_s
    if feed == "mobile":
        duration_us = counted * SECOND - chance.randrange(step * 1000) * 1000
    else:
        duration_us = (counted - chance.randrange(step)) * SECOND
    made = Usage(
        feed, "voice", who, at_us, duration_us, number=number,
        node=node_of(world, chance, feed, who), duration_us=duration_us, served=who.identifier,
        trunk="" if feed == "mobile" else world.carrier_of(number, day),
    )  # fmt: skip
    if feed == "switch" and duration_us >= LONG_CALL_US:
        made.parts = min(6, 1 + duration_us // LONG_CALL_US)
    made.charge = call_charge(duration_us, terms, world.book.roundings[who.plan])
    if made.trunk:
        made.cost = world.costs.charge(made.trunk, number, day, duration_us)
    world.usages.append(made)
    return made


def node_of(world: World, chance: random.Random, feed: str, who: Subscriber) -> int:
    """Choose the element: mostly the one at home, sometimes another."""
    nodes = world.parameters.feeds[feed].nodes
    return who.number % nodes if feed == "pbx" or chance.randrange(10) else chance.randrange(nodes)


def _calls(world: World, feed: str, kind: str) -> None:
    people, run = world.people, world.parameters.run
    if kind not in people.by_kind:
        return
    dense = 25 if kind == "call_centre" else 1
    mean = world.parameters.feeds[feed].rate * len(people.by_kind[kind]) * dense
    for index in range(run.days):
        chance = stream(world.seed, "calls", feed, kind, index)
        for _ in range(clock.share_of_day(chance, run, index, mean)):
            at_us = clock.moment_us(chance, run, index, clock.VOICE_HOURS)
            at_us += chance.randrange(1000) * 1000 if feed == "mobile" else 0
            who = people.one(chance, kind, run.day(index))
            if who is not None:
                call(world, chance, feed, who, at_us, called(chance, who))


def _sessions(world: World) -> None:
    people, run = world.people, world.parameters.run
    if "consumer" not in people.by_kind:
        return
    mean = world.parameters.feeds["access"].rate * len(people.by_kind["consumer"])
    for index in range(run.days):
        chance = stream(world.seed, "sessions", index)
        for _ in range(clock.share_of_day(chance, run, index, mean)):
            who = people.one(chance, "consumer", run.day(index))
            at_us = clock.moment_us(chance, run, index, clock.DATA_HOURS)
            if who is not None and not _leaves_soon(who, at_us):
                session(world, chance, who, at_us)


def _leaves_soon(who: Subscriber, at_us: int) -> bool:
    """Whether a session could outlast the subscription: who leaves has ended all by then."""
    left = who.active_to
    return left is not None and at_us + LONGEST_SESSION_US >= clock.instant_us(left)


def session(
    world: World, chance: random.Random, who: Subscriber, at_us: int, least: int = 0
) -> Usage:
    """Make a data session of at least so many octets: a start, a report each quarter, a stop."""
    lasts_us = min(max(20, round(math.exp(chance.gauss(6.6, 1.3)))) * SECOND, LONGEST_SESSION_US)
    if least:
        lasts_us = max(lasts_us, chance.randrange(3, 6) * clock.HOUR)
    total = max(least, round(math.exp(min(chance.gauss(15.2, 1.9), 21.0))))
    steps = [(at_us, 0, 0)]
    ends = [at_us + INTERIM_US * n for n in range(1, lasts_us // INTERIM_US + 1)]
    ends = [end for end in ends if end < at_us + lasts_us] + [at_us + lasts_us]
    up = down = 0
    for place, end_us in enumerate(ends):
        share = (total - up - down) // (len(ends) - place)
        more = share if place == len(ends) - 1 else share * chance.randrange(70, 131) // 100
        sent = more * chance.randrange(5, 16) // 100
        up, down = up + sent, down + more - sent
        steps.append((end_us, up, down))
    nodes = world.parameters.feeds["access"].nodes
    node = who.number % nodes
    made = Usage(
        "access", "data", who, at_us, up + down, duration_us=lasts_us, steps=steps, node=node,
        served=who.user_name, kind="no_gigawords" if nodes > 1 and node == nodes - 1 else "",
    )  # fmt: skip
    made.charge = world.flat[who.plan].data(made.quantity)
    world.usages.append(made)
    return made


def piece(
    world: World,
    who: Subscriber,
    service: str,
    at_us: int,
    quantity: int,
    kind: str,
    number: str = "",
) -> Usage:
    """Make usage of the platform."""
    served = who.msisdn if service == "sms" else who.identifier
    made = Usage("platform", service, who, at_us, quantity, kind=kind, served=served, number=number)
    made.charge = world.flat[who.plan].of(service, kind, quantity)
    world.usages.append(made)
    return made


def _messages(world: World) -> None:
    people, run = world.people, world.parameters.run
    for kind in ("consumer", "mvno"):
        if kind not in people.by_kind:
            continue
        mean = world.parameters.feeds["platform"].rate * len(people.by_kind[kind])
        for index in range(run.days):
            chance = stream(world.seed, "messages", kind, index)
            for _ in range(clock.share_of_day(chance, run, index, mean)):
                who = people.one(chance, kind, run.day(index))
                at_us = clock.moment_us(chance, run, index, clock.MESSAGE_HOURS)
                at_us += chance.randrange(1000) * 1000
                if who is not None:
                    piece(world, who, "sms", at_us, 1, "sms.sent", called(chance, who))


def _readings(world: World) -> None:
    """Let every thing report some times a day, each at a minute of its own."""
    run = world.parameters.run
    for who in world.people.by_kind.get("things", []):
        chance = stream(world.seed, "readings", who.number)
        every, minute = chance.choice((2, 4, 6)), chance.randrange(60)
        for index in range(run.days):
            if not serves(who, world, index):
                continue
            for hour in range(0, 24, every):
                at_us = run.midnight_us(index) + hour * clock.HOUR + minute * MINUTE
                at_us += chance.randrange(40_000) * 1000
                kilobytes = chance.randrange(1, 24)
                octets = kilobytes * 1000 - chance.randrange(1000)
                piece(world, who, "iot", at_us, octets, "iot.reading")


def _tenants(world: World) -> None:
    """Let every tenant call the API, and hold some resources for whole hours each day."""
    run = world.parameters.run
    for who in world.people.by_kind.get("tenant", []):
        chance = stream(world.seed, "tenant", who.number)
        held = chance.sample(SKUS, chance.randrange(1, 4))
        calls = chance.randrange(2000, 40_000)
        for index in range(run.days):
            if not serves(who, world, index):
                continue
            for _ in range(clock.share_of_day(chance, run, index, calls)):
                at_us = clock.moment_us(chance, run, index, clock.FLAT_HOURS)
                piece(world, who, "api", at_us + chance.randrange(1000) * 1000, 1, "api.call")
            for sku in held:
                at_us = run.midnight_us(index) + 23 * clock.HOUR + chance.randrange(3500) * SECOND
                piece(world, who, "cloud", at_us, chance.randrange(1, 25), sku)


def serves(who: Subscriber, world: World, index: int) -> bool:
    """Whether a subscriber has service on a day of the run."""
    day = world.parameters.run.day(index)
    begun = who.active_from is None or who.active_from <= day
    return begun and not (who.active_to is not None and day >= who.active_to)
