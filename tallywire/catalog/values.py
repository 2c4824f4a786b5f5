"""The scalar words of a catalogue: money, durations, sizes, dates, ids. Text in, exact out."""

import datetime
import functools
import ipaddress
import re
import zoneinfo
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

import iso4217
from pydantic import PlainValidator

from schemas.services import Unit
from tallywire.catalog.snapshot import FOREVER_US

_AMOUNT = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([A-Za-z]*)")
_MONEY = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:\-]{0,63}")
_DIGITS = re.compile(r"[0-9]{0,18}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_CLOCK = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SCALES: dict[str, tuple[Unit, int]] = {
    "us": (Unit.MICROSECOND, 1),
    "ms": (Unit.MICROSECOND, 1_000),
    "s": (Unit.MICROSECOND, 1_000_000),
    "min": (Unit.MICROSECOND, 60_000_000),
    "h": (Unit.MICROSECOND, 3_600_000_000),
    "B": (Unit.OCTET, 1),
    "kB": (Unit.OCTET, 1_000),
    "MB": (Unit.OCTET, 1_000_000),
    "GB": (Unit.OCTET, 1_000_000_000),
    "TB": (Unit.OCTET, 1_000_000_000_000),
    "KiB": (Unit.OCTET, 1 << 10),
    "MiB": (Unit.OCTET, 1 << 20),
    "GiB": (Unit.OCTET, 1 << 30),
    "TiB": (Unit.OCTET, 1 << 40),
}
_EARLIEST = datetime.date(1970, 1, 1)
_LATEST = datetime.date(2100, 1, 1)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Amount:
    """A quantity as written: `60s`, `5 GB`, or a bare number (`unit` is none).

    Attributes:
        quantity: Base units; of a bare number the number itself.
    """

    quantity: int
    unit: Unit | None


@dataclass(frozen=True)
class Increments:
    """`60/6`: the first increment, then the following ones."""

    first: Amount
    then: Amount


@dataclass(frozen=True)
class When:
    """A date (its local midnight) or an instant with its own offset."""

    moment: datetime.datetime

    def micros(self, zone: str) -> int:
        """Give microseconds UTC; `zone` is the IANA zone of a date."""
        moment = self.moment
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(zone))
        return (moment - _EPOCH) // datetime.timedelta(microseconds=1)


def span(start: When | None, end: When | None, zone: str) -> tuple[int, int]:
    """Give [from, to) in microseconds UTC; what is not given is open."""
    return (
        0 if start is None else start.micros(zone),
        FOREVER_US if end is None else end.micros(zone),
    )


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    msg = "write one value here, not a list or a mapping"
    raise ValueError(msg)


def money(value: object) -> Fraction:
    """Read a price: decimal text, not negative, exact.

    >>> money("0.10")
    Fraction(1, 10)
    """
    text = _plain(value)
    if not _MONEY.fullmatch(text):
        msg = f"{text!r} is not a price; write decimal text such as 0.10, without sign or currency"
        raise ValueError(msg)
    return Fraction(text)


def percent(value: object) -> Fraction:
    """Read a percentage: `50`, `12.5`, without the sign."""
    text = _plain(value)
    if not _MONEY.fullmatch(text):
        msg = f"{text!r} is not a percentage; write a number such as 50, without sign"
        raise ValueError(msg)
    return Fraction(text)


def amount(value: object) -> Amount:
    """Read a quantity: a number, or a number and its unit.

    >>> amount("5 kB")
    Amount(quantity=5000, unit=<Unit.OCTET: 'octet'>)
    """
    text = _plain(value)
    found = _AMOUNT.fullmatch(text)
    if not found:
        msg = f"{text!r} is not a quantity; write for example 60s, 5min, 1 MB or 50"
        raise ValueError(msg)
    number, name = Fraction(found[1]), found[2]
    if name and name not in _SCALES:
        msg = f"{name!r} is not a unit; use one of {', '.join(_SCALES)}"
        raise ValueError(msg)
    unit, factor = _SCALES[name] if name else (None, 1)
    if (number * factor).denominator != 1:
        msg = f"{text!r} is not a whole number of {unit or 'count'}s; use a finer unit"
        raise ValueError(msg)
    return Amount(int(number * factor), unit)


def increments(value: object) -> Increments:
    """Read `60/60`: first and following increments."""
    text = _plain(value)
    parts = text.split("/")
    if len(parts) != 2:
        msg = f"{text!r} is not an increment; write first/following, for example 60/1"
        raise ValueError(msg)
    return Increments(amount(parts[0]), amount(parts[1]))


def when(value: object) -> When:
    """Read `2026-01-31`, or `2026-01-31T12:00:00+01:00` with its offset.

    Raises:
        ValueError: If it is no date, has a time without offset, or lies outside 1970 to 2100.
    """
    text = _plain(value)
    try:
        moment = datetime.datetime.fromisoformat(text)
        day_only = bool(_DATE.fullmatch(text))
    except ValueError as error:
        msg = f"{text!r} is not a date; write YYYY-MM-DD, for example 2026-01-31"
        raise ValueError(msg) from error
    if not day_only and moment.tzinfo is None:
        msg = f"{text!r} has no offset; write for example 2026-01-31T12:00:00+01:00, or the date"
        raise ValueError(msg)
    if not _EARLIEST <= moment.date() < _LATEST:
        msg = f"{text!r} is outside 1970 to 2099; correct the year"
        raise ValueError(msg)
    return When(moment)


def day(value: object) -> datetime.date:
    """Read a calendar day."""
    text = _plain(value)
    if not _DATE.fullmatch(text):
        msg = f"{text!r} is not a day; write YYYY-MM-DD, for example 2026-12-25"
        raise ValueError(msg)
    return when(text).moment.date()


def clock(value: object) -> int:
    """Read a time of day as minutes from midnight: 00:00 to 24:00."""
    text = _plain(value)
    found = _CLOCK.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else -1
    if not 0 <= minute <= 1440:
        msg = f"{text!r} is not a time of day; write HH:MM, from 00:00 to 24:00"
        raise ValueError(msg)
    return minute


def identifier(value: object) -> str:
    """Read an id: letters, digits, `_ . : -`, at most 64."""
    text = _plain(value)
    if not _ID.fullmatch(text):
        msg = f"{text!r} is not an id; use letters, digits and _ . : - only, at most 64"
        raise ValueError(msg)
    return text


def network(value: object) -> str:
    """Read a network of addresses, such as 192.0.2.0/24, or one address."""
    text = words(value)
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        msg = f"{text!r} is no network; write one like 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7"
        raise ValueError(msg) from None


def words(value: object) -> str:
    """Read free text: one line, not empty, at most 255 characters."""
    text = _plain(value)
    if not text or len(text) > 255 or not text.isprintable():
        msg = "write some text here, on one line, at most 255 characters"
        raise ValueError(msg)
    return text


def digits(value: object) -> str:
    """Read digits; `any` means every number and is empty."""
    text = _plain(value)
    if text == "any":
        return ""
    if not _DIGITS.fullmatch(text):
        msg = f"{text!r} is not a prefix; write at most 18 digits without +, or any"
        raise ValueError(msg)
    return text


def whole(value: object) -> int:
    """Read a whole number, 0 to 999,999,999; leading zeros have no meaning."""
    text = _plain(value)
    if not _WHOLE.fullmatch(text):
        msg = f"{text!r} is not a whole number of at most 9 digits"
        raise ValueError(msg)
    return int(text)


def signed(value: object) -> int:
    """Read a whole number with an optional sign, at most 9 digits."""
    text = _plain(value)
    return -whole(text[1:]) if text.startswith("-") else whole(text.removeprefix("+"))


def scale(value: object) -> int:
    """Read a number of decimals, 0 to 9."""
    found = whole(value)
    if found > 9:
        msg = f"{found} is too many decimals; at most 9 are kept"
        raise ValueError(msg)
    return found


def flag(value: object) -> bool:
    """Read yes or no (or true or false)."""
    text = _plain(value).lower()
    if text not in {"yes", "no", "true", "false"}:
        msg = f"{text!r} is neither yes nor no"
        raise ValueError(msg)
    return text in {"yes", "true"}


def currency(value: object) -> str:
    """Read an ISO 4217 currency code."""
    text = _plain(value)
    if text not in _currencies():
        msg = f"{text!r} is not an ISO 4217 currency code; write for example EUR"
        raise ValueError(msg)
    return text


@functools.cache
def _currencies() -> frozenset[str]:
    return frozenset(one.code for one in iso4217.Currency)


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "posixrules"}


def time_zone(value: object) -> str:
    """Read an IANA time zone name."""
    text = _plain(value)
    if text not in _zones():
        msg = f"{text!r} is not an IANA time zone; write for example Europe/Oslo or UTC"
        raise ValueError(msg)
    return text


Money = Annotated[Fraction, PlainValidator(money)]
Percent = Annotated[Fraction, PlainValidator(percent)]
Size = Annotated[Amount, PlainValidator(amount)]
Steps = Annotated[Increments, PlainValidator(increments)]
Moment = Annotated[When, PlainValidator(when)]
Day = Annotated[datetime.date, PlainValidator(day)]
Clock = Annotated[int, PlainValidator(clock)]
Id = Annotated[str, PlainValidator(identifier)]
Words = Annotated[str, PlainValidator(words)]
Network = Annotated[str, PlainValidator(network)]
Digits = Annotated[str, PlainValidator(digits)]
Whole = Annotated[int, PlainValidator(whole)]
Scale = Annotated[int, PlainValidator(scale)]
YesNo = Annotated[bool, PlainValidator(flag)]
CurrencyCode = Annotated[str, PlainValidator(currency)]
ZoneName = Annotated[str, PlainValidator(time_zone)]
