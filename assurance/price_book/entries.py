"""Reading a price book: what was signed, line by line, and what usage costs by it.

It shares no code with the catalogue: neither its reading of files nor its arithmetic.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

COLUMNS = ("tariff", "prefix", "rate", "from", "to")
"""Columns that a book must have."""
_OPTIONAL = {
    "destination": "", "per_s": "60", "fee": "0", "first_s": "1", "next_s": "1",
    "rounding_mode": "half_up", "rounding_decimals": "2",
}  # fmt: skip
MODES = ("up", "down", "half_up", "half_even", "none")
"""Ways to round."""
_SECOND = 1_000_000
FOREVER_US = 2**62


@dataclass(frozen=True)
class BookEntry:
    """A line of the book.

    Attributes:
        line: Its number in the file, from 1.
        rate: Price of `per_us` microseconds.
        first_us, next_us: Length of the first and of every further increment.
        valid_from_us, valid_to_us: When it holds; the end is not part of it.
    """

    line: int
    tariff: str
    prefix: str
    destination: str
    rate: Fraction
    per_us: int
    fee: Fraction
    first_us: int
    next_us: int
    mode: str
    decimals: int
    valid_from_us: int
    valid_to_us: int

    def holds(self, at_us: int) -> bool:
        """Tell whether it holds at an instant."""
        return self.valid_from_us <= at_us < self.valid_to_us

    def exact(self, duration_us: int) -> Fraction:
        """Give what a call costs before it is rounded."""
        further = max(0, duration_us - self.first_us)
        units = self.first_us + -(-further // self.next_us) * self.next_us
        return self.fee + self.rate * units / self.per_us

    def charge(self, duration_us: int) -> Fraction:
        """Give what a call costs."""
        return rounded(self.exact(duration_us), self.mode, self.decimals)


def rounded(amount: Fraction, mode: str, decimals: int) -> Fraction:
    """Round an amount that is not negative.

    >>> [str(rounded(Fraction(5, 1000), mode, 2)) for mode in ("up", "down", "half_even")]
    ['1/100', '0', '0']
    """
    if mode == "none":
        return amount
    units = amount * 10**decimals
    whole, part = units.numerator // units.denominator, units % 1
    half = Fraction(1, 2)
    up = {
        "up": part > 0, "down": False, "half_up": part >= half,
        "half_even": part > half or (part == half and whole % 2 == 1),
    }[mode]  # fmt: skip
    return Fraction(whole + up, 10**decimals)


def read_book(text: str, zone: str) -> tuple[list[BookEntry], list[str]]:
    """Read a book; give its entries, and what is wrong with other lines.

    Args:
        text: CSV with a head: `tariff,prefix,rate,from,to`, and, where they are not what is usual,
            `destination,per_s,fee,first_s,next_s,rounding_mode,rounding_decimals`.
        zone: IANA zone in which its dates begin.
    """
    rows = csv.DictReader(io.StringIO(text))
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        return [], [f"line 1: the columns {', '.join(missing)} are missing"]
    entries, problems = [], []
    for number, row in enumerate(rows, start=2):
        try:
            entries.append(_entry(number, {**_OPTIONAL, **_said(row)}, ZoneInfo(zone)))
        except (ValueError, KeyError, ZeroDivisionError) as error:
            problems.append(f"line {number}: {error}")
    return entries, problems


def _said(row: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value.strip() for name, value in row.items() if name and value and value.strip()}


def _entry(line: int, row: Mapping[str, str], zone: ZoneInfo) -> BookEntry:
    mode, prefix = row["rounding_mode"], row.get("prefix", "")
    if mode not in MODES:
        msg = f"rounding_mode {mode!r} is none of {', '.join(MODES)}"
        raise ValueError(msg)
    if prefix and not (prefix.isascii() and prefix.isdigit()):
        msg = f"prefix {prefix!r} is no number; write digits, with the country code, without +"
        raise ValueError(msg)
    if not row.get("tariff") or not row.get("rate"):
        msg = "tariff and rate must be given"
        raise ValueError(msg)
    return BookEntry(
        line, row["tariff"], prefix, row["destination"], _price(row["rate"]),
        _seconds(row["per_s"], "per_s"), _price(row["fee"]), _seconds(row["first_s"], "first_s"),
        _seconds(row["next_s"], "next_s"), mode, int(row["rounding_decimals"]),
        _instant(row.get("from", ""), zone, 0), _instant(row.get("to", ""), zone, FOREVER_US),
    )  # fmt: skip


def _price(text: str) -> Fraction:
    amount = Fraction(text)
    if amount < 0:
        msg = f"price {text} is below nothing"
        raise ValueError(msg)
    return amount


def _seconds(text: str, name: str) -> int:
    micros = Fraction(text) * _SECOND
    if micros <= 0 or micros.denominator != 1:
        msg = f"{name} {text!r} is no length of time; write seconds above 0"
        raise ValueError(msg)
    return micros.numerator


def _instant(text: str, zone: ZoneInfo, default: int) -> int:
    if not text:
        return default
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return int(moment.timestamp()) * _SECOND


def midnights(first: date, last: date, zone: str) -> Iterator[int]:
    """Give the beginnings of days in a zone, both ends too, microseconds UTC."""
    for number in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(number)
        moment = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
        yield int(moment.timestamp()) * _SECOND


class Sheet:
    """The entries of one tariff, by prefix."""

    def __init__(self, entries: Sequence[BookEntry]) -> None:
        self._by: dict[str, list[BookEntry]] = {}
        for entry in entries:
            self._by.setdefault(entry.prefix, []).append(entry)

    def of(self, number: str, at_us: int) -> BookEntry | None:
        """Give the entry of the longest prefix of a number that holds at an instant."""
        for length in range(len(number), -1, -1):
            for entry in self._by.get(number[:length], ()):
                if entry.holds(at_us):
                    return entry
        return None

    def others(self, entry: BookEntry) -> list[BookEntry]:
        """Give the other entries of the same prefix."""
        return [one for one in self._by[entry.prefix] if one is not entry]
