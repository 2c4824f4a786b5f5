"""Tables of reference data: `reference/*.csv` checked in columns, with dates, without overlaps."""

import dataclasses
from collections.abc import Iterator, Mapping

import polars as pl

from tallywire.catalog.columns import micros_column, row_problems
from tallywire.catalog.entries import LINE, Entries, Result
from tallywire.catalog.problems import Problem, at_most
from tallywire.catalog.snapshot import FOREVER_US
from tallywire.reference import ALIASES, ReferenceTable, key_of

DATES = ("valid_from", "valid_to")
_COLUMN = r"^[a-z][a-z0-9_]{0,63}$"
_E164 = (r"^[1-9][0-9]{0,14}$", "is not a number; write 1 to 15 digits with the country code")
_PLMN = (r"^[0-9]{5,6}$", "is not an MCC and MNC; write 5 or 6 digits")
_TADIG = (r"^([A-Z0-9]{5})?$", "is not a TADIG code; write 5 capital letters or digits")
_TAC = (r"^[0-9]{8}$", "is not a type allocation code; write 8 digits")
_WAY = (r"^(in|out|both|)$", "is not a direction; write in, out, both or nothing")
_CODE = (r"^([1-9][0-9]{0,2})?$", "is not a country code; write 1 to 3 digits")
_PREFIX = (r"^[0-9]{0,8}$", "is not a trunk prefix; write at most 8 digits")
_PREFIXES = (r"^([0-9]{1,8}( [0-9]{1,8})*)?$", "are not prefixes; write digits, a space between")
_ID = (r"^[A-Za-z0-9][A-Za-z0-9_.:\-]{0,63}$", "is not an id")
_SOME = (r".", "is empty; write it")


@dataclasses.dataclass(frozen=True)
class Shape:
    """What a table of a fixed name holds.

    Attributes:
        keys: Columns it is looked up by; the first identifies a row.
        needed: Columns that must be there.
        longest: The longest key counts, unless a look-up says otherwise.
        flag: What a look-up that finds nothing is told as; empty where that is ordinary.
        cells: Column to pattern and words.
        adds: Columns that are always there, empty where the file has none.
    """

    keys: tuple[str, ...]
    needed: tuple[str, ...]
    longest: bool = False
    flag: str = ""
    cells: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    adds: tuple[str, ...] = ()


SHAPES: Mapping[str, Shape] = {
    "networks": Shape(
        ("mcc_mnc", "tadig"), ("mcc_mnc",), flag="unknown_network",
        cells={"mcc_mnc": _PLMN, "tadig": _TADIG}, adds=("tadig", "country", "name"),
    ),
    "portability": Shape(
        ("number",), ("number",), longest=True, cells={"number": _E164},
        adds=("operator", "partner"),
    ),
    ALIASES: Shape(
        ("value",), ("kind", "value", "to_kind", "to_value"),
        cells={"kind": _ID, "to_kind": _ID, "value": _SOME, "to_value": _SOME},
    ),
    "cells": Shape(("cell_id",), ("cell_id",), flag="unknown_cell", cells={"cell_id": _SOME}),
    "trunks": Shape(
        ("trunk",), ("trunk",), flag="unknown_trunk",
        cells={"trunk": _SOME, "direction": _WAY, "home_country": _CODE, "trunk_prefix": _PREFIX,
               "international_prefixes": _PREFIXES},
        adds=("partner", "direction", "home_country", "trunk_prefix", "international_prefixes"),
    ),
    "devices": Shape(
        ("tac",), ("tac", "device_class"), longest=True, flag="unknown_device", cells={"tac": _TAC},
    ),
}  # fmt: skip
"""Tables with a meaning of their own; any other name is a list or a table of the operator's."""


def shape_of(name: str, columns: list[str]) -> Shape:
    """Give the shape of a table: by its name, else its first column is its key."""
    first = next((one for one in columns if one not in {LINE, *DATES}), "")
    own = Shape((first,), (first,), flag=f"unknown_{name}", cells={first: _SOME})
    return SHAPES.get(name, own)


def table_name(file: str) -> str:
    """Give the name of a table from its file, `reference/trunks.csv`."""
    return file.removeprefix("reference/").removesuffix(".csv")


def _columns(file: str, shape: Shape, table: pl.DataFrame) -> Iterator[Problem]:
    own = [one for one in table.columns if one != LINE]
    for column in shape.needed:
        if column not in own:
            yield Problem(file, 1, column, "the column is missing; add it")
    for column in own:
        odd = pl.select(~pl.lit(column).str.contains(_COLUMN)).item()
        if odd or (column.startswith("valid") and column not in DATES):
            text = "is no name of a column here; write small letters, digits and _"
            near = f"did you mean {' or '.join(DATES)}?" if not odd else text
            yield Problem(file, 1, column, near)


def _cells(file: str, shape: Shape, table: pl.DataFrame) -> Iterator[Problem]:
    for column, (pattern, words) in shape.cells.items():
        if column in table.columns:
            wrong = ~pl.col(column).str.contains(pattern)
            told = "{!r} " + words
            yield from row_problems(table, file, column, wrong, told.format)
    if "to_kind" in shape.needed:
        wrong = (pl.col("to_kind") == "msisdn") & ~pl.col("to_value").str.contains(_E164[0])
        yield from row_problems(table, file, "to_value", wrong, lambda text: f"{text!r} {_E164[1]}")


def _dated(file: str, table: pl.DataFrame, zone: str) -> tuple[pl.DataFrame, list[Problem]]:
    table = table.with_columns(pl.lit("").alias(one) for one in DATES if one not in table.columns)
    problems: list[Problem] = []
    moments = []
    for column, empty in zip(DATES, (0, FOREVER_US), strict=True):
        moment, faults = micros_column(table, column, zone, empty=empty)
        problems += row_problems(table, file, column, moment.is_null(), faults.__getitem__)
        moments.append(moment.fill_null(empty))
    problems += row_problems(
        table, file, "valid_to", moments[1] <= moments[0],
        lambda _: "is not after valid_from; correct one",
    )  # fmt: skip
    since, until = (one.alias(f"{name}_us") for one, name in zip(moments, DATES, strict=True))
    return table.with_columns(since, until).drop(DATES), problems


def overlaps(table: ReferenceTable, file: str, key: str) -> list[Problem]:
    """Find rows of one key that hold at the same time."""
    keyed = table.rows.with_columns(key_of(table.name, key).alias("_key"))
    keyed = keyed.filter(pl.col(key) != "")
    if keyed["_key"].n_unique() == keyed.height:
        return []
    ordered = keyed.sort("_key", "valid_from_us", LINE)
    same = pl.col("_key") == pl.col("_key").shift(1)
    ends = pl.col("valid_to_us").cum_max().over("_key").shift(1)
    twice = ordered.with_columns(pl.col(LINE).shift(1).alias("before")).filter(
        same & (ends > pl.col("valid_from_us"))
    )
    found = [
        Problem(file, line, key, f"{text!r} is there for the same time as in line {before}; "
                "keep one, or end the first where the second begins")
        for line, text, before in twice.select(LINE, key, "before").iter_rows()
    ]  # fmt: skip
    return at_most(found, "keys that are there twice")


def _partners(file: str, table: pl.DataFrame, known: frozenset[str]) -> list[Problem]:
    if "partner" not in table.columns or table_name(file) not in SHAPES:
        return []
    wrong = (pl.col("partner") != "") & ~pl.col("partner").is_in(sorted(known))
    return row_problems(
        table, file, "partner", wrong,
        lambda text: f"{text!r} is no partner, and no account's identifier of type partner; "
        "add it or correct the name",
    )  # fmt: skip


def _known_partners(entries: Entries) -> frozenset[str]:
    """Give everything a partner is called by: ids, values of legs, identifiers of accounts."""
    found = set(entries.known("partners", entries.partners))
    for placed in entries.partners:
        for leg in placed.value.legs:
            found |= set(leg.values) if leg.field == "partner_id" else set()
    held = entries.holdings.filter(pl.col("identifier_type") == "partner")
    return frozenset(found | set(held["identifier"].to_list()))


def reference(entries: Entries) -> Result:
    """Read every table of reference data."""
    tables: dict[str, ReferenceTable] = {}
    problems: list[Problem] = []
    known = _known_partners(entries)
    for file, read in entries.reference_files.items():
        name = table_name(file)
        shape = shape_of(name, read.columns)
        faults = list(_columns(file, shape, read))
        if "/" in name:
            faults = [Problem(file, 1, "", "lies too deep; move it into reference/ itself")]
        problems += faults
        if faults:
            continue
        rows, found = _dated(file, read, entries.time_zone)
        rows = rows.with_columns(pl.lit("").alias(one) for one in shape.adds if one not in rows)
        table = ReferenceTable(name, shape.keys, rows)
        found += [*_cells(file, shape, rows), *overlaps(table, file, shape.keys[0])]
        problems += [*found, *_partners(file, rows, known)]
        tables[name] = table
    return dataclasses.replace(entries, reference=tables), problems


def without_lines(tables: Mapping[str, ReferenceTable]) -> Mapping[str, ReferenceTable]:
    """Give tables as a snapshot keeps them."""
    return {
        name: ReferenceTable(name, one.keys, one.rows.drop(LINE))
        for name, one in sorted(tables.items())
    }
