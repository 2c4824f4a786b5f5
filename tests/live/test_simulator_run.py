"""Runs of the simulator through the product: it charges what the truth says, to the last decimal."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from benchmarks.simulator.__main__ import main
from tests.live.commands import served, tallywire

pytestmark = [pytest.mark.store, pytest.mark.live]

CLEAN = """
[run]
first = "2026-10-24"
days = 3
subscribers = 90
change_day = 1
spike_day = 2
injections = false
"""
FAULTS = (
    CLEAN.replace("injections = false", "").replace("days = 3", "days = 4")
    + """
[faults]
lost_file = 2
truncated_file = 2
trailer_mismatch = 3
replayed_file = 2
exact_duplicate = 9
near_duplicate = 6
orphan = 4
unknown_subscriber = 4
skewed_node = 2
silent_node = 2
late_feed = 2
"""
)
RETAIL = """
SELECT feed_id, service, subscription_id, b_number, toUnixTimestamp64Micro(start_time) AS start_us,
       toString(amount) AS amount, session_id
FROM rated_events WHERE run = 'retail'
"""
COST = """
SELECT party_id, toUnixTimestamp64Micro(start_time) AS start_us, quantity, toString(amount) AS amount
FROM rated_events WHERE run = 'wholesale'
"""
Rows = list[dict[str, Any]]
REFUSED = {"exact_duplicate", "replayed_file"}
"""Copies that are the same record: they are refused, whatever would be charged for them."""


def _lines(text: str) -> Rows:
    return [json.loads(line) for line in text.splitlines()]


def _run(root: Path, parameters: str, *queries: str) -> tuple[Rows, ...]:
    """Simulate a run, let the product rate it, and only then make its truth."""
    (root / "params.toml").write_text(parameters)
    options = ["--seed", "11", "--params", str(root / "params.toml"), "--out", str(root / "out")]
    assert main(["usage", *options]) == 0
    home = root / "home"
    with served(home):
        made = tallywire(
            "run", "--home", home, "--catalog", root / "out/catalog", root / "out/usage"
        )
        assert made.returncode == 0, made.stderr
        found = []
        for query in queries:
            told = tallywire("store", "query", "--home", home, "--format", "json", query)
            assert told.returncode == 0, told.stderr
            found.append(_lines(told.stdout))
    assert main(["truth", *options]) == 0
    return _lines((root / "out/truth/records.jsonl").read_text()), *found


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, ...]:
    return _run(tmp_path_factory.mktemp("clean"), CLEAN, RETAIL, COST)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, ...]:
    return _run(tmp_path_factory.mktemp("faulty"), FAULTS, RETAIL)


def _true(rows: Iterable[dict[str, Any]], charge: str) -> Counter[tuple[Any, ...]]:
    return Counter(
        (row["feed"], row["service"], row["subscription"], row["number"],
         row["start_us"] + row["skew_us"], Decimal(row[charge]))
        for row in rows if row["service"] != "data"
    )  # fmt: skip


def _charged(rows: Iterable[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (row["feed_id"], row["service"], row["subscription_id"], row["b_number"],
         int(row["start_us"]), Decimal(row["amount"]))
        for row in rows if row["service"] != "data"
    )  # fmt: skip


def _sessions(rows: Iterable[dict[str, Any]]) -> dict[str, Decimal]:
    charged: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["service"] == "data":
            charged[row["session_id"].split("\x1f")[1]] += Decimal(row["amount"])
    return charged


def test_every_record_has_exactly_its_true_charge(clean: tuple[Rows, ...]) -> None:
    truth, rated, _ = clean
    expected = _true(truth, "charge")
    assert expected.total() > 2_000
    assert _charged(rated) == expected


def test_every_session_has_exactly_its_true_charge(clean: tuple[Rows, ...]) -> None:
    truth, rated, _ = clean
    expected = {
        row["keys"]["session"]: Decimal(row["charge"]) for row in truth if row["service"] == "data"
    }
    assert len(expected) > 100
    assert _sessions(rated) == expected


def test_every_carried_call_has_exactly_its_true_cost(clean: tuple[Rows, ...]) -> None:
    truth, _, costs = clean
    expected = Counter(
        (row["carrier"], row["start_us"], row["quantity"], Decimal(row["cost"]))
        for row in truth if row["carrier"]
    )  # fmt: skip
    found = Counter(
        (row["party_id"], int(row["start_us"]), int(row["quantity"]), Decimal(row["amount"]))
        for row in costs
    )
    assert expected.total() > 500
    assert found == expected


def test_with_faults_it_charges_what_the_truth_says_of_the_catalogue(
    faulty: tuple[Rows, ...],
) -> None:
    truth, rated = faulty
    arrived = [row for row in truth if row["written"] and row["class"] not in REFUSED]
    known = [row for row in arrived if row["class"] not in {"orphan", "unknown_subscriber"}]
    assert _charged(rated) == _true(known, "charge_by_catalogue")
    assert len({row["class"] for row in known}) > 8
    assert Counter(row["charge"] != row["charge_by_catalogue"] for row in known)[True] > 100


def test_with_faults_sessions_are_charged_what_the_truth_says(faulty: tuple[Rows, ...]) -> None:
    truth, rated = faulty
    charged = _sessions(rated)
    expected = {
        row["keys"]["session"]: Decimal(row["charge_by_catalogue"])
        for row in truth
        if row["service"] == "data"
    }
    assert {name: charged.get(name, Decimal(0)) for name in expected} == expected
    lost = {row["class"] for row in truth if row["service"] == "data"}
    assert lost == {"clean", "missing_interim", "missing_stop", "counter_wrap", "orphan"}
