"""Words of a charge: durations, volumes, money, rates and local times, as one says them."""

import datetime as dt
import re
from fractions import Fraction

from schemas.services import Unit
from tallywire.calendar import local_time
from tallywire.money import display, minor_digits

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_CLOCK = ((3_600_000_000, "h"), (60_000_000, "min"))
_VOLUMES = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
_BLOCKS = {
    Unit.MICROSECOND: (60_000_000, "per minute"),
    Unit.OCTET: (1_000_000, "per MB"),
    Unit.COUNT: (1, "each"),
}
_MOST_DECIMALS = 15


def decimal_words(value: Fraction, least: int = 0) -> str:
    """Write a ratio as a decimal: exactly where 15 places are enough, else "about" and nine places.

    Args:
        value: Exact number.
        least: Decimals written at least.

    >>> decimal_words(Fraction(1, 8)), decimal_words(Fraction(2, 5), 2)
    ('0.125', '0.40')
    >>> decimal_words(Fraction(2, 3))
    'about 0.666666667'
    """
    for places in range(least, _MOST_DECIMALS + 1):
        scaled = value * 10**places
        if scaled.denominator == 1:
            digits = str(abs(scaled.numerator)).rjust(places + 1, "0")
            sign = "-" if value < 0 else ""
            point = f".{digits[-places:]}" if places else ""
            return f"{sign}{digits[: len(digits) - places]}{point}"
    return f"about {display(value):f}"


def money_words(value: Fraction, currency: str) -> str:
    """Write an amount, with the decimals of the currency's minor unit at least.

    >>> money_words(Fraction(2, 5), "EUR"), money_words(Fraction(12), "JPY")
    ('EUR 0.40', 'JPY 12')
    """
    text = decimal_words(value, minor_digits(currency))
    about = "about " if text.startswith("about ") else ""
    return f"{about}{currency} {text.removeprefix('about ')}"


def quantity_words(quantity: int, unit: str) -> str:
    """Write a quantity in the units one says it in.

    Args:
        quantity: Base units.
        unit: Name of the base unit.

    >>> quantity_words(3_675_500_000, "microsecond"), quantity_words(1_234_000, "octet")
    ('1 h 1 min 15.5 s', '1.234 MB')
    """
    if unit == Unit.MICROSECOND:
        return _duration_words(quantity)
    if unit == Unit.OCTET:
        for size, name in _VOLUMES:
            if quantity >= size:
                return f"{decimal_words(Fraction(quantity, size))} {name}"
        return f"{quantity} {'octet' if quantity == 1 else 'octets'}"
    return str(quantity)


def _duration_words(quantity: int) -> str:
    parts, left = [], quantity
    for size, name in _CLOCK:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    if left or not parts:
        parts.append(f"{decimal_words(Fraction(left, 1_000_000))} s")
    return " ".join(parts)


def rate_words(rate: Fraction, unit: str, currency: str) -> str:
    """Write a price per base unit as one per minute, per MB or each.

    >>> rate_words(Fraction(1, 600_000_000), "microsecond", "EUR")
    'EUR 0.10 per minute'
    """
    block, name = _BLOCKS[Unit(unit)]
    return f"{money_words(rate * block, currency)} {name}"


def offset_words(moment: dt.datetime) -> str:
    """Write the offset of a local time: UTC+02:00."""
    return f"UTC{moment.isoformat()[-6:]}"


def clock_words(moment_us: int, time_zone: str) -> str:
    """Write the wall clock's time, fractions of a second only where there are some.

    >>> clock_words(1774746000500000, "Europe/Oslo")
    '03:00:00.5'
    """
    local = local_time(moment_us, time_zone)
    fraction = f".{local.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{local:%H:%M:%S}{fraction}"


def moment_words(moment_us: int, time_zone: str) -> str:
    """Write an instant as a local date and time with its zone.

    >>> moment_words(1774746000000000, "Europe/Oslo")
    'Sunday 29 March 2026 at 03:00:00, local time in Europe/Oslo (UTC+02:00)'
    """
    local = local_time(moment_us, time_zone)
    date = f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"
    clock = clock_words(moment_us, time_zone)
    return f"{date} at {clock}, local time in {time_zone} ({offset_words(local)})"


def span_words(from_us: int, until_us: int, time_zone: str) -> str:
    """Write a span of the wall clock; with offsets where the clock is set within it.

    >>> span_words(1774744200000000, 1774747800000000, "Europe/Oslo")
    'from 01:30:00 (UTC+01:00) to 03:30:00 (UTC+02:00)'
    """
    ends = [local_time(moment, time_zone) for moment in (from_us, until_us)]
    offsets = [offset_words(end) for end in ends]
    clocks = [clock_words(moment, time_zone) for moment in (from_us, until_us)]
    if offsets[0] != offsets[1]:
        clocks = [f"{clock} ({offset})" for clock, offset in zip(clocks, offsets, strict=True)]
    return f"from {clocks[0]} to {clocks[1]}"


def month_words(month: str) -> str:
    """Write a billing month.

    >>> month_words("2026-03")
    'March 2026'
    """
    year, number = month.split("-")
    return f"{_MONTHS[int(number) - 1]} {year}"


def period_words(period: str) -> str:
    """Write a period, or the name of a top-up.

    >>> [period_words(name) for name in ("2026-03", "2026-W12", "2026", "2026-03-01", "top-1")]
    ['March 2026', 'week 12 of 2026', '2026', '2026-03-01', 'top-1']
    """
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}", period):
        return month_words(period)
    if re.fullmatch(r"[0-9]{4}-W[0-9]{2}", period):
        return f"week {int(period[-2:])} of {period[:4]}"
    return period
