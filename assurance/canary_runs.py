"""Runs of a canary that did not happen: nobody was there to send it, so nothing is missing."""

from collections.abc import Iterable


def not_sent(times_us: Iterable[int], every_us: int, now_us: int) -> int:
    """Count the beginnings of `every` since the first sending in which nothing was sent.

    The present one is still open; several sendings in one count once.

    Args:
        times_us: When it was sent, microseconds UTC.

    >>> not_sent([60_000_000, 61_000_000, 240_000_000], 60_000_000, 250_000_000)
    2
    """
    begun = {one // every_us for one in times_us}
    return now_us // every_us - min(begun) - len(begun - {now_us // every_us}) if begun else 0
