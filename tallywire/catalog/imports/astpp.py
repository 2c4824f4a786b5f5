"""An ASTPP origination or termination rate deck as a catalogue: its columns are known by name."""

import re
from collections.abc import Iterator, Mapping

from tallywire.catalog.imports.lines import Broken, Row
from tallywire.catalog.imports.operator_file import OperatorWords
from tallywire.catalog.imports.price_list.mapping import MappingFault, mapping_of
from tallywire.catalog.imports.price_list.read import Table, import_table, read_list
from tallywire.catalog.imports.report import Imported, Kind, Note

_NAMES = {
    "prefix": ("code", "prefix", "pattern", "codeprefix"),
    "destination": ("destination", "comment", "description"),
    "connect_fee": ("connectcost", "connectioncost", "connectcharge", "connectfee"),
    "included": ("includedseconds", "gracetime", "includeds"),
    "rate": (
        "perminutecost", "costmin", "costperminute", "costperminutes", "costpermin", "cost",
        "permincost", "rate",
    ),
    "initial": ("initialincrement", "initinc", "initiallyincrement", "initialincrements"),
    "subsequent": ("increment", "inc", "increments", "incrementseconds"),
    "valid_from": ("effectivedate",),
    "valid_to": ("enddate", "expirydate", "expirationdate"),
}  # fmt: skip
_STATUS = "status"
_ROUTING = {
    "prepend": "digits put before the number when it is routed",
    "strip": "digits taken off the number when it is routed",
    "precedence": "order of trunks",
    "priority": "order of trunks",
    "trunk": "the trunk that is used",
}
_PLAIN = {"country", "calltype", "creationdate", "lastmodifieddate", "createddate", "modifieddate"}
_UNIT = re.compile(r"\(.*?\)")
_OWN_ZERO = "none, if the increment was meant to be one second"


def _plain(name: str) -> str:
    found = re.sub(r"[^a-z]", "", _UNIT.sub("", name.lower()))
    return found[:-1] if found in {"includedsecondss", "increments"} else found


def _columns(table: Table) -> dict[str, str]:
    """Find our columns among theirs."""
    plain = {_plain(name): name for name in reversed(table.header)}
    found = {}
    for ours, names in _NAMES.items():
        theirs = next((plain[name] for name in names if name in plain), None)
        if theirs is not None:
            found[ours] = theirs
    return found


def _other_columns(table: Table, known: Mapping[str, str]) -> Iterator[Note]:
    for name in table.header:
        plain = _plain(name)
        if name in known.values() or plain in {*_PLAIN, _STATUS}:
            continue
        what = _ROUTING.get(plain)
        text = f"the column {name}: {what or 'not a column of a rate deck that is known here'}"
        money = "none: it is routing" if what else "what it charges, if anything, is missing"
        yield Note(table.file, table.header_line, Kind.LOST, text, money)


class _Deck:
    """A deck whose cells are made plain."""

    def __init__(self, table: Table, columns: Mapping[str, str]) -> None:
        self.table = table
        self.at = {ours: table.header.index(theirs) for ours, theirs in columns.items()}
        plain = [_plain(name) for name in table.header]
        self.status = plain.index(_STATUS) if _STATUS in plain else -1
        self.notes: list[Note] = []
        self.zeros: list[int] = []

    def rows(self) -> Iterator[Row | Broken]:
        width = len(self.table.header)
        for row in self.table.rows:
            if isinstance(row, Broken) or not width <= len(row.cells) <= width + 1:
                yield row
                continue
            cells = [*row.cells[:width]]
            if row.cells[width:] not in {(), ("",)}:
                yield row  # more than the comma that its own sample files end with
            elif self._active(row.line, cells):
                yield Row(row.line, tuple(self._made_plain(row.line, cells)))

    def _active(self, line: int, cells: list[str]) -> bool:
        state = cells[self.status].lower() if self.status >= 0 else "active"
        if state == "inactive":
            note = Note(self.table.file, line, Kind.UNUSED, "the rate is inactive", "none")
            self.notes.append(note)
        return state != "inactive"

    def _made_plain(self, line: int, cells: list[str]) -> list[str]:
        prefix = self.at["prefix"]
        cells[prefix] = re.sub(r"^\^?([0-9]+)(\.\*)?$", r"\1", cells[prefix])
        for name in ("valid_from", "valid_to"):
            if name in self.at:
                cells[self.at[name]] = _day(cells[self.at[name]])
        following = self.at["subsequent"]
        if cells[following] in {"", "0"}:
            cells[following] = "1"
            self.zeros.append(line)
        if "initial" in self.at and cells[self.at["initial"]] in {"", "0"}:
            cells[self.at["initial"]] = cells[following]
            self.zeros.append(line)
        return cells


def _day(text: str) -> str:
    """Give the date of a time at midnight; what never was is open.

    >>> _day("2026-01-01 00:00:00"), _day("0000-00-00 00:00:00")
    ('2026-01-01', '')
    """
    day, _, clock = text.partition(" ")
    if day == "0000-00-00":
        return ""
    return day if clock in {"", "00:00:00"} else text


def import_astpp(
    file: str, text: str, said: OperatorWords, further: Mapping[str, str] | None = None
) -> Imported:
    """Make a catalogue of an ASTPP rate deck.

    Args:
        file: Its name.
        text: Its content, comma-separated.
        said: What is known about the operator.
        further: Keys of a price list's mapping that no column says: `id`, `service`, `start`,
            `rounding`, `decimals`.

    Raises:
        MappingFault: If it lacks a column that a rate deck has.
    """
    table = read_list(file, text, separator=",", skip_lines=0)
    columns = _columns(table)
    missing = [name for name in ("prefix", "rate", "subsequent") if name not in columns]
    if missing:
        names = {"prefix": "Code", "rate": "Per Minute Cost", "subsequent": "Increment"}
        wanted = ", ".join(names[name] for name in missing)
        msg = f"{file} has no column {wanted}; it has {', '.join(table.header)}"
        raise MappingFault(msg)
    deck = _Deck(table, columns)
    plain = Table(file, table.header, table.header_line, tuple(deck.rows()))
    steps = {} if "initial" in columns else {"initial": columns["subsequent"]}
    mapping = mapping_of({**columns, **steps, "per": "1 min", **(further or {})})
    notes = [*_other_columns(table, columns), *deck.notes, *_zeros(file, deck.zeros)]
    found = import_table(plain, mapping, said, notes)
    left = "these columns are not mapped"
    return Imported(found.files, tuple(one for one in found.notes if left not in one.message))


def _zeros(file: str, lines: list[int]) -> Iterator[Note]:
    if lines:
        text = (
            f"{len(lines)} increments are 0 or empty: an increment of 0 is taken for 1 s, a first "
            "one of 0 for the following one"
        )
        yield Note(file, lines[0], Kind.ASSUMED, text, _OWN_ZERO)
