"""Offers and identifiers, compiled."""

from collections.abc import Mapping

import polars as pl

from tallywire.catalog.compile_terms import (
    compiled_allowance,
    compiled_discount,
    compiled_spend,
    texts,
    uses,
)
from tallywire.catalog.entries import Entries, Parent
from tallywire.catalog.models import OfferEntry, PlanEntry
from tallywire.catalog.snapshot import IDENTIFIER_SCHEMA, Offer
from tallywire.catalog.terms import Balance


def _offer(entry: OfferEntry, plans: Mapping[str, PlanEntry], entries: Entries) -> Offer:
    assert entries.operator is not None  # noqa: S101  lint has passed
    zone = entry.time_zone or entries.time_zone
    currency = entry.currency or entries.operator.value.currency
    lines = [line for name in entry.plans for line in plans[name].tariffs]
    return Offer(
        offer_id=entry.id,
        tariffs=uses(lines),
        allowances=tuple(compiled_allowance(one, zone) for one in entry.allowances),
        time_zone=zone,
        fallbacks={
            (line.service.value, line.direction.value): line.fallback
            for line in lines
            if line.fallback
        },
        discounts=tuple(compiled_discount(one, zone, currency) for one in entry.discounts),
        spends=tuple(compiled_spend(one, currency) for one in entry.spend),
        balances=tuple(
            Balance(one.id, one.currency or currency, one.scope, texts(one.services), one.priority)
            for one in entry.balances
        ),
        currency=entry.currency or "",
    )


def compile_offers(entries: Entries) -> Mapping[str, Offer]:
    """Compile every offer: the tariffs of its plans, and its allowances."""
    plans = {one.value.id: one.value for one in entries.plans}
    return {one.value.id: _offer(one.value, plans, entries) for one in entries.offers}


def roots(parents: Mapping[str, Parent]) -> dict[str, str]:
    """Give the top of every account's hierarchy.

    Args:
        parents: Account to the account above it; without cycles.
    """
    found: dict[str, str] = {}
    for account in parents:
        trail = []
        here = account
        while here not in found and parents[here].parent_id:
            trail.append(here)
            here = parents[here].parent_id
        top = found.setdefault(here, here)
        found.update((one, top) for one in trail)
    return found


def compile_identifiers(entries: Entries) -> pl.DataFrame:
    """Make the rows of IDENTIFIER_SCHEMA, sorted by type, identifier and start."""
    top = roots(entries.parents)
    tree = pl.DataFrame(
        {"account_id": list(top), "routing_id": list(top.values())},
        schema={"account_id": pl.String(), "routing_id": pl.String()},
    )
    return (
        entries.holdings.join(tree, on="account_id", how="left", maintain_order="left")
        .select(IDENTIFIER_SCHEMA.names())
        .cast(IDENTIFIER_SCHEMA)
        .sort("identifier_type", "identifier", "valid_from_us")
    )
