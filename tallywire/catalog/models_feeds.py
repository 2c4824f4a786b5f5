"""What a feed says of nodes, field maps, enrichment and filters, as it is written."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainValidator

from tallywire.catalog.models_terms import Entry, Texts
from tallywire.catalog.values import Digits, Id, Moment, Size, Words, YesNo, ZoneName, signed

Milliseconds = Annotated[int, PlainValidator(signed)]


class SkewEntry(Entry):
    """How far a node's clock is ahead, for some time."""

    offset_ms: Milliseconds
    valid_from: Moment | None = None
    valid_to: Moment | None = None


def _one_skew(value: object) -> object:
    return [{"offset_ms": value}] if isinstance(value, str) else value


class NodeEntry(Entry):
    """A network element of a feed, where it differs from the feed."""

    id: Id
    field: Literal["node", "trunk_in", "trunk_out"] = "node"
    values: Texts = ()
    starts_with: Texts = ()
    home_country: Digits | None = None
    trunk_prefix: Digits | None = None
    international_prefixes: tuple[Digits, ...] | None = None
    time_zone: ZoneName | None = None
    clock_offset_ms: Annotated[tuple[SkewEntry, ...], BeforeValidator(_one_skew)] = ()


class CopyEntry(Entry):
    """Where a field's text comes from, and how it is translated."""

    source: Words = Field(alias="from")
    values: dict[Words, Words] = Field(default_factory=dict)
    otherwise: Words | None = None


def _as_copy(value: object) -> object:
    return {"from": value} if isinstance(value, str) else value


FieldMaps = dict[Words, Annotated[CopyEntry, BeforeValidator(_as_copy)]]
"""Field to where it comes from."""


class EnrichEntry(Entry):
    """A look-up in a table of `reference/`."""

    table: Id = Field(alias="from")
    by: Words
    key: Id | None = None
    match: Literal["exact", "longest"] | None = None
    kind: Id | None = None
    to_kind: Id | None = None
    set: dict[Words, Words]
    replace: YesNo = False
    required: YesNo = False


class ConditionEntry(Entry):
    """What a filter asks of one field; all that is said must hold."""

    equals: Texts = Field(default=(), alias="is")
    is_not: Texts = ()
    starts_with: Texts = ()
    inside: Id | None = Field(default=None, alias="in")
    prefix_in: Id | None = None
    below: Size | None = None
    at_least: Size | None = None


def _as_condition(value: object) -> object:
    return {"is": value} if isinstance(value, str | list) else value


class FilterEntry(Entry):
    """Usage that is set aside on purpose."""

    name: Id
    when: dict[Words, Annotated[ConditionEntry, BeforeValidator(_as_condition)]]
