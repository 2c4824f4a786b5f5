"""Lists of others as text: rows by their columns' names, wrong lines with what is wrong."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from zoneinfo import ZoneInfo

from schemas.instants import EPOCH, MICROSECOND

Row = Mapping[str, str]
Made = TypeVar("Made")


class ListWrongError(ValueError):
    """A list cannot be read: in which file and line, and what is wrong."""


def read_rows(
    name: str,
    text: str,
    needed: Sequence[str],
    names: Mapping[str, str],
    make: Callable[[Row], Made],
) -> list[Made]:
    """Read a CSV with a head, and make something of each row.

    Args:
        name: Of the file, for people.
        needed: Columns that must be there.
        names: Column to what it is called in this file, where that is something else.
        make: Raises ValueError for a row that is wrong.

    Raises:
        ListWrongError: With the columns that are missing, or every wrong line.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = [one for one in needed if names.get(one, one) not in (rows.fieldnames or ())]
    if missing:
        msg = (
            f"{name}, line 1: the columns {', '.join(missing)} are missing; it has "
            f"{', '.join(rows.fieldnames or ()) or 'none'}: say with --column what they are called"
        )
        raise ListWrongError(msg)
    turned = {called: one for one, called in names.items()}
    made, problems = [], []
    for row in rows:
        said = {turned.get(key, key): (value or "").strip() for key, value in row.items() if key}
        try:
            made.append(make(said))
        except ValueError as error:
            problems.append(f"{name}, line {rows.line_num}: {error}")
    if problems:
        raise ListWrongError("\n".join(_first(problems)))
    return made


_SHOWN = 20


def _first(problems: Sequence[str]) -> Iterator[str]:
    yield from problems[:_SHOWN]
    if len(problems) > _SHOWN:
        yield f"and {len(problems) - _SHOWN} lines more"


def number(text: str, name: str) -> Decimal:
    """Read an exact number.

    Raises:
        ValueError: If it is none.
    """
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        msg = f"{name} {text!r} is no number"
        raise ValueError(msg) from error
    if not found.is_finite():
        msg = f"{name} {text!r} is no number"
        raise ValueError(msg)
    return found


def moment(text: str, zone: str) -> int:
    """Read a time as microseconds UTC; one without an offset is of the zone.

    Raises:
        ValueError: If it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{text!r} is no time; write 2026-10-24T12:00:00Z"
        raise ValueError(msg) from error
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(zone))
    return (found - EPOCH) // MICROSECOND


def digits(text: str) -> str:
    """Give a telephone number in full without the marks of an international one.

    >>> digits("+47 900 10 001"), digits("004790010001"), digits("")
    ('4790010001', '4790010001', '')
    """
    plain = "".join(one for one in text if one not in " -()./")
    return plain.removeprefix("+") if plain.startswith("+") else plain.removeprefix("00")
