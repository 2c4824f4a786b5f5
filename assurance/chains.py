"""Chains of records: each is sealed with the hash of the one before it.

No row can be changed, left out or slipped in without the next one telling.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

import orjson

from schemas.actions import ActionEvent
from schemas.decisions import AuditEvent, CaseEvent

Sealed = TypeVar("Sealed", AuditEvent, CaseEvent, ActionEvent)
"""Records that have `previous` and `hash`."""

_OUTSIDE = {"hash", "ledgered_at", "batch_token"}
"""What is not sealed: the seal itself, and how the row came into the store."""


def _written(value: object) -> str:
    """Write an amount with all places that the store keeps."""
    if isinstance(value, Decimal):
        return f"{value:.9f}"
    raise TypeError


def digest(record: Sealed) -> str:
    """Hash a record with the hash of the one before it: sha256 over its canonical bytes, hex.

    Those are JSON with sorted keys, without what has its default: a column that a later version
    adds does not change the hash of rows from before it.
    """
    content = record.model_dump(exclude=_OUTSIDE, exclude_defaults=True)
    body = orjson.dumps(content, default=_written, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest()


def seal(record: Sealed, previous: str) -> Sealed:
    """Give the record as the next link behind the one of that hash; empty for the first."""
    linked = record.model_copy(update={"previous": previous})
    return linked.model_copy(update={"hash": digest(linked)})


@dataclass(frozen=True)
class Broken:
    """The first link that does not hold.

    Attributes:
        number: Sequence or step where the chain breaks.
        why: What does not hold, in a sentence.
    """

    number: int
    why: str


@dataclass(frozen=True)
class Head:
    """The newest link of a chain, as it is known from elsewhere."""

    number: int
    hash: str


class Checker:
    """Follows a chain link by link; what it holds does not grow with the chain."""

    def __init__(self) -> None:
        self.number, self.hash = -1, ""

    def take(self, number: int, record: Sealed) -> Broken | None:
        """Check the next link; tell what is wrong with it."""
        if number == self.number:
            return Broken(number, f"number {number} is there twice: two writers, or a copied row")
        if number != self.number + 1:
            lost = f"number {self.number + 1} is missing: the next one that is there is {number}"
            return Broken(self.number + 1, lost)
        if record.previous != self.hash:
            return Broken(number, f"number {number} does not follow the one that stands before it")
        if record.hash != digest(record):
            return Broken(number, f"the content of number {number} is not what was sealed")
        self.number, self.hash = number, record.hash
        return None


def first_broken(links: Iterable[tuple[int, Sealed]], head: Head | None = None) -> Broken | None:
    """Find the first link that does not hold.

    Args:
        links: Records in the order of their numbers, each with its number.
        head: A link that is known to have been there; what was cut off behind it is found by it.
    """
    checker, met = Checker(), head is None
    for number, record in links:
        found = checker.take(number, record)
        if found is not None:
            return found
        if head is not None and number == head.number:
            met = True
            if record.hash != head.hash:
                return Broken(number, f"number {number} is not the one that was written here")
    if head is not None and not met:
        lost = f"numbers {checker.number + 1} to {head.number} are missing: they were written"
        return Broken(checker.number + 1, lost)
    return None
