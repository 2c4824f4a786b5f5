"""Commitments and limits: what the charges of a period come to, together."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from tallywire.calendar import period_of
from tallywire.catalog.snapshot import Offer
from tallywire.catalog.terms import Spend
from tallywire.money import EXACT_MODE, NANO, rounded
from tallywire.rating.rulebook.amounts import nano_of
from tallywire.rating.rulebook.tally import CounterKey, Tally, counter_key, holder

_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Spent:
    """One commitment or limit at work.

    Attributes:
        before: The charge before it.
        added: What the overage price added.
        cut: What the maximum took off; negative where what is given back makes up for that.
        held: What was charged earlier in the period, 10^-9 of the currency.
    """

    spend: Spend
    key: CounterKey
    period: str
    before: Fraction
    added: Fraction
    cut: Fraction
    held: int


def limit(
    event: Mapping[str, Any], offer: Offer, currency: str, exact: Fraction, tally: Tally, scale: int
) -> tuple[Spent, ...]:
    """Change a charge by the commitments of its offer, in their order, then by its limits.

    Args:
        event: Fields of UsageEvent.
        offer: Has them.
        currency: Of the charge: those in another currency are left alone.
        exact: The charge so far.
        tally: Counters of spend; the rounded charge is counted later, by `count`.
        scale: Decimals that the charge will have: a limit leaves room for so many, so that no
            rounding goes over it.
    """
    found: list[Spent] = []
    for spend in offer.spends:
        if spend.currency != currency:
            continue
        if spend.services and event["service"] not in spend.services:
            continue
        one = _committed(event, spend, offer.time_zone, exact, tally)
        exact = exact + one.added if one.added else exact
        found.append(one)
    for place, one in enumerate(found):
        found[place] = _limited(one, exact, tally, scale)
        exact = exact - found[place].cut if found[place].cut else exact
    return tuple(found)


def spend_key(spend: Spend, owner: str, period: str) -> CounterKey:
    """Name the counter of what was charged in a period."""
    return counter_key("spend", spend.scope, owner, spend.spend_id, period)


def _committed(
    event: Mapping[str, Any], spend: Spend, time_zone: str, exact: Fraction, tally: Tally
) -> Spent:
    period = period_of(event["start_time"], time_zone, spend.period)
    key = spend_key(spend, holder(event, spend.scope), period)
    held = tally.used(key)
    added = _NOTHING
    if spend.committed is not None:
        beyond = _beyond(spend, spend.committed - Fraction(held, NANO), exact)
        added = beyond * (spend.overage - 1)
    return Spent(spend, key, period, exact, added, _NOTHING, held)


def _beyond(spend: Spend, left: Fraction, exact: Fraction) -> Fraction:
    """Give the part of a charge that lies beyond a commitment; what is given back, negative.

    Args:
        left: Of the commitment before the charge; negative beyond it.
    """
    if exact >= 0:
        return max(_NOTHING, exact - max(_NOTHING, left))
    charged = max(_NOTHING, -left) / spend.overage if spend.overage else _NOTHING
    return max(exact, -charged)


def _limited(one: Spent, exact: Fraction, tally: Tally, scale: int) -> Spent:
    """Take off what is beyond the maximum; what is given back makes up for that first."""
    if one.spend.maximum is None or not exact:
        return one
    held = Fraction(one.held, NANO)
    if exact < 0:
        over = Fraction(tally.used(_uncut(one)), NANO) - held
        return replace(one, cut=exact - min(_NOTHING, exact + over))
    room = rounded(max(_NOTHING, one.spend.maximum - held), mode="down", scale=scale)
    return replace(one, cut=exact - room) if exact > room else one


def _uncut(one: Spent) -> CounterKey:
    """Name the counter of what would have been charged without the maximum."""
    return ("uncut", *one.key[1:])


def count(spent: tuple[Spent, ...], amount: Fraction, tally: Tally) -> None:
    """Count a rounded charge, and where there is a maximum what it would have been without."""
    for one in spent:
        tally.write(one.key, one.held + nano_of(amount))
        if one.spend.maximum is not None:
            uncut = rounded(amount + one.cut, mode=EXACT_MODE, scale=0) if one.cut else amount
            tally.write(_uncut(one), tally.used(_uncut(one)) + nano_of(uncut))
