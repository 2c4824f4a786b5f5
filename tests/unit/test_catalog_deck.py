from fractions import Fraction

import pytest

from tallywire.catalog import Problem
from tallywire.catalog.snapshot import Group, Price
from tests.unit.catalog_files import reading, snapshot

MINUTE = 60_000_000
TARIFF = """
id: carrier
service: interconnect
zone_by: b_number
rounding: {mode: half_even, scale: 6}
revisions:
  - revision: 1
    valid_from: 2026-01-01
    deck:
      file: decks/carrier.csv
      per: 1 min
      columns:
        prefix: code
        destination: name
        rate: price
        connect_fee: fee
        initial: first
        subsequent: next
        included: free
        valid_from: from
        valid_to: to
"""
HEADER = "code,name,price,fee,first,next,free,from,to,remark\n"
ROWS = """\
1,USA,0.0000166667,0,6,6,0,,,
44,UK,0.0038,0.01,30,6,0,,2026-07-01,
44,UK,0.0030,0.01,30,6,0,2026-07-01,,cheaper
47,"Norway, fixed",0.0045,0,60,60,60,,,
"""


def _files(rows: str = ROWS, tariff: str = TARIFF) -> dict[str, str]:
    return {"tariffs/carrier.yaml": tariff, "tariffs/decks/carrier.csv": HEADER + rows}


def _problems(rows: str = ROWS, tariff: str = TARIFF) -> list[Problem]:
    return reading(_files(rows, tariff)).problems


def test_a_deck_gives_exact_prices_and_dated_prefixes() -> None:
    tariff = snapshot(_files()).tariffs["carrier"]
    assert tariff.prefixes.select("prefix", "zone_id", "price_no").rows() == [
        ("1", "USA", 0),
        ("44", "UK", 1),
        ("44", "UK", 2),
        ("47", "Norway, fixed", 3),
    ]
    first = Fraction(166667, 10**10) / MINUTE
    assert tariff.prices[0] == Price(Fraction(0), Fraction(0), (Group(0, 6_000_000, (first,)),))
    assert tariff.prices[1].connect_fee == Fraction(1, 100)
    assert [(one.start, one.increment) for one in tariff.prices[1].groups] == [
        (0, 30_000_000),
        (30_000_000, 6_000_000),
    ]
    ends, starts = tariff.prefixes["valid_to_us"], tariff.prefixes["valid_from_us"]
    assert ends[1] == starts[2]


def test_included_units_are_a_free_first_group() -> None:
    groups = snapshot(_files()).tariffs["carrier"].prices[3].groups
    assert [(one.start, one.rates[0] == 0) for one in groups] == [(0, True), (MINUTE, False)]


def test_a_deck_may_have_a_rate_for_each_band() -> None:
    text = TARIFF.replace("zone_by:", "calendar: peak\nzone_by:")
    text = text.replace("rate: price", "rate: {low: price, high: fee}")
    text = text.replace("        connect_fee: fee\n", "")
    price = snapshot(_files(tariff=text)).tariffs["carrier"].prices[1]
    assert price.groups[0].rates == (
        Fraction(38, 10_000) / MINUTE,
        Fraction(1, 100) / MINUTE,
    )


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        ("+45,DK,0.1,0,1,1,0,,,", "code", "'+45' is not a prefix"),
        ("9.12E+11,DK,0.1,0,1,1,0,,,", "code", "spreadsheet"),
        ("45,,0.1,0,1,1,0,,,", "name", "is empty"),
        ("45,DK,-0.1,0,1,1,0,,,", "price", "'-0.1' is not a price"),
        ("45,DK,1e-3,0,1,1,0,,,", "price", "not a price"),
        ("45,DK,NO,0,1,1,0,,,", "price", "not a price"),
        ("45,DK,0.1,,1,1,0,,,", "fee", "not a price"),
        ("45,DK,0.1,0,0,1,0,,,", "first", "greater than 0"),
        ("45,DK,0.1,0,1,six,0,,,", "next", "not a whole number"),
        ("45,DK,0.1,0,1,1,0,2026-02-30,,", "from", "not a date"),
        ("45,DK,0.1,0,1,1,0,2025-01-01,,", "from", "outside the revision"),
        ("45,DK,0.1,0,1,1,0,2026-03-01,2026-02-01,", "prefix", "ends before it begins"),
        ("47,NO,0.1,0,1,1,0,,,", "code", "priced twice at one time, first in line 5"),
        ("44,UK,0.1,0,1,1,0,2026-05-01,2026-06-01,", "code", "priced twice"),
    ],
)
def test_a_bad_row_is_named_with_line_and_column(row: str, column: str, words: str) -> None:
    found = _problems(ROWS + row + "\n")
    assert found
    assert {one.key for one in found} == {column}
    assert found[0].file == "tariffs/decks/carrier.csv"
    assert found[0].line in {4, 6}
    assert words in found[0].message


def test_a_gap_between_rows_of_a_prefix_is_named() -> None:
    (problem,) = _problems(ROWS.replace("0,,2026-07-01,", "0,,2026-06-01,"))
    assert "the prefix 44 has no price between line 3 and this one" in problem.message
    assert problem.line == 4


def test_a_short_gap_says_how_long_it_is_and_why_it_is_there() -> None:
    ends = ROWS.replace("0,,2026-07-01,", "0,,2026-06-30T23:59:59+02:00,")
    (problem,) = _problems(ends)
    assert problem.line == 4
    assert problem.message == (
        "the prefix 44 has no price between line 3 and this one; close the gap of 1 s (an end does "
        "not count: write the instant at which the next begins)"
    )


def test_thousands_of_bad_rows_are_counted_not_listed() -> None:
    rows = "".join(f"{n},X,free,0,1,1,0,,,\n" for n in range(100, 3_100))
    found = _problems(rows)
    assert len(found) == 21
    assert found[-1].message == "and 2980 more rows with a wrong rate:"


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("decks/carrier.csv", "decks/other.csv", "file", "there is no file"),
        ("rate: price", "rate: cost", "columns.rate", "no column 'cost'"),
        ("per: 1 min", "per: 1 MB", "per", "microseconds"),
        ("        subsequent: next\n", "", "columns", "belong together"),
        ("per: 1 min", "per: 1 min\n      increment: 1/1", "increment", "stands beside"),
    ],
)
def test_what_the_tariff_says_of_its_deck_is_checked(
    old: str, new: str, key: str, words: str
) -> None:
    found = _problems(tariff=TARIFF.replace(old, new))
    assert found[0].key == f"revisions[0].deck.{key}"
    assert words in found[0].message


def test_a_deck_that_no_tariff_names_is_a_problem() -> None:
    (problem,) = reading({"tariffs/decks/stray.csv": HEADER}).problems
    assert "no tariff names this deck" in problem.message


def test_a_tariff_has_prices_or_a_deck() -> None:
    text = TARIFF[: TARIFF.index("    deck:")].replace("carrier", "a_carrier")
    assert "needs either prices or a deck" in _problems(tariff=text)[0].message
