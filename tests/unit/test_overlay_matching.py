"""Which line belongs to which usage, in cases that one can follow by hand."""

import datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from assurance.overlay.frames import BILLED, USAGE
from assurance.overlay.judging import Age
from assurance.overlay.matching import Matched, by_key, by_party, cancelled, numbered, twins
from schemas.columns import defaults
from schemas.usage import UsageEvent

SECOND = 1_000_000
TEN = 1_775_548_800 * SECOND  # 2026-04-07T08:00:00Z


def usage(*rows: tuple[int, int, str]) -> pl.DataFrame:
    """Make usage of one caller and number: seconds after ten, its length, its key."""
    default = {name: value for name, value in defaults(UsageEvent).items() if name in USAGE}
    made: list[dict[str, Any]] = [
        {**default, "start_time": TEN + at * SECOND, "quantity": length * SECOND, "key": key,
         "party": "bo", "called": "46", "service": "voice", "record_no": number,
         "rated_quantity": 60 * SECOND}
        for number, (at, length, key) in enumerate(rows)
    ]  # fmt: skip
    return pl.DataFrame(made, schema=USAGE)


def billed(*rows: tuple[int, int | None, str], amount: str = "1") -> pl.DataFrame:
    """Make lines of the same: seconds after ten, the length that was billed, the key."""
    made = [
        {"start_time": TEN + at * SECOND, "quantity": length and length * SECOND, "key": key,
         "party": "bo", "called": "46", "service": "voice", "file": "bill", "line": number,
         "amount": Decimal(amount), "currency": "EUR", "invoice": "", "account": "bo",
         "account_known": True}
        for number, (at, length, key) in enumerate(rows)
    ]  # fmt: skip
    return pl.DataFrame(made, schema=BILLED)


def matched(first: pl.DataFrame, second: pl.DataFrame, seconds: int = 5) -> Matched:
    return by_party(by_key(numbered(first, second)), tolerance_us=seconds * SECOND)


def pairs(found: Matched) -> list[tuple[int, int, str, bool]]:
    """Give record number, line, and how they were found."""
    both = found.pairs.join(found.usage, on="u").join(found.billed, on="b")
    return both.select("record_no", "line", "match", "ambiguous").sort("record_no").rows()


def test_equal_keys_match_whatever_else_differs() -> None:
    found = matched(usage((0, 10, "a"), (1, 10, "b")), billed((900, 99, "b"), (0, 10, "a")))
    assert pairs(found) == [(0, 1, "key", False), (1, 0, "key", False)]


def test_rows_whose_keys_differ_never_match() -> None:
    assert pairs(matched(usage((0, 10, "a")), billed((0, 10, "b")))) == []


def test_a_row_without_a_key_matches_one_with_a_key() -> None:
    assert pairs(matched(usage((0, 10, "a")), billed((0, 10, "")))) == [(0, 0, "exact", False)]
    assert pairs(matched(usage((0, 10, "")), billed((0, 10, "b")))) == [(0, 0, "exact", False)]


def test_the_tolerance_is_included() -> None:
    assert len(pairs(matched(usage((0, 10, "")), billed((5, 10, ""))))) == 1
    assert pairs(matched(usage((0, 10, "")), billed((6, 10, "")))) == []


def test_equal_quantity_goes_before_nearness() -> None:
    found = matched(usage((0, 10, "")), billed((1, 50, ""), (4, 10, "")))
    assert pairs(found) == [(0, 1, "near", False)]


def test_the_counted_quantity_is_as_good_as_the_used_one() -> None:
    assert pairs(matched(usage((0, 10, "")), billed((0, 60, "")))) == [(0, 0, "exact", False)]


def test_the_nearest_goes_first_and_of_two_the_earlier() -> None:
    found = matched(usage((10, 10, "")), billed((7, 10, ""), (12, 10, "")))
    assert pairs(found) == [(0, 1, "near", True)]
    found = matched(usage((10, 10, "")), billed((8, 10, ""), (12, 10, "")))
    assert pairs(found) == [(0, 0, "near", True)]


def test_one_to_one_leaves_the_farther_its_next_best() -> None:
    found = matched(usage((0, 10, ""), (2, 10, "")), billed((3, 10, ""), (5, 10, "")))
    assert pairs(found) == [(0, 1, "near", True), (1, 0, "near", True)]


def test_a_bill_without_quantities_matches_by_time() -> None:
    found = matched(usage((0, 10, ""), (60, 20, "")), billed((1, None, ""), (61, None, "")))
    assert pairs(found) == [(0, 0, "near", False), (1, 1, "near", False)]


def test_records_that_are_alike_match_as_many_lines_and_the_rest_is_billed_twice() -> None:
    found = matched(usage((0, 10, ""), (0, 10, "")), billed(*[(0, 10, "")] * 3))
    assert len(pairs(found)) == 2
    second = twins(found, pl.DataFrame(schema=BILLED), tolerance_us=SECOND)
    assert second["line"].to_list() == [0]


def test_a_line_with_a_key_of_its_own_is_a_second_line_all_the_same() -> None:
    found = matched(usage((0, 10, "a")), billed((0, 10, "a"), (1, 10, "z")))
    second = twins(found, pl.DataFrame(schema=BILLED), tolerance_us=SECOND)
    assert second.select("b", "line").rows() == [(1, 0)]


def test_credits_take_back_a_charge_once() -> None:
    charges = billed((0, 10, ""), (0, 10, ""))
    credit = billed((0, 10, ""), amount="-1").with_columns(line=pl.lit(9, dtype=pl.Int64))
    gone = cancelled(pl.concat([charges, credit]))
    assert sorted(gone["line"].to_list()) == [0, 9]


def test_a_credit_has_no_usage() -> None:
    assert pairs(matched(usage((0, 10, "k")), billed((0, 10, "k"), amount="-1"))) == []


@pytest.mark.parametrize(
    ("day", "months", "limit"),
    [
        ("2026-05-01", 6, "2025-10-31T23:00:00"),
        ("2026-03-31", 1, "2026-02-27T23:00:00"),
        ("2024-03-31", 1, "2024-02-28T23:00:00"),
        ("2026-08-15", 0, "2026-08-14T22:00:00"),
    ],
)
def test_months_are_counted_back_on_the_calendar_of_the_operator(
    day: str, months: int, limit: str
) -> None:
    age = Age("Europe/Oslo", datetime.date.fromisoformat(day), months)
    moment = datetime.datetime.fromisoformat(limit).replace(tzinfo=datetime.UTC)
    assert age.limit_us == int(moment.timestamp()) * SECOND


def test_usage_at_the_limit_is_recoverable() -> None:
    age = Age("UTC", datetime.date(2026, 5, 1), 1)
    limit = age.limit_us
    assert limit is not None
    starts = pl.DataFrame({"start_time": [limit - 1, limit, 0]})
    assert starts.select(*age.columns()).rows() == [
        ("2026-03", "time_barred"), ("2026-04", "recoverable"), ("", ""),
    ]  # fmt: skip
