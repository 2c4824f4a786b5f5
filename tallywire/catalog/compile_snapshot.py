"""The whole catalogue, compiled and named by the hash of its files."""

import hashlib
from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import lcm

from tallywire.catalog.compile_calendars import compile_calendars
from tallywire.catalog.compile_canaries import compile_canaries
from tallywire.catalog.compile_feeds import compile_feeds
from tallywire.catalog.compile_offers import compile_identifiers, compile_offers
from tallywire.catalog.compile_tariffs import compile_tariffs
from tallywire.catalog.compile_terms import compile_overrides, compile_partners
from tallywire.catalog.entries import Entries
from tallywire.catalog.reference_tables import without_lines
from tallywire.catalog.snapshot import Price, Snapshot, Tariff


def content_hash(files: Mapping[str, bytes]) -> str:
    """Name a catalogue by its content: sha256, hex, over sorted names and their bytes.

    >>> content_hash({"a": b"1"}) == content_hash({"a": b"2"})
    False
    """
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def _median(rates: Iterable[Fraction]) -> Fraction:
    """Give the lower median, of the rates above 0 where there are any."""
    every = list(rates)
    common = lcm(*{rate.denominator for rate in every})  # ratios compare slowly, whole numbers fast
    ordered = sorted(every, key=lambda rate: rate.numerator * (common // rate.denominator))
    paid = [rate for rate in ordered if rate] or ordered
    return paid[(len(paid) - 1) // 2]


def _typical(price: Price) -> Fraction | None:
    """Give what a unit costs at first; none where the price is no price of units."""
    rate = next(one.rates[0] for one in price.groups if not one.bands or 0 in one.bands)
    if not rate and price.tiers and price.tiers.measure == "sum":
        return next((step.rate for step in price.tiers.steps if step.rate), None)
    return None if not rate and (price.tiers or price.share is not None) else rate


def typical_rates(
    tariffs: Mapping[str, Tariff], currency: str
) -> Mapping[str, tuple[Fraction, str]]:
    """Give per service the median price of one base unit, default band, first group or tier.

    A service whose prices are shares of amounts, or count no units, has none. Tariffs in the
    operator's currency count; where a service has none, those in the alphabetically first other
    currency.
    """
    found: dict[str, dict[str, list[Fraction]]] = {}
    for tariff in tariffs.values():
        turned = tariff.conversion
        size = Fraction(turned.multiply, turned.divide) if turned else 1
        rates = [rate * size for rate in map(_typical, tariff.prices) if rate is not None]
        if rates:
            found.setdefault(tariff.service, {}).setdefault(tariff.currency, []).extend(rates)
    typical = {}
    for service, by_currency in sorted(found.items()):
        chosen = currency if currency in by_currency else min(by_currency)
        typical[service] = (_median(by_currency[chosen]), chosen)
    return typical


def compile_snapshot(entries: Entries, files: Mapping[str, bytes]) -> Snapshot:
    """Compile entries that lint has passed.

    Args:
        entries: The entries.
        files: The files they come from; their content names the snapshot.
    """
    assert entries.operator is not None  # noqa: S101  lint has passed
    operator = entries.operator.value
    calendars = compile_calendars(entries)
    tariffs = compile_tariffs(entries, calendars)
    return Snapshot(
        hash=content_hash(files),
        tenant_id=operator.tenant,
        legal_entity=operator.legal_entity,
        currency=operator.currency,
        time_zone=operator.time_zone,
        calendars=calendars,
        tariffs=tariffs,
        offers=compile_offers(entries),
        feeds=compile_feeds(entries),
        identifiers=compile_identifiers(entries),
        typical_rates=typical_rates(tariffs, operator.currency),
        overrides=compile_overrides(entries),
        partners=compile_partners(entries),
        grants=entries.grants,
        fx=entries.fx,
        fx_days=operator.fx_days,
        late_usage=operator.late_usage.model_dump(),
        parents={
            account: parent.parent_id
            for account, parent in entries.parents.items()
            if parent.parent_id
        },
        canaries=compile_canaries(entries),
        reference=without_lines(entries.reference),
    )
