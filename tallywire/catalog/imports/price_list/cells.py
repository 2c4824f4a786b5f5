"""Cells of a price list: prices, increments, dates; read exactly or refused."""

import datetime as dt
import re
from collections.abc import Iterator
from fractions import Fraction

from tallywire.catalog.imports.price_list.mapping import STEPS
from tallywire.catalog.prose import number_words

_FINEST = 10**12
_SECONDS = re.compile(r"[0-9]{1,9}")
_GROUPED = re.compile(r"[0-9]{1,3}([., '\u00a0][0-9]{3})+([.,][0-9]+)?")
_EARLIEST, _LATEST = dt.date(1970, 1, 1), dt.date(2100, 1, 1)


class CellFault(ValueError):  # noqa: N818  it says what is the case
    """A cell that cannot be read: what it is and what to do."""


def price(text: str, decimal: str) -> str:
    """Read a price and write it as the catalogue does.

    Args:
        text: The cell.
        decimal: `point` or `comma`: what stands before the decimals.

    Raises:
        CellFault: If it is no price.

    >>> price("0.0120", "point"), price("0,5", "comma")
    ('0.012', '0.5')
    """
    mark = "." if decimal == "point" else ","
    if re.fullmatch(rf"[0-9]{{1,12}}({re.escape(mark)}[0-9]+)?", text):
        value = Fraction(text.replace(",", "."))
        if (value * _FINEST).denominator == 1:
            return number_words(value)
        msg = (
            f"{text!r} has more than 12 decimals, as a spreadsheet writes sums: round it to what "
            "was agreed"
        )
        raise CellFault(msg)
    msg = f"{text!r} {next(_wrong_price(text, decimal))}"
    raise CellFault(msg)


def _wrong_price(text: str, decimal: str) -> Iterator[str]:
    """Guess what happened to a price, the likeliest first; the last holds for everything."""
    if not text:
        yield "is no price: write it, 0 for what is free"
    if text.startswith("#"):
        yield "is an error of a spreadsheet: correct the cell"
    if text.startswith("-"):
        yield "is negative: a price is 0 or more"
    if decimal == "point" and re.fullmatch(r"[0-9]+,[0-9]+", text):
        yield "has a comma: say decimal comma if it stands before the decimals"
    if decimal == "comma" and re.fullmatch(r"[0-9]+\.[0-9]+", text):
        yield "has a point where a comma was said to stand: correct the cell"
    if _GROUPED.fullmatch(text):
        yield "has marks between thousands: write it without them"
    yield "is no price: write the number alone, such as 0.0125, without sign or currency"


def seconds(text: str) -> str:
    """Read a whole number of seconds (or octets, or pieces).

    Raises:
        CellFault: If it is none.
    """
    if not _SECONDS.fullmatch(text):
        msg = f"{text!r} is no whole number: write for example 60"
        raise CellFault(msg)
    return str(int(text))


def step(text: str) -> str:
    """Read a step, which is greater than 0.

    Raises:
        CellFault: If it is none.
    """
    found = seconds(text)
    if found == "0":
        msg = "a step of 0 counts nothing: write for example 1 or 60"
        raise CellFault(msg)
    return found


def steps(text: str) -> tuple[str, str]:
    """Read increments: `60/60`, `1+1`, or one number for both.

    Raises:
        CellFault: If they are none.

    >>> steps("60/1"), steps("6")
    (('60', '1'), ('6', '6'))
    """
    found = STEPS.fullmatch(text)
    if found:
        return step(found[1]), step(found[2])
    if _SECONDS.fullmatch(text):
        return step(text), step(text)
    msg = f"{text!r} are no increments: write first/following, such as 60/1"
    raise CellFault(msg)


def date(text: str, pattern: str, *, included: bool = False) -> str:
    """Read a date by its pattern and write YYYY-MM-DD.

    Args:
        text: The cell; empty is open.
        pattern: As `strptime` reads it.
        included: The date is the last one; give the day after it.

    Raises:
        CellFault: If it is no such date, or lies outside 1970 to 2099.
    """
    if not text:
        return ""
    try:
        found = dt.datetime.strptime(text, pattern).date()  # noqa: DTZ007  a date has no offset
    except ValueError as error:
        msg = f"{text!r} is no date written as {pattern}: correct it, or say another date format"
        raise CellFault(msg) from error
    if not _EARLIEST <= found < _LATEST:
        msg = f"{text!r} is outside 1970 to 2099: correct the year"
        raise CellFault(msg)
    return f"{found + dt.timedelta(days=included)}"
