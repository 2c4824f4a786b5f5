"""Rate decks: a CSV file of prefixes and prices, read in columns, exact to the last digit."""

import dataclasses
from collections.abc import Iterator, Mapping

import polars as pl

from tallywire.catalog.columns import micros_column, row_problems
from tallywire.catalog.entries import LINE, Entries, Pass, Placed, Result, unit_of
from tallywire.catalog.models import DeckColumns, DeckEntry, TariffEntry
from tallywire.catalog.models_terms import EVERY_BAND
from tallywire.catalog.pricing import in_units, increment_groups
from tallywire.catalog.problems import Problem, at_most
from tallywire.catalog.rules_revisions import gap_words, revision_spans
from tallywire.catalog.rules_tariffs import bands_of
from tallywire.catalog.table import read_table
from tallywire.catalog.yaml_text import Path

RATE = "rate:"
"""Prefix of the rate columns' names: `rate:` in all bands, `rate:peak` in one."""

_PRICE = r"^[0-9]{1,12}(\.[0-9]{1,12})?$"
_SIZE = r"^[0-9]{1,9}$"
MONEY = ("connect_fee", "minimum_charge", "maximum_charge")
_SIZES = ("increment", "initial", "subsequent", "included")


def column_map(columns: DeckColumns) -> dict[str, str]:
    """Give our name of every mapped column to the deck's own name."""
    found = {
        name: getattr(columns, name)
        for name in type(columns).model_fields
        if name != "rate" and getattr(columns, name) is not None
    }
    return found | {f"{RATE}{band}": name for band, name in columns.rate.items()}


class _Deck:
    """One deck while it is read."""

    def __init__(
        self, placed: Placed[TariffEntry], number: int, deck: DeckEntry, entries: Entries
    ) -> None:
        self.placed = placed
        self.path: Path = ("revisions", number, "deck")
        self.deck = deck
        self.entries = entries
        self.unit = unit_of(placed.value.service)
        self.names = column_map(deck.columns)
        self.file = f"tariffs/{deck.file}"
        self.problems: list[Problem] = []

    def fault(self, path: Path, message: str) -> None:
        self.problems.append(self.placed.problem((*self.path, *path), message))

    def declared(self) -> None:
        """Check what the tariff says about the deck."""
        if not in_units(self.deck.per, self.unit):
            self.fault(("per",), f"must be more than 0 and in {self.unit}s, in which rates count")
        most = self.deck.maximum_charge
        if most is not None and most < self.deck.minimum_charge:
            self.fault(("maximum_charge",), "is less than the minimum charge; correct one of them")
        columns = self.deck.columns
        if (columns.initial is None) != (columns.subsequent is None):
            self.fault(("columns",), "initial and subsequent belong together; map both")
        if columns.increment and columns.initial:
            self.fault(("columns", "increment"), "stands beside initial; keep one")
        mapped = columns.increment or columns.initial
        if mapped and self.deck.increment:
            self.fault(("increment",), "stands beside an increment column; keep one")
        if not mapped:
            groups = increment_groups(self.deck.increment, self.unit)
            if not all(step for _, step in groups):
                self.fault(("increment",), "is missing or not in the unit; write for example 60/1")
        self._bands()

    def _bands(self) -> None:
        rates = self.deck.columns.rate
        bands = bands_of(self.entries, self.placed.value)
        if EVERY_BAND in rates:
            return
        for band in sorted(set(rates) ^ set(bands)):
            self.fault(("columns", "rate"), f"{band!r} needs both a band and a column; correct it")

    def rows(self, table: pl.DataFrame, span: tuple[int, int]) -> pl.DataFrame:
        """Check the cells and give rows with our column names and their validity."""
        own = table.select(
            LINE, *(pl.col(theirs).alias(ours) for ours, theirs in self.names.items())
        )
        self._prefixes(own)
        for name in own.columns:
            if name.startswith(RATE) or name in MONEY:
                self._cells(own, name, _PRICE, "is not a price; write decimal text such as 0.0125")
            elif name in _SIZES:
                self._cells(own, name, _SIZE, "is not a whole number")
        for name in ("increment", "initial", "subsequent"):
            if name in own.columns:
                zero = pl.col(name).str.contains(r"^0+$")
                self._report(own, name, zero, "must be greater than 0")
        return self._dated(own, span)

    def _report(self, own: pl.DataFrame, name: str, wrong: pl.Expr, message: str) -> None:
        found = row_problems(own, self.file, name, wrong, lambda text: f"{text!r} {message}")
        theirs = self.names[name]
        self.problems += [dataclasses.replace(one, key=theirs if one.key else "") for one in found]

    def _cells(self, own: pl.DataFrame, name: str, pattern: str, message: str) -> None:
        self._report(own, name, ~pl.col(name).str.contains(pattern), message)

    def _prefixes(self, own: pl.DataFrame) -> None:
        message = "is not a prefix; write digits only (a spreadsheet may have changed it)"
        self._report(own, "prefix", ~pl.col("prefix").str.contains(r"^[0-9]{1,18}$"), message)
        if "destination" in own.columns:
            self._report(own, "destination", pl.col("destination") == "", "is empty; name it")

    def _dated(self, own: pl.DataFrame, span: tuple[int, int]) -> pl.DataFrame:
        zone = self.entries.zone_of(self.placed.value)
        moments = []
        for name, bound in zip(("valid_from", "valid_to"), span, strict=True):
            if name not in own.columns:
                moments.append(pl.lit(bound).alias(f"{name}_us"))
                continue
            moment, faults = micros_column(own, name, zone, empty=bound)
            self._report(own, name, moment.is_null(), next(iter(faults.values()), ""))
            outside = (moment < span[0]) | (moment > span[1])
            self._report(own, name, outside, "lies outside the revision's own dates")
            moments.append(moment.fill_null(bound).alias(f"{name}_us"))
        dated = own.with_columns(moments).with_columns(
            (pl.col("destination") if "destination" in own.columns else pl.col("prefix")).alias(
                "zone_id"
            )
        )
        empty = pl.col("valid_to_us") <= pl.col("valid_from_us")
        self.problems += row_problems(
            dated, self.file, "prefix", empty, lambda text: f"{text} ends before it begins"
        )
        return dated

    def continuous(self, rows: pl.DataFrame) -> None:
        """Check that the rows of one prefix follow one another."""
        if rows["prefix"].n_unique() == rows.height:
            return
        ordered = rows.sort("prefix", "valid_from_us", LINE)
        same = pl.col("prefix") == pl.col("prefix").shift(1)
        ends = pl.col("valid_to_us").cum_max().over("prefix").shift(1)
        line = pl.col(LINE).shift(1).alias("before")
        gap = (pl.col("valid_from_us") - ends).alias("gap")
        ordered = ordered.with_columns(line, gap)
        found = [
            *self._following(ordered, same & (ends > pl.col("valid_from_us")),
                             "is priced twice at one time, first in line {}; keep one"),
            *self._following(ordered, same & (ends < pl.col("valid_from_us")),
                             "has no price between line {} and this one; close the gap"),
        ]  # fmt: skip
        self.problems += found

    def _following(self, rows: pl.DataFrame, wrong: pl.Expr, text: str) -> list[Problem]:
        named = rows.filter(wrong).select(LINE, "prefix", "before", "gap")
        key = self.names["prefix"]
        found = [
            Problem(self.file, line, key, f"the prefix {prefix} {text.format(before)}{size}")
            for line, prefix, before, gap in named.iter_rows()
            for size in [gap_words(gap) if gap > 0 else ""]
        ]
        return at_most(found, "prefixes that do not follow one another")


def _missing(deck: _Deck, table: pl.DataFrame) -> Iterator[Problem]:
    for ours, theirs in deck.names.items():
        if theirs not in table.columns:
            path = ("columns", *(("rate",) if ours.startswith(RATE) else (ours,)))
            have = ", ".join(name for name in table.columns if name != LINE)
            text = f"the deck has no column {theirs!r}; its columns are {have}"
            yield deck.placed.problem((*deck.path, *path), text)


def _read(deck: _Deck, data: bytes | None, span: tuple[int, int]) -> pl.DataFrame | None:
    deck.declared()
    if data is None:
        deck.fault(("file",), f"there is no file {deck.file}; add it or correct the name")
        return None
    separator = "\t" if deck.deck.separator == "tab" else deck.deck.separator
    table, problems = read_table(deck.file, data, separator)
    deck.problems += problems
    if table is None:
        return None
    missing = list(_missing(deck, table))
    deck.problems += missing
    if missing:
        return None
    rows = deck.rows(table, span)
    if not len(rows):
        deck.fault(("file",), "the deck has no rows")
    deck.continuous(rows)
    return rows


def decks(files: Mapping[str, bytes]) -> Pass:
    """Give the pass that reads the rate decks that tariffs name."""

    def read(entries: Entries) -> Result:
        found: dict[tuple[str, int], pl.DataFrame] = {}
        problems: list[Problem] = []
        for placed in entries.tariffs:
            spans = revision_spans(placed.value, entries.zone_of(placed.value))
            for number, revision in enumerate(placed.value.revisions):
                if revision.deck is None:
                    continue
                deck = _Deck(placed, number, revision.deck, entries)
                rows = _read(deck, files.get(deck.file), spans[number])
                problems += deck.problems
                if rows is not None:
                    found[placed.value.id, revision.revision] = rows
        return dataclasses.replace(entries, decks=found), problems + _unnamed(entries, files)

    return read


def _unnamed(entries: Entries, files: Mapping[str, bytes]) -> list[Problem]:
    if any(kind == "tariffs" for kind, _ in entries.broken):
        return []
    named = {
        f"tariffs/{revision.deck.file}"
        for one in entries.tariffs
        for revision in one.value.revisions
        if revision.deck
    }
    found = [name for name in files if name.startswith("tariffs/") and name.endswith(".csv")]
    text = "no tariff names this deck; name it in a revision, or delete the file"
    return [Problem(name, 1, "", text) for name in sorted(set(found) - named)]
