"""Legs of partners from files to the store: a leg without a price is held alone, then recycled."""

import json
import shutil
from pathlib import Path

import pytest

from dataflows.catalogs import example_folder
from tests.live.commands import status_of, tallywire

pytestmark = [pytest.mark.live, pytest.mark.store]

FEED = """
id: trunks
format: declared
path: "trunks/*.csv"
service: voice
served: [{identifier: msisdn, field: a_number}]
options:
  layout: delimited
  columns: 6
  key: [{column: 1}]
  start: {column: 2, pattern: rfc3339}
  duration: {column: 5, unit: seconds}
  texts: {a_raw: {column: 3}, b_raw: {column: 4}, trunk_out: {column: 6}}
"""
CALLS = (
    "c1,2026-10-24T09:00:00Z,+4790030001,+4741234567,2730,NV-OSL-2\n"
    "c2,2026-10-24T10:00:00Z,+4790030001,+4722113344,600,own\n"
    "c3,2026-10-24T11:00:00Z,+4790030001,+421212345678,60,NV-OSL-2\n"
)


def _rows(home: Path, query: str) -> list[dict[str, object]]:
    made = tallywire("store", "query", "--home", home, "--format", "json", query)
    assert made.returncode == 0, made.stderr
    return [json.loads(line) for line in made.stdout.splitlines()]


def test_a_leg_without_a_price_is_held_alone_and_recycled(home: Path, tmp_path: Path) -> None:
    catalog, usage = tmp_path / "catalog", tmp_path / "usage"
    shutil.copytree(example_folder(), catalog)
    (catalog / "feeds/trunks.yaml").write_text(FEED)
    (usage / "trunks").mkdir(parents=True)
    (usage / "trunks/one.csv").write_text(CALLS)
    made = tallywire("run", "--home", home, "--catalog", catalog, usage)
    assert made.returncode == 0, made.stderr
    query = (
        "SELECT run, side, party_id, toString(amount) AS amount, currency, fate_change "
        "FROM rated_events ORDER BY start_time, fate_change DESC"
    )
    found = _rows(home, query)
    assert [(row["run"], row["amount"], row["currency"]) for row in found] == [
        ("retail", "0.837", "EUR"), ("wholesale", "0.27755", "USD"), ("retail", "0.54", "EUR"),
        ("retail", "0.108", "EUR"),
    ]  # fmt: skip
    held = json.loads(tallywire("suspense", "list", "--home", home, "--json").stdout)
    assert [(row["reason"], row["stage"]) for row in held] == [("zone_unknown", "rate")]
    status = status_of(home)
    assert (status["conservation_difference"], status["rated"], status["collected"]) == (0, 3, 3)
    assert [(row["run"], row["cost"]) for row in status["partners"]] == [
        ("wholesale", "0.277550000")
    ]
    assert [row["currency"] for row in status["revenue"]] == ["EUR"]
    deck = catalog / "tariffs/decks/nordvik_2026.csv"
    deck.write_text(deck.read_text().rstrip() + '\n421,"Slovakia",0.0300,0,1,1,,\n')
    again = tallywire("suspense", "recycle", "--home", home, "--catalog", catalog)
    assert again.returncode == 0, again.stderr
    assert "1 left suspense" in again.stdout
    late = [row for row in _rows(home, query) if row["run"] == "wholesale"]
    assert [(row["amount"], row["fate_change"]) for row in late] == [("0.27755", 0), ("0.03", 0)]
    status = status_of(home)
    assert (status["conservation_difference"], status["rated"], status["suspended"]) == (0, 3, 0)
    (first,) = _rows(
        home,
        "SELECT toString(rated_id) AS id FROM rated_events WHERE run = 'retail' AND b_number = '4741234567'",
    )
    told = tallywire("explain", "--home", home, first["id"]).stdout
    for words in (
        "The allowance team_minutes, shared by the hierarchy, for October 2026 held 30 min",
        "this adds EUR 0.93.", "The discount loyalty takes off 10 %: EUR 0.093.",
        "The charge is EUR 0.837.",
    ):  # fmt: skip
        assert words in told
    replayed = tallywire("replay", "--home", home)
    assert replayed.returncode == 0, replayed.stdout
    (margin,) = _rows(
        home,
        "SELECT toString(sum(cost)) AS cost FROM v_margin WHERE party_id = 'nordvik'",
    )
    assert margin["cost"] == "0.30755"
