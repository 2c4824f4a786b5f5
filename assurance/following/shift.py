"""Gradual shift: a lasting change of what hours bring, too small for any hour to show it.

Kept are the residuals of hours, which are whole numbers; the detector is made anew of them each
time, so that its state is theirs. Residuals begin with a fixed week, so that what was found in them
stays where it is while hours are added.

Source: A. Bifet and R. Gavalda, Learning from time-changing data with adaptive windowing (2007), as
river implements it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from assurance.following.episodes import Hour
from assurance.following.usual_hours import HOURS_OF_WEEK

ENOUGH = 30
"""Hours with fewer usual records say too little."""
MOST = 200
"""Residuals of hours are held within a fifth, in thousandths: what lies beyond has other alerts."""
_LEAST = 50
"""A shift by less than this, in thousandths, is none."""
_LEAST_HOURS = 24
_DELTA = 0.002
_TENTHS = 100
_BLOCK = 4 * HOURS_OF_WEEK


@dataclass(frozen=True)
class Shift:
    """A stretch of hours in which lastingly less came.

    Attributes:
        first, last: Its hours, both included.
        by: How much less than before it, in thousandths of the usual.
    """

    first: int
    last: int
    by: int


def residual(one: Hour) -> int | None:
    """Give by how much an hour differs from the usual, in thousandths; none where it says little.

    >>> [residual(Hour(0, 1_000 * usual, here)) for usual, here in ((100, 90), (100, 20), (9, 9))]
    [-100, -200, None]
    """
    if one.usual < 1_000 * ENOUGH:
        return None
    return max(-MOST, min(MOST, 1_000 * (1_000 * one.here - one.usual) // one.usual))


def begins(until: int) -> int:
    """Give the first hour whose residual counts: it moves on by four weeks at once."""
    return (until - _BLOCK) // _BLOCK * _BLOCK


def shifts(residuals: Mapping[int, int]) -> list[Shift]:
    """Find lasting shifts downwards, in the residuals of hours."""
    hours = sorted(residuals)
    values = tuple(residuals[one] for one in hours)
    edges = [0, *_edges(values), len(hours)]
    found = []
    for before, first, end in zip(edges, edges[1:], edges[2:], strict=False):
        by = _mean(values[before:first]) - _mean(values[first:end])
        if end - first >= _LEAST_HOURS and by >= _LEAST and _mean(values[first:end]) <= -_LEAST:
            found.append(Shift(hours[first], hours[end - 1], by))
    return found


@lru_cache(maxsize=256)  # most batches change no hour that is judged
def _edges(values: tuple[int, ...]) -> tuple[int, ...]:
    """Give the places at which residuals began to be others."""
    if len(values) < 2 * _LEAST_HOURS:
        return ()
    from river.drift import ADWIN  # noqa: PLC0415  it brings all of scipy: seconds at every start

    detector = ADWIN(delta=_DELTA, clock=1)  # type: ignore[no-untyped-call]  # river gives it no types
    found: list[int] = []
    begin = 0
    for place, one in enumerate(values):
        detector.update(one / _TENTHS)  # type: ignore[no-untyped-call]  # as above
        if detector.drift_detected:
            edge, by = _edge(values[begin : place + 1])
            if by >= _LEAST:
                begin += edge
                found.append(begin)
    return tuple(found)


def _edge(values: Sequence[int]) -> tuple[int, int]:
    """Split numbers where the means on both sides differ the most, for how many they are.

    Returns:
        The first place behind the split, and by how much the means differ.

    >>> _edge([0, 1, 0, -90, -91, -89])
    (3, 90)
    """
    whole, count = sum(values), len(values)
    before = best = place = 0
    for at, one in enumerate(values[:-1], start=1):
        before += one
        weight = (before * count - whole * at) ** 2 // (at * (count - at))
        if weight > best:
            best, place = weight, at
    return place, abs(_mean(values[:place]) - _mean(values[place:])) if place else 0


def _mean(values: Sequence[int]) -> int:
    """Give the mean, rounded down; 0 of nothing.

    >>> _mean([-10, -11]), _mean([])
    (-11, 0)
    """
    return sum(values) // len(values) if values else 0
