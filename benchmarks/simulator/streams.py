"""Chance: one stream of numbers for each purpose, so that one purpose never disturbs another."""

import hashlib
import random


def stream(seed: int, *names: object) -> random.Random:
    """Give the numbers of one purpose: the same for one seed and the same names.

    >>> stream(7, "calls", 3).randrange(1000) == stream(7, "calls", 3).randrange(1000)
    True
    """
    text = "/".join([str(seed), *map(str, names)])
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))


def zipf_weights(count: int, exponent: float) -> list[int]:
    """Give whole weights that fall with rank as a power: the first is a million."""
    return [max(1, round(1_000_000 / (rank**exponent))) for rank in range(1, count + 1)]


def hexadecimal(chance: random.Random, digits: int) -> str:
    """Give so many hexadecimal digits."""
    return f"{chance.getrandbits(4 * digits):0{digits}x}"
