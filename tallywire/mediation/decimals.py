"""Decimals of any writing as whole numbers of a scale: exact, or rounded by a rule and told."""

import polars as pl

_DECIMAL = r"^([+-]?)([0-9]{1,18})(?:\.([0-9]{1,18}))?(?:[eE]([+-]?[0-9]{1,2}))?$"
_ZEROS = "0" * 120
_ROOM = len(_ZEROS)
_MOST_DIGITS = 37


def _parts(text: pl.Expr, places: int) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Cut the digits of decimals behind a place: what stands ahead of the cut, what behind.

    Returns:
        Sign, digits ahead without leading zeros, digits behind without trailing ones.
    """
    text = text.str.strip_chars(" ")
    whole = text.str.extract(_DECIMAL, 2)
    part = text.str.extract(_DECIMAL, 3).fill_null("")
    power = text.str.extract(_DECIMAL, 4).str.strip_prefix("+").cast(pl.Int64, strict=False)
    digits = pl.concat_str(pl.lit(_ZEROS), whole, part, pl.lit(_ZEROS))
    cut = _ROOM + whole.str.len_bytes().cast(pl.Int64) + power.fill_null(0) + places
    ahead = digits.str.slice(0, cut).str.strip_chars_start("0")
    return text.str.extract(_DECIMAL, 1), ahead, digits.str.slice(cut).str.strip_chars_end("0")


def _signed(sign: pl.Expr, ahead: pl.Expr) -> pl.Expr:
    fits = ahead.str.len_bytes() <= _MOST_DIGITS
    size = pl.when(ahead == "").then(pl.lit("0")).when(fits).then(ahead)
    number = size.cast(pl.Int128, strict=False)
    return pl.when(sign == "-").then(0 - number).otherwise(number)


def exact(text: pl.Expr, places: int) -> pl.Expr:
    """Read decimals as whole numbers of 10^-places; null where they are none, or finer.

    >>> pl.select(exact(pl.lit("9.984E-7"), 10)).item()
    9984
    """
    sign, ahead, behind = _parts(text, places)
    return pl.when(behind == "").then(_signed(sign, ahead))


def rounded_up(text: pl.Expr, places: int) -> pl.Expr:
    """Read decimals as whole numbers of 10^-places, what is finer rounded away from zero.

    >>> pl.select(rounded_up(pl.lit("0.0001"), 3)).item()
    1
    """
    sign, ahead, behind = _parts(text, places)
    number = _signed(pl.lit(""), ahead) + (behind != "").cast(pl.Int128)
    return pl.when(sign == "-").then(0 - number).otherwise(number)


def half_even(text: pl.Expr, places: int) -> pl.Expr:
    """Read decimals as whole numbers of 10^-places, what is finer rounded half to even.

    >>> pl.select(half_even(pl.lit("0.25"), 1)).item()
    2
    """
    sign, ahead, behind = _parts(text, places)
    odd = ahead.str.contains("[13579]$")
    up = (behind > "5") | ((behind == "5") & odd)  # digits compare as the fractions they are
    number = _signed(pl.lit(""), ahead) + up.cast(pl.Int128)
    return pl.when(sign == "-").then(0 - number).otherwise(number)


def money(text: pl.Expr) -> pl.Expr:
    """Read amounts with nine decimals, what is finer rounded half to even."""
    number = half_even(text, 9)
    digits = number.abs().cast(pl.String).str.zfill(10)
    sign = pl.when(number < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    written = pl.concat_str(sign, digits.str.head(-9), pl.lit("."), digits.str.tail(9))
    return written.cast(pl.Decimal(38, 9), strict=False)
