"""A charge in words that a care agent can read to a customer, and as JSON for programs."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from schemas.services import Service, Unit
from schemas.usage import UsageEvent
from tallywire.calendar import local_time
from tallywire.money import display
from tallywire.rating.rulebook import Charge, CounterKey, Refusal, Rulebook, Step
from tallywire.rating.wording import (
    moment_words,
    money_words,
    month_words,
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
}  # fmt: skip


def words(steps: Sequence[Step]) -> list[str]:
    """Tell a charge, one sentence a step."""
    return [sentence(step) for step in steps]


def sentence(step: Step) -> str:
    """Tell one step in plain English, with amounts, units and local times."""
    return _SENTENCES[step.name](step.facts)


def as_json(steps: Sequence[Step]) -> list[dict[str, object]]:
    """Give a charge as values for JSON: per step its name, its sentence and its facts.

    Exact amounts become `{"exact": "61/600", "decimal": "0.101666667"}`, nine decimals; rates the
    exact price of a base unit and a text; instants local times with their offset (names lose
    `_us`). There are no binary fractions.
    """
    return [
        {"step": step.name, "text": sentence(step), **_plain_facts(step.facts)} for step in steps
    ]


def retrace(book: Rulebook, rated: Facts) -> Charge | Refusal:
    """Rate again a usage that was charged, with the allowance as it was then.

    Args:
        book: Rulebook of the catalogue that `catalog_hash` of the charge names.
        rated: Fields of the RatedEvent by name, ids as 16 bytes.

    Returns:
        The same charge, with its steps. It differs from `rated` only where the charge was not made
        by these rules and this catalogue.
    """
    offer = book.snapshot.offers.get(rated["offer_id"])
    allowances = offer.allowances if offer else ()
    sizes = {allowance.allowance_id: allowance.quantity for allowance in allowances}

    def used(counter: CounterKey) -> int:
        left: int = max(0, rated["allowance_before"])
        return sizes[counter[1]] - left

    usage = {name: rated[name] for name in UsageEvent.model_fields}
    return book.rate(usage, used)


def _plain_facts(facts: Facts) -> dict[str, object]:
    return dict(_plain(name, value, facts) for name, value in facts.items())


def _plain(name: str, value: object, facts: Facts) -> tuple[str, object]:
    if name == "rate" and isinstance(value, Fraction):
        text = rate_words(value, facts["unit"], facts["currency"])
        return name, {"exact": str(value), "text": text}
    if isinstance(value, Fraction):
        return name, {"exact": str(value), "decimal": f"{display(value):f}"}
    if name.endswith("_us") and isinstance(value, int):
        return name.removesuffix("_us"), local_time(value, facts["time_zone"]).isoformat()
    return name, value


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
    return (
        f"The offer {facts['offer']} charges {way} {facts['service'].replace('_', ' ')} by the "
        f"tariff {facts['tariff']}, revision {facts['revision']}."
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
    if unit == Unit.COUNT and all(group["step"] == 1 for group in facts["groups"]):
        return f"Counted: {counted}."
    return f"Usage is counted {', then '.join(sizes)}, a step begun being a step paid: {counted}."


def _allowance(facts: Facts) -> str:
    name, month = facts["allowance"], month_words(facts["month"])
    before, covered, after = (
        quantity_words(facts[key], facts["unit"]) for key in ("before", "covered", "after")
    )
    if not facts["before"]:
        return f"The allowance {name} has nothing left for {month}, so it pays for nothing."
    if not facts["covered"]:
        return f"The allowance {name} for {month} still holds {before}; nothing is taken from it."
    left = f"{after} left" if facts["after"] else "nothing left"
    return (
        f"The allowance {name} for {month} held {before}; it pays for the first {covered} and has "
        f"{left}."
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
    place = f"{' '.join(where)}: " if where else ""
    free = quantity_words(facts["free"], unit)
    if not paid:
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
    scale = facts["scale"]
    decimals = "a whole amount" if scale == 0 else f"{scale} decimal{'s' if scale > 1 else ''}"
    how = f"rounded to {decimals} ({_MODES[facts['mode']]})"
    return f"Exactly it is {exact}; {how}, the charge is {charge}."


_SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "usage": _usage,
    "tariff": _tariff,
    "prefix": _prefix,
    "increments": _increments,
    "allowance": _allowance,
    "price": _price,
    "connect_fee": _connect_fee,
    "maximum": _maximum,
    "minimum": _minimum,
    "rounding": _rounding,
}
