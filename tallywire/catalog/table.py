"""CSV files as text columns, each row with its line."""

import csv
import io

import numpy as np
import polars as pl

from tallywire.catalog.entries import LINE
from tallywire.catalog.problems import Problem, at_most

MAX_COLUMNS = 200


def _ragged(name: str, text: str, separator: str) -> list[Problem]:
    """Find, slowly and exactly, the rows that a CSV reader refuses."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found: list[Problem] = []
    width = 0
    try:
        for row in rows:
            width = width or len(row)
            if row and len(row) != width:
                message = f"{len(row)} fields where the first line has {width}; correct the row"
                found.append(Problem(name, rows.line_num, "", message))
    except csv.Error as error:
        message = f"not CSV: {error}; check the quotation marks"
        found.append(Problem(name, rows.line_num, "", message))
    return at_most(found, "a wrong number of fields")


def _even(text: str, separator: str, width: int) -> bool:
    """Tell, in columns, whether every line without quotation marks has that many fields."""
    data = np.frombuffer(text.encode(), np.uint8)
    starts = np.append(0, np.flatnonzero(data == ord("\n")) + 1)
    starts = starts[starts < len(data)]
    before = np.searchsorted(np.flatnonzero(data == ord(separator)), np.append(starts, len(data)))
    empty = np.isin(data[starts], np.frombuffer(b"\r\n", np.uint8))
    return bool(((np.diff(before) + 1 == width) | empty).all())


def _header(name: str, text: str, separator: str) -> list[Problem]:
    first = text.split("\n", 1)[0].rstrip("\r")
    try:
        names = next(csv.reader([first], delimiter=separator), [])
    except csv.Error as error:
        return [Problem(name, 1, "", f"the first line holds no column names: {error}")]
    if not any(names):
        return [Problem(name, 1, "", "the file is empty; write a first line with column names")]
    if len(names) > MAX_COLUMNS:
        return [Problem(name, 1, "", f"{len(names)} columns; at most {MAX_COLUMNS} are read")]
    twice = sorted({one for one in names if names.count(one) > 1 or not one.strip()})
    odd = sorted({one for one in names if one in {"*", LINE} or one[:1] == "^"})
    return [
        *(Problem(name, 1, one, "this column name is empty or given twice") for one in twice),
        *(Problem(name, 1, one, "this column name cannot be used; rename it") for one in odd),
    ]


def _frame(text: str, separator: str) -> pl.DataFrame:
    frame = pl.read_csv(
        io.BytesIO(text.encode()),
        separator=separator,
        infer_schema=False,
        empty_string_is_null=False,
        row_index_name=LINE,
        row_index_offset=2,
    )
    return frame.with_columns(pl.col(LINE).cast(pl.Int64))


def read_table(
    name: str, data: bytes, separator: str = ","
) -> tuple[pl.DataFrame | None, list[Problem]]:
    """Read a CSV file: a first line with names, then rows; blank lines are passed over.

    Args:
        name: The file's name, for problems.
        data: Its bytes, UTF-8.
        separator: One character.

    Returns:
        Text columns, stripped, and LINE; or none when the file cannot be used; and the problems.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return None, [Problem(name, line, "", "these bytes are not UTF-8; save the file as UTF-8")]
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        return None, [Problem(name, line, "", "a NUL character; this is not a text file")]
    problems = _header(name, text, separator)
    if problems:
        return None, problems
    try:
        frame = _frame(text, separator)
    except pl.exceptions.PolarsError as error:
        rough = Problem(name, 1, "", f"not CSV: {str(error).splitlines()[0]}; check the quotes")
        return None, _ragged(name, text, separator) or [rough]
    return _checked(name, text, separator, frame)


def _checked(
    name: str, text: str, separator: str, frame: pl.DataFrame
) -> tuple[pl.DataFrame | None, list[Problem]]:
    columns = [column for column in frame.columns if column != LINE]
    blank = pl.all_horizontal(pl.col(columns).is_null() | (pl.col(columns) == ""))
    frame = frame.filter(~blank)
    quoted = '"' in text
    short = bool((frame[columns[-1]] == "").any())  # a row that is too short looks like this
    if short and (quoted or not _even(text, separator, len(columns))):
        problems = _ragged(name, text, separator)
        if problems:
            return None, problems
    if quoted:
        broken = frame.filter(pl.any_horizontal(pl.col(columns).str.contains("\n", literal=True)))
        if len(broken):
            message = "a line break within a field; write it on one line"
            return None, [Problem(name, int(broken[LINE][0]), "", message)]
    return frame.with_columns(pl.col(columns).str.strip_chars()), []
