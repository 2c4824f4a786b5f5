"""Where prices were written: from a row of a compiled tariff back to file, line and key."""

from typing import NamedTuple

import polars as pl

from tallywire.catalog.entries import LINE, Entries, Placed
from tallywire.catalog.models import RevisionEntry, TariffEntry
from tallywire.catalog.problems import Problem
from tallywire.catalog.snapshot import PREFIX_SCHEMA, Tariff
from tallywire.catalog.yaml_text import Path


class Row(NamedTuple):
    """A row of PREFIX_SCHEMA: a prefix, its zone and price, and when it holds."""

    prefix: str
    zone_id: str
    price_no: int
    revision: int
    valid_from_us: int
    valid_to_us: int


def rows_of(tariff: Tariff) -> list[Row]:
    """Give the rows of a tariff, by prefix and start."""
    frame = tariff.prefixes.select(PREFIX_SCHEMA.names()).sort("prefix", "valid_from_us")
    return [Row(*row) for row in frame.iter_rows()]


def first_rows(tariff: Tariff) -> dict[int, Row]:
    """Give for every price that some prefix finds, as a variant too, the first row of it."""
    found: dict[int, Row] = {}
    for row in rows_of(tariff):
        found.setdefault(row.price_no, row)
        for variant in tariff.prices[row.price_no].variants:
            found.setdefault(variant.price_no, row)
    return found


class Places:
    """Finds the line of a price.

    Args:
        entries: What the compiled catalogue was made of.
    """

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._tariffs = {one.value.id: one for one in entries.tariffs}
        self._decks: dict[tuple[str, int], dict[tuple[str, int], int]] = {}

    def problem(self, tariff_id: str, row: Row, message: str, rule: str) -> Problem:
        """Make a problem at the price of a row; at the tariff where it is not known."""
        placed = self._tariffs.get(tariff_id)
        if placed is None:  # only another catalogue has it
            return Problem("operator.yaml", 1, "", f"tariff {tariff_id}: {message}", rule)
        number, revision = self._revision(placed, row.revision)
        path: Path = ("revisions", number)
        if revision.deck is None:
            zones = [price.zone or "" for price in revision.prices]
            if row.zone_id in zones:
                path = (*path, "prices", zones.index(row.zone_id))
            found = placed.problem(path, message)
            return Problem(found.file, found.line, found.key, found.message, rule)
        line = self._lines(tariff_id, revision).get((row.prefix, row.valid_from_us), 1)
        key = revision.deck.columns.prefix
        return Problem(f"tariffs/{revision.deck.file}", line, key, message, rule)

    def deck(self, tariff_id: str, revision: int) -> str:
        """Give the file of a revision's rate deck; empty where it has none."""
        _, entry = self._revision(self._tariffs[tariff_id], revision)
        return f"tariffs/{entry.deck.file}" if entry.deck else ""

    def _revision(self, placed: Placed[TariffEntry], revision: int) -> tuple[int, RevisionEntry]:
        for number, entry in enumerate(placed.value.revisions):
            if entry.revision == revision:
                return number, entry
        last = len(placed.value.revisions) - 1
        return last, placed.value.revisions[last]

    def _lines(self, tariff_id: str, revision: RevisionEntry) -> dict[tuple[str, int], int]:
        key = (tariff_id, revision.revision)
        if key not in self._decks:
            frame = self._entries.decks.get(key, pl.DataFrame())
            rows = frame.select("prefix", "valid_from_us", LINE).iter_rows() if len(frame) else ()
            self._decks[key] = {(prefix, start): line for prefix, start, line in rows}
        return self._decks[key]
