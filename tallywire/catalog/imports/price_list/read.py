"""A whole price list: text in, a catalogue and notes out."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tallywire.catalog.imports.lines import Broken, Row, csv_rows
from tallywire.catalog.imports.operator_file import OperatorWords, assumed
from tallywire.catalog.imports.price_list.deck import START, consistent, deck_files
from tallywire.catalog.imports.price_list.mapping import ListMapping, MappingFault
from tallywire.catalog.imports.price_list.rows import Priced, Refused, RowReader
from tallywire.catalog.imports.report import Imported, Kind, Note, in_order


@dataclass(frozen=True)
class Table:
    """A price list cut into cells.

    Attributes:
        file: Its name, for notes.
        header: Names of the columns.
        header_line: Where they stand.
        rows: Everything below.
    """

    file: str
    header: tuple[str, ...]
    header_line: int
    rows: tuple[Row | Broken, ...]


def read_list(file: str, text: str, *, separator: str, skip_lines: int) -> Table:
    """Cut a price list into cells.

    Args:
        file: Its name.
        text: Its content.
        separator: `,` `;` `|` or `tab`.
        skip_lines: Lines before that with the names of the columns.

    Raises:
        MappingFault: If there is no such line.
    """
    after = text.split("\n", skip_lines)
    body = after[skip_lines] if len(after) > skip_lines else ""
    rows = list(csv_rows(body, "\t" if separator == "tab" else separator))
    if not rows or isinstance(rows[0], Broken):
        msg = f"{file}: there is no line with names of columns after {skip_lines} lines"
        raise MappingFault(msg)
    moved = [
        Row(one.line + skip_lines, one.cells)
        if isinstance(one, Row)
        else Broken(one.line + skip_lines, one.message)
        for one in rows
    ]
    head = moved[0]
    assert isinstance(head, Row)  # noqa: S101  it was looked at above
    return Table(file, head.cells, head.line, tuple(moved[1:]))


def places_of(table: Table, mapping: ListMapping) -> dict[str, int]:
    """Find the mapped columns.

    Raises:
        MappingFault: If one is not there, or there twice.
    """
    faults = []
    places = {}
    for ours, theirs in mapping.columns().items():
        count = table.header.count(theirs)
        if count == 1:
            places[ours] = table.header.index(theirs)
            continue
        near = difflib.get_close_matches(theirs, table.header, 1)
        known = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(table.header)}"
        what = f"there are {count} columns {theirs!r}; rename one" if count else known
        faults.append(
            f"{ours}: {table.file} has no column {theirs!r}; {what}"
            if not count
            else f"{ours}: {what}"
        )
    if faults:
        raise MappingFault("\n".join(faults))
    return places


def _read(table: Table, mapping: ListMapping) -> Iterator[Priced | Refused]:
    places = places_of(table, mapping)
    reader = RowReader(mapping)
    width = len(table.header)
    for row in table.rows:
        if isinstance(row, Broken):
            yield Refused(row.line, (), f"{row.message}; nothing after it was read")
        elif len(row.cells) != width:
            text = f"{len(row.cells)} cells where the first line has {width}: correct the row"
            yield Refused(row.line, (), text)
        else:
            yield from reader.read(row.line, {name: row.cells[at] for name, at in places.items()})


class _Falls:
    """Tells what a number costs whose own row was refused."""

    def __init__(self, good: Iterable[Priced]) -> None:
        self.rates = {row.prefix: row.rate for row in good}

    def words(self, prefixes: Sequence[str]) -> str:
        if not prefixes:
            return "the numbers it prices fall to a shorter prefix, or are set aside without price"
        prefix = prefixes[0]
        more = f" (and {len(prefixes) - 1} more)" if len(prefixes) > 1 else ""
        for length in range(len(prefix) - 1, 0, -1):
            rate = self.rates.get(prefix[:length])
            if rate is not None:
                return f"calls to {prefix}{more} are priced as {prefix[:length]}, at {rate}"
        return f"calls to {prefix}{more} have no price and are set aside"


def _notes(
    table: Table, refused: Iterable[Refused], again: Iterable[Priced], falls: _Falls
) -> Iterator[Note]:
    for one in refused:
        yield Note(table.file, one.line, Kind.REFUSED, one.message, falls.words(one.prefixes))
    for row in again:
        text = f"{row.prefix} is given twice with one price"
        yield Note(table.file, row.line, Kind.UNUSED, text, "none")


def _columns_left(table: Table, mapping: ListMapping) -> Iterator[Note]:
    mapped = set(mapping.columns().values())
    left = [name or "(no name)" for name in table.header if name not in mapped]
    if left:
        text = f"these columns are not mapped: {', '.join(left)}"
        yield Note(table.file, table.header_line, Kind.UNUSED, text, "none of them is charged")


def _free_units(file: str, rows: Sequence[Priced], mapping: ListMapping) -> Iterator[Note]:
    """Name rows whose free seconds are no whole number of first steps."""
    first = mapping.steps[0] if mapping.steps else 0
    odd = [row for row in rows if int(row.included) % int(row.initial or first or 1)]
    if odd:
        text = (
            f"{len(odd)} rows have free seconds that are no whole number of first steps: here free "
            "seconds are counted in first steps"
        )
        money = "calls that end within the last of these steps cost nothing here"
        yield Note(file, odd[0].line, Kind.DIFFERENT, text, money)


def _said(mapping: ListMapping, start: str) -> Iterator[Note]:
    text = f"a charge is rounded once, {mapping.rounding} to {mapping.decimals} decimals"
    yield Note("", 0, Kind.ASSUMED, f"{text}; say --rounding, --decimals", "its last decimal")
    if mapping.start is None and start == START:
        text = f"the prices hold from {START} on; say --start"
        yield Note("", 0, Kind.ASSUMED, text, "usage before that date is set aside")


def import_table(
    table: Table, mapping: ListMapping, said: OperatorWords, notes: Iterable[Note] = ()
) -> Imported:
    """Make a catalogue of a price list that is cut into cells.

    Args:
        table: The list.
        mapping: What its columns mean.
        said: What is known about the operator.
        notes: What is known about the list already.

    Raises:
        MappingFault: If a mapped column is not there.
    """
    read = list(_read(table, mapping))
    priced = [one for one in read if isinstance(one, Priced)]
    start = mapping.start or _first_date(priced) or START
    good, clashing, again = consistent(priced, start)
    refused = [*(one for one in read if isinstance(one, Refused)), *clashing]
    found = [
        *notes,
        *_notes(table, refused, again, _Falls(good)),
        *_columns_left(table, mapping),
        *_free_units(table.file, good, mapping),
        *_said(mapping, start),
        *assumed(said),
    ]
    files = deck_files(good, mapping, start, said) if good else {}
    return Imported(files, in_order(found))


def _first_date(rows: Sequence[Priced]) -> str:
    """Give the earliest date, where every row has one."""
    dates = [row.valid_from for row in rows]
    return min(dates) if dates and all(dates) else ""


def import_list(file: str, text: str, mapping: ListMapping, said: OperatorWords) -> Imported:
    """Make a catalogue of any price list.

    Raises:
        MappingFault: If the list has no such columns.
    """
    table = read_list(file, text, separator=mapping.separator, skip_lines=mapping.skip_lines)
    return import_table(table, mapping, said)
