"""Nodes, field maps, enrichment and filters of feeds: known fields, tables and columns."""

import re
from collections.abc import Iterator

import polars as pl

from schemas.services import Unit
from tallywire.catalog.entries import LINE, Entries, Placed, Result
from tallywire.catalog.feed_rules import (
    ATTRIBUTE_PATTERN,
    DECODED_FIELDS,
    FILLED_FIELDS,
    MEASURES,
    NUMBER_FIELDS,
    READ_FIELDS,
)
from tallywire.catalog.models import FeedEntry, Operator
from tallywire.catalog.models_feeds import ConditionEntry, EnrichEntry, NodeEntry
from tallywire.catalog.problems import Problem
from tallywire.catalog.reference_tables import overlaps, table_name
from tallywire.catalog.values import Amount, span
from tallywire.catalog.yaml_text import Path
from tallywire.reference import ALIASES, VALIDITY, ReferenceTable

Found = Iterator[tuple[Path, str]]
_NUMBER = r"^([1-9][0-9]{0,14})?$"
_UNITS_OF = {"duration": {Unit.MICROSECOND}, "up": {Unit.OCTET}, "down": {Unit.OCTET}}


def _field(path: Path, name: str, known: tuple[str, ...]) -> Found:
    if name not in known and not re.fullmatch(ATTRIBUTE_PATTERN, name):
        names = ", ".join(sorted(known))
        yield path, f"{name!r} is no field here; use attributes.NAME or one of {names}"


def _nodes(feed: FeedEntry, zone: str) -> Found:
    seen: set[str] = set()
    for number, node in enumerate(feed.nodes):
        path: Path = ("nodes", number)
        if node.id in seen:
            yield (*path, "id"), f"{node.id!r} is already a node of this feed; name it otherwise"
        seen.add(node.id)
        yield from _clock(path, node, zone)


def _clock(path: Path, node: NodeEntry, zone: str) -> Found:
    before = 0
    for number, one in enumerate(node.clock_offset_ms):
        since, until = span(one.valid_from, one.valid_to, zone)
        here = (*path, "clock_offset_ms", number)
        if until <= since:
            yield (*here, "valid_to"), "is not after valid_from; correct one"
        if number and since < before:
            yield (*here, "valid_from"), "overlaps the offset above it; begin where it ends"
        before = until


def _maps(feed: FeedEntry) -> Found:
    for name, copy in feed.map.items():
        path: Path = ("map", name)
        yield from _field(path, name, DECODED_FIELDS)
        yield from _field((*path, "from"), copy.source, DECODED_FIELDS)
        if copy.otherwise is not None and not copy.values:
            yield (*path, "otherwise"), "needs values; without them every text is taken as it is"


def _table(entries: Entries, path: Path, name: str) -> Found:
    """Say that a table is not there; one that is there and faulty is no second problem."""
    files = {table_name(file) for file in entries.reference_files}
    if name not in entries.reference and name not in files:
        known = ", ".join(sorted(files)) or "none"
        yield path, f"there is no table {name!r} in reference/; there are: {known}"


def _enrichment(entries: Entries, path: Path, one: EnrichEntry) -> Found:
    yield from _field((*path, "by"), one.by, READ_FIELDS)
    yield from _table(entries, (*path, "from"), one.table)
    if not one.set:
        yield (*path, "set"), "fills nothing; write for example partner: partner"
    for name in one.set:
        yield from _field((*path, "set", name), name, FILLED_FIELDS)
    if (one.table == ALIASES) != bool(one.kind and one.to_kind):
        yield path, "kind and to_kind say which aliases are meant: write both, and only for aliases"
    if one.table in entries.reference:
        yield from _sets(entries.reference[one.table], path, one)


def _sets(table: ReferenceTable, path: Path, one: EnrichEntry) -> Found:
    columns = [name for name in table.rows.columns if name not in {LINE, *VALIDITY}]
    for name, column in one.set.items():
        here = (*path, "set", name)
        if column not in columns:
            yield here, f"{one.table} has no column {column!r}; it has {', '.join(columns)}"
        elif name in NUMBER_FIELDS and not _all_numbers(table.rows, column, one):
            text = "is filled with numbers: 1 to 15 digits with the country code"
            yield here, f"{text}; {one.table} has something else in {column}"
    if one.key is not None and one.key not in table.keys:
        yield (*path, "key"), f"{one.table} is looked up by {' or '.join(table.keys)}"
    elif one.key is not None and one.key != table.keys[0]:
        for problem in overlaps(table, f"reference/{one.table}.csv", one.key)[:1]:
            yield (*path, "key"), f"is not unique: {problem.file}:{problem.line}: {problem.message}"


def _all_numbers(rows: pl.DataFrame, column: str, one: EnrichEntry) -> bool:
    if one.table == ALIASES:
        rows = rows.filter((pl.col("kind") == one.kind) & (pl.col("to_kind") == one.to_kind))
    return bool(rows[column].str.contains(_NUMBER).all())


def _tests(condition: ConditionEntry) -> dict[str, object]:
    names = ("equals", "is_not", "starts_with", "inside", "prefix_in", "below", "at_least")
    return {name: held for name in names if (held := getattr(condition, name)) not in {None, ()}}


def _condition(entries: Entries, path: Path, name: str, condition: ConditionEntry) -> Found:
    tests = _tests(condition)
    if not tests:
        yield path, "asks nothing; write is, is_not, starts_with, in, prefix_in, below or at_least"
    measured = {"below", "at_least"} & tests.keys()
    if name in MEASURES:
        if tests.keys() - measured:
            yield path, "is measured; write below or at_least"
    else:
        yield from _field(path, name, (*READ_FIELDS, *MEASURES))
        if measured:
            yield path, f"is a text; below and at_least measure {', '.join(MEASURES)}"
    for test, key in (("inside", "in"), ("prefix_in", "prefix_in")):
        if test in tests:
            yield from _table(entries, (*path, key), str(tests[test]))
            if tests[test] == ALIASES:
                yield (*path, key), "aliases are no list of values; use another table"
    for test in sorted(measured):
        amount = tests[test]
        assert isinstance(amount, Amount)  # noqa: S101  the model says so
        wanted = _UNITS_OF.get(name)
        if wanted and (amount.unit or Unit.COUNT) not in wanted:
            yield (*path, test), f"is not in {' or '.join(wanted)}s, in which {name} counts"


def _rules(entries: Entries, entry: FeedEntry | Operator) -> Found:
    for number, one in enumerate(entry.enrich):
        yield from _enrichment(entries, ("enrich", number), one)
    seen: set[str] = set()
    for number, rule in enumerate(entry.filters):
        path: Path = ("filters", number)
        if rule.name in seen:
            yield (*path, "name"), f"{rule.name!r} is already a filter here; name it otherwise"
        seen.add(rule.name)
        if not rule.when:
            yield (*path, "when"), "has no condition, so that it would take all usage; write one"
        for name, condition in rule.when.items():
            yield from _condition(entries, (*path, "when", name), name, condition)


def _same_names(feed: FeedEntry, operator: Operator | None) -> Found:
    shared = {one.name for one in operator.filters} if operator else set()
    for number, one in enumerate(feed.filters):
        if one.name in shared:
            text = f"{one.name!r} is a filter of operator.yaml already; name it otherwise"
            yield ("filters", number, "name"), text


def feed_rules(entries: Entries) -> Result:
    """Check what feeds, and the operator for all feeds, do with records."""
    found: list[Problem] = []

    def take(placed: Placed[FeedEntry] | Placed[Operator], faults: Found) -> None:
        found.extend(placed.problem(path, text) for path, text in faults)

    operator = entries.operator
    if operator is not None:
        take(operator, _rules(entries, operator.value))
    for placed in entries.feeds:
        take(placed, _nodes(placed.value, entries.time_zone))
        take(placed, _maps(placed.value))
        take(placed, _rules(entries, placed.value))
        take(placed, _same_names(placed.value, operator.value if operator else None))
    return entries, found
