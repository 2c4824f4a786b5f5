"""A clean run of the simulator through the product: every record has exactly its true charge."""

import json
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

import pytest

from benchmarks.simulator.__main__ import main
from tests.live.commands import served, tallywire

pytestmark = [pytest.mark.store, pytest.mark.live]

SMALL = """
[run]
days = 3
subscribers = 90
change_day = 1
spike_day = 2
injections = false
"""
RETAIL = """
SELECT feed_id, service, subscription_id, b_number, toUnixTimestamp64Micro(start_time) AS start_us,
       quantity, toString(amount) AS amount, session_id
FROM rated_events WHERE run = 'retail'
"""
COST = """
SELECT party_id, toUnixTimestamp64Micro(start_time) AS start_us, quantity, toString(amount) AS amount
FROM rated_events WHERE run = 'wholesale'
"""


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The truth of a run, and what was rated, retail and cost."""
    root = tmp_path_factory.mktemp("simulated")
    (root / "small.toml").write_text(SMALL)
    options = ["--seed", "11", "--params", str(root / "small.toml"), "--out", str(root / "out")]
    assert main(["usage", *options]) == 0
    home = root / "home"
    with served(home):
        made = tallywire(
            "run", "--home", home, "--catalog", root / "out/catalog", root / "out/usage"
        )
        assert made.returncode == 0, made.stderr
        found = []
        for query in (RETAIL, COST):
            told = tallywire("store", "query", "--home", home, "--format", "json", query)
            assert told.returncode == 0, told.stderr
            found.append(_lines(told.stdout))
    assert main(["truth", *options]) == 0
    return _lines((root / "out/truth/records.jsonl").read_text()), *found


def test_every_record_has_exactly_its_true_charge(run: Any) -> None:
    truth, rated, _ = run
    expected = Counter(
        (row["feed"], row["service"], row["subscription"],
         row["number"], row["start_us"], row["quantity"], Decimal(row["charge"]))
        for row in truth if row["service"] != "data"
    )  # fmt: skip
    charged = Counter(
        (row["feed_id"], row["service"], row["subscription_id"],
         row["b_number"], int(row["start_us"]), int(row["quantity"]), Decimal(row["amount"]))
        for row in rated if row["service"] != "data"
    )  # fmt: skip
    assert expected.total() > 2_000
    assert charged == expected


def test_every_session_has_exactly_its_true_charge(run: Any) -> None:
    truth, rated, _ = run
    expected: dict[str, tuple[int, Decimal]] = {}
    for row in truth:
        if row["service"] == "data":
            expected[row["keys"]["session"]] = row["quantity"], Decimal(row["charge"])
    charged: dict[str, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for row in rated:
        if row["service"] == "data":
            (name,) = (one for one in expected if one in row["session_id"])
            octets, money = charged[name]
            charged[name] = octets + int(row["quantity"]), money + Decimal(row["amount"])
    assert len(expected) > 100
    assert charged == expected


def test_every_carried_call_has_exactly_its_true_cost(run: Any) -> None:
    truth, _, costs = run
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
