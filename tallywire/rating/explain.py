"""A charge in words that a care agent can read to a customer, and as JSON for programs."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from schemas.usage import UsageEvent
from tallywire.calendar import local_time
from tallywire.money import display
from tallywire.rating import partner_true_up
from tallywire.rating.rulebook import (
    TRUE_UP,
    Charge,
    Closer,
    Closing,
    Refusal,
    Rulebook,
    Step,
)
from tallywire.rating.rulebook.recorded import RecordedAmounts, RecordedTally
from tallywire.rating.sentences import SENTENCES
from tallywire.rating.wording import rate_words

Facts = Mapping[str, Any]


def words(steps: Sequence[Step]) -> list[str]:
    """Tell a charge, one sentence a step."""
    return [sentence(step) for step in steps]


def sentence(step: Step) -> str:
    """Tell one step in plain English, with amounts, units and local times."""
    return SENTENCES[step.name](step.facts)


def as_json(steps: Sequence[Step]) -> list[dict[str, object]]:
    """Give a charge as values for JSON: per step its name, its sentence and its facts.

    Exact amounts become `{"exact": "61/600", "decimal": "0.101666667"}`, nine decimals; rates the
    exact price of a base unit and a text; instants local times with their offset (names lose
    `_us`). There are no binary fractions.
    """
    return [
        {"step": step.name, "text": sentence(step), **_plain_facts(step.facts)} for step in steps
    ]


def retrace(book: Rulebook, rated: Facts) -> Charge | Closing | Refusal:
    """Rate again a usage that was charged, with the counters as they were then.

    Args:
        book: Rulebook of the catalogue that `catalog_hash` of the charge names.
        rated: Fields of the RatedEvent by name, ids as 16 bytes.

    Returns:
        The same charge, with its steps. It differs from `rated` only where the charge was not made
        by these rules and this catalogue.
    """
    if rated["op"] == TRUE_UP and rated["party_id"]:
        return partner_true_up.derived(rated, book.snapshot)
    if rated["op"] == TRUE_UP:
        return Closer(book.snapshot).derived(rated)
    usage = {name: rated[name] for name in UsageEvent.model_fields}
    leg = book.leg(usage, rated["run"])
    if isinstance(leg, Refusal):
        return leg
    tariff = book.snapshot.tariffs.get(rated["tariff_id"])
    values = iter(recorded(book, rated))
    amounts = RecordedAmounts(values, tariff.currency if tariff else "")
    return book.charge(usage, leg, RecordedTally(values), amounts)


def recorded(book: Rulebook, rated: Facts) -> Sequence[int]:
    """Give what each counter held when it was read, in that order."""
    if rated["counters"]:
        return [int(value) for value in rated["counters"].split(" ")]
    found = []
    if rated["allowance_id"]:
        offer = book.snapshot.offers.get(rated["offer_id"])
        sizes = {one.allowance_id: one.quantity for one in (offer.allowances if offer else ())}
        found.append(sizes.get(rated["allowance_id"], 0) - rated["allowance_before"])
    return [*found, rated["cumulative_before"]]


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
