"""What keeps a tariff or an offer from being rated in columns: reasons, for lint and for people."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from tallywire.catalog.snapshot import Offer, Price, Snapshot, Tariff
from tallywire.catalog.terms import COUNTED, Allowance

LARGEST_SIZE = 2**62
"""Sizes of increments, tiers and allowances up to it are numbers of the columnar rater."""
_TOO_LARGE = "it has sizes over 62 bits"

AllowanceKey = tuple[str, str]
"""Scope and id: what names the counters of an allowance."""


def ordered(allowances: Sequence[Allowance]) -> list[Allowance]:
    """Put allowances in the order they are drawn in: by priority, then as written."""
    return sorted(allowances, key=lambda one: one.priority)


def tariff_reasons(tariff: Tariff) -> tuple[str, ...]:
    """Say why a tariff is rated one by one; nothing where it is rated in columns."""
    found = [] if tariff.order == "scan" else [f"its order is {tariff.order}"]
    conversion = tariff.conversion
    if conversion and max(conversion.multiply, conversion.divide) > LARGEST_SIZE:
        found.append(_TOO_LARGE)
    found += (reason for price in tariff.prices for reason in price_reasons(price))
    return tuple(dict.fromkeys(found))


def price_reasons(price: Price) -> tuple[str, ...]:
    """Say why a price is worked out one by one."""
    found, tiers = [], price.tiers
    if tiers and tiers.mode != "graduated" and not tiers.provisional:
        found.append(f"its {tiers.mode} tiers change the price of earlier usage")
    if tiers and tiers.measure not in COUNTED:
        found.append(f"its tiers measure {tiers.measure.replace('_', ' ')}")
    if price.share is not None:
        found.append("it takes a share of an amount")
    if price.uplink:
        found.append("it prices octets sent apart")
    if any(group.bands for group in price.groups):
        found.append("its bands have increments of their own")
    sizes = [size for group in price.groups for size in (group.start, group.increment)]
    sizes += [size for tier in (tiers.steps if tiers else ()) for size in (tier.start, tier.block)]
    if max(sizes, default=0) > LARGEST_SIZE:
        found.append(_TOO_LARGE)
    return tuple(found)


def offer_reasons(offer: Offer, tariffs: Mapping[str, Tariff]) -> tuple[str, ...]:
    """Say why an offer's usage is rated one by one, its tariffs apart."""
    found = [reason for one in offer.allowances for reason in _allowance(one)]
    for before, one in pairwise(ordered(offer.allowances)):
        ends = [(some.period, some.valid_to_us) for some in (before, one)]
        if before.priority == one.priority and ends[0] != ends[1]:
            found.append("allowances of one priority end at different times")
    named = (("discounts", offer.discounts), ("spend limits or commitments", offer.spends),
             ("prepaid balances", offer.balances))  # fmt: skip
    found += [f"it has {name}" for name, some in named if some]
    used = [*offer.tariffs.values(), *(name for all_ in offer.fallbacks.values() for name in all_)]
    if offer.currency and any(tariffs[name].currency != offer.currency for name in used):
        found.append("charges are converted to another currency")
    return tuple(dict.fromkeys(found))


def _allowance(allowance: Allowance) -> Iterator[str]:
    name = allowance.allowance_id
    if allowance.topped_up:
        yield f"the allowance {name} can be topped up"
    if allowance.rollover:
        yield f"the allowance {name} carries over what is left"
    if allowance.bands:
        yield f"the allowance {name} pays for some bands only"
    if allowance.when:
        yield f"the allowance {name} asks for usage attributes"
    if allowance.overage is not None:
        yield f"the allowance {name} has a fair-use price"
    if allowance.quantity > LARGEST_SIZE:
        yield f"the allowance {name} has over 62 bits"


def levels(offers: Sequence[Offer]) -> Mapping[AllowanceKey, int]:
    """Number allowances so that every offer draws them in ascending order.

    Returns:
        The level of each allowance; those that offers draw in contrary orders have none.
    """
    after: dict[AllowanceKey, set[AllowanceKey]] = {}
    waits: dict[AllowanceKey, int] = {}
    for offer in offers:
        keys = [(one.scope, one.allowance_id) for one in ordered(offer.allowances)]
        for key in keys:
            waits.setdefault(key, 0)
        for before, key in pairwise(keys):
            if key not in after.setdefault(before, set()):
                after[before].add(key)
                waits[key] += 1
    found: dict[AllowanceKey, int] = {}
    ready = [key for key, count in waits.items() if not count]
    level = dict.fromkeys(ready, 0)
    while ready:
        key = ready.pop()
        found[key] = level[key]
        for later in sorted(after.get(key, ())):
            level[later] = max(level.get(later, 0), level[key] + 1)
            waits[later] -= 1
            if not waits[later]:
                ready.append(later)
    return found


def overridden(snapshot: Snapshot) -> tuple[frozenset[str], frozenset[str]]:
    """List subscriptions and accounts with tariffs of their own, and accounts below such ones."""
    subscriptions = frozenset(key for kind, key in snapshot.overrides if kind == "subscription")
    accounts = {key for kind, key in snapshot.overrides if kind == "account"}
    if accounts:
        for account in snapshot.parents:
            trail, here = [account], account
            while here not in accounts and here in snapshot.parents:
                here = snapshot.parents[here]
                trail.append(here)
            if here in accounts:
                accounts.update(trail)
    return subscriptions, frozenset(accounts)
