"""Lines of fixed fields, taken apart: at columns that are blank in every line, and around times."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from tallywire.mediation.guess.columns import Column, time_patterns

_STAMP = 14
Span = tuple[int, int]


def _spans(lines: Sequence[str]) -> Iterator[Span]:
    """Give runs of columns of which each is written in some line."""
    width = max(map(len, lines))
    written = [any(line[place : place + 1].strip() for line in lines) for place in range(width)]
    for used, places in groupby(range(width), key=written.__getitem__):
        found = list(places)
        if used:
            yield found[0], found[-1] + 1


def _around_times(lines: Sequence[str], span: Span) -> Iterator[Span]:
    """Split a run at the first time that stands in it in every line: YYYYMMDDhhmmss."""
    first, last = span
    for place in range(first, last - _STAMP + 1):
        texts = [line[place : place + _STAMP] for line in lines]
        if all(re.fullmatch("20[0-9]{12}", text) for text in texts) and time_patterns(texts):
            if place > first:
                yield first, place
            yield place, place + _STAMP
            if place + _STAMP < last:
                yield place + _STAMP, last
            return
    yield span


def fixed_columns(lines: Sequence[str]) -> list[Column]:
    """Take lines apart; fields that touch each other stay together.

    >>> lines = ["CDR 20261024100000123  7", "CDR 20261024100001456 18"]
    >>> [column.place["at"] for column in fixed_columns(lines)]
    [['0', '3'], ['4', '14'], ['18', '3'], ['22', '2']]
    """
    spans = [part for span in _spans(lines) for part in _around_times(lines, span)]
    return [
        Column(
            {"at": [str(first), str(last - first)]}, "",
            tuple(line[first:last].strip() for line in lines),
        )
        for first, last in spans
    ]  # fmt: skip
