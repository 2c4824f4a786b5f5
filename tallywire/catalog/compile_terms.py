"""Terms of offers, partners and customers, compiled."""

from collections.abc import Iterable, Mapping

from schemas.services import Service, Unit
from tallywire.catalog.entries import Entries, unit_of
from tallywire.catalog.models_terms import (
    AllowanceEntry,
    DiscountEntry,
    OverrideEntry,
    PlanTariff,
    SpendEntry,
)
from tallywire.catalog.pricing import in_units
from tallywire.catalog.pricing_terms import conditions, discount_steps
from tallywire.catalog.snapshot import Override, Partner
from tallywire.catalog.terms import Allowance, Discount, Rollover, Spend
from tallywire.catalog.values import span

Use = tuple[str, str]


def texts(services: Iterable[Service]) -> frozenset[str]:
    """Give services by their published names."""
    return frozenset(service.value for service in services)


def compiled_allowance(entry: AllowanceEntry, zone: str) -> Allowance:
    """Compile an allowance that lint has passed; `zone` is the IANA zone of its dates."""
    unit = unit_of(entry.services[0])
    since, until = span(entry.valid_from, entry.valid_to, zone)
    rollover = entry.rollover
    beyond = entry.beyond
    return Allowance(
        allowance_id=entry.id,
        services=texts(entry.services),
        zones=frozenset(entry.zones),
        unit=unit.value,
        quantity=in_units(entry.quantity, unit) or 0,
        period=entry.period,
        scope=entry.scope,
        priority=entry.priority,
        bands=frozenset(entry.bands),
        when=conditions(entry.when)[0],
        valid_from_us=since,
        valid_to_us=until,
        rollover=Rollover(rollover.periods, in_units(rollover.cap, unit) or 0)
        if rollover
        else None,
        topped_up=entry.top_up,
        overage=beyond.rate / (in_units(beyond.per, unit) or 1) if beyond else None,
    )


def discounted_unit(entry: DiscountEntry) -> Unit:
    """Give the unit in which a discount's usage is counted."""
    return unit_of(entry.services[0]) if entry.services else Unit.COUNT


def compiled_discount(entry: DiscountEntry, zone: str, currency: str) -> Discount:
    """Compile a discount; what depends on money is in the offer's currency."""
    since, until = span(entry.valid_from, entry.valid_to, zone)
    in_money = entry.amount is not None or entry.by == "spend"
    return Discount(
        discount_id=entry.id,
        steps=discount_steps(entry, discounted_unit(entry))[0],
        measure=entry.by or "",
        amount=entry.amount,
        services=texts(entry.services),
        zones=frozenset(entry.zones),
        when=conditions(entry.when)[0],
        valid_from_us=since,
        valid_to_us=until,
        tenure_from=entry.from_month,
        tenure_to=entry.to_month,
        requires=frozenset(entry.requires),
        scope=entry.scope,
        period=entry.period,
        currency=currency if in_money else "",
    )


def compiled_spend(entry: SpendEntry, currency: str) -> Spend:
    """Compile a minimum, a maximum or a commitment."""
    return Spend(
        spend_id=entry.id, currency=entry.currency or currency, minimum=entry.minimum,
        maximum=entry.maximum, committed=entry.committed, overage=entry.overage,
        services=texts(entry.services), scope=entry.scope, period=entry.period,
    )  # fmt: skip


def uses(lines: Iterable[PlanTariff]) -> Mapping[Use, str]:
    """Give the tariff of each service and direction."""
    return {(line.service.value, line.direction.value): line.tariff for line in lines}


def compile_partners(entries: Entries) -> tuple[Partner, ...]:
    """Compile the legs of all partners, in the order of files and entries."""
    return tuple(
        Partner(
            one.value.id, leg.run, leg.side, leg.field, frozenset(leg.values), uses(leg.tariffs)
        )
        for one in entries.partners
        for leg in one.value.legs
    )


def compile_overrides(
    entries: Entries,
) -> Mapping[tuple[str, str], Mapping[Use, tuple[Override, ...]]]:
    """Compile the tariffs of single customers."""
    found: dict[tuple[str, str], Mapping[Use, tuple[Override, ...]]] = {}
    for placed in entries.accounts:
        account = placed.value
        if account.overrides:
            found["account", account.id] = _overrides(account.overrides, entries.time_zone)
        for one in account.subscriptions:
            if one.overrides:
                found["subscription", one.id] = _overrides(one.overrides, entries.time_zone)
    return found


def _overrides(written: Iterable[OverrideEntry], zone: str) -> Mapping[Use, tuple[Override, ...]]:
    found: dict[Use, tuple[Override, ...]] = {}
    for one in written:
        use = (one.service.value, one.direction.value)
        override = Override(one.tariff, *span(one.valid_from, one.valid_to, zone))
        found[use] = (*found.get(use, ()), override)
    return found
