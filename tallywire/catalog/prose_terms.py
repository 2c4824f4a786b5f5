"""Terms in words, for show and diff: tiers, variants, allowances, discounts, spend, partners."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from schemas.services import Unit
from tallywire.catalog.canaries import Canary
from tallywire.catalog.prose import (
    date_words,
    money_words,
    number_words,
    price_words,
    quantity_words,
)
from tallywire.catalog.snapshot import Offer, Override, Partner, Price, Snapshot, Tariff
from tallywire.catalog.terms import (
    Allowance,
    Balance,
    Condition,
    Discount,
    Grant,
    Spend,
    Tier,
    Tiers,
)
from tallywire.money import NANO

_NATURAL = {Unit.MICROSECOND: (60_000_000, "min"), Unit.OCTET: (10**6, "MB"), Unit.COUNT: (1, "")}
_AS_IT_IS = {"unique", "count"}
_PER = {"day": "a day", "week": "a week", "month": "a month", "year": "a year", "once": "once"}


def condition_words(when: Iterable[Condition]) -> str:
    """Write conditions, for example `apn is iot or m2m, and rat is 6`."""
    return ", and ".join(
        f"{one.field.removeprefix('attributes.')} is {' or '.join(sorted(one.values))}"
        for one in when
    )


def _counted(value: int, tiers: Tiers, unit: Unit) -> str:
    if tiers.measure == "amount":
        return money_words(Fraction(value, NANO))
    if tiers.measure in _AS_IT_IS:
        return str(value)
    if tiers.measure == "time_weighted":
        return f"{quantity_words(value, unit)} seconds"
    return quantity_words(value, unit)


def _tier(step: Tier, tiers: Tiers, unit: Unit) -> str:
    factor, natural = _NATURAL[Unit.COUNT if tiers.measure in _AS_IT_IS else unit]
    parts = [f"from {_counted(step.start, tiers, unit)}"]
    if tiers.measure == "amount":
        parts.append(f"{number_words(step.rate * 100 * NANO)} %")
    elif step.rate and tiers.measure == "time_weighted":
        parts.append(f"{money_words(step.rate * factor * 3600)} per {natural or 'piece'} and hour")
    elif step.rate:
        parts.append(f"{money_words(step.rate * factor)}{f'/{natural}' if natural else ' each'}")
    if step.flat:
        parts.append(f"{money_words(step.flat)} flat")
    if step.block > 1:
        parts.append(f"in blocks of {_counted(step.block, tiers, unit)}")
    return " ".join(parts)


def tiers_words(tiers: Tiers, unit: Unit) -> str:
    """Write tiers with what they count, for whom and how long."""
    what = f"{tiers.percentile}th percentile" if tiers.percentile else tiers.measure
    of = f" of {tiers.of}" if tiers.of else ""
    steps = "; ".join(_tier(step, tiers, unit) for step in tiers.steps)
    return (
        f"{tiers.mode} tiers by {what.replace('_', ' ')}{of} {_PER[tiers.period]} of the "
        f"{tiers.scope} (counter {tiers.counter}): {steps}"
    )


def more_price_words(price: Price, unit: Unit) -> Iterator[str]:
    """Write what a price has beside rates."""
    if price.tiers:
        yield tiers_words(price.tiers, unit)
    if price.share is not None:
        yield f"{number_words(price.share * 100)} % of {price.share_of.replace('_', ' ')}"
    if price.only_variants:
        yield "no price for other attributes"


def whole_price_words(tariff: Tariff, number: int) -> str:
    """Write a price of a tariff, and those that hold instead where attributes fit."""
    price = tariff.prices[number]
    if price.only_variants and not price.variants:
        return "no price, on purpose"
    unit = Unit.COUNT if tariff.conversion else Unit(tariff.unit)
    text = ", ".join([price_words(price, tariff), *more_price_words(price, unit)])
    return "; ".join(
        [
            text,
            *(
                f"where {condition_words(one.when)}: {whole_price_words(tariff, one.price_no)}"
                for one in price.variants
            ),
        ]
    )


ZonePrices = Mapping[tuple[str, int], Mapping[str, tuple[str, int]]]
"""Zone id and start, to prefix, to price in words and end; instants in microseconds UTC."""


def zone_prices(tariff: Tariff) -> ZonePrices:
    """Give the prices of a tariff in words, zone by zone."""
    words = [whole_price_words(tariff, number) for number in range(len(tariff.prices))]
    found: dict[tuple[str, int], dict[str, tuple[str, int]]] = {}
    rows = tariff.prefixes.select("zone_id", "valid_from_us", "prefix", "price_no", "valid_to_us")
    for zone, start, prefix, number, end in rows.iter_rows():
        found.setdefault((zone, start), {})[prefix] = (words[number], end)
    return found


def allowance_words(allowance: Allowance) -> str:
    """Write an allowance."""
    zones = f" in {', '.join(sorted(allowance.zones))}" if allowance.zones else ""
    services = ", ".join(sorted(allowance.services))
    quantity = quantity_words(allowance.quantity, allowance.unit)
    parts = [f"{quantity} {_PER[allowance.period]} of {services}{zones}"]
    if allowance.scope != "subscription":
        parts.append(f"shared by the {allowance.scope}")
    if allowance.priority:
        parts.append(f"priority {allowance.priority}")
    if allowance.bands:
        parts.append(f"in the bands {', '.join(sorted(allowance.bands))}")
    if allowance.when:
        parts.append(f"where {condition_words(allowance.when)}")
    parts += _validity(allowance.valid_from_us, allowance.valid_to_us)
    if allowance.rollover:
        cap = quantity_words(allowance.rollover.cap, allowance.unit)
        parts.append(f"unused units live {allowance.rollover.periods} periods more, at most {cap}")
    if allowance.topped_up:
        parts.append("can be topped up")
    if allowance.overage is not None:
        factor, natural = _NATURAL[Unit(allowance.unit)]
        rate = money_words(allowance.overage * factor)
        parts.append(f"beyond it {rate}{f'/{natural}' if natural else ' each'}")
    return ", ".join(parts)


def _validity(since: int, until: int) -> Iterator[str]:
    start, end = date_words(since, "UTC"), date_words(until, "UTC")
    if start:
        yield f"from {start} UTC"
    if end:
        yield f"until {end} UTC"


def discount_words(discount: Discount) -> str:
    """Write a discount."""
    if discount.amount is not None:
        parts = [f"{money_words(discount.amount)} {discount.currency} {_PER[discount.period]}"]
    else:
        scale = NANO if discount.measure == "spend" else 1
        parts = [
            f"{number_words(step.percent)} %"
            + (f" from {number_words(Fraction(step.start, scale))}" if discount.measure else "")
            for step in discount.steps
        ]
    if discount.measure:
        parts.append(f"by {discount.measure} {_PER[discount.period]} of the {discount.scope}")
    for name in ("services", "zones", "requires"):
        some = getattr(discount, name)
        if some:
            parts.append(f"{name} {', '.join(sorted(some))}")
    if discount.when:
        parts.append(f"where {condition_words(discount.when)}")
    if discount.tenure_from or discount.tenure_to is not None:
        until = "" if discount.tenure_to is None else f" to {discount.tenure_to}"
        parts.append(f"from month {discount.tenure_from}{until}")
    return ", ".join([*parts, *_validity(discount.valid_from_us, discount.valid_to_us)])


def spend_words(spend: Spend) -> str:
    """Write a minimum, a maximum or a commitment."""
    parts = [
        f"{name} {money_words(value)} {spend.currency}"
        for name in ("minimum", "maximum", "committed")
        if (value := getattr(spend, name)) is not None
    ]
    if spend.overage != 1:
        parts.append(f"beyond it {number_words(spend.overage)} times the price")
    if spend.services:
        parts.append(f"of {', '.join(sorted(spend.services))}")
    return ", ".join([*parts, f"{_PER[spend.period]} of the {spend.scope}"])


def balance_words(balance: Balance) -> str:
    """Write a prepaid balance."""
    services = f" for {', '.join(sorted(balance.services))}" if balance.services else ""
    return f"{balance.currency} of the {balance.scope}{services}, priority {balance.priority}"


def offer_terms(offer: Offer) -> Mapping[tuple[str, str], str]:
    """Write every term of an offer: (kind, id) to words."""
    return {
        **{("allowance", one.allowance_id): allowance_words(one) for one in offer.allowances},
        **{("discount", one.discount_id): discount_words(one) for one in offer.discounts},
        **{("spend", one.spend_id): spend_words(one) for one in offer.spends},
        **{("balance", one.balance_id): balance_words(one) for one in offer.balances},
        **{
            ("fallback", " ".join(use)): ", ".join(names)
            for use, names in sorted(offer.fallbacks.items())
        },
    }


def partner_words(partner: Partner) -> str:
    """Write a partner's leg."""
    uses = ", ".join(f"{' '.join(use)} at {name}" for use, name in sorted(partner.tariffs.items()))
    return f"{partner.side} where {partner.field} is {' or '.join(sorted(partner.values))}: {uses}"


def _override(held: Mapping[tuple[str, str], tuple[Override, ...]]) -> str:
    return "; ".join(
        f"{' '.join(use)} at {one.tariff_id}"
        + "".join(f", {text}" for text in _validity(one.valid_from_us, one.valid_to_us))
        for use, some in sorted(held.items())
        for one in some
    )


def _grant(grants: Iterable[Grant]) -> str:
    return "; ".join(
        f"{one.grant_id}: {one.quantity}"
        + "".join(f", {text}" for text in _validity(one.valid_from_us, one.valid_to_us))
        for one in grants
    )


def canary_words(one: Canary) -> str:
    """Write what is sent, how often, and what must come of it."""
    return (
        f"{one.quantity} units by {one.feed_id} on account {one.account_id} every "
        f"{one.every_us // 1_000_000} s: {number_words(one.amount)} {one.currency} within "
        f"{one.within_us // 1_000_000} s"
    )


def other_terms(snapshot: Snapshot) -> Mapping[str, Mapping[str, str]]:
    """Write partners, own tariffs, top-ups, exchange rates, canaries: kind, id, words."""
    partners: dict[str, list[str]] = {}
    for one in snapshot.partners:
        partners.setdefault(f"{one.partner_id}/{one.run}", []).append(partner_words(one))
    return {
        "partner": {name: "; ".join(words) for name, words in partners.items()},
        "override": {" ".join(who): _override(held) for who, held in snapshot.overrides.items()},
        "top_up": {" ".join(place): _grant(held) for place, held in snapshot.grants.items()},
        "exchange": {
            f"{source}/{target}": "; ".join(
                f"{number_words(rate)} from {date_words(since, snapshot.time_zone)}"
                for since, rate in dated
            )
            for (source, target), dated in snapshot.fx.items()
        },
        "canary": {name: canary_words(one) for name, one in snapshot.canaries.items()},
    }
