"""Chosen terms: conditions, tiers, allowances, discounts, spend limits, balances and grants."""

from collections.abc import Sequence
from fractions import Fraction
from random import Random
from typing import Any

from tallywire.catalog.terms import (
    ADDED_UP,
    COUNTED,
    FOREVER_US,
    MEASURES,
    PARTNER,
    PERIODS,
    SCOPES,
    Allowance,
    Balance,
    Condition,
    Discount,
    DiscountStep,
    Grant,
    Rollover,
    Spend,
    Tier,
    Tiers,
)
from tests.moments import EDGES, SECOND

NANO = 10**9
UNITS = {"voice": "microsecond", "sms": "count", "data": "octet"}
ZONE_IDS = ("z", "z4", "z47", "z1", "z12", "z0", "z00")
GRANTS = ("top1", "top2")

CONDITIONS = (
    Condition("apn", frozenset({"internet"})),
    Condition("rat", frozenset({"5g", "4g"})),
    Condition("attributes.region", frozenset({"north"})),
    Condition("attributes.class", frozenset({"", "gold"})),
    Condition("origin_zone", frozenset({"near", ""})),
    Condition("trunk_out", frozenset({"t1"})),
)
"""Columns, attributes (also of usage without any) and the calling number's zone."""


def pick(chance: Random, *values: Any) -> Any:
    """One of the values."""
    return chance.choice(values)


def some(chance: Random, values: Sequence[Any], least: int, most: int) -> list[Any]:
    """Some of the values, each once, in any order."""
    return chance.sample(values, chance.randint(least, most))


def conditions(chance: Random) -> tuple[Condition, ...]:
    """One or two conditions."""
    return tuple(some(chance, CONDITIONS, 1, 2))


def size_of(service: str) -> int:
    """A unit that usage of a service is counted in: a second, an octet, a message."""
    return SECOND if service == "voice" else 1


def _span(chance: Random) -> tuple[int, int]:
    if pick(chance, True, True, False):
        return 0, FOREVER_US
    first, last = sorted(some(chance, EDGES, 2, 2))
    return first, last


def tiers(chance: Random, service: str, *, plain: bool, partner: bool = False) -> Tiers:
    """Tiers of a price; `plain` ones may be priced in columns, those of a `partner` be provisional."""
    provisional = partner and pick(chance, True, False)
    measures = ADDED_UP if provisional else MEASURES
    measure = pick(chance, *(COUNTED if plain else measures))
    size = {"amount": NANO // 10}.get(measure, size_of(service))
    size = 1 if measure in {"count", "unique"} else size
    starts = [0, *sorted(some(chance, [1, 2, 5, 50, 120, 1_000], 0, 3))]
    steps = tuple(
        Tier(
            start * size,
            Fraction(pick(chance, 0, 0, 2, 30), 10),
            Fraction(pick(chance, 0, 1, 5, 123), 1_000 * size),
            pick(chance, 1, 1, 7, 60) * (1 if measure in {"count", "unique"} else size),
        )
        for start in starts
    )
    mode = "graduated" if plain and not provisional else pick(chance, "graduated", "volume")
    if provisional:
        return Tiers(pick(chance, "a", "b"), mode, steps, measure, PARTNER)
    return Tiers(
        pick(chance, "a", "b"), mode, steps, measure, pick(chance, *SCOPES), pick(chance, *PERIODS),
        pick(chance, "b_number", "attributes.region") if measure == "unique" else "",
        pick(chance, 50, 95, 99) if measure == "percentile" else 0,
    )  # fmt: skip


def allowances(chance: Random, *, plain: bool) -> tuple[Allowance, ...]:
    """Allowances of an offer, for services that it may or may not have; ids come again in others.

    Plain ones are drawn in columns, unless two offers draw them in contrary orders.
    """
    made = []
    names = some(chance, ("v0", "v1", "v2", "d0", "d1", "s0"), 0, 4)
    period = pick(chance, *PERIODS)
    alike = pick(chance, True, False)
    for number, name in enumerate(names):
        service = {"v": "voice", "d": "data", "s": "sms"}[name[0]]
        first, last = (0, FOREVER_US) if alike and plain else _span(chance)
        extra = {} if plain else _particulars(chance)
        once_more = pick(chance, True, False) and not plain
        made.append(
            Allowance(
                name, frozenset({service}),
                pick(chance, frozenset(), frozenset(), frozenset({"z47"}), frozenset({"z4", "z"})),
                UNITS[service],
                pick(chance, 0, 1, 30, 95, 600) * size_of(service),
                period=pick(chance, *PERIODS) if once_more else period,
                scope=pick(chance, *SCOPES) if pick(chance, True, False) else "subscription",
                priority=number // 2 if alike else pick(chance, number, -number, 9 - number),
                valid_from_us=first, valid_to_us=last, **extra,
            )
        )  # fmt: skip
    return tuple(made)


def _particulars(chance: Random) -> dict[str, Any]:
    """What allowances have that are drawn one by one."""
    kind = pick(chance, "", "bands", "when", "rollover", "topped_up", "overage", "several")
    found: dict[str, Any] = {
        "bands": frozenset({pick(chance, "off", "peak")}),
        "when": conditions(chance),
        "rollover": Rollover(pick(chance, 1, 2), pick(chance, 0, 10, 10**9)),
        "topped_up": True,
        "overage": Fraction(pick(chance, 0, 1, 7), 10**6),
    }
    if kind == "several":
        return {name: found[name] for name in ("topped_up", "overage", "rollover")}
    return {name: value for name, value in found.items() if name == kind}


def discounts(chance: Random) -> tuple[Discount, ...]:
    """Discounts of an offer."""
    return tuple(_discount(chance, f"disc{number}") for number in range(pick(chance, 0, 0, 1, 2)))


def _discount(chance: Random, name: str) -> Discount:
    measure = pick(chance, "", "usage", "spend")
    amount = pick(chance, None, None, Fraction(0), Fraction(3, 2), Fraction(1, 3))
    size = NANO // 10 if measure == "spend" else 1
    starts = [0, *sorted(some(chance, [1, 30, 300], 0, 2))]
    steps = tuple(
        DiscountStep(start * size, Fraction(pick(chance, 0, 10, 50, 100))) for start in starts
    )
    first, last = _span(chance)
    return Discount(
        name, () if amount is not None else steps if measure else steps[:1],
        "" if amount is not None else measure, amount,
        services=pick(chance, frozenset(), frozenset({"voice"}), frozenset({"data", "sms"})),
        zones=pick(chance, frozenset(), frozenset(), frozenset({"z47", "z"})),
        when=conditions(chance) if pick(chance, False, False, True) else (),
        valid_from_us=first, valid_to_us=last,
        tenure_from=pick(chance, 0, 0, 1, 3), tenure_to=pick(chance, None, None, 4, 12),
        requires=pick(chance, frozenset(), frozenset(), frozenset({"plus"})),
        scope=pick(chance, *SCOPES), period=pick(chance, *PERIODS),
        currency=pick(chance, "", "EUR", "EUR", "USD") if amount is None and measure != "spend"
        else pick(chance, "EUR", "EUR", "USD"),
    )  # fmt: skip


def spends(chance: Random) -> tuple[Spend, ...]:
    """Commitments and limits of an offer."""
    return tuple(
        Spend(
            f"spend{number}", pick(chance, "EUR", "EUR", "USD"),
            minimum=pick(chance, None, Fraction(5)),
            maximum=pick(chance, None, Fraction(0), Fraction(1, 3), Fraction(5), Fraction(7, 2)),
            committed=pick(chance, None, Fraction(1), Fraction(10, 3)),
            overage=pick(chance, Fraction(1), Fraction(3, 2), Fraction(1, 3)),
            services=pick(chance, frozenset(), frozenset({"voice", "sms"})),
            scope=pick(chance, *SCOPES), period=pick(chance, *PERIODS),
        )
        for number in range(pick(chance, 0, 0, 1, 2))
    )  # fmt: skip


def balances(chance: Random) -> tuple[Balance, ...]:
    """Prepaid balances of an offer."""
    return tuple(
        Balance(
            f"money{number}", pick(chance, "EUR", "EUR", "USD"), pick(chance, *SCOPES),
            pick(chance, frozenset(), frozenset({"voice"})), pick(chance, 0, 1),
        )
        for number in range(pick(chance, 0, 0, 1, 2))
    )  # fmt: skip


OWNERS = {
    "subscription": ("s1", "s2", "s3", "s4"),
    "account": ("a1", "a2", "a3", "a4"),
    "hierarchy": ("r1", "r2", "r3"),
}


def grants(chance: Random) -> dict[tuple[str, str, str], tuple[Grant, ...]]:
    """Top-ups of allowances and balances."""
    found = {}
    names = some(chance, ("v0", "v1", "d0", "money0", "money1"), 0, 5)
    for name in names:
        scope = pick(chance, *SCOPES)
        for owner in OWNERS[scope]:
            size = NANO // 10 if name.startswith("money") else SECOND if name[0] == "v" else 1
            made = []
            for grant in GRANTS[: pick(chance, 1, 2)]:
                first, last = _span(chance)
                made.append(Grant(grant, pick(chance, 0, 1, 40, 300) * size, first, last))
            found[scope, owner, name] = tuple(made)
    return found
