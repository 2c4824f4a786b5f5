"""Prices, allowances and calendars in words, per natural unit: minute, MB, piece."""

import datetime
import zoneinfo
from collections.abc import Iterable
from fractions import Fraction

from schemas.services import Unit
from tallywire.catalog.snapshot import FOREVER_US, Calendar, Group, Price, Tariff

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
NATURAL = {
    Unit.MICROSECOND: (60_000_000, "min"),
    Unit.OCTET: (1_000_000, "MB"),
    Unit.COUNT: (1, "each"),
}
"""Base unit to the quantity that prices are said for, in base units, and its name."""

_STRADDLES = {
    "start_band": "",
    "end_band": " (a step costs what the band it ends in costs)",
    "prorate": " (a step over an edge of bands is divided there)",
}
_SCALES = {
    Unit.MICROSECOND: ((60_000_000, "min"), (1_000_000, "s"), (1, "us")),
    Unit.OCTET: (
        (10**12, "TB"), (10**9, "GB"), (1 << 30, "GiB"), (10**6, "MB"), (1 << 20, "MiB"),
        (1_000, "kB"), (1 << 10, "KiB"), (1, "B"),
    ),
    Unit.COUNT: ((1, ""),),
}  # fmt: skip


def number_words(value: Fraction) -> str:
    """Write an exact number: a decimal where it is one, else a ratio.

    >>> number_words(Fraction(1, 8)), number_words(Fraction(1, 3))
    ('0.125', '1/3')
    """
    rest = value.denominator
    places = 0
    for factor in (2, 5):
        count = 0
        while rest % factor == 0:
            rest //= factor
            count += 1
        places = max(places, count)
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    scaled = str(int(value * 10**places)).rjust(places + 1, "0")
    return f"{scaled[:-places]}.{scaled[-places:]}" if places else scaled


def money_words(value: Fraction) -> str:
    """Write money exactly, with two decimals at least.

    >>> money_words(Fraction(3, 10)), money_words(Fraction(1, 8))
    ('0.30', '0.125')
    """
    text = number_words(value)
    if "/" in text:
        return text
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def quantity_words(quantity: int, unit: str) -> str:
    """Write base units in the largest unit that is whole.

    >>> quantity_words(90_000_000, "microsecond")
    '90 s'
    """
    for factor, name in _SCALES[Unit(unit)]:
        if quantity and quantity % factor == 0:
            return f"{quantity // factor} {name}".rstrip()
    return str(quantity)


def date_words(micros: int, zone: str) -> str:
    """Write an instant in a zone; its time only where it is not midnight; "" for the open end."""
    if micros >= FOREVER_US or micros <= 0:
        return ""
    moment = datetime.datetime.fromtimestamp(micros // 1_000_000, tz=zoneinfo.ZoneInfo(zone))
    midnight = moment.time() == datetime.time()
    return f"{moment:%Y-%m-%d}" if midnight else f"{moment:%Y-%m-%d %H:%M:%S}"


def _rate_words(group: Group, tariff: Tariff) -> str:
    factor, natural = NATURAL[Unit(tariff.unit)]
    places = group.bands or range(len(group.rates))
    rates = [money_words(group.rates[place] * factor) for place in places]
    named = zip((tariff.calendar.bands[place] for place in places), rates, strict=True)
    rate = rates[0] if len(set(rates)) == 1 else ", ".join(f"{band} {one}" for band, one in named)
    return f"{rate} {tariff.currency}{' each' if natural == 'each' else f'/{natural}'}"


def _step_words(quantity: int, unit: str) -> str:
    """Write an increment: in seconds, as the trade does, or in octets' own units."""
    if unit == Unit.MICROSECOND:
        return f"{number_words(Fraction(quantity, 1_000_000))} s"
    return quantity_words(quantity, unit)


def group_words(groups: Iterable[Group], tariff: Tariff) -> str:
    """Write increment groups, for example `0.10 EUR/min in steps of 60 s`."""
    parts: list[str] = []
    rate = ""
    for group in groups:
        step = _step_words(group.increment, tariff.unit)
        start = f"from {_step_words(group.start, tariff.unit)} on " if group.start else ""
        same, rate = rate, _rate_words(group, tariff)
        steps = f" in steps of {step}" if step != "1" else ""
        where = "+".join(tariff.calendar.bands[band] for band in group.bands)
        shown = "" if rate == same and not where else rate
        parts.append(f"{where and where + ': '}{start}{shown}{steps}".replace("  ", " "))
    return ", ".join(parts)


def price_words(price: Price, tariff: Tariff) -> str:
    """Write the rates of a price, its fee and its bounds."""
    text = group_words(price.groups, tariff)
    if price.uplink:
        text = f"received {text}; sent {group_words(price.uplink, tariff)}"
    if price.connect_fee:
        text += f", connect fee {money_words(price.connect_fee)}"
    if price.minimum_charge:
        text += f", at least {money_words(price.minimum_charge)}"
    if price.maximum_charge is not None:
        text += f", at most {money_words(price.maximum_charge)}"
    return text


def once(words: Iterable[str]) -> str:
    """Join what is said, each thing once, in order."""
    return "; or ".join(dict.fromkeys(words))


def validity_words(start: int, end: int, zone: str) -> str:
    """Write [start, end), microseconds UTC, as dates of a zone."""
    until = date_words(end, zone)
    return f"from {date_words(start, zone) or 'the beginning'}" + (f" to {until}" if until else "")


def prefix_words(prefixes: Iterable[str]) -> str:
    """Write some prefixes: the first five, and how many more."""
    every = sorted(prefixes)
    first = [prefix or "any" for prefix in every[:5]]
    more = len(every) - len(first)
    return ", ".join(first) + (f" and {more} more" if more > 0 else "")


def tariff_words(tariff: Tariff) -> str:
    """Write what a tariff is, without its prices."""
    rounding, prefixes = tariff.rounding, tariff.prefixes["prefix"].n_unique()
    conversion = tariff.conversion
    converted = (
        f", usage times {conversion.multiply} by {conversion.divide}, rounded {conversion.mode}"
        if conversion
        else ""
    )
    return (
        f"{tariff.service} in {tariff.currency} by {tariff.zone_by}, calendar "
        f"{tariff.calendar.calendar_id}{_STRADDLES[tariff.straddle]}, rounded {rounding.mode} to "
        f"{rounding.scale} decimals, {prefixes} prefixes{converted}"
    )


def calendar_words(calendar: Calendar) -> str:
    """Write a calendar's rules."""
    rules = [
        f"{calendar.bands[rule.band_no]} {'+'.join(_DAYS[day] for day in sorted(rule.days))} "
        f"{_clock(rule.start_minute)}-{_clock(rule.end_minute)}"
        for rule in calendar.rules
    ]
    rest = f"else {calendar.bands[0]}" if rules else calendar.bands[0]
    days = [f"{day}" for day in sorted(calendar.holidays)]
    holidays = f", holidays {' '.join(days)}" if days else ""
    return f"{'; '.join([*rules, rest])} in {calendar.time_zone}{holidays}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
