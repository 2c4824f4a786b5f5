"""`tallywire price`: charges told in sentences, and what an amount still pays for."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from dataflows.catalogs import example_folder

CALL = {
    "service": "voice", "served_identifier": "msisdn:4790030001", "b_number": "4741234567",
    "start_time": "2026-06-01T10:00:00Z", "quantity": 2_730_000_000,
}  # fmt: skip


def _price(folder: Path, events: list[dict[str, object]], *options: str) -> tuple[int, str]:
    usage = folder / "usage.jsonl"
    usage.write_text("".join(json.dumps(event) + "\n" for event in events))
    command = ["price", "--catalog", str(example_folder()), "--usage", str(usage), *options]
    found = CliRunner().invoke(app, command)
    return found.exit_code, found.output


def test_a_charge_through_allowance_tier_discount_and_cap_is_told(tmp_path: Path) -> None:
    """45 min 30 s: 30 min included, 15.5 min at 0.06, 10 % off; then the month's limit of 60."""
    long = {**CALL, "start_time": "2026-06-02T10:00:00Z", "quantity": 360_000_000_000}
    code, output = _price(tmp_path, [CALL, long], "--explain")
    assert code == 0
    assert "Line 1, retail: 0.837 EUR" in output
    assert (
        "The allowance team_minutes, shared by the hierarchy, for June 2026 held 30 min" in output
    )
    assert "priced by tiers, each part at its own tier, this adds EUR 0.93." in output
    assert "The discount loyalty takes off 10 %: EUR 0.093." in output
    assert "Line 2, retail: 59.163 EUR" in output
    assert "of which EUR 0.837 was charged already: EUR 54.759 is taken off." in output


def test_a_call_that_leaves_on_a_carriers_trunk_has_a_cost(tmp_path: Path) -> None:
    code, output = _price(tmp_path, [{**CALL, "trunk_out": "NV-OSL-2"}])
    rows = [json.loads(line) for line in output.splitlines()]
    assert code == 0
    assert [(row["run"], row["side"], row["party_id"], row["currency"]) for row in rows] == [
        ("retail", "revenue", "", "EUR"),
        ("wholesale", "cost", "nordvik", "USD"),
    ]
    assert [row["fate_change"] for row in rows] == [1, 0]


@pytest.mark.parametrize(
    ("money", "affordable", "amount"),
    [
        ("5.00", 8_333_000_000, "4.999800000"),  # 138.8833 min: 60 x 0.06 + 48.8833 x 0.04, less 10 %
        ("0.00", 1_800_000_000, "0E-9"),  # what the allowance pays for
        ("1000", 360_000_000_000, "60.000000000"),  # the limit of the month
    ],
)  # fmt: skip
def test_how_much_an_amount_still_pays_for(
    tmp_path: Path, money: str, affordable: int, amount: str
) -> None:
    code, output = _price(tmp_path, [{**CALL, "quantity": 360_000_000_000}], "--balance", money)
    found = json.loads(output)
    assert code == 0
    assert (found["affordable"], found["amount"]) == (affordable, amount)


def test_wrong_input_is_told(tmp_path: Path) -> None:
    wrong = [{**CALL, "attributes": "[]"}, {**CALL, "b_number": "x", "offer_id": "none"}]
    code, output = _price(tmp_path, wrong, "--explain")
    assert code == 1
    assert "Line 1: record_unreadable: attributes: Value error, write an object of texts" in output
    assert "Line 2: tariff_missing" in output
    assert _price(tmp_path, wrong, "--balance", "five")[0] == 2
