"""CSV text as rows with their lines, whoever wrote it."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A row of a CSV file.

    Attributes:
        line: Line where it begins, from 1.
        cells: Its cells, without spaces around them.
    """

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Broken:
    """Where a CSV file stops being one."""

    line: int
    message: str


def csv_rows(text: str, separator: str = ",") -> Iterator[Row | Broken]:
    """Read rows; blank lines are passed over, a fault ends the reading.

    Args:
        text: The whole file.
        separator: One character.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    before = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Row(before + 1, tuple(cell.strip() for cell in cells))
            before = reader.line_num
    except csv.Error as error:
        yield Broken(before + 1, f"not CSV from here on: {error}; check the quotation marks")
