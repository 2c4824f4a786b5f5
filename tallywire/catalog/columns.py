"""Columns of text turned into exact values, each distinct text read once."""

from collections.abc import Callable, Mapping

import polars as pl

from tallywire.catalog.entries import LINE
from tallywire.catalog.problems import Problem, at_most
from tallywire.catalog.values import when


def distinct(frame: pl.DataFrame, column: str) -> list[str]:
    """Give the distinct texts of a column, sorted."""
    texts: list[str] = frame[column].unique().sort().to_list()
    return texts


def micros_column(
    frame: pl.DataFrame, column: str, zone: str, *, empty: int
) -> tuple[pl.Expr, Mapping[str, str]]:
    """Make the expression that turns dates into microseconds UTC.

    Args:
        frame: A table with the column.
        column: Dates as text; empty text means `empty`.
        zone: IANA zone of the dates.
        empty: Instant of an empty text, microseconds UTC.

    Returns:
        The expression, null where a text is no date; and the faulty texts with their message.
    """
    known = {"": empty}
    faults = {}
    for text in distinct(frame, column):
        try:
            known[text] = when(text).micros(zone) if text else empty
        except ValueError as error:
            faults[text] = str(error)
    moments = pl.col(column).replace_strict(
        list(known), list(known.values()), default=None, return_dtype=pl.Int64
    )
    return moments, faults


def row_problems(
    frame: pl.DataFrame,
    file: str,
    column: str,
    wrong: pl.Expr,
    message: Callable[[str], str],
) -> list[Problem]:
    """Report the rows where an expression holds; the first of them singly.

    Args:
        frame: A table with LINE.
        file: Its file, for the problems.
        column: The column the problem is about.
        wrong: True where a row is wrong; null counts as right.
        message: Makes the message from the cell's text.
    """
    rows = frame.filter(wrong.fill_null(value=False)).select(LINE, column)
    found = [Problem(file, line, column, message(text)) for line, text in rows.iter_rows()]
    return at_most(found, f"a wrong {column}")
