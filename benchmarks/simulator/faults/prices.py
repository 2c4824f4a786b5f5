"""Faults of prices: the catalogue says other than the price book of record."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial

from benchmarks.simulator.book import Book, Row
from benchmarks.simulator.clock import local_date
from benchmarks.simulator.faults.choosing import Grade, planned, sized, window
from benchmarks.simulator.money import Rounding, Terms
from benchmarks.simulator.people import PREFIXES
from benchmarks.simulator.places import ON_NET, longest
from benchmarks.simulator.records import Injection
from benchmarks.simulator.world import World, mark

Pair = tuple[str, str]
Held = dict[Pair, list[tuple[Injection, date, date]]]


def spoil(world: World) -> None:
    """Change the catalogue's prices, and find out whose charges that changes."""
    world.catalogue = world.book.copied()
    held: Held = {}
    _rounding(world)
    _versions(world, held)
    _increments(world, held)
    _zero_rated(world, held)
    _deleted(world, held)
    world.catalogue.index()
    charge_by_catalogue(world, held)


def busy(world: World, since: date, until: date) -> list[Pair]:
    """Name plans and prefixes that calls go to within some days, the busiest first."""
    counts: Counter[Pair] = Counter()
    for usage in world.usages:
        if usage.service == "voice" and since <= local_date(usage.start_us) < until:
            counts[usage.subscriber.plan, longest(usage.number, PREFIXES)] += 1
    spoiled = {
        plan
        for plan, rounding in world.catalogue.roundings.items()
        if rounding != world.book.roundings[plan]
    }
    return [
        pair for pair, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if count >= 3 and pair not in world.taken and pair[0] not in spoiled and pair[1] != ON_NET
    ]  # fmt: skip


def _chosen(chance: random.Random, pairs: list[Pair], grade: Grade) -> list[Pair]:
    """Choose what is spoiled: several busy destinations of a plan, or a single quiet one."""
    if not pairs:
        return []
    if grade[0] == "easy":
        plan = pairs[chance.randrange(min(3, len(pairs)))][0]
        return [pair for pair in pairs if pair[0] == plan][:2]
    if grade[1]:
        return [pairs[chance.randrange(len(pairs) // 3, len(pairs))]]
    return [pairs[chance.randrange(max(1, len(pairs) // 3))]]


def alter(
    book: Book, pair: Pair, since: date, until: date, change: Callable[[Terms], Terms | None]
) -> None:
    """Give other terms for some days, or none at all; the rest of the rows stays."""
    kept: list[Row] = []
    for row in book.rows:
        if (row.owner, row.prefix) != pair:
            kept.append(row)
            continue
        begin, end = row.valid_from or date.min, row.valid_to or date.max
        first, last = max(begin, since), min(end, until)
        if first >= last:
            kept.append(row)
            continue
        if begin < first:
            kept.append(replace(row, valid_to=first))
        terms = change(row.terms)
        if terms is not None:
            kept.append(replace(row, terms=terms, valid_from=_open(first), valid_to=_open(last)))
        if last < end:
            kept.append(replace(row, valid_from=last))
    book.rows = kept


def _open(day: date) -> date | None:
    return None if day in {date.min, date.max} else day


def _hold(
    world: World, held: Held, injection: Injection, pairs: list[Pair], since: date, until: date
) -> None:
    for pair in pairs:
        world.taken.add(pair)
        held.setdefault(pair, []).append((injection, since, until))


def _named(pairs: list[Pair]) -> str:
    return ",".join(f"{plan}_voice/{prefix}" for plan, prefix in pairs)


def _versions(world: World, held: Held) -> None:
    """Let new prices begin some days late in the catalogue."""
    run, change = world.parameters.run, world.parameters.change_day
    if not 0 < change < run.days:
        return
    for grade, chance in planned(world, "wrong_tariff_version"):
        days = min(sized(grade, 5, 3, 1), run.days - change)
        since, until = run.day(change), run.day(change + days)
        pairs = _chosen(chance, busy(world, since, until), grade)
        made = world.inject(
            "wrong_tariff_version",
            _named(pairs),
            "",
            grade,
            f"new prices begin on {until}, not on {since}",
        )
        for pair in pairs:
            old = world.book.of(pair[0], pair[1], run.day(change - 1)).terms
            alter(world.catalogue, pair, since, until, partial(_instead, old))
        _hold(world, held, made, pairs, since, until)


def _instead(old: Terms, _: Terms) -> Terms:
    return old


def _days(chance: random.Random, world: World, grade: Grade) -> tuple[date, date]:
    """Draw when: all the time where it is easy, some days otherwise."""
    run = world.parameters.run
    if grade[0] == "easy":
        return run.day(0), run.day(run.days)
    return window(chance, run, max(2, run.days // sized(grade, 1, 3, 8)))


def _increments(world: World, held: Held) -> None:
    for grade, chance in planned(world, "wrong_increment"):
        since, until = _days(chance, world, grade)
        pairs = _chosen(chance, busy(world, since, until), grade)
        made = world.inject("wrong_increment", _named(pairs), "", grade)

        def change(terms: Terms) -> Terms:
            coarse = terms.next_s >= 30
            return (
                replace(terms, first_s=1, next_s=1)
                if coarse
                else replace(terms, first_s=60, next_s=60)
            )

        for pair in pairs:
            alter(world.catalogue, pair, since, until, change)
        _hold(world, held, made, pairs, since, until)


def _zero_rated(world: World, held: Held) -> None:
    for grade, chance in planned(world, "zero_rated"):
        since, until = _days(chance, world, grade)
        pairs = _chosen(chance, busy(world, since, until), grade)
        made = world.inject("zero_rated", _named(pairs), "", grade)
        for pair in pairs:
            alter(world.catalogue, pair, since, until, lambda terms: replace(terms, rate=0, fee=0))
        _hold(world, held, made, pairs, since, until)


def _deleted(world: World, held: Held) -> None:
    """Take away a longer prefix from some day on, so that a shorter one decides."""
    run = world.parameters.run
    for grade, chance in planned(world, "deleted_prefix"):
        gone = min(sized(grade, run.days, max(2, run.days // 2), max(2, run.days // 6)), run.days)
        since, until = run.day(run.days - gone), run.day(run.days)
        pairs = [pair for pair in busy(world, since, until) if longest(pair[1][:-1], PREFIXES)]
        pairs = _chosen(chance, pairs, grade)[:1]
        made = world.inject("deleted_prefix", _named(pairs), "", grade, f"from {since} on")
        for pair in pairs:
            begin = date.min if gone == run.days else since
            alter(world.catalogue, pair, begin, date.max, lambda _: None)
        _hold(world, held, made, pairs, since, date.max)


def _rounding(world: World) -> None:
    """Round every call of a plan where only its bill should be rounded: to two decimals or three."""
    plans = sorted(world.book.roundings, reverse=True)
    for (grade, _), plan in zip(planned(world, "wrong_rounding"), plans[:-1], strict=False):
        scale = sized(grade, 2, 2, 3)
        world.catalogue.roundings[plan] = Rounding(world.book.roundings[plan].mode, scale)
        world.inject(
            "wrong_rounding", f"{plan}_voice", "", grade, f"calls are rounded to {scale} decimals"
        )


def charge_by_catalogue(world: World, held: Held) -> None:
    """Charge every call as the catalogue says; what differs belongs to the fault that holds it."""
    by_plan = {one.entity: one for one in world.injections if one.family == "wrong_rounding"}
    for usage in world.usages:
        if usage.service != "voice":
            continue
        day, plan = local_date(usage.start_us), usage.subscriber.plan
        usage.charged = world.by_catalogue(usage)
        if usage.charged == usage.charge or not usage.free:
            continue
        fault = by_plan.get(f"{plan}_voice")
        for injection, since, until in held.get((plan, longest(usage.number, PREFIXES)), ()):
            if since <= day < until:
                fault = injection
        if fault is not None:
            mark(usage, fault, abs(usage.charge - usage.charged))
