"""The steps of a charge: what was found and done, in that order, with every value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from schemas.services import Unit
from tallywire.catalog.terms import Condition
from tallywire.money import NANO
from tallywire.rating.rulebook.allowance import Draw
from tallywire.rating.rulebook.conditions import ORIGIN, attribute, origin_zone
from tallywire.rating.rulebook.working import Line, Working


def _unit(working: Working) -> str:
    """Name the unit that is priced: what is converted is counted in no unit of usage."""
    tariff = working.found.tariff
    return Unit.COUNT if tariff.conversion else tariff.unit


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an explanation.

    Attributes:
        name: usage, leg, tariff, prefix, attributes, increments, allowance, price, fair_use,
            connect_fee, tiers, share, discount, maximum, minimum, exchange, overage, limit,
            rounding, balance; at period close true_up, partner_true_up.
        facts: Values of the step, by name; amounts are Fractions in `currency`, quantities base
            units of `unit`, names ending in `_us` instants in microseconds UTC.
    """

    name: str
    facts: Mapping[str, object]


def trace(working: Working) -> tuple[Step, ...]:
    """Tell how a price was found; the amounts of its steps add up to the exact charge."""
    return (
        *_found(working),
        _increments(working),
        *(_allowance(working, draw) for draw in working.priced.drawn.draws),
        *(_price(working, line) for line in working.priced.lines if _told(working, line)),
        *_additions(working),
        *_reductions(working),
        *_period(working),
        _rounding(working),
        *_balances(working),
    )


def _found(working: Working) -> Iterator[Step]:
    event, found, leg = working.event, working.found, working.found.leg
    tariff, entry = found.tariff, found.entry
    yield Step(
        "usage",
        {
            "service": event["service"],
            "quantity": event["quantity"],
            "unit": tariff.unit,
            "start_us": event["start_time"],
            "time_zone": tariff.calendar.time_zone,
        },
    )
    if not found.retail:
        yield Step("leg", {"run": leg.run, "side": leg.side, "party": leg.party_id})
    yield Step(
        "tariff",
        {
            "offer": found.offer.offer_id,
            "run": leg.run,
            "service": event["service"],
            "direction": event["direction"],
            "tariff": tariff.tariff_id,
            "revision": entry.revision,
            "choice": leg.tariffs.index(tariff.tariff_id),
        },
    )
    yield Step(
        "prefix",
        {
            "field": tariff.zone_by,
            "number": found.digits,
            "prefix": entry.prefix,
            "zone": entry.zone_id,
            "price_no": found.price_no,
        },
    )
    yield from _attributes(working)


def _attributes(working: Working) -> Iterator[Step]:
    found = working.found
    for variant in found.tariff.prices[found.entry.price_no].variants:
        if variant.price_no == found.price_no:
            yield Step("attributes", {"matched": [_matched(working, one) for one in variant.when]})
            return


def _matched(working: Working, condition: Condition) -> tuple[str, str]:
    if condition.field == ORIGIN:
        return ORIGIN, origin_zone(working.found.tariff, working.event["a_number"])
    return condition.field, attribute(working.event, condition.field)


def _increments(working: Working) -> Step:
    price, conversion = working.found.price, working.found.tariff.conversion
    return Step(
        "increments",
        {
            "used": working.counted.used,
            "counted": working.counted.quantity,
            "unit": _unit(working),
            "converted": conversion is not None,
            "groups": [
                {"from": group.start, "step": group.increment}
                for group in price.groups
                if not group.bands or working.start_band in group.bands
            ],
        },
    )


def _allowance(working: Working, draw: Draw) -> Step:
    bucket = draw.bucket
    return Step(
        "allowance",
        {
            "allowance": bucket.allowance.allowance_id,
            "period": bucket.period,
            "scope": bucket.allowance.scope,
            "carried": bucket.carried,
            "time_zone": working.found.offer.time_zone,
            "unit": _unit(working),
            "before": draw.before,
            "covered": draw.covered,
            "after": draw.after,
            "beyond": draw.beyond,
        },
    )


def _price(working: Working, line: Line) -> Step:
    tariff, part = working.found.tariff, line.part.stretch
    start = working.event["start_time"]
    instants = {"from_us": start + part.first, "until_us": start + part.first + part.length}
    return Step(
        "price",
        {
            "band": tariff.calendar.bands[part.band],
            "bands": len(tariff.calendar.bands),
            "way": line.part.way,
            "quantity": part.length,
            "free": line.free,
            "unit": _unit(working),
            "rate": line.part.rate,
            "amount": line.amount,
            "priced": bool(line.part.rate) or not _other_price(working),
            "currency": tariff.currency,
            "time_zone": tariff.calendar.time_zone,
            **(instants if working.counted.timed else {}),
        },
    )


def _told(working: Working, line: Line) -> bool:
    """A stretch without a rate of its own is told only where no other price says what it costs."""
    return bool(line.part.rate or line.free) or not _other_price(working)


def _other_price(working: Working) -> bool:
    price = working.found.price
    return price.tiers is not None or price.share is not None


def _additions(working: Working) -> Iterator[Step]:
    currency, priced = working.found.tariff.currency, working.priced
    for draw in priced.drawn.draws:
        if draw.beyond:
            facts = {
                "allowance": draw.bucket.allowance.allowance_id,
                "quantity": draw.beyond,
                "unit": _unit(working),
                "rate": draw.bucket.allowance.overage,
                "amount": draw.amount,
                "currency": currency,
            }
            yield Step("fair_use", facts)
    if priced.fee:
        yield Step("connect_fee", {"amount": priced.fee, "currency": currency})
    climb = priced.climb
    if climb:
        facts = {
            "counter": climb.tiers.counter,
            "mode": climb.tiers.mode,
            "measure": climb.tiers.measure,
            "scope": climb.tiers.scope,
            "provisional": climb.tiers.provisional,
            "period": climb.period,
            "unit": _unit(working),
            "before": climb.before,
            "after": climb.after,
            "repriced": climb.repriced,
            "amount": climb.amount,
            "currency": currency,
        }
        yield Step("tiers", facts)
    if priced.shared:
        shared = priced.shared
        facts = {
            "of": shared.of,
            "base": shared.base,
            "share": working.found.price.share,
            "amount": shared.amount,
            "currency": currency,
        }
        yield Step("share", facts)


def _reductions(working: Working) -> Iterator[Step]:
    currency = working.found.tariff.currency
    now = working.priced.exact
    for one in working.taken:
        facts = {
            "discount": one.discount.discount_id,
            "before": one.before,
            "amount": -one.amount,
            "percent": one.amount * 100 / one.before if one.before else Fraction(0),
            "period": one.period if one.counted >= 0 else "",
            "currency": currency,
        }
        yield Step("discount", facts)
        now -= one.amount
    if working.cut:
        most = now - working.cut
        facts = {"before": now, "most": most, "amount": -working.cut, "currency": currency}
        yield Step("maximum", facts)
        now = most
    if working.raised:
        least = now + working.raised
        facts = {"before": now, "least": least, "amount": working.raised, "currency": currency}
        yield Step("minimum", facts)


def _period(working: Working) -> Iterator[Step]:
    currency = working.currency
    if working.fx is not None:
        before = working.spent[0].before if working.spent else working.exact
        facts = {
            "fx_rate": working.fx,
            "from": working.found.tariff.currency,
            "before": before / working.fx,
            "amount": before - before / working.fx,
            "after": before,
            "currency": currency,
        }
        yield Step("exchange", facts)
    for one in working.spent:
        if one.added:
            facts = {
                "spend": one.spend.spend_id,
                "committed": one.spend.committed,
                "factor": one.spend.overage,
                "amount": one.added,
                "currency": currency,
                "period": one.period,
            }
            yield Step("overage", facts)
        if one.cut:
            facts = {
                "spend": one.spend.spend_id,
                "most": one.spend.maximum,
                "charged": Fraction(one.held, NANO),
                "amount": -one.cut,
                "currency": currency,
                "period": one.period,
            }
            yield Step("limit", facts)


def _rounding(working: Working) -> Step:
    rounding = working.found.tariff.rounding
    return Step(
        "rounding",
        {
            "exact": working.exact,
            "mode": rounding.mode,
            "scale": rounding.scale,
            "charge": working.amount,
            "currency": working.currency,
        },
    )


def _balances(working: Working) -> Iterator[Step]:
    for one in working.paid:
        facts = {
            "balance": one.balance.balance_id,
            "grant": one.grant.grant_id,
            "before": Fraction(one.before, NANO),
            "paid": Fraction(one.paid, NANO),
            "after": Fraction(one.before - one.paid, NANO),
            "currency": working.currency,
        }
        yield Step("balance", facts)
