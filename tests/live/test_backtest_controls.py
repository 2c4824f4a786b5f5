"""Thresholds over a real store: tried on history, changed by a file, told to the trail."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assurance.planted import changed, last_day, usage
from dataflows.desk import desk
from dataflows.settings import Settings
from tests.live.commands import served, tallywire
from tests.live.test_controls import stored
from warehouse.client import opened

pytestmark = [pytest.mark.live, pytest.mark.store]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose store has a week in which one zone became 15 times as dear, another 7 times."""
    rows = usage(days=6, per_hour=120)
    for zone, times in (("se", 15), ("no-fixed", 7)):
        where = last_day(rows) & (pl.col("zone_id") == zone)
        rows = changed(rows, where, amount_nano=pl.col("amount_nano") * times)
    place = tmp_path / "home"
    with served(place):
        with desk(Settings(home=place), "test"):
            pass  # the tables are made
        with opened("", place / "store", database="tallywire") as client:
            stored(client, rows)
        yield place


def _typed(home: Path, *arguments: object, code: int = 0) -> str:
    made = tallywire(*arguments, "--home", home)
    assert made.returncode == code, made.stderr + made.stdout
    return made.stdout + made.stderr


def _json(home: Path, *arguments: object) -> Any:
    made = tallywire(*arguments, "--home", home, "--json")
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def _asked(home: Path, query: str) -> list[dict[str, Any]]:
    made = tallywire("store", "query", "--home", home, "--format", "json", query)
    assert made.returncode == 0, made.stderr
    return [json.loads(line) for line in made.stdout.splitlines()]


def test_history_proposes_a_threshold_and_a_file_that_changes_it_is_in_the_trail(
    home: Path,
) -> None:
    _typed(home, "controls", "run")
    dear = [
        row for row in _json(home, "alerts", "list") if "times what it cost" in row["explanation"]
    ]
    by_zone = {row["entity_id"].rpartition("/")[2]: row["alert_id"] for row in dear}
    assert set(by_zone) == {"se", "no-fixed"}
    _typed(home, "alerts", "confirm", by_zone["se"])
    told = _typed(home, "alerts", "reject", by_zone["no-fixed"])
    assert "`tallywire controls backtest charges.times`" in told
    counted = "SELECT count() AS n FROM alerts"
    before = _asked(home, counted)
    found = _json(home, "controls", "backtest", "charges.times")
    assert (found["now"], found["proposed"], found["confirmed_not_found"]) == (5, 10, [])
    values = {row["value"]: row for row in found["values"]}
    assert [values[value]["findings"] for value in (2, 5, 8, 10, 20)] == [2, 2, 1, 1, 0]
    assert (values[5]["confirmed"], values[5]["false_positive"]) == (1, 1)
    assert (values[10]["confirmed"], values[10]["false_positive"]) == (1, 0)
    assert values[10]["keeps_confirmed"]
    assert not values[20]["keeps_confirmed"]
    assert float(values[5]["money"][0]["amount"]) > float(values[10]["money"][0]["amount"]) > 0
    assert _asked(home, counted) == before, "nothing was stored"
    told = _typed(home, "controls", "backtest", "charges.times")
    assert "charges: {times: 10}" in told
    (home / "controls.yaml").write_text("version: 1\ncharges: {times: 10}\n")
    _typed(home, "controls", "run")
    (event,) = _json(home, "audit", "list", "--verb", "controls thresholds")
    assert json.loads(event["detail"])["changed"] == {"charges.times": [5, 10]}
    versions = _asked(
        home, "SELECT DISTINCT version FROM control_runs WHERE control = 'Charges' ORDER BY version"
    )
    assert len(versions) == 2
    assert any(row["version"].endswith(f"+{event['object']}") for row in versions)
    _typed(home, "controls", "run")
    assert len(_json(home, "audit", "list", "--verb", "controls thresholds")) == 1


def test_what_cannot_be_tried_or_used_is_told(home: Path) -> None:
    assert "no threshold charges.tines" in _typed(
        home, "controls", "backtest", "charges.tines", code=2
    )
    told = _typed(home, "controls", "backtest", "charges.times", "--value", "1", code=2)
    assert "--value: charges.times: Input should be greater than or equal to 2, not 1" in told
    (home / "controls.yaml").write_text("charges: {times: 0}\n")
    told = _typed(home, "controls", "run", code=2)
    assert "controls.yaml: charges.times: Input should be greater" in told
