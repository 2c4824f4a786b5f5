"""Commitments and limits: what the charges of a period come to, together."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tallywire.calendar import period_of
from tallywire.catalog.snapshot import Offer
from tallywire.catalog.terms import Spend
from tallywire.rating.rulebook.tally import CounterKey, Tally, counter_key, holder

NANO = 10**9
_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Spent:
    """One commitment or limit at work.

    Attributes:
        before: The charge before it.
        added: What the overage price added.
        cut: What the maximum took off.
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
    event: Mapping[str, Any], offer: Offer, currency: str, exact: Fraction, tally: Tally
) -> tuple[Spent, ...]:
    """Change a charge by each commitment and limit of its offer, in their order.

    Args:
        event: Fields of UsageEvent.
        offer: Has them.
        currency: Of the charge: those in another currency are left alone.
        exact: The charge so far.
        tally: Counters of spend; the rounded charge is counted later, by `count`.
    """
    found = []
    for spend in offer.spends:
        if spend.currency != currency:
            continue
        if spend.services and event["service"] not in spend.services:
            continue
        one = _one(event, spend, offer.time_zone, exact, tally)
        exact += one.added - one.cut
        found.append(one)
    return tuple(found)


def spend_key(spend: Spend, owner: str, period: str) -> CounterKey:
    """Name the counter of what was charged in a period."""
    return counter_key("spend", spend.scope, owner, spend.spend_id, period)


def _one(
    event: Mapping[str, Any], spend: Spend, time_zone: str, exact: Fraction, tally: Tally
) -> Spent:
    period = period_of(event["start_time"], time_zone, spend.period)
    key = spend_key(spend, holder(event, spend.scope), period)
    held = tally.used(key)
    charged = Fraction(held, NANO)
    added = cut = _NOTHING
    if spend.committed is not None:
        within = max(_NOTHING, spend.committed - charged)
        added = max(_NOTHING, exact - within) * (spend.overage - 1)
    if spend.maximum is not None:
        room = max(_NOTHING, spend.maximum - charged)
        cut = max(_NOTHING, exact + added - room)
    return Spent(spend, key, period, exact, added, cut, held)


def count(spent: tuple[Spent, ...], amount: Fraction, tally: Tally) -> None:
    """Count a rounded charge."""
    for one in spent:
        tally.write(one.key, one.held + int(amount * NANO))
