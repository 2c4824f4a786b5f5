"""Price assertions: sample usage, rated by the rulebook, set against what it must cost.

Each assertion begins with untouched counters; the steps of a sequence share them.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from schemas.columns import rows_to_frame
from schemas.reasons import Reason
from schemas.services import UNIT_OF_SERVICE, Service
from schemas.usage import UsageEvent
from tallywire.catalog import Problem, Reading, Snapshot
from tallywire.catalog.assertion_models import AssertedStep, AssertedUsage, AssertionEntry, Expected
from tallywire.catalog.entries import Placed
from tallywire.catalog.rules_assertions import steps_of
from tallywire.catalog.snapshot import Offer
from tallywire.catalog.yaml_text import Path
from tallywire.rating.counters import Counters
from tallywire.rating.explain import words
from tallywire.rating.rulebook import RETAIL, Charge, Rating, Refusal, Rulebook
from tallywire.rating.wording import quantity_words

RULE = "assertion"
_OWNER = "assertion"
"""Account and subscription of asserted usage that names none."""

_FIRST, _LAST = 12, 3
"""Steps of a charge that are told, where it has more."""

_COLUMNS = {
    "currency": "currency", "tariff": "tariff_id", "revision": "tariff_revision", "zone": "zone_id",
    "matched_prefix": "matched_prefix", "bands": "bands", "allowance": "allowance_id",
}  # fmt: skip
_QUANTITIES = {
    "counted": "rated_quantity", "included": "included_quantity",
    "allowance_after": "allowance_after",
}  # fmt: skip
_SAME = (
    "usage_type", "a_number", "b_number", "c_number", "serving_plmn", "home_plmn", "apn", "rat",
    "cell_id", "trunk_in", "trunk_out",
)  # fmt: skip


def _name_of(tariff_id: str) -> str:
    """Name the offer that sells one tariff alone: no id that a catalogue can hold."""
    return f"(only {tariff_id})"


def _with_tariffs(snapshot: Snapshot, entries: Sequence[AssertionEntry]) -> Snapshot:
    """Add an offer for each asserted tariff: it sells the tariff alone, without allowances."""
    ways: dict[str, set[str]] = {}
    for entry in entries:
        used = {step.usage.direction.value for _, step in steps_of(entry)}
        ways.setdefault(entry.tariff or "", set()).update(used)
    ways.pop("", None)
    offers = dict(snapshot.offers)
    for tariff_id, directions in ways.items():
        service = snapshot.tariffs[tariff_id].service
        legs = {(service, direction): tariff_id for direction in sorted(directions)}
        name = _name_of(tariff_id)
        offers[name] = Offer(name, legs, (), snapshot.time_zone)
    return dataclasses.replace(snapshot, offers=offers)


def _event(entry: AssertionEntry, usage: AssertedUsage, service: str) -> Mapping[str, Any]:
    """Make the usage event that an assertion describes, as a row of its DataFrame."""
    amount = usage.source_amount
    event = UsageEvent(
        service=service,
        direction=usage.direction.value,
        unit=UNIT_OF_SERVICE[Service(service)].value,
        quantity=usage.quantity.quantity,
        start_time=usage.start.micros("UTC"),
        offer_id=entry.offer or _name_of(entry.tariff or ""),
        account_id=usage.account or _OWNER,
        subscription_id=usage.subscription or _OWNER,
        routing_id=_OWNER,
        partner_id=usage.partner or "",
        up_octets=usage.up.quantity if usage.up else 0,
        down_octets=usage.down.quantity if usage.down else 0,
        source_amount=None if amount is None else _decimal(amount),
        source_currency=usage.source_currency or "",
        attributes=json.dumps(usage.attributes, sort_keys=True) if usage.attributes else "",
        **{name: getattr(usage, name) for name in _SAME},
    )
    return rows_to_frame([event], UsageEvent).row(0, named=True)


def _decimal(amount: Fraction) -> Decimal:
    """Write money as a decimal: what a catalogue writes has at most 12 decimals."""
    return Decimal(amount.numerator * (10**12 // amount.denominator)).scaleb(-12)


def _digits(amount: Decimal) -> str:
    """Write a decimal without trailing zeros.

    >>> _digits(Decimal("0.120000000")), _digits(Decimal("100"))
    ('0.12', '100')
    """
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _differences(expected: Expected, row: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Give the key, what was expected and what came, where they differ."""
    if expected.amount is not None and expected.amount != Fraction(row["amount"]):
        yield "amount", _digits(_decimal(expected.amount)), _digits(row["amount"])
    for key, column in _COLUMNS.items():
        wanted = getattr(expected, key)
        if wanted is not None and wanted != row[column]:
            yield key, str(wanted) or "any", str(row[column]) or "none"
    for key, column in _QUANTITIES.items():
        size = getattr(expected, key)
        if size is not None and size.quantity != row[column]:
            got, unit = row[column], row["unit"]
            written = "no allowance" if got < 0 else quantity_words(got, unit)
            yield key, quantity_words(size.quantity, unit), written


def _shortened(sentences: Sequence[str]) -> str:
    """Write the steps of a charge in one line: of a call over many bands the first and the last."""
    left_out = len(sentences) - _FIRST - _LAST
    if left_out < 2:
        return " ".join(sentences)
    middle = f"({left_out} more steps.)"
    return " ".join([*sentences[:_FIRST], middle, *sentences[-_LAST:]])


def _leg(rating: Rating, run: str) -> Charge | Refusal:
    """Give what became of one leg of a usage."""
    for charge in rating.charges:
        if charge.row["run"] == run:
            return charge
    whole = [refusal for refusal in rating.refusals if refusal.run in {run, ""}]
    return whole[0] if whole else Refusal(Reason.TARIFF_MISSING, f"no leg of the run {run}", run)


def _judged(step: AssertedStep, outcome: Charge | Refusal) -> Iterator[tuple[Path, str]]:
    """Say what is not as asserted."""
    if isinstance(outcome, Refusal):
        if outcome.reason != step.refuse:
            wanted = f"refused as {step.refuse}" if step.refuse else "a charge"
            text = f"expected {wanted}, got refused as {outcome.reason}: {outcome.detail}"
            yield ("refuse" if step.refuse else "expect",), text
        return
    how = _shortened(words(outcome.steps))
    if step.expect is None:
        amount = f"{_digits(outcome.row['amount'])} {outcome.row['currency']}"
        yield ("refuse",), f"expected refused as {step.refuse}, got a charge of {amount}. {how}"
        return
    for number, (key, wanted, got) in enumerate(_differences(step.expect, outcome.row)):
        told = "" if number else f". {how}"  # once for each charge
        yield ("expect", key), f"expected {wanted}, got {got}{told}"


def _failures(book: Rulebook, entry: AssertionEntry) -> Iterator[tuple[Path, str]]:
    """Rate the steps of one assertion in order and say what is not as asserted."""
    counters = Counters()
    for base, step in steps_of(entry):
        service = step.usage.service or book.snapshot.tariffs[entry.tariff or ""].service
        rating = book.rate(_event(entry, step.usage, service), counters.used, counters.series)
        counters.keep(rating.writes, rating.points)
        for path, text in _judged(step, _leg(rating, step.run or RETAIL)):
            yield (*base, *path), text


def _problems(book: Rulebook, placed: Placed[AssertionEntry]) -> Iterator[Problem]:
    for path, text in _failures(book, placed.value):
        message = f"the assertion {placed.value.id} fails: {text}"
        yield dataclasses.replace(placed.problem(path, message), rule=RULE)


def failed(reading: Reading) -> list[Problem]:
    """Rate the usage of every assertion and name those that do not hold.

    Args:
        reading: A reading without problems; one with problems has no prices to assert.

    Returns:
        One problem for each thing that differs: place, expected, got, and how the charge came to
        be.
    """
    snapshot = reading.snapshot
    if snapshot is None:
        return []
    asserted = reading.entries.assertions
    book = Rulebook(_with_tariffs(snapshot, [placed.value for placed in asserted]))
    return [problem for placed in asserted for problem in _problems(book, placed)]


def proven(reading: Reading) -> Reading:
    """Take the snapshot away from a reading whose assertions do not hold."""
    found = failed(reading)
    return dataclasses.replace(reading, snapshot=None, problems=sorted(found)) if found else reading
