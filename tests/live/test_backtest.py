"""A price rise over the demo's usage, replayed from the store and added up by the store itself."""

import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.live.commands import served, status_of, tallywire
from tests.unit.test_backtest import DEARER_SMS

pytestmark = [pytest.mark.live, pytest.mark.store]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo with few generated events, its store kept running."""
    out = tmp_path_factory.mktemp("demo") / "out"
    made = tallywire("demo", "--out", out, "--events", 3_000)
    assert made.returncode == 0, made.stderr + made.stdout
    with served(out / "home"):
        yield out


def _backtest(demo: Path, draft: Path, out: Path, *more: object) -> dict[str, Any]:
    made = tallywire(
        "catalog", "backtest", draft, "--store", "--home", demo / "home", "--out", out, "--json",
        *more,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    told: dict[str, Any] = json.loads(made.stdout)
    return told


def _asked(demo: Path, query: str) -> list[dict[str, str]]:
    made = tallywire("store", "query", "--home", demo / "home", "--format", "json", query)
    return [json.loads(line) for line in made.stdout.splitlines()]


def test_replayed_usage_earns_what_is_stored(demo: Path, tmp_path: Path) -> None:
    status = status_of(demo / "home")
    told = _backtest(demo, demo / "catalogue", tmp_path / "out")
    assert told["events"] == status["rated"]
    found = [(row["service"], Decimal(row["now"]), row["events_now"]) for row in told["services"]]
    stored = [
        (row["service"], Decimal(row["amount"]), int(row["events"])) for row in status["revenue"]
    ]
    assert found == stored
    assert all(Decimal(row["difference"]) == 0 for row in told["services"])
    assert told["refused"] == told["priced"] == told["winners_and_losers"] == []


def test_ten_percent_on_messages_is_ten_percent_of_every_charge(demo: Path, tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    shutil.copytree(demo / "catalogue", draft)
    for name, old, new in DEARER_SMS:
        path = draft / name
        path.write_text(path.read_text().replace(old, new))
    told = _backtest(demo, draft, tmp_path / "out", "--since", "2026-10-01")
    accounts = _asked(
        demo,
        "SELECT account_id, toString(sum(amount)) AS now, "
        "toString(sum(amount + if(service = 'sms', amount / 10, 0))) AS draft "
        "FROM rated_events GROUP BY account_id HAVING sum(if(service = 'sms', amount, 0)) > 0 "
        "ORDER BY account_id",
    )
    moved = sorted(told["winners_and_losers"], key=lambda row: row["account_id"])
    assert len(accounts) == 3
    assert [(row["account_id"], Decimal(row["now"]), Decimal(row["draft"])) for row in moved] == [
        (row["account_id"], Decimal(row["now"]), Decimal(row["draft"])) for row in accounts
    ]
    assert {row["side"] for row in moved} == {"pays more"}
    later = tallywire("catalog", "backtest", draft, "--store", "--home", demo / "home",
                      "--since", "2026-12-01")  # fmt: skip
    assert later.returncode == 1
    assert status_of(demo / "home")["revenue"]  # the store was only read
