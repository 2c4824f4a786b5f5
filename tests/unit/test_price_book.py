"""A catalogue held against what was signed: each cause by its name, and the money of it."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assurance.price_book.compare import Cause, Prices, Stretch, compare, stretches
from assurance.price_book.entries import BookEntry, Sheet, midnights, read_book, rounded
from assurance.price_book.findings import Charged, money_of, told
from tallywire.catalog.snapshot import FOREVER_US, Rounding, Snapshot
from tallywire.money import round_ratio
from tests.priced import group, one_tariff

_HEAD = (
    "tariff,prefix,destination,rate,fee,first_s,next_s,rounding_mode,rounding_decimals,from,to\n"
)
_SECOND = 1_000_000
_DAYS = list(midnights(date(2026, 10, 1), date(2026, 10, 20), "UTC"))
_MIDDLE = 1_791_590_400_000_000  # 2026-10-10


def lines(*rows: str) -> list[BookEntry]:
    entries, problems = read_book(_HEAD + "\n".join(rows), "UTC")
    assert problems == []
    return entries


def catalogue(
    *rates: str, first_s: int = 60, step_s: int = 1, decimals: int = 4, mode: str = "half_up"
) -> Snapshot:
    """One tariff: 47 by the first rate, 474 by the second."""
    prefixes = [("47", "no", 0, 1, 0, FOREVER_US), ("474", "mobile", 0, 1, 0, FOREVER_US)]
    return one_tariff(
        group(0, first_s, rates[0]), group(first_s, step_s, rates[0]),
        prefixes=tuple(prefixes[: len(rates)]),
        rounding=Rounding(mode, decimals),
    )  # fmt: skip


def found(entries: list[BookEntry], snapshot: Snapshot) -> list[Stretch]:
    return stretches(compare(entries, Prices(snapshot), _DAYS))


BOOK = "tariff,47,Norway,0.12,0,60,1,half_up,4,,"


def test_a_catalogue_that_charges_as_the_book_says_has_no_finding() -> None:
    assert found(lines(BOOK), catalogue("0.12")) == []


@pytest.mark.parametrize(
    ("made", "cause"),
    [
        (catalogue("0"), Cause.FREE),
        (catalogue("0.12", step_s=60), Cause.INCREMENT),
        (catalogue("0.12", first_s=1), Cause.INCREMENT),
        (catalogue("0.12", decimals=2), Cause.ROUNDING),
        (catalogue("0.1234", mode="up"), Cause.PRICE),
    ],
)
def test_each_cause_has_its_name(made: Snapshot, cause: Cause) -> None:
    [one] = found(lines(BOOK), made)
    assert one.cause is cause
    assert (one.first_us, one.last_us) == (_DAYS[0], _DAYS[-1])


def test_a_price_of_another_time_is_told_from_day_to_day() -> None:
    book = lines(
        "tariff,47,Norway,0.12,0,60,1,half_up,4,,2026-10-10",
        "tariff,47,Norway,0.15,0,60,1,half_up,4,2026-10-10,",
    )
    [one] = found(book, catalogue("0.12"))
    assert (one.cause, one.entries[0].line, one.first_us) == (Cause.VERSION, 3, _MIDDLE)


def test_a_missing_prefix_is_charged_as_a_shorter_one_or_not_at_all() -> None:
    child = lines(BOOK, "tariff,474,Norway mobile,0.30,0,60,1,half_up,4,,")
    assert [one.cause for one in found(child, catalogue("0.12"))] == [Cause.PREFIX]
    other = lines(BOOK, "tariff,46,Sweden,0.30,0,60,1,half_up,4,,")
    [one] = found(other, catalogue("0.12"))
    assert (one.cause, one.example.catalogue) == (Cause.MISSING, None)


def test_rounding_is_one_finding_of_a_tariff() -> None:
    book = lines(BOOK, "tariff,474,Norway mobile,0.12,0,60,1,half_up,4,,")
    [one] = found(book, catalogue("0.12", "0.12", decimals=2))
    assert [entry.line for entry in one.entries] == [2, 3]


def test_money_is_what_calls_were_charged_beyond_and_below() -> None:
    book = lines(BOOK)
    [one] = found(book, catalogue("0.12", step_s=60))
    at = _MIDDLE + 5

    def call(seconds: int, amount: str, sign: int = 1, number: str = "4790010001") -> Charged:
        return Charged(number, at, seconds * _SECOND, Fraction(amount), sign, f"{seconds}")

    calls = [call(61, "0.24"), call(60, "0.12"), call(61, "0.10"), call(90, "0.24", number="46")]
    money = money_of(one, Sheet(book), calls)
    assert (money.calls, money.above, money.below) == (2, Fraction("0.118"), Fraction("0.022"))
    back = money_of(one, Sheet(book), [call(61, "0.24"), call(61, "-0.24", sign=-1)])
    assert (back.calls, back.above - back.below) == (0, 0)
    alert = told(one, money, "t", "EUR", 7)
    assert (alert.control_id, alert.pattern) == ("C12", "price_book_wrong_increment")
    assert (alert.direction, alert.observed) == ("over", 2)
    assert f"{alert.money_at_risk:f}" == "0.118000000"
    assert alert.gb941_area == "product_and_offer"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("tariff,47a,x,1,0,1,1,half_up,2,,", "prefix '47a' is no number"),
        ("tariff,47,x,-1,0,1,1,half_up,2,,", "below nothing"),
        ("tariff,47,x,1,0,0,1,half_up,2,,", "first_s '0' is no length of time"),
        ("tariff,47,x,1,0,1,1,sideways,2,,", "rounding_mode 'sideways' is none of"),
        ("tariff,47,x,1,0,1,1,half_up,2,tomorrow,", "Invalid isoformat"),
        (",47,x,1,0,1,1,half_up,2,,", "tariff and rate must be given"),
    ],
)
def test_a_wrong_line_is_named_with_what_is_wrong(row: str, words: str) -> None:
    entries, problems = read_book(_HEAD + BOOK + "\n" + row, "UTC")
    assert len(entries) == 1
    assert problems[0].startswith("line 3: ")
    assert words in problems[0]


def test_a_book_without_its_columns_is_refused() -> None:
    assert read_book("prefix,price\n47,1\n", "UTC") == (
        [], ["line 1: the columns tariff, rate, from, to are missing"],
    )  # fmt: skip


@given(
    st.fractions(0, 100, max_denominator=10**7),
    st.sampled_from(["up", "down", "half_up", "half_even"]),
    st.integers(0, 6),
)
def test_its_own_rounding_agrees_with_that_of_the_rulebook(
    amount: Fraction, mode: str, decimals: int
) -> None:
    units = round_ratio(amount.numerator * 10**decimals, amount.denominator, mode)
    assert rounded(amount, mode, decimals) == Fraction(units, 10**decimals)
