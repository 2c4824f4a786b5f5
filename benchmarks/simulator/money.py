"""Exact charges: what a call, a volume or a number of pieces costs, as a price list says in words."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

TENTHS = 10_000
"""Rates and fees are whole ten-thousandths of the currency."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """How a charge is rounded: `half_up`, `half_even` or `up`, to so many decimals."""

    mode: str
    scale: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a minute costs: rate and fee in ten-thousandths, increments in seconds."""

    rate: int
    fee: int
    first_s: int
    next_s: int


def counted_s(duration_us: int, terms: Terms) -> int:
    """Count the seconds that are paid: the first increment, then each one that has begun.

    >>> [counted_s(us, Terms(1, 0, 60, 6)) for us in (1, 60_000_000, 60_000_001)]
    [60, 60, 66]
    """
    first_us, next_us = terms.first_s * 1_000_000, terms.next_s * 1_000_000
    if duration_us <= first_us:
        return terms.first_s
    return terms.first_s + -(-(duration_us - first_us) // next_us) * terms.next_s


def rounded(amount: Fraction, rounding: Rounding) -> Decimal:
    """Round an exact amount that is not negative, once.

    >>> str(rounded(Fraction(25, 1000), Rounding("half_even", 2)))
    '0.02'
    """
    scaled = amount * 10**rounding.scale
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    twice = 2 * rest
    if rounding.mode == "up":
        whole += rest > 0
    elif twice > scaled.denominator:
        whole += 1
    elif twice == scaled.denominator:
        whole += 1 if rounding.mode == "half_up" else whole % 2
    return Decimal(whole).scaleb(-rounding.scale)


def call_charge(duration_us: int, terms: Terms, rounding: Rounding) -> Decimal:
    """Charge a call: the fee, and each counted second at a sixtieth of the rate."""
    exact = Fraction(terms.fee, TENTHS) + Fraction(
        terms.rate * counted_s(duration_us, terms), 60 * TENTHS
    )
    return rounded(exact, rounding)


def written(tenths: int) -> str:
    """Write ten-thousandths as decimal text.

    >>> written(305)
    '0.0305'
    """
    return f"{tenths // TENTHS}.{tenths % TENTHS:04d}"
