"""Canaries as they are written: known usage, and what a person says it must cost."""

import re
from typing import Annotated

from pydantic import AfterValidator, PlainValidator

from tallywire.catalog.models_terms import Entry
from tallywire.catalog.values import CurrencyCode, Digits, Id, Money, Size

_LONGEST = 4_000
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def _line(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.strip().isprintable():
        msg = "write one line: the record as the feed's source would write it"
        raise ValueError(msg)
    if len(value) > _LONGEST:
        msg = f"has {len(value)} characters; a record has at most {_LONGEST}"
        raise ValueError(msg)
    return value.strip()


def _without_colon(name: str) -> str:
    if not _NAME.fullmatch(name):
        msg = f"{name!r} has a colon, which parts the ids of canaries; leave it out"
        raise ValueError(msg)
    return name


Line = Annotated[str, PlainValidator(_line)]
CanaryId = Annotated[Id, AfterValidator(_without_colon)]


class CanaryPriceEntry(Entry):
    """What the usage must cost."""

    amount: Money
    currency: CurrencyCode | None = None


class CanaryEntry(Entry):
    """Usage that is sent again and again, and must arrive once, in time, at its price."""

    id: CanaryId
    feed: Id
    account: Id
    record: Line
    quantity: Size
    b_number: Digits = ""
    expect: CanaryPriceEntry
    every: Size
    within: Size
