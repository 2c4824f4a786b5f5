"""Prices over a period: an event costs what it adds to the price of everything counted so far."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from tallywire.calendar import period_of
from tallywire.catalog.terms import Tier, Tiers
from tallywire.money import NANO, round_ratio
from tallywire.rating.rulebook.book import RETAIL
from tallywire.rating.rulebook.conditions import attribute
from tallywire.rating.rulebook.tally import CounterKey, Point, Tally, counter_key, holder

_NOTHING = Fraction(0)
_SECOND_US = 1_000_000


class Climb(NamedTuple):
    """What an event adds.

    Attributes:
        before: Units counted before it.
        after: Units counted after it.
        amount: Exact price that it adds; negative where earlier usage became cheaper.
        repriced: Part of `amount` that changes what earlier usage cost; all of it where less is
            counted after the event than before.
        period: Name of the period.
    """

    tiers: Tiers
    period: str
    before: int
    after: int
    amount: Fraction
    repriced: Fraction


def blocks(units: int, block: int) -> int:
    """Round units up to whole blocks.

    >>> blocks(1, 100), blocks(100, 100), blocks(101, 100)
    (100, 100, 200)
    """
    return -(-units // block) * block


def reached(steps: Sequence[Tier], counted: int) -> Tier:
    """Give the tier that a count lies in: the upper end of a tier belongs to it."""
    found = steps[0]
    for step in steps:
        if counted > step.start:
            found = step
    return found


def price_of(steps: Sequence[Tier], mode: str, counted: int) -> Fraction:
    """Give the price of everything counted in a period; nothing counted, or less, costs nothing.

    >>> steps = (Tier(0, Fraction(2), Fraction(1, 10)), Tier(10, Fraction(3), Fraction(1, 20)))
    >>> [str(price_of(steps, "graduated", counted)) for counted in (0, 10, 12)]
    ['0', '3', '61/10']
    >>> [str(price_of(steps, "volume", counted)) for counted in (0, 10, 12)]
    ['0', '3', '18/5']
    """
    if counted <= 0:
        return _NOTHING
    if mode == "volume":
        step = reached(steps, counted)
        return step.flat + blocks(counted, step.block) * step.rate
    total = _NOTHING
    for number, step in enumerate(steps):
        if counted <= step.start:
            break
        end = steps[number + 1].start if number + 1 < len(steps) else counted
        total += step.flat + blocks(min(counted, end) - step.start, step.block) * step.rate
    return total


def between(steps: Sequence[Tier], before: int, after: int) -> Fraction:
    """Give what graduated tiers price from one count to another: only tiers in between cost.

    >>> steps = (Tier(0, Fraction(2), Fraction(1, 10)), Tier(10, Fraction(3), Fraction(1, 20)))
    >>> [str(between(steps, *counts)) for counts in ((0, 12), (10, 12), (12, 10), (11, 12))]
    ['61/10', '31/10', '-31/10', '1/20']
    """
    total = _NOTHING
    for number, step in enumerate(steps):
        end = steps[number + 1].start if number + 1 < len(steps) else max(before, after)
        first, last = (min(max(count, step.start), end) - step.start for count in (before, after))
        units = blocks(last, step.block) - blocks(first, step.block)
        if units:
            total += units * step.rate
        entered = (after > step.start) - (before > step.start)
        if entered and step.flat:
            total += entered * step.flat
    return total


class _Count(NamedTuple):
    """One event, about to be counted.

    Attributes:
        units: Charged units that no allowance pays for.
        carried: Amount that the usage carries, in the tariff's currency.
        key: Counter of the period.
    """

    event: Mapping[str, Any]
    tiers: Tiers
    units: int
    carried: Fraction
    key: CounterKey
    tally: Tally


def climb(
    event: Mapping[str, Any], tiers: Tiers, units: int, time_zone: str, tally: Tally,
    run: str = RETAIL, carried: Fraction = _NOTHING,
) -> Climb:  # fmt: skip
    """Count an event and price what it adds.

    Args:
        event: Fields of UsageEvent.
        tiers: Price over a period.
        units: Charged units that no allowance pays for.
        time_zone: IANA zone of the period.
        tally: Counters; what is counted is written to it.
        run: Leg that is priced: each has counters of its own.
        carried: Amount that the usage carries, in the tariff's currency, where that is counted.
    """
    period = period_of(event["start_time"], time_zone, tiers.period)
    if tiers.provisional:
        return _provisional(tiers, units, carried, period)
    kind = "tiers" if run == RETAIL else f"tiers:{run}"
    key = counter_key(kind, tiers.scope, holder(event, tiers.scope), tiers.counter, period)
    before, after = _MEASURES[tiers.measure](_Count(event, tiers, units, carried, key, tally))
    steps, mode = tiers.steps, tiers.mode
    if mode == "graduated":
        amount = between(steps, before, after)
    else:
        amount = price_of(steps, mode, after) - price_of(steps, mode, before)
    repriced = amount if after < before else _NOTHING
    if mode == "volume" and 0 < before <= after:
        there = reached(steps, after)
        repriced = there.flat + blocks(before, there.block) * there.rate
        repriced -= price_of(steps, mode, before)
    return Climb(tiers, period, before, after, amount, repriced)


def _provisional(tiers: Tiers, units: int, carried: Fraction, period: str) -> Climb:
    """Price an event at the rate of the first tier: lanes do not know what a partner carried.

    Neither flat nor block is charged, so charges add up in whatever order and lane they are made.
    """
    added = _MORE[tiers.measure](units, carried)
    return Climb(tiers, period, 0, added, added * tiers.steps[0].rate, _NOTHING)


def _added(one: _Count, more: int) -> tuple[int, int]:
    before = one.tally.used(one.key)
    one.tally.write(one.key, before + more)
    return before, before + more


def _sum(one: _Count) -> tuple[int, int]:
    return _added(one, _MORE["sum"](one.units, one.carried))


def _count(one: _Count) -> tuple[int, int]:
    return _added(one, _MORE["count"](one.units, one.carried))


def _amount(one: _Count) -> tuple[int, int]:
    """Count money in 10^-9, an exchanged amount rounded half up to it."""
    return _added(one, _MORE["amount"](one.units, one.carried))


def _max(one: _Count) -> tuple[int, int]:
    before = one.tally.used(one.key)
    return _added(one, max(0, one.units - before))


def _latest(one: _Count) -> tuple[int, int]:
    """Count the units of the event that began last; of two at one instant the later in order."""
    at = (*one.key, "at")
    before, last = one.tally.used(one.key), one.tally.used(at)
    if one.event["start_time"] < last:
        return before, before
    one.tally.write(at, one.event["start_time"])
    return _added(one, one.units - before)


def _unique(one: _Count) -> tuple[int, int]:
    """Count distinct values: each has a counter that tells it was there."""
    seen = (*one.key, "value", attribute(one.event, one.tiers.of))
    if one.tally.used(seen):
        return _added(one, 0)
    one.tally.write(seen, 1)
    return _added(one, 1)


def _time_weighted(one: _Count) -> tuple[int, int]:
    """Count units times whole seconds: each event sets a level, which lasts until the next one."""
    return _measured(one, (one.event["start_time"], one.units), area)


def _percentile(one: _Count) -> tuple[int, int]:
    """Count nothing but the value at the percentile of all."""
    return _measured(one, (one.units, 0), lambda points: nearest_rank(points, one.tiers.percentile))


def _measured(
    one: _Count, point: tuple[int, int], measure: Callable[[Sequence[Point]], int]
) -> tuple[int, int]:
    """Add a point to a series; what it comes to now follows what was priced of it so far.

    The counter tells that: what changes a series otherwise, a level that went on from the period
    before, is priced with the next event.
    """
    before = one.tally.used(one.key)
    at, level = point
    one.tally.add(one.key, (at, len(one.tally.series(one.key)), level))
    after = one.tally.measured(one.key, lambda: measure(one.tally.series(one.key)))
    one.tally.write(one.key, after)
    return before, after


def area(points: Sequence[Point]) -> int:
    """Add up levels times the whole seconds they lasted, from the first point to the last."""
    seconds = [(moment // _SECOND_US, level) for moment, _, level in points]
    return sum((end - start) * level for (start, level), (end, _) in pairwise(seconds))


def nearest_rank(points: Sequence[Point], percentile: int) -> int:
    """Give the percentile of values, by nearest rank: the value at place ceil(n * p / 100).

    >>> nearest_rank([(value, 0, 0) for value in range(1, 101)], 95)
    95
    """
    return points[-(-len(points) * percentile // 100) - 1][0] if points else 0


def _nano(carried: Fraction) -> int:
    numerator, denominator = carried.as_integer_ratio()
    return round_ratio(numerator * NANO, denominator, "half_up")


_MORE: Mapping[str, Callable[[int, Fraction], int]] = {
    "sum": lambda units, _carried: units,
    "count": lambda _units, _carried: 1,
    "amount": lambda _units, carried: _nano(carried),
}
"""What an event adds, whatever was counted before it."""

_MEASURES = {
    "sum": _sum,
    "count": _count,
    "amount": _amount,
    "max": _max,
    "latest": _latest,
    "unique": _unique,
    "time_weighted": _time_weighted,
    "percentile": _percentile,
}
