"""Partners from files to the store: provisional, trued up by one lane, whatever the lanes."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dataflows.catalogs import example_folder
from tests.live.commands import status_of, tallywire
from tests.live.test_legs import FEED

pytestmark = [pytest.mark.live, pytest.mark.store]

CARRIER = """
id: volume_deal
service: voice
zone_by: none
currency: USD
rounding: {mode: half_up, scale: 5}
revisions:
  - revision: 1
    valid_from: 2026-01-01
    prices:
      - tiers:
          counter: minutes
          scope: partner
          mode: volume
          steps:
            - {rate: "0.010", per: 60s}
            - {from: 60 min, rate: "0.008", per: 60s}
"""
EVENT = "b48b15ea-68dc-b761-17ed-c19267fc410f"
"""The event of the counter of October: it depends on the price and on nothing else."""
KILLED = """
import os, signal
import cli.main, cli.period
cli.period.true_up = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
cli.main.main()
"""
"""Closes a month and dies before partners are trued up for it."""
CALLERS = ("4790030001", "4790010001", "4790010002", "4722000100", "4755000200")


def _catalog(folder: Path) -> Path:
    catalog = folder / "catalog"
    shutil.copytree(example_folder(), catalog)
    (catalog / "feeds/trunks.yaml").write_text(FEED)
    (catalog / "tariffs/volume_deal.yaml").write_text(CARRIER)
    (catalog / "assertions/prices.yaml").unlink()
    for path in (catalog / "partners").glob("*.yaml"):
        text = path.read_text().replace("tariff: cost_nordvik", "tariff: volume_deal")
        path.write_text(text)
    return catalog


def _calls(folder: Path, name: str, seconds: list[int], month: str = "2026-10") -> Path:
    (folder / "trunks").mkdir(parents=True, exist_ok=True)
    lines = [
        f"{name}-{number},{month}-{10 + number}T09:00:00Z,+{CALLERS[number % len(CALLERS)]},"
        f"+4741234567,{length},NV-OSL-2\n"
        for number, length in enumerate(seconds)
    ]
    (folder / "trunks" / f"{name}.csv").write_text("".join(lines))
    return folder


def _json(*arguments: object) -> Any:
    made = tallywire(*arguments, "--json")
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def _true_ups(home: Path) -> list[dict[str, Any]]:
    query = (
        "SELECT toString(event_id) AS id, toString(amount) AS amount, currency, bill_period, "
        "cumulative_before AS before, cumulative_after AS after, routing_id, account_id, "
        "splitByChar(':', toString(batch_token))[1] AS lane "
        "FROM rated_events WHERE op = 'true_up' AND party_id != '' ORDER BY ledgered_at, event_id"
    )
    made = tallywire("store", "query", "--home", home, "--format", "json", query)
    assert made.returncode == 0, made.stderr
    return [json.loads(line) for line in made.stdout.splitlines()]


@pytest.mark.parametrize("partitions", [1, 8])
def test_a_partner_is_trued_up_the_same_in_any_number_of_lanes(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, partitions: int
) -> None:
    """Of three lanes the story below tells."""
    monkeypatch.setenv("TALLYWIRE_PARTITIONS", str(partitions))
    catalog = _catalog(tmp_path)
    usage = _calls(tmp_path / "usage", "first", [1_500] * 5)
    made = tallywire("run", "--home", home, "--catalog", catalog, usage)
    assert made.returncode == 0, made.stderr
    assert tallywire("partners", "true-up", "--home", home).returncode == 0
    (row,) = _true_ups(home)
    assert (row["id"], row["amount"], row["after"]) == (EVENT, "-0.25", 7_500 * 10**6)


def test_a_partner_is_trued_up_again_and_again_and_at_period_close(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYWIRE_PARTITIONS", "3")
    catalog = _catalog(tmp_path)
    usage = _calls(tmp_path / "usage", "first", [1_500] * 5)
    made = tallywire("run", "--home", home, "--catalog", catalog, usage)
    assert made.returncode == 0, made.stderr
    (listed,) = _json("partners", "list", "--home", home)
    assert (listed["units"], listed["unit"]) == (str(7_500 * 10**6), "microsecond")
    assert (listed["provisional"]["exact"], listed["final"]["exact"]) == ("5/4", "1")
    assert listed["due"]["exact"] == "-1/4"
    shown = _json("partners", "true-up", "--home", home, "--dry-run")
    assert _true_ups(home) == []
    done = _json("partners", "true-up", "--home", home)
    assert done["due"] == shown["due"]
    assert [(row["routing_id"], row["rows"]) for row in done["outcome"]] == [("partner:nordvik", 1)]
    again = tallywire("partners", "true-up", "--home", home)
    assert (again.returncode, again.stdout) == (0, "nothing to true up\n")
    more = _calls(tmp_path / "usage", "second", [600])
    assert tallywire("run", "--home", home, "--catalog", catalog, more).returncode == 0
    killed = subprocess.run([sys.executable, "-c", KILLED, "period", "close", "--home",
                             str(home), "2026-10"], check=False)  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    closed = tallywire("period", "close", "--home", home, "2026-10")
    assert "(it was already)" in closed.stdout
    assert not list(home.glob("closing-*"))
    assert "partner:nordvik: 1 true-ups written" in closed.stdout, closed.stderr
    late = _calls(tmp_path / "usage", "third", [600])
    assert tallywire("run", "--home", home, "--catalog", catalog, late).returncode == 0
    (listed,) = _json("partners", "list", "--home", home)
    assert (listed["period"], listed["units"]) == ("2026-10", str(8_700 * 10**6))
    assert _json("partners", "true-up", "--home", home, "--period", "2026-10")["outcome"]
    rows = _true_ups(home)
    spans = [(row["amount"], row["before"], row["after"]) for row in rows]
    assert spans == [("-0.25", 0, 7_500 * 10**6), ("-0.02", 7_500 * 10**6, 8_100 * 10**6),
                     ("-0.02", 8_100 * 10**6, 8_700 * 10**6)]  # fmt: skip
    assert [row["bill_period"] for row in rows] == ["2026-10", "2026-10", "2026-11"]
    assert {(row["currency"], row["routing_id"], row["account_id"]) for row in rows} == {
        ("USD", "partner:nordvik", "")
    }
    assert {row["id"] for row in rows} == {EVENT}
    assert len({row["lane"] for row in rows}) == 1
    told = tallywire("explain", "--home", home, rows[0]["id"]).stdout
    assert "trued up by -0.25 USD, nordvik" in told
    assert "came to 2 h 15 min: by tiers, all at the tier reached, that costs USD 1.08" in told
    assert "Of the difference USD -0.25 was trued up before. The rest is USD -0.02." in told
    replayed = tallywire("replay", "--home", home)
    assert replayed.returncode == 0, replayed.stdout
    status = status_of(home)
    assert (status["conservation_difference"], status["rated"]) == (0, 7)
    (partner,) = status["partners"]
    assert partner["cost"] == "1.160000000"
    _cheaper(catalog)
    again = ("rerate", "--tariff", "volume_deal", "--reason", "price_corrected", "--home", home)
    assert tallywire(*again, "--catalog", catalog).returncode == 0
    assert tallywire("partners", "true-up", "--home", home).returncode == 0
    amounts = sorted(row["amount"] for row in _true_ups(home)[3:])
    assert amounts == ["-0.435", "0.29"]
    assert tallywire("replay", "--home", home).returncode == 0


def _cheaper(catalog: Path) -> None:
    """Correct the second tier, which no charge has been made by."""
    path = catalog / "tariffs/volume_deal.yaml"
    path.write_text(path.read_text().replace('"0.008"', '"0.007"'))
