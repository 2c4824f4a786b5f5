"""What is expected of a feed, as it is written in the catalogue."""

import re
from typing import Annotated, Literal

from pydantic import PlainValidator

from tallywire.catalog.models_terms import Entry
from tallywire.catalog.values import Id, Size, Whole, Words, words

_COUNTER = re.compile(r"[0-9]{1,18}")


def counter(value: object) -> int:
    """Read a number of a counter: at most 18 digits.

    >>> counter("4294967295")
    4294967295
    """
    text = words(value)
    if not _COUNTER.fullmatch(text):
        msg = f"{text!r} is not a number of a counter; write at most 18 digits"
        raise ValueError(msg)
    return int(text)


Counter = Annotated[int, PlainValidator(counter)]


class NumbersEntry(Entry):
    """How a counter counts."""

    first: Counter | None = None
    wraps_at: Counter | None = None
    wraps_to: Counter | None = None


class SequenceEntry(NumbersEntry):
    """How files are numbered, and where the number stands."""

    name: Words | None = None


class NodesEntry(NumbersEntry):
    """How network elements number their records."""

    reorder: Whole = 1_000
    grace: Size | None = None


class ExpectEntry(Entry):
    """What is expected of a feed."""

    sequence: SequenceEntry | None = None
    every: Size | None = None
    grace: Size | None = None
    calendar: Id | None = None
    bands: tuple[Id, ...] = ()
    nodes: NodesEntry | None = None
    empty_files: Literal["allowed", "suspect"] = "allowed"
