"""Price assertions as they are written: sample usage, and the charge it must have."""

import difflib
from fractions import Fraction
from typing import Annotated

from pydantic import Field, PlainValidator

from schemas.reasons import Reason
from schemas.services import Direction, Service
from tallywire.catalog.models_terms import Entry
from tallywire.catalog.values import (
    CurrencyCode,
    Digits,
    Id,
    Money,
    Size,
    When,
    Whole,
    Words,
    money,
    when,
)


def _instant(value: object) -> When:
    """Read an instant with its offset; a date alone says no time of day."""
    found = when(value)
    if found.moment.tzinfo is None:
        msg = f"{value!r} has no time; write for example 2026-06-01T10:00:00+02:00"
        raise ValueError(msg)
    return found


def _reason(value: object) -> Reason:
    """Read a published reason; name the nearest where it is none."""
    text = value if isinstance(value, str) else ""
    if text not in set(Reason):
        near = difflib.get_close_matches(text, list(Reason), 1)
        advice = f"did you mean {near[0]}?" if near else "write for example zone_unknown"
        msg = f"{text!r} is not a reason code; {advice}"
        raise ValueError(msg)
    return Reason(text)


Refused = Annotated[Reason, PlainValidator(_reason)]
Instant = Annotated[When, PlainValidator(_instant)]


class AssertedUsage(Entry):
    """Usage to be priced: the fields of a usage event that a price may depend on."""

    service: Service | None = None
    direction: Direction = Direction.MO
    quantity: Size
    start: Instant
    account: Words | None = None
    subscription: Words | None = None
    usage_type: Words = ""
    a_number: Digits = ""
    b_number: Digits = ""
    c_number: Digits = ""
    serving_plmn: Digits = ""
    home_plmn: Digits = ""
    apn: Words = ""
    rat: Words = ""
    cell_id: Words = ""
    partner: Id | None = None
    trunk_in: Words = ""
    trunk_out: Words = ""
    up: Size | None = None
    down: Size | None = None
    source_amount: Money | None = None
    source_currency: CurrencyCode | None = None
    attributes: dict[str, Words] = Field(default_factory=dict)


def _signed(value: object) -> Fraction:
    """Read a charge: money that may be below 0, where volume tiers correct earlier usage."""
    if isinstance(value, str) and value.startswith("-"):
        return -money(value.removeprefix("-"))
    return money(value)


Signed = Annotated[Fraction, PlainValidator(_signed)]


class Expected(Entry):
    """What the charge must be; only what is written is compared, exactly."""

    amount: Signed | None = None
    currency: CurrencyCode | None = None
    tariff: Id | None = None
    revision: Whole | None = None
    zone: Words | None = None
    matched_prefix: Digits | None = None
    bands: Words | None = None
    counted: Size | None = None
    included: Size | None = None
    allowance: Id | None = None
    allowance_after: Size | None = None


class AssertedStep(Entry):
    """One usage and what must become of it: a charge, or a refusal with this reason."""

    usage: AssertedUsage
    run: Id | None = None
    expect: Expected | None = None
    refuse: Refused | None = None


class AssertionEntry(Entry):
    """Sample usage of an offer or a tariff, in order, against the same allowances.

    Either `usage` with `expect` or `refuse`, or a `sequence` of them.
    """

    id: Id
    name: Words = ""
    offer: Id | None = None
    tariff: Id | None = None
    usage: AssertedUsage | None = None
    run: Id | None = None
    expect: Expected | None = None
    refuse: Refused | None = None
    sequence: tuple[AssertedStep, ...] = ()
