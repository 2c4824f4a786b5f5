"""Rounding in columns: long division in steps that fit 64 bits, every mode."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

MODES = ("up", "down", "half_up", "half_even", "none")
NANO_SCALE = 9
_STEP_DIGITS = 3
_FITS = 2**62
LARGEST_DENOMINATOR = _FITS // 10**_STEP_DIGITS
"""A remainder times one step of digits must fit; smaller denominators leave room for more."""
_TENS = 10 ** np.arange(NANO_SCALE + 1, dtype=np.int64)


@dataclass(frozen=True)
class Rounded:
    """Amounts rounded.

    Attributes:
        nano: Amount in 10^-9 of the currency.
        difference_nano: Rounded minus exact, in 10^-9, halves to even.
    """

    nano: Ints
    difference_nano: Ints


def _digits(whole: Ints, rest: Ints, denominator: Ints, count: Ints) -> tuple[Ints, Ints]:
    """Continue a division by `count` decimal digits: whole part and remainder."""
    most = _FITS // max(1, int(denominator.max(initial=1)))
    step = max(_STEP_DIGITS, len(str(most)) - 1)
    for done in range(0, int(count.max(initial=0)), step):
        factor = _TENS[np.clip(count - done, 0, step)]
        scaled = rest * factor
        more = scaled // denominator
        whole = whole * factor + more
        rest = scaled - more * denominator
    return whole, rest


def rounds_up(mode: Ints, whole: Ints, rest: Ints, denominator: Ints) -> npt.NDArray[np.bool_]:
    """Tell which quotients, of whole part and rest, are rounded away from zero."""
    half = 2 * rest
    return np.select(
        [
            mode == MODES.index("up"),
            mode == MODES.index("half_up"),
            mode >= MODES.index("half_even"),
        ],
        [
            rest > 0,
            half >= denominator,
            (half > denominator) | ((half == denominator) & (whole % 2 == 1)),
        ],
        default=False,
    )


def round_ratios(numerator: Ints, denominator: Ints, mode: Ints, scale: Ints) -> Rounded:
    """Round non-negative ratios, each by its own mode and scale.

    Args:
        numerator: At most 4 * 10^9 times the denominator.
        denominator: Above 0, at most LARGEST_DENOMINATOR.
        mode: Index into MODES.
        scale: Decimals kept, 0 to 9.
    """
    start = numerator // denominator
    whole, rest = _digits(start, numerator - start * denominator, denominator, scale)
    more = rounds_up(mode, whole, rest, denominator)
    units = whole + more
    gap = np.where(more, denominator - rest, rest)  # of one unit at that scale, over denominator
    zero = np.zeros_like(gap)
    start = gap // denominator
    left, remainder = _digits(start, gap - start * denominator, denominator, NANO_SCALE - scale)
    even = rounds_up(zero + MODES.index("half_even"), left, remainder, denominator)
    difference = (left + even) * np.where(more, 1, -1)
    return Rounded(units * _TENS[NANO_SCALE - scale], difference)
