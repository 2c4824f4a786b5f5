from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.money import MODES, display, fits, minor_digits, round_ratio, rounded

ORACLE = {
    "up": ROUND_UP, "down": ROUND_DOWN, "half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN,
}  # fmt: skip

modes = st.sampled_from(MODES)
scales = st.integers(0, 9)
decimals = st.decimals(-(10**18), 10**18, places=12, allow_nan=False)
near_halves = st.builds(
    lambda whole, scale, nudge: Decimal(2 * whole + 1) / 2 * Decimal(10) ** -scale
    + nudge * Decimal("1e-12"),
    st.integers(-1_000, 1_000), scales, st.integers(-1, 1),
)  # fmt: skip
ratios = st.fractions(-(10**12), 10**12, max_denominator=10**9)


@given(decimals | near_halves, modes, scales)
def test_rounding_is_that_of_decimal_arithmetic(value: Decimal, mode: str, scale: int) -> None:
    with localcontext(prec=60):
        expected = value.quantize(Decimal(1).scaleb(-scale), rounding=ORACLE[mode])
    assert rounded(Fraction(value), mode=mode, scale=scale) == Fraction(expected)


@given(ratios, modes, scales)
def test_rounding_is_symmetric_and_moves_less_than_a_unit(
    value: Fraction, mode: str, scale: int
) -> None:
    found = rounded(value, mode=mode, scale=scale)
    assert rounded(-value, mode=mode, scale=scale) == -found
    assert (found * 10**scale).denominator == 1
    limit = Fraction(1, 10**scale) / (2 if mode.startswith("half") else 1)
    assert abs(found - value) <= limit
    assert rounded(found, mode=mode, scale=scale) == found


@given(ratios, ratios, modes, scales)
def test_rounding_keeps_order(a: Fraction, b: Fraction, mode: str, scale: int) -> None:
    low, high = sorted([a, b])
    assert rounded(low, mode=mode, scale=scale) <= rounded(high, mode=mode, scale=scale)


@given(st.integers(-(10**38) + 1, 10**38 - 1))
def test_display_keeps_every_digit_a_column_has(nano: int) -> None:
    shown = display(Fraction(nano, 10**9))
    assert shown.as_tuple().exponent == -9
    assert Fraction(shown) == Fraction(nano, 10**9)


def test_halves_of_every_mode() -> None:
    halves = [Fraction(half, 2) for half in (-5, -3, -1, 1, 3, 5)]
    found = {mode: [int(rounded(half, mode=mode, scale=0)) for half in halves] for mode in MODES}
    assert found == {
        "up": [-3, -2, -1, 1, 2, 3],
        "down": [-2, -1, 0, 0, 1, 2],
        "half_up": [-3, -2, -1, 1, 2, 3],
        "half_even": [-2, -2, 0, 0, 2, 2],
    }


def test_an_unknown_mode_is_named() -> None:
    with pytest.raises(ValueError, match="'nearest'; write one of up, down"):
        round_ratio(1, 2, "nearest")


def test_what_a_column_holds() -> None:
    largest = Fraction(10**38 - 1, 10**9)
    assert not fits(largest)  # rounded up it would not
    assert fits(largest - Fraction(1, 10**9))
    assert fits(-Fraction(10**28))
    assert not fits(Fraction(1, 10**38))
    assert not fits(Fraction(10**38, 3))
    assert fits(Fraction(10**38 - 1, 10**37))
    assert not fits(Fraction(10**38, 10**37 + 3)), "a numerator of 39 digits, of a small amount"
    assert fits(Fraction(1, 10**38 - 1))
    assert not fits(Fraction(-(10**38) + 1, 10**9))


def test_as_exact_as_a_charge_is_stored() -> None:
    """Nine decimals, halves to even, whatever the scale."""
    values = (Fraction(2, 3), Fraction(5, 2 * 10**9), Fraction(-15, 10**10))
    found = [rounded(value, mode="none", scale=2) * 10**9 for value in values]
    assert found == [666_666_667, 2, -2]


def test_minor_units_are_those_of_the_standard() -> None:
    assert [minor_digits(code) for code in ("NOK", "USD", "ISK", "BHD", "XDR")] == [2, 2, 0, 3, 0]
    with pytest.raises(ValueError, match="ZZZ"):
        minor_digits("ZZZ")
