"""Stretches of hours that together bring so much less than usual that chance does not explain it.

Each hour is evidence, in thousandths of a natural logarithm: how much likelier its count is if
only three fifths of the usual came than if the usual did (counts of Poisson). A stretch is where
evidence adds up to the most; it ends where evidence has turned against it. So one silence is one
stretch, however many hours it has, and small elements are judged by as many hours as they need. Of
an entity whose counts vary more than chance lets them, as records of sessions do, it must be more
by as much.

Source: E. S. Page, Continuous inspection schemes, Biometrika 41 (1954); the end of a stretch as in
W. L. Ruzzo and M. Tompa, A linear time algorithm for finding all maximal scoring subsequences
(1999).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_FOR_USUAL, _FOR_RECORD = 400, 511
"""1 - 3/5, and the logarithm of 5/3: a fifth less is still evidence of nothing."""
_COUNTS, _KNOWN, _BLOCK = 3, 8, 6
"""Parts of so many records tell how counts vary, if they are so many; hours of a block."""
_UNKNOWN = 3_000
"""How much blocks vary as long as too few are known."""
_BY_CHANCE = 600
"""That square by chance, in thousandths: 0.455 of one count, and a third more for what is not known
of the usual."""
_NEAR = 3
"""Stretches with no more hours than this between them are one."""


@dataclass(frozen=True)
class Hour:
    """An hour of an entity.

    Attributes:
        hour: Since 1970, by the operator's wall clock.
        usual: How many records are usual in it, in thousandths.
        here: How many came.
    """

    hour: int
    usual: int
    here: int


@dataclass(frozen=True)
class Episode:
    """A stretch of hours with less than usual.

    Attributes:
        first, last: Its hours, since 1970, both included.
        usual, here: Records that are usual in them, and that came.
        silent: Within it nothing at all came for as long as usually many records take.
    """

    first: int
    last: int
    usual: int
    here: int
    silent: bool


def evidence(one: Hour, enough: int) -> int:
    """Give the evidence of an hour; none is enough by itself but one in which nothing came.

    >>> evidence(Hour(0, 100_000, 50), 10_000), evidence(Hour(0, 100_000, 0), 10_000)
    (5000, 40000)
    >>> evidence(Hour(0, 100_000, 80), 10_000), evidence(Hour(0, 10_000, 5), 10_000)
    (-880, 1445)
    """
    found = _FOR_USUAL * one.usual // 1_000 - _FOR_RECORD * one.here
    return min(found, enough // 2) if one.here > 0 else found


def episodes(hours: Sequence[Hour], enough: int, silence: int) -> list[Episode]:
    """Find the stretches of an entity.

    Args:
        hours: Those of which the usual is known, in order.
        enough: Evidence that a stretch must have where only chance makes counts vary.
        silence: So many usual records without one are silence.
    """
    found: list[tuple[int, int]] = []
    begin = 0
    while begin < len(hours):
        end, best, top = _stretch(hours, begin, enough)
        if top < enough:
            begin = end + 1
            continue
        own, needed = _needed(hours[:begin], enough)
        _, best, top = _stretch(hours, begin, own)
        if top >= needed or (top >= own and _is_silent(hours[begin : best + 1], silence)):
            if found and hours[begin].hour - hours[found[-1][1]].hour <= _NEAR + 1:
                found[-1] = found[-1][0], best
            else:
                found.append((begin, best))
        begin = best + 1
    return [_episode(hours[first : last + 1], silence) for first, last in found]


def _needed(before: Sequence[Hour], enough: int) -> tuple[int, int]:
    """Give how much evidence silence needs, and how much less usage does, by the hours before.

    What comes later must not change what was told; that nothing comes is not explained by days
    that differ.
    """
    own = enough * (spread(before) or 1_000) // 1_000
    return own, max(own, enough * (spread(_blocks(before)) or _UNKNOWN) // 1_000)


def _stretch(hours: Sequence[Hour], begin: int, enough: int) -> tuple[int, int, int]:
    """Add evidence up from an hour on until it has turned; give where, and the best end so far."""
    score = top = 0
    place = best = begin
    for place in range(begin, len(hours)):
        score += evidence(hours[place], enough)
        if score > top:
            top, best = score, place
        if score <= 0 or (top >= enough and top - score >= enough // 2):
            break
    return place, best, top


def spread(parts: Sequence[Hour]) -> int | None:
    """Give how much counts vary around the usual, in thousandths of what chance alone gives.

    By the middle of squared differences, which a silence among them does not move; in steps of a
    quarter, so that an hour more changes nothing. None where too few are known.

    >>> spread([Hour(hour, 10_000, 10 + 3 * (-1) ** hour) for hour in range(96)])
    1562
    """
    squares = sorted(
        (1_000 * one.here - one.usual) ** 2 // one.usual
        for one in parts
        if one.usual >= 1_000 * _COUNTS
    )
    if len(squares) < _KNOWN:
        return None
    step = 1_000
    while step * _BY_CHANCE < 1_000 * squares[len(squares) // 2]:
        step = step * 5 // 4
    return step


def _blocks(hours: Sequence[Hour]) -> list[Hour]:
    """Put hours together by six: what varies from day to day, or comes in bursts, shows there."""
    parts = [hours[at : at + _BLOCK] for at in range(0, len(hours) - _BLOCK + 1, _BLOCK)]
    return [
        Hour(part[0].hour, sum(one.usual for one in part), sum(one.here for one in part))
        for part in parts
    ]


def _episode(hours: Sequence[Hour], silence: int) -> Episode:
    return Episode(
        hours[0].hour, hours[-1].hour, sum(one.usual for one in hours) // 1_000,
        sum(one.here for one in hours), _is_silent(hours, silence),
    )  # fmt: skip


def _is_silent(hours: Iterable[Hour], silence: int) -> bool:
    """Tell whether nothing came in hours that follow each other and usually bring enough."""
    longest = run = 0
    for one in hours:
        run = run + one.usual if one.here <= 0 else 0
        longest = max(longest, run)
    return longest >= 1_000 * silence
