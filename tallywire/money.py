"""Money, scalar and exact: the one rounding of a charge."""

from decimal import Decimal
from fractions import Fraction

DISPLAY_SCALE = 9


def round_units(value: Fraction, mode: str) -> int:
    """Round a ratio to a whole number; symmetric for negatives.

    Args:
        value: Exact ratio.
        mode: `up` (away from zero), `down` (towards zero), `half_up` (halves away from zero),
            `half_even` (halves to the even neighbour).

    Raises:
        ValueError: If the mode is none of these.

    >>> [round_units(Fraction(-5, 2), mode) for mode in ("up", "down", "half_up", "half_even")]
    [-3, -2, -3, -2]
    """
    whole, rest = divmod(abs(value.numerator), value.denominator)
    if mode == "up":
        more = rest > 0
    elif mode == "down":
        more = False
    elif mode == "half_up":
        more = 2 * rest >= value.denominator
    elif mode == "half_even":
        more = 2 * rest > value.denominator or (2 * rest == value.denominator and whole % 2 == 1)
    else:
        msg = f"unknown rounding mode {mode!r}"
        raise ValueError(msg)
    size = whole + more
    return -size if value < 0 else size


def rounded(value: Fraction, *, mode: str, scale: int) -> Fraction:
    """Round at a number of decimals.

    >>> rounded(Fraction(1, 3), mode="half_up", scale=2)
    Fraction(33, 100)
    """
    return Fraction(round_units(value * 10**scale, mode), 10**scale)


def display(value: Fraction) -> Decimal:
    """Write a ratio with nine decimals, halves to even: for columns, never for further sums.

    >>> display(Fraction(2, 3))
    Decimal('0.666666667')
    """
    return Decimal(round_units(value * 10**DISPLAY_SCALE, "half_even")).scaleb(-DISPLAY_SCALE)
