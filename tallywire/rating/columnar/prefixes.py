"""Longest prefix in columns: the prefixes of all tariffs as intervals of one array.

Tariffs that price the same prefixes at the same dates share one layout, so that ten thousand plans
over one zone plan cost what one costs. Numbers are scaled to the longest prefix's digits; a prefix
then covers an interval of numbers, and nested prefixes are cut into disjoint ones: one search finds
the longest, and where that one does not hold, it knows the next shorter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import xxhash

from tallywire.catalog.snapshot import PREFIX_SCHEMA, Tariff

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_KEYS = 2**63 - 1
_MOST_DIGITS = 18
"""Of a prefix; and of a number that fits 63 bits whatever its digits are."""
_TENS = 10 ** np.arange(_MOST_DIGITS + 1, dtype=np.int64)


@dataclass(frozen=True)
class Matches:
    """What was found for each number.

    Attributes:
        entry: Row of `PrefixIndex.frame`; -1 where none holds.
        known: Some prefix matches, then or at another time.
    """

    entry: Ints
    known: Flags


@dataclass(frozen=True)
class _Intervals:
    """Disjoint intervals of some layouts: where each begins, and the prefix that owns it or -1."""

    starts: Ints
    owners: Ints

    def at(self, keys: Ints) -> Ints:
        # Before the first start the last owner is taken: it is -1, since every prefix has ended.
        return self.owners[np.searchsorted(self.starts, keys, "right") - 1]


def _cut(first: Ints, last: Ints, length: Ints) -> tuple[_Intervals, Ints]:
    """Cut nested intervals into disjoint ones, from the shortest prefixes to the longest.

    Args:
        first: Where each prefix begins.
        last: Where it ends, exclusive.
        length: Its digits.

    Returns:
        The intervals, and for each prefix the next shorter one around it, -1 for none.
    """
    edges = np.unique(np.concatenate([first, last, np.zeros(1, np.int64)]))
    begins, ends = np.searchsorted(edges, first), np.searchsorted(edges, last)
    owners = np.full(len(edges), -1, np.int64)
    parents = np.full(len(first), -1, np.int64)
    for digits in np.unique(length):
        these = np.flatnonzero(length == digits)
        parents[these] = owners[begins[these]]
        widths = (ends - begins)[these]
        offsets = np.repeat(begins[these] - (np.cumsum(widths) - widths), widths)
        owners[offsets + np.arange(len(offsets))] = np.repeat(these, widths)
    changes = np.flatnonzero(np.diff(owners, prepend=-2))
    return _Intervals(edges[changes], owners[changes]), parents


def _numbers(texts: pl.Series, digits: int) -> tuple[Ints, Ints]:
    """Read the first digits of each text as a number, as if zeros followed them.

    Returns:
        The numbers, and how many digits each text has; a text that holds anything else than digits
        is read as if it were empty.
    """
    lengths = texts.str.len_bytes().cast(pl.Int64).to_numpy()
    values = texts.cast(pl.UInt64, strict=False)
    plain = (values.is_not_null() & (texts >= "0")).to_numpy() & (lengths <= _MOST_DIGITS)
    size = np.where(plain, lengths, 0)
    number = np.where(plain, values.fill_null(0).to_numpy().astype(np.int64), 0)
    number = number * _TENS[np.maximum(digits - size, 0)] // _TENS[np.maximum(size - digits, 0)]
    odd = np.flatnonzero(~plain & (lengths > 0))
    if len(odd):
        number[odd], size[odd] = _odd_numbers(texts.gather(odd), digits)
    return number, size


def _odd_numbers(texts: pl.Series, digits: int) -> tuple[Ints, Ints]:
    """Read texts that are longer than a machine's number, or no numbers at all."""
    sound = texts.str.contains(r"^[0-9]*$")
    texts = pl.select(pl.when(sound).then(texts).otherwise(pl.lit(""))).to_series()
    padded = texts.str.slice(0, digits).str.pad_end(digits, "0")
    return padded.cast(pl.Int64).to_numpy(), texts.str.len_bytes().cast(pl.Int64).to_numpy()


def _edges(changed: Flags) -> Ints:
    """Give where runs begin, and the end of the last."""
    return np.append(np.flatnonzero(changed), len(changed))


class _Layouts:
    """Distinct layouts, each a set of dated prefixes.

    Attributes:
        of_part: Number of the layout of each part.
        row: Every row's place in its part, in the order of layout, prefix and date.
    """

    def __init__(self, frame: pl.DataFrame, bounds: Ints) -> None:
        lengths = frame["prefix"].str.len_bytes().to_numpy()
        self.digits = max(1, int(lengths.max(initial=0)))
        columns = (
            *_numbers(frame["prefix"], self.digits),
            frame["valid_from_us"].to_numpy(), frame["valid_to_us"].to_numpy(),
        )  # fmt: skip
        kept, self.of_part = _distinct(columns, bounds)
        sizes = (bounds[1:] - bounds[:-1])[kept]
        layout = np.repeat(np.arange(len(kept)), sizes)
        self.row = np.arange(len(layout)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        chosen = self.row + np.repeat(bounds[kept], sizes)
        first, length, since, self.until = (column[chosen] for column in columns)
        order = np.lexsort((since, length, first, layout))
        self.row, self.until, self.since = self.row[order], self.until[order], since[order]
        self._prefixes(layout[order], first[order], length[order])
        self._dates()

    def _prefixes(self, layout: Ints, first: Ints, length: Ints) -> None:
        """Number the prefixes, layout by layout, and cut their intervals."""
        changed = np.ones(len(layout), bool)
        for column in (layout, first, length):
            changed[1:] &= column[1:] == column[:-1]
        changed[1:] = ~changed[1:]
        self.rows = _edges(changed)
        heads = self.rows[:-1]
        layout, first, self.length = layout[heads], first[heads], length[heads]
        scale = 10**self.digits
        self.together = _KEYS // scale
        self.intervals: list[_Intervals] = []
        self.parent = np.full(len(heads), -1, np.int64)
        for number in range(0, int(layout.max(initial=0)) + 1, self.together):
            low, high = np.searchsorted(layout, [number, number + self.together])
            start = (layout[low:high] - number) * scale + first[low:high]
            end = start + 10 ** (self.digits - self.length[low:high])
            cut, parents = _cut(start, end, self.length[low:high])
            self.parent[low:high] = np.where(parents < 0, -1, parents + low)
            owners = np.where(cut.owners < 0, -1, cut.owners + low)
            self.intervals.append(_Intervals(cut.starts, owners))

    def _dates(self) -> None:
        """Make one key of each row's prefix and date."""
        self._moments = np.unique(self.since)
        sizes = np.diff(self.rows)
        self._several = bool((sizes > 1).any())
        prefix = np.repeat(np.arange(len(sizes)), sizes)
        rank = np.searchsorted(self._moments, self.since, "right")
        self._keys = prefix * (len(self._moments) + 1) + rank

    def keys(self, layout: Ints, number: Ints) -> Ints:
        """Make the keys under which numbers are looked for in the intervals of their layouts."""
        keys: Ints = layout % self.together * 10**self.digits + number
        return keys

    def innermost(self, layout: Ints, keys: Ints) -> Ints:
        """Find the longest prefix around each key, whenever it holds; -1 for none."""
        if len(self.intervals) == 1:
            return self.intervals[0].at(keys)
        found = np.full(len(layout), -1, np.int64)
        which = layout // self.together
        for part in np.unique(which).tolist():
            rows = np.flatnonzero(which == part)
            found[rows] = self.intervals[part].at(keys[rows])
        return found

    def begun(self, prefix: Ints, moments: Ints) -> Ints:
        """Find the row of each prefix that began last before a moment; the first if none did."""
        if not self._several:
            return self.rows[prefix]
        rank = np.searchsorted(self._moments, moments, "right")
        keys = prefix * (len(self._moments) + 1) + rank
        return np.maximum(np.searchsorted(self._keys, keys, "right") - 1, self.rows[prefix])

    def holding(self, prefix: Ints, lengths: Ints, moments: Ints) -> tuple[Ints, Flags]:
        """Find the longest prefix that holds, from the innermost outwards.

        Returns:
            Place of the row in its part, -1 for none; and whether any prefix was met.
        """
        found = np.full(len(prefix), -1, np.int64)
        known = np.zeros(len(prefix), bool)
        rows = np.flatnonzero(prefix >= 0)
        prefix, lengths, moments = prefix[rows], lengths[rows], moments[rows]
        while len(rows):
            row = self.begun(prefix, moments)
            fits = self.length[prefix] <= lengths
            holds = fits & (self.since[row] <= moments) & (moments < self.until[row])
            known[rows[fits]] = True
            found[rows[holds]] = self.row[row[holds]]
            prefix = self.parent[prefix]
            on = ~holds & (prefix >= 0)
            rows, prefix, lengths, moments = rows[on], prefix[on], lengths[on], moments[on]
        return found, known


def _distinct(columns: Sequence[Ints], bounds: Ints) -> tuple[Ints, Ints]:
    """Tell parts of the columns apart: one part of each kind, and the kind of every part."""
    kinds: dict[tuple[bytes, ...], int] = {}
    kept: list[int] = []
    of_part = np.empty(len(bounds) - 1, np.int64)
    for part, (low, high) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)):
        content = tuple(xxhash.xxh3_128_digest(column[low:high].data) for column in columns)
        of_part[part] = kinds.setdefault(content, len(kept))
        if of_part[part] == len(kept):
            kept.append(part)
    return np.array(kept, np.int64), of_part


class PrefixIndex:
    """Prefixes of all tariffs.

    Args:
        tariffs: In the order of their numbers.

    Attributes:
        frame: Prefixes of every tariff, rows of PREFIX_SCHEMA. Tariffs that have one and the same
            DataFrame have the same rows here; `price_no` counts the tariff's own prices.
    """

    def __init__(self, tariffs: Sequence[Tariff]) -> None:
        frames = {id(tariff.prefixes): tariff.prefixes for tariff in tariffs}
        number = {key: place for place, key in enumerate(frames)}
        part = np.array([number[id(tariff.prefixes)] for tariff in tariffs], np.int64)
        bounds = np.cumsum([0, *(frame.height for frame in frames.values())], dtype=np.int64)
        empty = PREFIX_SCHEMA.to_frame()
        self.frame = pl.concat([empty, *frames.values()], rechunk=True)
        self._layouts = _Layouts(self.frame, bounds)
        self._layout = self._layouts.of_part[part]
        self._base = bounds[part]

    def find(self, tariff: Ints, digits: pl.Series, moments: Ints) -> Matches:
        """Find the longest prefix that holds.

        Args:
            tariff: Number of each row's tariff.
            digits: Number as text; anything else than digits matches only the empty prefix.
            moments: Instants, microseconds UTC.
        """
        layouts = self._layouts
        number, lengths = _numbers(digits, layouts.digits)
        layout = self._layout[tariff]
        keys = layouts.keys(layout, number)
        order = np.argsort(keys)  # neighbours are searched together, which the cache likes
        prefix = layouts.innermost(layout[order], keys[order])
        row, met = layouts.holding(prefix, lengths[order], moments[order])
        entry, known = np.empty_like(row), np.empty_like(met)
        entry[order] = np.where(row < 0, -1, row + self._base[tariff[order]])
        known[order] = met
        return Matches(entry, known)
