"""Longest prefix in columns: every tariff's prefixes, at every date, as intervals of one array.

Numbers are scaled to fifteen digits, a prefix then covers an interval of numbers, and nested
prefixes are cut into disjoint ones. The key of an interval is its table, one for each tariff and
each span of dates, times 10^15, plus its first number; one search finds it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tallywire.catalog.snapshot import Tariff
from tallywire.search import places

Ints = npt.NDArray[np.int64]

_DIGITS = 15
_TABLE = 10**_DIGITS
MOST_TABLES = 9_000
_SECOND_US = 1_000_000
_TARIFF_SHIFT = 34


@dataclass(frozen=True)
class Matches:
    """What was found for each number.

    Attributes:
        entry: Row of the tariff's prefixes, counted over all tariffs; -1 where none holds.
        known: Some prefix matches at another time.
    """

    entry: Ints
    known: npt.NDArray[np.bool_]


def _span(prefix: str) -> tuple[int, int]:
    scale = 10 ** (_DIGITS - len(prefix))
    first = int(prefix or "0") * scale
    return first, first + scale


def _disjoint(prefixes: Sequence[str], entries: Sequence[int]) -> tuple[list[int], list[int]]:
    """Cut nested intervals: starts, ascending, and the entry that owns each, -1 for none."""
    starts, owners = [0], [-1]
    open_spans: list[tuple[int, int]] = []  # (end, owner), innermost last

    def begin(start: int, owner: int) -> None:
        if starts[-1] == start:
            owners[-1] = owner
        else:
            starts.append(start)
            owners.append(owner)

    def close(until: int) -> None:
        while open_spans and open_spans[-1][0] <= until:
            end, _ = open_spans.pop()
            begin(end, open_spans[-1][1] if open_spans else -1)

    for prefix, entry in zip(prefixes, entries, strict=True):
        first, last = _span(prefix)
        close(first)
        begin(first, entry)
        open_spans.append((last, entry))
    close(_TABLE)
    if starts[-1] >= _TABLE:
        starts.pop(), owners.pop()
    return starts, owners


class PrefixIndex:
    """Prefixes of all tariffs.

    Args:
        tariffs: In the order of their numbers.
    """

    def __init__(self, tariffs: Sequence[Tariff]) -> None:
        self.frame = pl.concat([tariff.prefixes for tariff in tariffs]) if tariffs else None
        lengths = [] if self.frame is None else self.frame["prefix"].str.len_bytes().to_list()
        self._lengths = np.array([*lengths, 0], np.int64)  # the last is that of entry -1
        keys: list[int] = []
        owners: list[int] = []
        self._spans: list[int] = []
        base = 0
        self._books: list[Mapping[str, list[tuple[int, int, int]]]] = []
        for number, tariff in enumerate(tariffs):
            for since, starts, entries in _tables(tariff.prefixes, base):
                table = len(self._spans)
                self._spans.append((number << _TARIFF_SHIFT) + since // _SECOND_US)
                keys += [table * _TABLE + start for start in starts]
                owners += entries
            self._books.append(_book(tariff.prefixes, base))
            base += tariff.prefixes.height
        if len(self._spans) > MOST_TABLES:
            msg = f"{len(self._spans)} tables of prefixes are more than {MOST_TABLES}"
            raise ValueError(msg)
        self._keys = np.array(keys, np.int64)
        self._owners = np.array(owners, np.int64)
        self._span_keys = np.array(self._spans, np.int64)

    def find(self, tariff: Ints, digits: pl.Series, moments: Ints) -> Matches:
        """Find the longest prefix that holds.

        Args:
            tariff: Number of each row's tariff.
            digits: Number as text; anything else than digits matches only the empty prefix.
            moments: Instants, microseconds UTC.
        """
        clean = pl.DataFrame({"d": digits}).select(
            pl.when(pl.col("d").str.contains(r"^[0-9]*$"))
            .then("d")
            .otherwise(pl.lit(""))
            .alias("d")
        )["d"]
        lengths = clean.str.len_bytes().cast(pl.Int64).to_numpy()
        number = clean.str.slice(0, _DIGITS).str.pad_end(_DIGITS, "0").cast(pl.Int64).to_numpy()
        span = (tariff << _TARIFF_SHIFT) + moments // _SECOND_US
        table = np.searchsorted(self._span_keys, span, "right") - 1
        place = places(self._keys, table * _TABLE + number, "right") - 1
        entry = self._owners[place]
        short = (entry >= 0) & (self._lengths[entry] > lengths)
        unsure = np.flatnonzero(short | (entry < 0))
        known = np.ones(len(entry), bool)
        entry = entry.copy()
        for row in unsure.tolist():
            entry[row], known[row] = _search(
                self._books[int(tariff[row])], str(clean[row]), int(moments[row])
            )
        return Matches(entry, known)


def _tables(prefixes: pl.DataFrame, base: int) -> list[tuple[int, list[int], list[int]]]:
    """Cut a tariff's prefixes into spans of dates with one table of intervals each."""
    rows = prefixes.select("prefix", "valid_from_us", "valid_to_us").with_row_index("row")
    edges = sorted({0, *rows["valid_from_us"].to_list(), *rows["valid_to_us"].to_list()})
    tables = []
    for since in edges:
        holding = rows.filter(
            (pl.col("valid_from_us") <= since) & (since < pl.col("valid_to_us"))
        ).sort("prefix")
        starts, owners = _disjoint(
            holding["prefix"].to_list(), (holding["row"].cast(pl.Int64) + base).to_list()
        )
        if since // _SECOND_US < 1 << _TARIFF_SHIFT:
            tables.append((since, starts, owners))
    return tables


def _book(prefixes: pl.DataFrame, base: int) -> Mapping[str, list[tuple[int, int, int]]]:
    book: dict[str, list[tuple[int, int, int]]] = {}
    columns = prefixes.select("prefix", "valid_from_us", "valid_to_us").iter_rows()
    for row, (prefix, first, last) in enumerate(columns):
        book.setdefault(prefix, []).append((first, last, row + base))
    return book


def _search(
    book: Mapping[str, list[tuple[int, int, int]]], digits: str, moment: int
) -> tuple[int, bool]:
    """Look one number up digit by digit: for numbers shorter than a prefix, and for misses."""
    known = False
    for length in range(min(len(digits), _DIGITS), -1, -1):
        for first, last, entry in book.get(digits[:length], ()):
            if first <= moment < last:
                return entry, True
            known = True
    return -1, known
