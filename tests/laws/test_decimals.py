"""Decimals and airtimes in columns are what exact arithmetic says, however they are written."""

import decimal
from decimal import ROUND_HALF_EVEN, ROUND_UP, Decimal
from fractions import Fraction
from math import ceil

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tallywire.mediation.airtime import airtime_us
from tallywire.mediation.decimals import decimals_of

EXACT = decimal.Context(prec=80)
numbers = st.decimals(
    min_value=-(10**15), max_value=10**15, allow_nan=False, allow_infinity=False, places=15
)
plain = numbers.map(lambda number: f"{number:f}")
powers = st.tuples(st.integers(-999_999, 999_999), st.integers(-18, 9)).map(
    lambda pair: f"{pair[0]}E{pair[1]}"
)


def _whole(text: str, places: int, rounding: str) -> int:
    shifted = Decimal(text).scaleb(places, EXACT)
    return int(shifted.quantize(Decimal(1), rounding, EXACT))


@given(texts=st.lists(plain | powers, min_size=1, max_size=8), places=st.integers(0, 15))
def test_a_decimal_is_read_exactly_or_rounded_as_told(texts: list[str], places: int) -> None:
    read = decimals_of(pl.Series(texts))
    exact = [Fraction(Decimal(text)) * 10**places for text in texts]
    wanted = [int(one) if one.denominator == 1 else None for one in exact]
    assert read.exact(places).to_list() == wanted
    assert read.rounded_up(places).to_list() == [_whole(text, places, ROUND_UP) for text in texts]
    assert read.half_even(places).to_list() == [
        _whole(text, places, ROUND_HALF_EVEN) for text in texts
    ]
    money = [Decimal(_whole(text, 9, ROUND_HALF_EVEN)).scaleb(-9, EXACT) for text in texts]
    assert read.money().to_list() == money


@given(text=st.text(alphabet="0123456789.eE+- x", max_size=24))
def test_what_is_no_decimal_is_nothing(text: str) -> None:
    read = decimals_of(pl.Series([text])).exact(9).item()
    if read is not None:
        assert Fraction(read, 10**9) == Fraction(Decimal(text.strip()))


def _by_the_book(spreading: int, bandwidth: int, coding: int, octets: int) -> int:
    """The datasheet's formula, in fractions of a second."""
    symbol = Fraction(2**spreading, bandwidth)
    slow = 1 if symbol >= Fraction(16, 1_000) else 0
    bits = 8 * octets - 4 * spreading + 28 + 16
    payload = 8 + max(ceil(Fraction(bits, 4 * (spreading - 2 * slow))) * (coding + 4), 0)
    return ceil(((8 + Fraction(17, 4)) * symbol + payload * symbol) * 1_000_000)


@given(
    spreading=st.integers(7, 12), bandwidth=st.sampled_from([125_000, 250_000, 500_000, 812_500]),
    coding=st.integers(1, 4), octets=st.integers(0, 255),
)  # fmt: skip
def test_airtime_is_the_datasheets(
    spreading: int, bandwidth: int, coding: int, octets: int
) -> None:
    inputs = [pl.lit(value, pl.Int64) for value in (spreading, bandwidth, coding, octets)]
    found = pl.select(airtime_us(*inputs)).item()
    assert found == _by_the_book(spreading, bandwidth, coding, octets)


def test_airtimes_that_network_planners_know() -> None:
    """23 octets at SF7 take 61.7 ms, at SF12 1.48 s: the same battery, 24 times the channel."""
    frame = pl.DataFrame({"sf": [7, 12, 6], "octets": [23, 23, 23]})
    found = frame.select(airtime_us(pl.col("sf"), pl.lit(125_000), pl.lit(1), pl.col("octets")))
    assert found.to_series().to_list() == [61_696, 1_482_752, None]
