"""Fields to values, in columns: integers, exact seconds, local times; what is wrong is null."""

import datetime
import math
from collections.abc import Mapping
from functools import cache, partial

import polars as pl

from schemas.services import QUANTITY_LIMIT, Unit

_SECOND_US = 1_000_000
_MINUTE_US = 60_000_000
_FRACTION_DIGITS = 6
_WHOLE = r"^\s*[+-]?[0-9]{1,19}\s*$"
_DECIMAL = r"^\s*([+-]?)([0-9]{1,12})(?:\.([0-9]{1,15}))?\s*$"
_DIGITS = r"^[0-9]{1,12}$"
_SHORT = r"^\s*[+-]?[0-9]{1,15}\s*$"
_RFC3339 = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-5][0-9])$"
)
_PLAIN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?Z$"
)  # fmt: skip
_SECONDS_END = 19
UNIT_US = {
    "hours": 60 * _MINUTE_US, "minutes": _MINUTE_US, "seconds": _SECOND_US, "milliseconds": 1_000,
    "microseconds": 1,
}  # fmt: skip
EPOCH_UNITS = ("seconds", "milliseconds", "microseconds")
UNIT_OCTETS = {
    "octets": 1, "kilooctets": 10**3, "megaoctets": 10**6, "gigaoctets": 10**9,
    "kibioctets": 2**10, "mebioctets": 2**20, "gibioctets": 2**30,
}  # fmt: skip
BASE_UNIT = {
    "count": Unit.COUNT, **dict.fromkeys(UNIT_OCTETS, Unit.OCTET),
    **dict.fromkeys(UNIT_US, Unit.MICROSECOND),
}  # fmt: skip
"""What a unit that a feed may name is counted in."""


def integer(text: pl.Expr) -> pl.Expr:
    """Read whole numbers of 64 bits; anything else is null.

    >>> pl.select(integer(pl.lit("0100"))).item()
    100
    """
    return pl.when(text.str.contains(_WHOLE)).then(
        text.str.strip_chars().str.strip_prefix("+").cast(pl.Int64, strict=False)
    )


def scaled(text: pl.Expr, factor_digits: int = _FRACTION_DIGITS) -> pl.Expr:
    """Read decimals as whole numbers of 10^-factor_digits; more digits than that are null.

    >>> pl.select(scaled(pl.lit("1.5"))).item()
    1500000
    """
    return text.map_batches(partial(_scaled, digits=factor_digits), return_dtype=pl.Int64)


def _scaled(texts: pl.Series, digits: int) -> pl.Series:
    """Read decimals; where none has a sign, a fraction or a blank, without taking them apart."""
    if texts.str.contains(_DIGITS).all():
        whole: pl.Series = texts.cast(pl.Int64) * 10**digits
        return whole
    return texts.to_frame("text").select(_taken_apart(pl.col("text"), digits)).to_series()


def _taken_apart(text: pl.Expr, digits: int) -> pl.Expr:
    sign = text.str.extract(_DECIMAL, 1)
    whole = text.str.extract(_DECIMAL, 2)
    part = text.str.extract(_DECIMAL, 3).fill_null("")
    kept = part.str.slice(0, digits).str.pad_end(digits, "0")
    exact = part.str.slice(digits).str.strip_chars("0") == ""
    size = whole.cast(pl.Int64, strict=False) * 10**digits + kept.cast(pl.Int64, strict=False)
    return pl.when(exact).then(pl.when(sign == "-").then(0 - size).otherwise(size))


def duration(text: pl.Expr, unit: str) -> pl.Expr:
    """Read a duration in `seconds` (decimals allowed), `milliseconds` or `microseconds`, as µs."""
    if unit == "seconds":
        return scaled(text)
    if unit == "microseconds":
        return integer(text)
    # sixteen digits of milliseconds would not fit 64 bits as microseconds
    return pl.when(text.str.contains(_SHORT)).then(integer(text) * UNIT_US[unit])


def measured(text: pl.Expr, unit: str) -> pl.Expr:
    """Read a quantity in any unit that a feed may name, as whole base units of it.

    Decimals are allowed where the unit has parts that are base units; what is not whole is null.

    >>> pl.select(measured(pl.lit("1.5"), "kibioctets")).item()
    1536
    """
    factor = {"count": 1, **UNIT_OCTETS, **UNIT_US}[unit]
    if factor == 1:
        return integer(text)
    if unit in {"seconds", "milliseconds"}:
        return duration(text, unit)
    whole = 10**_FRACTION_DIGITS
    common = math.gcd(factor, whole)
    size = scaled(text)
    exact = size % (whole // common) == 0
    beyond = size.abs() > QUANTITY_LIMIT * whole // factor
    large = size.sign() * (QUANTITY_LIMIT + 1)  # out of range, whatever it is exactly
    value = size // (whole // common) * (factor // common)
    return pl.when(beyond).then(large).when(exact).then(value)


def amount(text: pl.Expr) -> pl.Expr:
    """Read money exactly, nine decimals at most; anything else is null."""
    good = text.str.contains(r"^\s*-?[0-9]{1,20}(\.[0-9]{1,9})?\s*$")
    return pl.when(good).then(text.str.strip_chars().cast(pl.Decimal(38, 9), strict=False))


ATTRIBUTE_NAME = r"^[A-Za-z][A-Za-z0-9_]{0,63}$"
"""How a usage attribute may be named."""


def attributes(found: Mapping[str, pl.Expr]) -> pl.Expr:
    """Write texts as a JSON object, names sorted; what is absent is an empty text."""
    texts = [found[name].fill_null("").alias(name) for name in sorted(found)]
    return pl.struct(texts).struct.json_encode()


def instant(text: pl.Expr) -> pl.Expr:
    """Read RFC 3339 text with an offset, microseconds UTC; anything else is null."""
    return text.map_batches(_instants, return_dtype=pl.Int64)


def _instants(texts: pl.Series) -> pl.Series:
    plain = _plain_instants(texts)
    if plain is not None:
        return plain
    text = pl.col("text")
    moment = text.str.replace(" ", "T", literal=True).str.to_datetime(
        "%+", time_unit="us", time_zone="UTC", strict=False
    )
    read = pl.when(text.str.contains(_RFC3339)).then(moment.cast(pl.Int64))
    return texts.to_frame("text").select(read).to_series()


def _plain_instants(texts: pl.Series) -> pl.Series | None:
    """Read texts that are all of one length and written in UTC, four times as fast."""
    sizes = texts.str.len_bytes()
    longest = sizes.max()
    if not isinstance(longest, int) or sizes.min() != longest:
        return None
    if not texts.str.contains(_PLAIN).all():
        return None
    whole = texts.str.head(_SECONDS_END).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False
    )
    digits = min(longest - _SECONDS_END - 2, _FRACTION_DIGITS)
    if digits <= 0:
        return whole.cast(pl.Int64)
    part = texts.str.slice(_SECONDS_END + 1, digits).str.pad_end(_FRACTION_DIGITS, "0")
    return whole.cast(pl.Int64) + part.cast(pl.Int64)


def offset_minutes(text: pl.Expr) -> pl.Expr:
    """Read the offset of RFC 3339 text, minutes; null where it has none."""
    return text.map_batches(_offsets, return_dtype=pl.Int64)


def _offsets(texts: pl.Series) -> pl.Series:
    in_utc = texts.str.ends_with("Z")
    if in_utc.all():
        return in_utc.cast(pl.Int64) - 1
    text = pl.col("text")
    parts = text.str.extract_groups(r"([+-])([0-9]{2}):?([0-5][0-9])$")
    hours = parts.struct.field("2").cast(pl.Int64, strict=False)
    minutes = parts.struct.field("3").cast(pl.Int64, strict=False)
    size = hours * 60 + minutes
    signed = pl.when(parts.struct.field("1") == "-").then(0 - size).otherwise(size)
    read = pl.when(text.str.contains(r"[Zz]$")).then(0).otherwise(signed)
    return texts.to_frame("text").select(read).to_series()


def epoch(text: pl.Expr, unit: str) -> pl.Expr:
    """Read a time since 1970 in `seconds`, `milliseconds` or `microseconds`, as µs."""
    return duration(text, unit)


@cache
def reads_times(pattern: str) -> bool:
    """Tell whether a pattern reads a wall-clock time as it writes it.

    >>> reads_times("%d.%m.%Y %H:%M"), reads_times("%H:%M"), reads_times("%Y-%m-%d %H:%M%z")
    (True, False, False)
    """
    moment = datetime.datetime(2026, 11, 27, 13, 14)  # noqa: DTZ001  a wall clock has no zone
    try:
        text = pl.Series([moment]).dt.strftime(pattern)
        read = text.str.to_datetime(pattern, strict=False, time_unit="us")[0]
    except pl.exceptions.PolarsError:
        return False
    return bool(read is not None and read.date() == moment.date())


def wall_time(text: pl.Expr, pattern: str) -> pl.Expr:
    """Read a wall-clock time without zone, as microseconds since 1970 on that clock."""
    return text.str.to_datetime(pattern, strict=False, time_unit="us").cast(pl.Int64)


def from_wall(wall_us: pl.Expr, time_zone: str, *, later: bool = False) -> pl.Expr:
    """Turn wall-clock time into an instant, microseconds UTC.

    Args:
        wall_us: Microseconds since 1970 on the wall clock.
        time_zone: IANA zone of that clock.
        later: Where the wall clock shows a time twice, take the second; a time it never shows is
            null.
    """
    return (
        wall_us.cast(pl.Datetime("us"))
        .dt.replace_time_zone(
            time_zone, ambiguous="latest" if later else "earliest", non_existent="null"
        )
        .dt.convert_time_zone("UTC")
        .cast(pl.Int64)
    )


def offset_of(wall_us: pl.Expr, instant_us: pl.Expr) -> pl.Expr:
    """Give the offset of a wall-clock time, minutes."""
    return (wall_us - instant_us) // _MINUTE_US
