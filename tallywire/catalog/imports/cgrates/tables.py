"""The six files of a CGRateS tariff plan, as rows with named cells.

The format's reader takes lines that begin with # for comments and counts columns. Here the first
such line that holds known names says the order; without one the documented order counts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tallywire.catalog.imports.lines import Broken, Row, csv_rows
from tallywire.catalog.imports.report import Kind, Note

DESTINATIONS, TIMINGS, RATES = "Destinations.csv", "Timings.csv", "Rates.csv"
DESTINATION_RATES, PLANS, PROFILES = "DestinationRates.csv", "RatingPlans.csv", "RatingProfiles.csv"

LAYOUTS: Mapping[str, tuple[str, ...]] = {
    DESTINATIONS: ("id", "prefix"),
    TIMINGS: ("id", "years", "months", "month_days", "week_days", "time"),
    RATES: ("id", "connect_fee", "rate", "unit", "increment", "start"),
    DESTINATION_RATES: (
        "id", "destination", "rates", "method", "decimals", "max_cost", "max_cost_strategy",
    ),
    PLANS: ("id", "destination_rates", "timing", "weight"),
    PROFILES: ("tenant", "category", "subject", "activation", "plan", "fallback"),
}  # fmt: skip
"""File to its columns in the documented order."""

_SAME = {
    "tag": "id", "destinationid": "destination", "destinationsid": "destination",
    "destinationtag": "destination", "destinationstag": "destination", "ratesid": "rates",
    "ratestag": "rates", "ratetag": "rates", "roundingmethod": "method",
    "roundingdecimals": "decimals", "rateunit": "unit", "rateincrement": "increment",
    "groupintervalstart": "start", "destinationratesid": "destination_rates",
    "destinationratestag": "destination_rates", "destratestag": "destination_rates",
    "timingid": "timing", "timingtag": "timing", "timingstag": "timing", "timingsid": "timing",
    "activationtime": "activation", "ratingplanid": "plan", "ratingplantag": "plan",
    "ratesfallbacksubject": "fallback", "fallbacksubjects": "fallback",
    "ratesfallbacksubjects": "fallback", "fallbacksubject": "fallback",
}  # fmt: skip
_NEEDLESS = {"direction": {"", "*out"}, "cdrstatqueueids": {""}}
_MAY_LACK = {"fallback", "max_cost", "max_cost_strategy", "week_days", "weight"}


@dataclass(frozen=True)
class Cells:
    """A row of one of the files."""

    file: str
    line: int
    of: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.of.get(column, "")

    def note(self, kind: Kind, message: str, money: str = "") -> Note:
        """Make a note about this row."""
        return Note(self.file, self.line, kind, message, money)


@dataclass
class Tables:
    """All rows, in the order of the files."""

    rows: dict[str, list[Cells]] = field(default_factory=lambda: {name: [] for name in LAYOUTS})
    notes: list[Note] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def _plain(name: str) -> str:
    letters = re.sub(r"[^a-z]", "", name.lower())
    by_plain = {re.sub("_", "", one): one for columns in LAYOUTS.values() for one in columns}
    return _SAME.get(letters) or by_plain.get(letters) or letters


def _header(cells: Sequence[str], known: Sequence[str]) -> list[str] | None:
    names = [_plain(cell.lstrip("# ")) for cell in cells]
    return names if len(set(names) & set(known)) > len(known) // 2 else None


def _unknown(file: str, line: int, names: Sequence[str], known: Sequence[str]) -> Iterator[Note]:
    for name in names:
        if name not in known and name not in _NEEDLESS:
            message = f"the column {name} is not of the documented layout; its values are left out"
            yield Note(file, line, Kind.LOST, message, "none of it reached a price")
    for name in known:
        if name not in names and name not in _MAY_LACK:
            message = f"there is no column for {name}; write the documented columns"
            yield Note(file, line, Kind.REFUSED, message, "no row of the file could be used")


def _needless(row: Cells) -> Iterator[Note]:
    for name, harmless in _NEEDLESS.items():
        if row[name] not in harmless:
            text = f"{name} {row[name]} has no counterpart"
            yield row.note(Kind.LOST, text, "the row is priced as outgoing usage")


def _table(file: str, text: str, tables: Tables) -> None:
    known = LAYOUTS[file]
    names: Sequence[str] = known
    for row in csv_rows(text):
        if isinstance(row, Broken):
            note = Note(file, row.line, Kind.REFUSED, row.message, "nothing after it was read")
            tables.notes.append(note)
        elif row.cells[0].startswith("#"):
            found = _header(row.cells, known) if names is known else None
            if found:
                names = found
                tables.notes += _unknown(file, row.line, names, known)
        else:
            _take(file, row, names, tables)


def _take(file: str, row: Row, names: Sequence[str], tables: Tables) -> None:
    if len(row.cells) != len(names):
        text = f"{len(row.cells)} cells where the layout has {len(names)}; correct the row"
        note = Note(file, row.line, Kind.REFUSED, text, "what the row says has no effect here")
        tables.notes.append(note)
        return
    cells = Cells(file, row.line, dict(zip(names, row.cells, strict=True)))
    tables.rows[file].append(cells)
    tables.notes += _needless(cells)


_OTHERS = {
    "AccountActions.csv": "accounts are written in accounts/ of the catalogue",
    "Actions.csv": "top-ups and other actions are no part of a tariff",
    "ActionPlans.csv": "recurring charges and top-ups are no part of a tariff",
    "ActionTriggers.csv": "thresholds of balances are no part of a tariff",
    "SharedGroups.csv": "shared balances are no part of a tariff",
    "Attributes.csv": "rewriting of fields is set up in feeds",
    "Chargers.csv": "further charging runs have to be written as offers",
    "DerivedChargers.csv": "further charging runs have to be written as offers",
    "Filters.csv": "filters have no counterpart",
}
_CHARGES = {"Actions.csv", "ActionPlans.csv", "Chargers.csv", "DerivedChargers.csv"}


def read_tables(texts: Mapping[str, str]) -> Tables:
    """Read the files of a tariff plan.

    Args:
        texts: File name to content: whatever *.csv the folder holds.
    """
    tables = Tables()
    for file in LAYOUTS:
        if file in texts:
            _table(file, texts[file], tables)
        else:
            tables.missing.append(file)
    for file in sorted(set(texts) - set(LAYOUTS)):
        if any(isinstance(row, Row) and row.cells[0][:1] != "#" for row in csv_rows(texts[file])):
            what = _OTHERS.get(file, "the file is no part of a tariff plan's rates")
            money = "what it charges or credits is missing" if file in _CHARGES else "no rate"
            tables.notes.append(Note(file, 0, Kind.LOST, f"not read: {what}", money))
    return tables
