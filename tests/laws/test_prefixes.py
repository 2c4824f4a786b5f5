"""The longest prefix in columns is the longest prefix by definition, at every date."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tallywire.catalog.snapshot import FOREVER_US
from tallywire.numbering import Dated, PrefixBook
from tallywire.rating.columnar.prefixes import PrefixIndex
from tests.priced import one_tariff

SECOND = 1_000_000
DIGITS = st.text("0149", max_size=5)
DATES = (0, 100 * SECOND, 200 * SECOND, FOREVER_US)
PREFIXES = st.lists(
    st.tuples(DIGITS, st.sampled_from([(0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3)])),
    max_size=25,
)
NUMBERS = st.lists(
    st.tuples(
        st.one_of(st.text("0149", max_size=15), st.sampled_from(["", "abc", "41x", "٤"])),
        st.sampled_from([0, 1, 99, 100, 101, 199, 200, 10**9]),
    ),
    min_size=1, max_size=30,
)  # fmt: skip


def _apart(wanted: list[tuple[str, tuple[int, int]]]) -> list[tuple[str, int, int]]:
    """Keep spans of one prefix that do not overlap, as a catalogue would."""
    kept: list[tuple[str, int, int]] = []
    for prefix, (first, last) in wanted:
        since, until = DATES[first], DATES[last]
        if all(other != prefix or until <= a or b <= since for other, a, b in kept):
            kept.append((prefix, since, until))
    return sorted(kept)


@given(wanted=st.lists(PREFIXES, min_size=1, max_size=3), numbers=NUMBERS)
def test_columns_find_what_the_book_finds(
    wanted: list[list[tuple[str, tuple[int, int]]]], numbers: list[tuple[str, int]]
) -> None:
    tariffs, books, base = [], [], 0
    for spans in wanted:
        kept = _apart(spans)
        rows = tuple(
            (prefix, "zone", number, 1, since, until)
            for number, (prefix, since, until) in enumerate(kept)
        )
        tariffs.append(one_tariff(prefixes=rows).tariffs["tariff"])
        books.append(PrefixBook(Dated(*row[:2], base + row[2], *row[3:]) for row in rows))  # type: ignore[call-arg,arg-type]
        base += len(rows)
    which = np.array([place % len(books) for place in range(len(numbers))], np.int64)
    moments = np.array([second * SECOND for _, second in numbers], np.int64)
    found = PrefixIndex(tariffs).find(which, pl.Series([digits for digits, _ in numbers]), moments)
    for place, (digits, second) in enumerate(numbers):
        entry, known = books[which[place]].find(digits, second * SECOND)
        assert found.entry[place] == (entry.price_no if entry else -1), (digits, second)
        assert found.known[place] == (entry is not None or known)
