"""Money, scalar and exact: the one rounding of a charge, and what a currency's minor unit is."""

from decimal import Context, Decimal, FloatOperation, Inexact
from fractions import Fraction
from functools import cache

import iso4217

DISPLAY_SCALE = 9
MODES = ("up", "down", "half_up", "half_even")
EXACT_MODE = "none"
"""As exact as a charge is stored: nine decimals, halves to even."""

_LIMIT = 10**38
NANO: int = 10**DISPLAY_SCALE
"""Money in counters and in columns is whole parts of one by this many."""
_EXACT = Context(prec=80, traps=[FloatOperation, Inexact])
"""The default context keeps 28 digits and drops the others silently."""


def round_ratio(numerator: int, denominator: int, mode: str) -> int:
    """Round a ratio to a whole number; symmetric for negatives.

    Args:
        numerator: Any integer.
        denominator: Above 0.
        mode: `up` (away from zero), `down` (towards zero), `half_up` (halves away from zero),
            `half_even` (halves to the even neighbour).

    Raises:
        ValueError: If the mode is none of these.

    >>> [round_ratio(-5, 2, mode) for mode in MODES]
    [-3, -2, -3, -2]
    """
    whole, rest = divmod(abs(numerator), denominator)
    if mode == "up":
        more = rest > 0
    elif mode == "down":
        more = False
    elif mode == "half_up":
        more = 2 * rest >= denominator
    elif mode == "half_even":
        more = 2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1)
    else:
        msg = f"unknown rounding mode {mode!r}; write one of {', '.join(MODES)}"
        raise ValueError(msg)
    size = whole + more
    return -size if numerator < 0 else size


def rounded(value: Fraction, *, mode: str, scale: int) -> Fraction:
    """Round at a number of decimals.

    Args:
        value: Exact amount.
        mode: See `round_ratio`; with `none` nine decimals are kept, whatever the scale.
        scale: Decimals kept, 0 or more.

    Raises:
        ValueError: If the mode is unknown.

    >>> rounded(Fraction(1, 3), mode="half_up", scale=2)
    Fraction(33, 100)
    """
    if mode == EXACT_MODE:
        mode, scale = "half_even", DISPLAY_SCALE
    unit = 10**scale
    return Fraction(round_ratio(value.numerator * unit, value.denominator, mode), unit)


def display(value: Fraction) -> Decimal:
    """Write a ratio with nine decimals, halves to even: for columns, never for further sums.

    >>> display(Fraction(2, 3))
    Decimal('0.666666667')
    """
    nano = round_ratio(value.numerator * NANO, value.denominator, "half_even")
    return Decimal(nano).scaleb(-DISPLAY_SCALE, _EXACT)


def fits(value: Fraction) -> bool:
    """Tell whether a ratio can be kept: numerator, denominator and nine decimals, 38 digits each.

    >>> fits(Fraction(10**28, 3)), fits(Fraction(10**29)), fits(Fraction(1, 10**38))
    (True, False, False)
    """
    size, denominator = abs(value.numerator), value.denominator
    most = (_LIMIT - 1) * denominator  # one unit less, should the amount be rounded up
    return size < _LIMIT and denominator < _LIMIT and size * NANO < most


@cache
def minor_digits(currency: str) -> int:
    """Count the decimals of a currency's minor unit, by ISO 4217; 0 where it has none.

    Args:
        currency: Three-letter code.

    Raises:
        ValueError: If there is no such currency.

    >>> [minor_digits(code) for code in ("EUR", "JPY", "KWD", "XAU")]
    [2, 0, 3, 0]
    """
    return iso4217.Currency(currency).exponent or 0
