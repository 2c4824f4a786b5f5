"""Feeds, compiled: what a feed does not say is the operator's."""

from collections.abc import Iterator, Mapping

from schemas.services import Unit
from tallywire.catalog.compile_expect import compiled_expect
from tallywire.catalog.entries import Entries, unit_of
from tallywire.catalog.feed import Feed, RadiusClient
from tallywire.catalog.feed_rules import Condition, Enrichment, FieldCopy, Filter, Node, Skew
from tallywire.catalog.models import FeedEntry, Operator
from tallywire.catalog.models_feeds import ConditionEntry, EnrichEntry, FilterEntry, NodeEntry
from tallywire.catalog.pricing import in_units
from tallywire.catalog.reference_tables import shape_of
from tallywire.catalog.rules_collect import compile_collect
from tallywire.catalog.rules_mqtt import compile_mqtt
from tallywire.catalog.values import span
from tallywire.reference import BETWEEN, Reference

_MS_US = 1_000


def _or(own: str | None, default: str) -> str:
    return default if own is None else own


def _feed(entry: FeedEntry, operator: Operator, tables: Reference) -> Feed:
    typical = in_units(entry.typical_quantity, unit_of(entry.service))
    abroad = entry.international_prefixes
    return Feed(
        feed_id=entry.id,
        tenant_id=_or(entry.tenant, operator.tenant),
        format=entry.format,
        path=entry.path,
        collect=compile_collect(entry.collect),
        topic=entry.topic,
        http=entry.http,
        radius=tuple(RadiusClient(one.network, one.secret, one.signed) for one in entry.radius),
        mqtt=compile_mqtt(entry.mqtt),
        partitioner=entry.partitioner.value,
        growing=entry.growing,
        time_zone=_or(entry.time_zone, operator.time_zone),
        home_country=_or(entry.home_country, operator.home_country),
        trunk_prefix=_or(entry.trunk_prefix, operator.trunk_prefix),
        international_prefixes=operator.international_prefixes if abroad is None else abroad,
        source_id=_or(entry.source, entry.id),
        service=entry.service.value,
        served=tuple((way.identifier, way.field) for way in entry.served),
        options=entry.options,
        window_days=entry.window_days,
        backfill=entry.backfill,
        typical_quantity=typical or 0,
        home_plmn=_or(entry.home_plmn, operator.home_plmn),
        expect=compiled_expect(entry.expect, entry.format),
        nodes=tuple(_node(one, entry, operator) for one in entry.nodes),
        copies=tuple(
            FieldCopy(name, one.source, one.values, one.otherwise)
            for name, one in entry.map.items()
        ),
        enrichments=tuple(
            _enrichment(one, tables) for one in (*operator.enrich, *entry.enrich)
        ),
        filters=tuple(_filter(one) for one in (*operator.filters, *entry.filters)),
    )  # fmt: skip


def _node(entry: NodeEntry, feed: FeedEntry, operator: Operator) -> Node:
    abroad = [entry.international_prefixes, feed.international_prefixes]
    return Node(
        node_id=entry.id,
        field=entry.field,
        values=entry.values or (() if entry.starts_with else (entry.id,)),
        prefixes=entry.starts_with,
        home_country=_or(entry.home_country, _or(feed.home_country, operator.home_country)),
        trunk_prefix=_or(entry.trunk_prefix, _or(feed.trunk_prefix, operator.trunk_prefix)),
        international_prefixes=next(
            (one for one in abroad if one is not None), operator.international_prefixes
        ),
        time_zone=_or(entry.time_zone, _or(feed.time_zone, operator.time_zone)),
        clock=tuple(
            Skew(*span(one.valid_from, one.valid_to, operator.time_zone), one.offset_ms * _MS_US)
            for one in entry.clock_offset_ms
        ),
    )


def _enrichment(entry: EnrichEntry, tables: Reference) -> Enrichment:
    table = tables[entry.table]
    shape = shape_of(entry.table, [*table.keys, *table.rows.columns])
    longest = shape.longest if entry.match is None else entry.match == "longest"
    lead = f"{entry.kind}{BETWEEN}{entry.to_kind}{BETWEEN}" if entry.kind else ""
    return Enrichment(
        table=entry.table,
        by=entry.by,
        key=entry.key or table.keys[0],
        longest=longest,
        lead=lead,
        sets=tuple(entry.set.items()),
        replace=entry.replace,
        required=entry.required,
        flag=shape.flag,
    )


def _conditions(field: str, entry: ConditionEntry) -> Iterator[Condition]:
    for test, held in (
        ("is", entry.equals), ("is_not", entry.is_not), ("starts_with", entry.starts_with),
    ):  # fmt: skip
        if held:
            yield Condition(field, test, values=held)
    for test, table in (("in", entry.inside), ("prefix_in", entry.prefix_in)):
        if table:
            yield Condition(field, test, table=table)
    for test, amount in (("below", entry.below), ("at_least", entry.at_least)):
        if amount:
            unit = (amount.unit or Unit.COUNT).value
            yield Condition(field, test, limit=amount.quantity, unit=unit)


def _filter(entry: FilterEntry) -> Filter:
    return Filter(
        entry.name,
        tuple(one for field, held in entry.when.items() for one in _conditions(field, held)),
    )


def compile_feeds(entries: Entries) -> Mapping[str, Feed]:
    """Compile every feed."""
    assert entries.operator is not None  # noqa: S101  lint has passed
    operator = entries.operator.value
    return {one.value.id: _feed(one.value, operator, entries.reference) for one in entries.feeds}
