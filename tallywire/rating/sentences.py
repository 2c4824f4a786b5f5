"""The sentences of an explanation: one for each step, in plain English."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from schemas.services import Service, Unit
from tallywire.rating.wording import (
    decimal_words,
    moment_words,
    money_words,
    period_words,
    quantity_words,
    rate_words,
    span_words,
)

Facts = Mapping[str, Any]

_NOUNS = {
    Service.VOICE: ("call", "calls"),
    Service.SMS: ("text message", "text messages"),
    Service.MMS: ("picture message", "picture messages"),
    Service.DATA: ("data session", "data sessions"),
    Service.ROAMING_VOICE: ("call abroad", "calls abroad"),
    Service.ROAMING_SMS: ("text message abroad", "text messages abroad"),
    Service.ROAMING_DATA: ("data session abroad", "data sessions abroad"),
    Service.IOT: ("device session", "device sessions"),
    Service.IOT_AIRTIME: ("device transmission", "device transmissions"),
    Service.IOT_MESSAGE: ("device message", "device messages"),
    Service.API: ("API request", "API requests"),
    Service.CLOUD: ("unit of cloud service", "units of cloud service"),
    Service.INTERCONNECT: ("call between networks", "calls between networks"),
}
_DIRECTIONS = {
    "mo": "outgoing", "mt": "incoming", "forward": "forwarded", "transit": "transit",
}  # fmt: skip
_FIELDS = {
    "b_number": "number dialled", "a_number": "calling number", "serving_plmn": "visited network",
}  # fmt: skip
_MODES = {
    "up": "up", "down": "down", "half_up": "to the nearest, halves up",
    "half_even": "to the nearest, halves to the even digit",
    "none": "to the nearest, halves to the even digit",
}  # fmt: skip


def _usage(facts: Facts) -> str:
    quantity, unit = facts["quantity"], facts["unit"]
    one, several = _NOUNS[Service(facts["service"])]
    if unit == Unit.COUNT:
        what = f"{quantity} {one if quantity == 1 else several}"
    else:
        what = f"a {one} of {quantity_words(quantity, unit)}"
    start = moment_words(facts["start_us"], facts["time_zone"])
    return f"This is the charge for {what}, begun on {start}."


def _tariff(facts: Facts) -> str:
    way = _DIRECTIONS.get(facts["direction"], facts["direction"])
    who = f"The offer {facts['offer']}" if facts["offer"] else f"The {facts['run']} leg"
    passed = ", as the tariffs before it have no price for this" if facts["choice"] else ""
    return (
        f"{who} charges {way} {facts['service'].replace('_', ' ')} by the "
        f"tariff {facts['tariff']}, revision {facts['revision']}{passed}."
    )


def _prefix(facts: Facts) -> str:
    zone = f"the zone {facts['zone']}" if facts["zone"] else "the general zone"
    if facts["field"] == "none":
        return "The tariff has one price, whatever the destination."
    number = facts["number"] or "(none)"
    what = f"The {_FIELDS[facts['field']]} is {number}"
    if not facts["prefix"]:
        return f"{what}; no prefix of the tariff is more exact, so it belongs to {zone}."
    return f"{what}; it begins with {facts['prefix']}, which is {zone}."


def _increments(facts: Facts) -> str:
    unit, counted = facts["unit"], quantity_words(facts["counted"], facts["unit"])
    if not facts["used"]:
        return "Nothing was used, so nothing is counted."
    sizes = [
        ("" if not group["from"] else f"from {quantity_words(group['from'], unit)} on ")
        + f"in steps of {quantity_words(group['step'], unit)}"
        for group in facts["groups"]
    ]
    if facts["converted"]:
        counted = f"{counted} after conversion"
    if unit == Unit.COUNT and all(group["step"] == 1 for group in facts["groups"]):
        return f"Counted: {counted}."
    return f"Usage is counted {', then '.join(sizes)}, a step begun being a step paid: {counted}."


def _leg(facts: Facts) -> str:
    way = "what is owed to" if facts["side"] == "cost" else "what is owed by"
    return f"This is the {facts['run']} leg: {way} the partner {facts['party']}."


def _attributes(facts: Facts) -> str:
    matched = [
        f"{field.removeprefix('attributes.')} is {value}" for field, value in facts["matched"]
    ]
    return f"Of the prices of that zone the one holds whose {' and whose '.join(matched)}."


def _allowance(facts: Facts) -> str:
    name, period = facts["allowance"], period_words(facts["period"])
    if facts["scope"] != "subscription":
        name = f"{name}, shared by the {facts['scope']},"
    before, covered, after = (
        quantity_words(facts[key], facts["unit"]) for key in ("before", "covered", "after")
    )
    if not facts["before"]:
        return f"The allowance {name} has nothing left for {period}, so it pays for nothing."
    carried = ""
    if facts["carried"]:
        carried = f", {quantity_words(facts['carried'], facts['unit'])} of it carried over"
    if not facts["covered"]:
        return (
            f"The allowance {name} for {period} still holds {before}{carried}; nothing is taken "
            "from it."
        )
    left = f"{after} left" if facts["after"] else "nothing left"
    return (
        f"The allowance {name} for {period} held {before}{carried}; it pays for the first "
        f"{covered} and has {left}."
    )


def _fair_use(facts: Facts) -> str:
    quantity = quantity_words(facts["quantity"], facts["unit"])
    rate = rate_words(facts["rate"], facts["unit"], facts["currency"])
    amount = money_words(facts["amount"], facts["currency"])
    return (
        f"Beyond the fair use of {facts['allowance']}, {quantity} at its own price of {rate} is "
        f"{amount}."
    )


_COUNTED = {
    "sum": "usage", "count": "events", "amount": "amounts", "max": "the largest usage",
    "latest": "the latest usage", "unique": "distinct values", "time_weighted": "usage over time",
    "percentile": "the percentile",
}  # fmt: skip


def _tiers(facts: Facts) -> str:
    what = _COUNTED[facts["measure"]]
    before, after = _reading(facts, "before"), _reading(facts, "after")
    amount = money_words(facts["amount"], facts["currency"])
    if facts["provisional"]:
        return (
            f"{_sentence(what)} counted for {facts['counter']} in {period_words(facts['period'])}: "
            f"{after}; provisionally at the rate of the first tier, {amount}. The partner is trued "
            "up for all that it carried."
        )
    how = "each part at its own tier" if facts["mode"] == "graduated" else "all at the tier reached"
    told = (
        f"In {period_words(facts['period'])} {what} counted for {facts['counter']} "
        f"went from {before} to {after}; priced by tiers, {how}, this adds {amount}."
    )
    if facts["repriced"]:
        again = money_words(facts["repriced"], facts["currency"])
        told += f" Of that {again} changes the price of earlier usage, as another tier is reached."
    return told


def _reading(facts: Facts, name: str) -> str:
    if facts["measure"] == "amount":
        return money_words(Fraction(facts[name], 10**9), facts["currency"])
    if facts["measure"] in {"sum", "max", "latest", "percentile"}:
        return quantity_words(facts[name], facts["unit"])
    return str(facts[name])


def _share(facts: Facts) -> str:
    base, amount = (money_words(facts[key], facts["currency"]) for key in ("base", "amount"))
    percent = decimal_words(facts["share"] * 100)
    whose = (
        "the amount that the usage carries"
        if facts["of"] == "source_amount"
        else (f"the charge of the {facts['of']} leg")
    )
    return f"{percent} % of {base}, {whose}, is {amount}."


def _discount(facts: Facts) -> str:
    amount = money_words(-facts["amount"], facts["currency"])
    percent = decimal_words(facts["percent"])
    where = f" in {period_words(facts['period'])}" if facts["period"] else ""
    return f"The discount {facts['discount']}{where} takes off {percent} %: {amount}."


def _exchange(facts: Facts) -> str:
    before = money_words(facts["before"], facts["from"])
    after = money_words(facts["after"], facts["currency"])
    rate = decimal_words(facts["fx_rate"])
    return f"{before} at the day's rate of {rate} is {after}."


def _overage(facts: Facts) -> str:
    amount, committed = (
        money_words(facts[key], facts["currency"]) for key in ("amount", "committed")
    )
    return (
        f"Beyond the commitment {facts['spend']} of {committed} in {period_words(facts['period'])} "
        f"charges count {decimal_words(facts['factor'])} times, which adds {amount}."
    )


def _limit(facts: Facts) -> str:
    most, charged = (money_words(facts[key], facts["currency"]) for key in ("most", "charged"))
    cut = money_words(-facts["amount"], facts["currency"])
    return (
        f"In {period_words(facts['period'])} the limit {facts['spend']} is {most}, of which "
        f"{charged} was charged already: {cut} is taken off."
    )


def _balance(facts: Facts) -> str:
    before, paid, after = (
        money_words(facts[key], facts["currency"]) for key in ("before", "paid", "after")
    )
    return (
        f"The top-up {facts['grant']} of the balance {facts['balance']} held {before}; it pays "
        f"{paid} and has {after} left."
    )


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _price(facts: Facts) -> str:
    unit, currency = facts["unit"], facts["currency"]
    paid = facts["quantity"] - facts["free"]
    where = []
    if "from_us" in facts:
        where.append(span_words(facts["from_us"], facts["until_us"], facts["time_zone"]))
    if facts["bands"] > 1:
        where.append(f"in the band {facts['band']}")
    if facts["way"] != "quantity":
        where.append({"down_octets": "received", "up_octets": "sent"}[facts["way"]])
    place = f"{' '.join(where)}: " if where else ""
    free = quantity_words(facts["free"], unit)
    if not paid or not facts["priced"]:
        return _sentence(f"{place}{free} paid by the allowance.")
    rate = rate_words(facts["rate"], unit, currency)
    first = f"after {free} paid by the allowance, " if facts["free"] else ""
    amount = money_words(facts["amount"], currency)
    return _sentence(f"{place}{first}{quantity_words(paid, unit)} at {rate} is {amount}.")


def _connect_fee(facts: Facts) -> str:
    return f"A connection fee of {money_words(facts['amount'], facts['currency'])} is added."


def _maximum(facts: Facts) -> str:
    most, before = (money_words(facts[key], facts["currency"]) for key in ("most", "before"))
    return f"The charge is at most {most}, which replaces {before}."


def _minimum(facts: Facts) -> str:
    least, before = (money_words(facts[key], facts["currency"]) for key in ("least", "before"))
    return f"The least charge is {least}, which replaces {before}."


def _rounding(facts: Facts) -> str:
    charge = money_words(facts["charge"], facts["currency"])
    if facts["exact"] == facts["charge"]:
        return f"The charge is {charge}."
    exact = money_words(facts["exact"], facts["currency"])
    scale = 9 if facts["mode"] == "none" else facts["scale"]
    decimals = "a whole amount" if scale == 0 else f"{scale} decimal{'s' if scale > 1 else ''}"
    how = f"rounded to {decimals} ({_MODES[facts['mode']]})"
    return f"Exactly it is {exact}; {how}, the charge is {charge}."


_DUE = {
    "minimum": "the minimum {of} was not reached, the difference is charged",
    "committed": "the commitment {of} was not reached, the difference is charged",
    "flat": "nothing was counted for {of}, the price of its first tier is charged",
    "time_weighted": "what {of} counted last goes on to the end of the period",
}


def _true_up(facts: Facts) -> str:
    currency, settled = facts["currency"], facts["settled"]
    amount, period = money_words(facts["amount"], currency), period_words(facts["period"])
    if settled:
        due, before = (money_words(one, currency) for one in (facts["amount"] + settled, settled))
        return (
            f"{_sentence(period)} was closed again: for {facts['of']} {due} is due, {before} was "
            f"charged when it was closed before; the rest is {amount}."
        )
    why = _DUE[facts["kind"]].format(of=facts["of"])
    return f"{_sentence(period)} is over: {why}, {amount}."


def _partner_true_up(facts: Facts) -> str:
    amount, final, provisional, covered = (
        money_words(facts[name], facts["currency"])
        for name in ("amount", "final", "provisional", "covered")
    )
    how = "each part at its own tier" if facts["mode"] == "graduated" else "all at the tier reached"
    told = (
        f"In {period_words(facts['period'])} {_COUNTED[facts['measure']]} of {facts['party']} "
        f"counted for {facts['counter']} came to {_reading(facts, 'after')}: by tiers, {how}, that "
        f"costs {final}; {provisional} was charged provisionally."
    )
    if facts["covered"]:
        told += f" Of the difference {covered} was trued up before."
    return f"{told} The rest is {amount}."


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "usage": _usage,
    "leg": _leg,
    "tariff": _tariff,
    "prefix": _prefix,
    "attributes": _attributes,
    "increments": _increments,
    "allowance": _allowance,
    "price": _price,
    "fair_use": _fair_use,
    "connect_fee": _connect_fee,
    "tiers": _tiers,
    "share": _share,
    "discount": _discount,
    "maximum": _maximum,
    "minimum": _minimum,
    "exchange": _exchange,
    "overage": _overage,
    "limit": _limit,
    "rounding": _rounding,
    "balance": _balance,
    "true_up": _true_up,
    "partner_true_up": _partner_true_up,
}
"""The words of each step."""
