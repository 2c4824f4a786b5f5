"""Prepaid balances: money that pays charges until it is used up or expires."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tallywire.catalog.snapshot import Offer, Snapshot
from tallywire.catalog.terms import Balance, Grant
from tallywire.money import NANO
from tallywire.rating.rulebook.tally import CounterKey, Tally, counter_key, holder


@dataclass(frozen=True, slots=True)
class Paid:
    """What one top-up pays.

    Attributes:
        before: What was left of it, 10^-9 of the currency.
        paid: What it pays now.
    """

    balance: Balance
    grant: Grant
    before: int
    paid: int


def _held(
    snapshot: Snapshot, offer: Offer, currency: str, event: Mapping[str, Any]
) -> list[tuple[Balance, Grant, CounterKey]]:
    """List top-ups that may pay: by priority, then what expires first, then creation."""

    def each() -> Iterator[tuple[Balance, Grant, CounterKey]]:
        for balance in offer.balances:
            if balance.currency != currency:
                continue
            if balance.services and event["service"] not in balance.services:
                continue
            place = (balance.scope, holder(event, balance.scope), balance.balance_id)
            for grant in snapshot.grants.get(place, ()):
                if grant.valid_from_us <= event["start_time"] < grant.valid_to_us:
                    yield balance, grant, counter_key("balance", *place, grant.grant_id)

    return sorted(each(), key=lambda found: (found[0].priority, found[1].valid_to_us))


def pay(
    snapshot: Snapshot, offer: Offer, currency: str, event: Mapping[str, Any], amount: Fraction,
    tally: Tally,
) -> tuple[Paid, ...]:  # fmt: skip
    """Pay a rounded charge from prepaid balances; a negative one pays nothing back.

    Args:
        snapshot: Has the top-ups.
        offer: Has the balances.
        currency: Of the charge.
        event: Fields of UsageEvent.
        amount: The rounded charge.
        tally: Counters of what top-ups have paid.
    """
    if not offer.balances:
        return ()
    owed = max(0, int(amount * NANO))
    found = []
    for balance, grant, key in _held(snapshot, offer, currency, event):
        used = tally.used(key)
        before = max(0, grant.quantity - used)
        paid = min(owed, before)
        tally.write(key, used + paid)
        owed -= paid
        found.append(Paid(balance, grant, before, paid))
        if not owed:
            break
    return tuple(found)
