"""How long a LoRa frame is on the air, in whole microseconds.

Source: Semtech, SX1276/77/78/79 datasheet, 4.1.1.6 and 4.1.1.7 (symbol time, preamble, payload
symbols); LoRaWAN uplinks have an explicit header, a checksum and a preamble of 8 symbols.
"""

import polars as pl

_PREAMBLE_SYMBOLS = 8
_PREAMBLE_QUARTERS = 4 * _PREAMBLE_SYMBOLS + 17  # 4.25 symbols follow it
_FIXED_SYMBOLS = 8
_HEADER_AND_CHECKSUM_BITS = 28 + 16
_LONG_SYMBOL_US = 16_000
_MICROSECONDS = 1_000_000
LEAST_SPREADING, MOST_SPREADING = 7, 12


def _up(dividend: pl.Expr, divisor: pl.Expr) -> pl.Expr:
    """Divide whole numbers, rounding up."""
    return 0 - (0 - dividend) // divisor


def airtime_us(
    spreading: pl.Expr, bandwidth_hz: pl.Expr, coding: pl.Expr, octets: pl.Expr
) -> pl.Expr:
    """Give the time on air of frames, rounded up to whole microseconds; null where it has none.

    Args:
        spreading: Spreading factor, 7 to 12.
        bandwidth_hz: Bandwidth, hertz.
        coding: Redundant bits for four bits of payload: 1 (4/5) to 4 (4/8).
        octets: Octets of the frame, from its first header to its integrity code.

    >>> found = airtime_us(*(pl.lit(value, pl.Int64) for value in (7, 125_000, 1, 23)))
    >>> pl.select(found).item()
    61696
    """
    power = pl.lit(0, dtype=pl.Int64)
    for factor in range(LEAST_SPREADING, MOST_SPREADING + 1):
        power = pl.when(spreading == factor).then(2**factor).otherwise(power)
    symbol_us = power * _MICROSECONDS
    slow = (symbol_us >= _LONG_SYMBOL_US * bandwidth_hz).cast(pl.Int64)  # low data rate
    bits = 8 * octets - 4 * spreading + _HEADER_AND_CHECKSUM_BITS
    groups = _up(bits, 4 * (spreading - 2 * slow)).clip(0)
    quarters = _PREAMBLE_QUARTERS + 4 * (_FIXED_SYMBOLS + groups * (coding + 4))
    known = (
        spreading.is_between(LEAST_SPREADING, MOST_SPREADING)
        & (bandwidth_hz > 0) & coding.is_between(1, 4) & (octets >= 0)
    )  # fmt: skip
    return pl.when(known).then(_up(quarters * symbol_us, 4 * bandwidth_hz))
