"""What looks like a fault and is none: it happens, and everything about it is right."""

from benchmarks.simulator import clock, drawing
from benchmarks.simulator.clock import HOUR, MINUTE, SECOND, ZONE, local, utc
from benchmarks.simulator.people import called, number_to
from benchmarks.simulator.records import Injection
from benchmarks.simulator.streams import stream
from benchmarks.simulator.world import World


def happen(world: World) -> None:
    """Add usage, and move some, before any of it is written."""
    if world.parameters.hard_negatives:
        _redials(world)
        _feast(world)
        _night_twice(world)
        _outage(world)
        _told(world)


def _redials(world: World) -> None:
    """Let people call again at once after a call that broke off: as alike as two true calls are."""
    consumers = world.people.by_kind.get("consumer", [])
    run = world.parameters.run
    wanted = max(3, run.days * world.parameters.subscribers // 1000) if consumers else 0
    for place in range(wanted):
        chance = stream(world.seed, "redial", place)
        index = chance.randrange(run.days)
        who = chance.choice(consumers)
        if not drawing.serves(who, world, index):
            continue
        at_us = clock.moment_us(chance, run, index, clock.VOICE_HOURS)
        number = called(chance, who)
        first = drawing.call(world, chance, "switch", who, at_us, number)
        pause_us = chance.randrange(2, 9) * SECOND
        again = drawing.call(world, chance, "switch", who, first.end_us + pause_us, number)
        told = world.hard_negative("redial", who.msisdn, "switch", number)
        told.touch(first.start_us, first.charge)
        told.touch(again.start_us, again.charge)


def _feast(world: World) -> None:
    """Let everybody greet everybody in the two hours after a midnight."""
    run, index = world.parameters.run, world.parameters.spike_day
    if not 0 <= index < run.days:
        return
    told = world.hard_negative("feast", run.day(index).isoformat(), "", "greetings after midnight")
    for kind, feed in (("consumer", "switch"), ("mvno", "mobile")):
        for who in world.people.by_kind.get(kind, []):
            chance = stream(world.seed, "feast", who.number)
            if not drawing.serves(who, world, index):
                continue
            for _ in range(chance.randrange(1, 6)):
                at_us = (
                    run.midnight_us(index)
                    + min(chance.randrange(120), chance.randrange(120)) * MINUTE
                )
                at_us += chance.randrange(60) * SECOND
                if chance.randrange(4):
                    made = drawing.piece(
                        world, who, "sms", at_us, 1, "sms.sent", called(chance, who)
                    )
                else:
                    made = drawing.call(world, chance, feed, who, at_us, called(chance, who))
                told.touch(at_us, made.charge)


def _night_twice(world: World) -> None:
    """Let companies call in the hour that the clock shows twice, in both of them at one wall time."""
    run = world.parameters.run
    for index in range(run.days):
        if run.midnight_us(index + 1) - run.midnight_us(index) != 25 * HOUR:
            continue
        told = world.hard_negative("night_twice", run.day(index).isoformat(), "pbx", str(ZONE))
        for who in world.people.by_kind.get("business", []):
            chance = stream(world.seed, "night", who.number)
            at_us = run.midnight_us(index) + 2 * HOUR + chance.randrange(3000) * SECOND
            if not drawing.serves(who, world, index):
                continue
            number = number_to(chance, "474")
            for begin_us in (at_us, at_us + HOUR):
                made = drawing.call(world, chance, "pbx", who, begin_us, number)
                told.touch(begin_us, made.charge)


def _outage(world: World) -> None:
    """Let the other elements take over from one for some hours: none of the usage is lost."""
    run, nodes = world.parameters.run, world.parameters.feeds["switch"].nodes
    if nodes < 2:
        return
    chance = stream(world.seed, "outage")
    node = chance.randrange(nodes)
    since = run.midnight_us(chance.randrange(run.days)) + 9 * HOUR
    until = since + chance.randrange(4, 9) * HOUR
    told = world.hard_negative("outage", f"switch/{node + 1}", "switch", "taken over by the others")
    for usage in world.usages:
        if usage.feed == "switch" and usage.node == node and since <= usage.start_us < until:
            usage.node = (node + 1 + chance.randrange(nodes - 1)) % nodes
            told.touch(usage.start_us, usage.charge)


def _told(world: World) -> None:
    """Tell of what is in every run: call centres, the day of new prices, long data sessions."""
    parameters, made = world.parameters, dict[str, Injection]()
    for usage in world.usages:
        kind = usage.subscriber.kind
        if kind == "call_centre":
            name = usage.subscriber.msisdn
            told = made.get(name) or world.hard_negative(
                "call_centre", name, "switch", "short dense calls"
            )
            made[name] = told
            told.touch(usage.start_us, usage.charge)
    if 0 < parameters.change_day < parameters.run.days:
        day = parameters.run.day(parameters.change_day)
        told = world.hard_negative("tariff_change_day", day.isoformat(), "", "all rates move")
        for usage in world.usages:
            if usage.service == "voice" and local(usage.start_us).date() == day:
                told.touch(usage.start_us, usage.charge)


def catch_up(world: World) -> None:
    """Let files of some hours arrive all at once, each within its grace."""
    if not world.parameters.hard_negatives:
        return
    chance = stream(world.seed, "catch up")
    for feed in ("mobile", "platform"):
        grace_us = world.parameters.feeds[feed].grace_s * SECOND
        able = [one for one in world.batches if one.feed == feed and not one.fault]
        if len(able) < 3:
            continue
        first = chance.choice(able[:-2])
        told = world.hard_negative(
            "catch_up", f"{feed}/{first.node + 1}", feed, str(utc(first.closes_us))
        )
        for batch in able:
            if batch.node == first.node and batch.closes_us == first.closes_us:
                batch.delivered_us = max(batch.delivered_us, batch.closes_us + grace_us * 9 // 10)
                for entry in batch.entries:
                    told.touch(batch.closes_us, entry.usage.charge)
