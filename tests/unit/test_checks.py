"""Checks that are written: what agrees, what does not, what may differ, and what is written wrongly."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from typer.testing import CliRunner

from assurance.checks.compare import CheckWrongError, Compared, compare
from assurance.checks.findings import alerts_of
from assurance.checks.models import Check, problems_of
from cli.main import app

_EXAMPLES = Path(__file__).resolve().parents[2] / "docs/guides/checks"
_PLANTED = {
    "discounts_past_their_end": [("differs", "2.50")],
    "manual_credits": [("only_left", "250.00")],
    "receipts": [("differs", "5.00")],
    "recurring_fees": [("only_left", "9.90"), ("differs", "10.00")],
    "vouchers": [("only_right", "20")],
}


def check(**more: Any) -> Check:
    return Check.model_validate({
        "id": "c", "title": "T", "area": "receivables", "owner": "o", "action": "a",
        "left": {"name": "l", "file": "l.csv"}, "right": {"name": "r", "file": "r.csv"},
        "keys": [{"left": "k", "right": "k"}],
        "compare": [{"left": "v", "right": "v"}], **more,
    })  # fmt: skip


def frame(*rows: tuple[str, ...], columns: str = "k v") -> pl.DataFrame:
    return pl.DataFrame(
        list(rows), schema=dict.fromkeys(columns.split(), pl.String()), orient="row"
    )


def told(made: Compared) -> list[tuple[str, int, str]]:
    return [(one.cause, one.row, one.told) for one in made.differences]


@pytest.mark.parametrize("name", _PLANTED)
def test_the_examples_of_the_guide_find_what_is_wrong(name: str) -> None:
    made = CliRunner().invoke(app, ["checks", "preview", f"{_EXAMPLES}/{name}.yaml", "--json"])
    assert made.exit_code == 0, made.output
    [one] = json.loads(made.stdout)
    assert [(row["cause"], row["money"]) for row in one["differences"]] == _PLANTED[name]


def test_rows_without_a_partner_and_values_that_differ() -> None:
    left = frame(("a", "1"), ("b", "2"), ("c", "3"))
    made = compare(check(), left, frame(("a", "1.0"), ("c", "4"), ("d", "5")))
    assert told(made) == [
        ("only_left", 2, "not in r"), ("only_right", 3, "not in l"), ("differs", 3, "v: 3 against 4"),
    ]  # fmt: skip
    assert (made.left, made.right, made.matched) == (3, 3, 2)


@pytest.mark.parametrize(
    ("tolerance", "differ"), [("0", 1), ("0.01", 0), ("0.009", 1), ("1 %", 0), ("0.09 %", 1)]
)
def test_tolerances_are_exact(tolerance: str, differ: int) -> None:
    one = check(compare=[{"left": "v", "right": "v", "tolerance": tolerance}])
    made = compare(one, frame(("a", "10.00")), frame(("a", "10.01")))
    assert len(made.differences) == differ


def test_equal_keys_are_paired_in_their_order_each_row_once() -> None:
    made = compare(
        check(), frame(("a", "1"), ("a", "2"), ("a", "3")), frame(("a", "1"), ("a", "2"))
    )
    assert told(made) == [("only_left", 3, "not in r")]


def test_the_nearest_times_are_pairs() -> None:
    one = check(
        keys=[{"left": "k", "right": "k", "strip": ["+"]},
              {"left": "t", "right": "t", "within": "2 s"}],
    )  # fmt: skip
    left = frame(
        ("a", "1", "2026-10-24T12:00:00Z"), ("a", "2", "2026-10-24T12:00:03Z"), columns="k v t"
    )
    right = frame(
        ("+a", "2", "2026-10-24T12:00:02Z"), ("a", "9", "2026-10-24T12:00:09Z"), columns="k v t"
    )
    assert told(compare(one, left, right)) == [
        ("only_left", 1, "not in r"), ("only_right", 2, "not in l"),
    ]  # fmt: skip


def test_what_may_differ_is_counted_by_why() -> None:
    one = check(explain=[{"side": "left", "where": {"k": "test"}, "because": "test numbers"}])
    made = compare(one, frame(("test", "1"), ("a", "1")), frame(("a", "1")))
    assert (told(made), made.explained) == ([], {"test numbers": 1})


def test_a_share_of_differences_may_be_allowed() -> None:
    left = frame(*[(f"{number}", "1") for number in range(100)])
    right = left.with_columns(
        pl.when(pl.col("k") == "7").then(pl.lit("2")).otherwise("v").alias("v")
    )
    assert compare(check(most_percent="1"), left, right).differences == []
    assert len(compare(check(most_percent="0.9"), left, right).differences) == 1


def test_values_that_are_no_numbers_are_compared_as_text_and_told() -> None:
    made = compare(check(), frame(("a", "x"), ("b", "y")), frame(("a", "x"), ("b", "z")))
    assert told(made) == [("differs", 2, "v: y against z")]
    assert made.problems == ["v 'y' and v 'z': no numbers"]


def test_a_missing_column_and_a_time_that_is_none_are_said() -> None:
    with pytest.raises(CheckWrongError, match="r has no column v; it has k"):
        compare(check(), frame(("a", "1")), frame(("a",), columns="k"))
    one = check(keys=[{"left": "k", "right": "k"}, {"left": "v", "right": "v", "within": "1 s"}])
    with pytest.raises(CheckWrongError, match="left: 'noon' in v is no time"):
        compare(one, frame(("a", "noon")), frame(("a", "2026-10-24T12:00:00Z")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"left": {"name": "l"}}, "left: l: give either `file` or `sql`"),
        ({"keys": [{"left": "t", "right": "t", "within": "1 s"}]}, "a time alone is no key"),
        ({"keys": [{"left": "t", "right": "t", "within": "soon"}]}, "'soon' is no length of time"),
        ({"compare": [{"left": "v", "right": "v", "tolerance": "-1"}]}, "out of range"),
        ({"compare": [{"left": "v", "right": "v", "tolerance": "200 %"}]}, "out of range"),
        ({"most_percent": "101"}, "most_percent: Input should be less than or equal to 100"),
        ({"area": "elsewhere"}, "area: Input should be 'product_and_offer'"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
    ],
)
def test_what_is_written_wrongly_is_told_by_its_place(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        check(**change)
    assert any(words in one for one in problems_of(caught.value.errors(include_url=False)))


def test_alerts_have_the_money_of_both_sides_and_close_when_nothing_is_left() -> None:
    one = check(money={"left": "v", "right": "v", "currency": "EUR"}, severity="critical")
    made = compare(one, frame(("a", "3"), ("b", "1")), frame(("a", "5.5")))
    alerts = {alert.pattern: alert for alert in alerts_of(one, made, "t", 9)}
    assert {name: alert.money_at_risk for name, alert in alerts.items()} == {
        "check_only_left": Decimal(1), "check_only_right": None, "check_differs": Decimal("2.5"),
    }  # fmt: skip
    assert {alert.state for alert in alerts.values()} == {"open", "auto_closed"}
    assert alerts["check_differs"].gb941_area == "receivables"
    assert alerts["check_differs"].severity == "critical"
    again = {alert.alert_id for alert in alerts_of(one, compare(one, frame(), frame()), "t", 10)}
    assert again == {alert.alert_id for alert in alerts.values()}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id: [", "c.yaml"),
        ("", "c.yaml:1: the file is empty"),
        ("id: Wrong", "c.yaml: id: String should match"),
    ],
)
def test_a_file_that_is_no_check_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    made = CliRunner().invoke(app, ["checks", "preview", str(tmp_path)])
    assert (made.exit_code, words in made.stderr) == (2, True), made.stderr


_KEYS = st.sampled_from("abc")
_ROWS = st.lists(st.tuples(_KEYS, st.sampled_from(["1", "2"])), max_size=12)


@given(_ROWS, _ROWS)
def test_every_row_is_matched_or_told(
    left: list[tuple[str, str]], right: list[tuple[str, str]]
) -> None:
    made = compare(check(compare=[]), frame(*left), frame(*right))
    alone = [one.cause for one in made.differences]
    assert alone.count("only_left") == len(left) - made.matched
    assert alone.count("only_right") == len(right) - made.matched
    most = sum(
        min(*(sum(key == one for key, _ in rows) for rows in (left, right))) for one in "abc"
    )
    assert made.matched == most
