"""Prefixes of many tariffs in one index: shared, long, dated to the microsecond."""

import dataclasses

import numpy as np
import polars as pl

from tallywire.catalog.snapshot import FOREVER_US, Tariff
from tallywire.rating.columnar.prefixes import PrefixIndex
from tests.priced import one_tariff


def _tariff(*rows: tuple[str, int, int]) -> Tariff:
    full = tuple((prefix, "z", number, 1, *span) for number, (prefix, *span) in enumerate(rows))
    return one_tariff(prefixes=full).tariffs["tariff"]


def _find(tariffs: list[Tariff], asked: list[tuple[int, str, int]]) -> list[int]:
    which, digits, moments = zip(*asked, strict=True)
    found = PrefixIndex(tariffs).find(
        np.array(which, np.int64), pl.Series(list(digits)), np.array(moments, np.int64)
    )
    return found.entry.tolist()


def test_one_table_of_prefixes_serves_all_tariffs_that_have_it() -> None:
    first = _tariff(("4", 0, FOREVER_US), ("47", 0, FOREVER_US))
    same = dataclasses.replace(first, tariff_id="same")
    assert PrefixIndex([first, same]).frame.height == 2
    assert _find([first, same], [(0, "479", 5), (1, "479", 5), (1, "46", 5)]) == [1, 1, 0]


def test_equal_prefixes_of_two_tables_keep_their_own_rows() -> None:
    both = [_tariff(("4", 0, FOREVER_US)), _tariff(("4", 0, FOREVER_US))]
    assert _find(both, [(0, "41", 5), (1, "41", 5), (1, "5", 5)]) == [0, 1, -1]


def test_a_price_begins_at_its_microsecond() -> None:
    tariff = _tariff(("4", 0, 1_500_000), ("4", 1_500_000, FOREVER_US))
    assert _find([tariff], [(0, "41", 1_499_999), (0, "41", 1_500_000)]) == [0, 1]


def test_prefixes_of_eighteen_digits_and_more_tariffs_than_fit_one_array() -> None:
    long = "123456789012345678"
    tariffs = [_tariff((long[: 17 + number % 2], 0, FOREVER_US)) for number in range(2)]
    tariffs += [_tariff((str(number + 10), 0, FOREVER_US)) for number in range(40)]
    asked = [(0, long, 5), (1, long, 5), (1, long[:17], 5), (0, long + "99", 5), (41, "4900", 5)]
    assert _find(tariffs, asked) == [0, 1, -1, 0, 41]


def test_no_tariff_no_prefix() -> None:
    assert PrefixIndex([]).frame.height == 0
    assert _find([_tariff()], [(0, "47", 5)]) == [-1]
