"""Offers, feeds and identifiers, compiled."""

from collections.abc import Mapping

import polars as pl

from tallywire.catalog.compile_expect import compiled_expect
from tallywire.catalog.compile_terms import (
    compiled_allowance,
    compiled_discount,
    compiled_spend,
    texts,
    uses,
)
from tallywire.catalog.entries import Entries, Parent, unit_of
from tallywire.catalog.models import FeedEntry, OfferEntry, Operator, PlanEntry
from tallywire.catalog.pricing import in_units
from tallywire.catalog.snapshot import IDENTIFIER_SCHEMA, Feed, Offer, RadiusClient
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


def _or(own: str | None, default: str) -> str:
    return default if own is None else own


def _feed(entry: FeedEntry, operator: Operator) -> Feed:
    typical = in_units(entry.typical_quantity, unit_of(entry.service))
    abroad = entry.international_prefixes
    return Feed(
        feed_id=entry.id,
        tenant_id=_or(entry.tenant, operator.tenant),
        format=entry.format,
        path=entry.path,
        topic=entry.topic,
        http=entry.http,
        radius=tuple(RadiusClient(one.network, one.secret, one.signed) for one in entry.radius),
        partitioner=entry.partitioner.value,
        growing=entry.growing,
        time_zone=_or(entry.time_zone, operator.time_zone),
        home_country=_or(entry.home_country, operator.home_country),
        trunk_prefix=_or(entry.trunk_prefix, operator.trunk_prefix),
        international_prefixes=operator.international_prefixes if abroad is None else abroad,
        source_id=_or(entry.source, entry.id),
        service=entry.service.value,
        served=tuple((way.identifier, way.field) for way in entry.served),
        options=entry.options,
        window_days=entry.window_days,
        backfill=entry.backfill,
        typical_quantity=typical or 0,
        home_plmn=_or(entry.home_plmn, operator.home_plmn),
        expect=compiled_expect(entry.expect),
    )


def compile_feeds(entries: Entries) -> Mapping[str, Feed]:
    """Compile every feed; what it does not say is the operator's."""
    assert entries.operator is not None  # noqa: S101  lint has passed
    operator = entries.operator.value
    return {one.value.id: _feed(one.value, operator) for one in entries.feeds}


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
