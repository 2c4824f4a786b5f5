"""An activation is taken up between batches by a run that is under way, at its very date."""

import datetime
import json
import shutil
import time
from pathlib import Path

import pytest

from cli.demo.usage import asterisk_line
from dataflows import activation
from dataflows.catalogs import CatalogStore, example_folder
from dataflows.settings import Home
from dataflows.wall_clock import now_us
from schemas.columns import micros_from_text
from tests.live.commands import following, tallywire, until

pytestmark = [pytest.mark.live, pytest.mark.store]


def _call(number: int) -> str:
    """A line of the exchange's file: one minute to Denmark, no allowance pays for it."""
    start = datetime.datetime(2026, 10, 20, 10, number, tzinfo=datetime.UTC)
    return asterisk_line(start, 60, "004587654321", number)


def _rated(home: Path) -> list[dict[str, str]]:
    made = tallywire(
        "store", "query", "--home", home, "--format", "json",
        "SELECT toString(amount) AS amount, catalog_hash, "
        "toUnixTimestamp64Micro(ledgered_at) AS at FROM rated_events ORDER BY start_time",
    )  # fmt: skip
    return [json.loads(line) for line in made.stdout.splitlines()] if made.returncode == 0 else []


def _catalog(home: Path, *arguments: object) -> dict[str, str]:
    made = tallywire("catalog", *arguments, "--home", home, "--json")
    assert made.returncode == 0, made.stderr
    told: dict[str, str] = json.loads(made.stdout)
    return told


def test_an_activation_is_taken_up_without_restart_and_rolled_back(tmp_path: Path) -> None:
    usage, home = tmp_path / "usage", tmp_path / "home"
    old, new = tmp_path / "old", tmp_path / "new"
    (usage / "pbx").mkdir(parents=True)
    master = usage / "pbx" / "Master.csv"
    for folder in (old, new):
        shutil.copytree(example_folder(), folder)
    path = new / "tariffs" / "voice.yaml"
    path.write_text(path.read_text().replace('nordics, rate: "0.06"', 'nordics, rate: "0.60"'))
    master.write_text(_call(0))
    with following(home, old, usage) as process:
        until(lambda: len(_rated(home)) == 1, process)
        name = _catalog(home, "propose", new, "--by", "Kari")["hash"]
        _catalog(home, "approve", name, "--by", "Ola")
        due = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=4)
        moment = int(str(micros_from_text(due.isoformat())))
        archive = CatalogStore(Home(home).catalogs)
        activation.activate(archive, name, at_us=moment, by="Ola", note="", now_us=now_us())
        number = 0
        while datetime.datetime.now(datetime.UTC) < due + datetime.timedelta(seconds=3):
            number += 1
            with master.open("a") as file:
                file.write(_call(number))
            time.sleep(0.4)
        until(lambda: len(_rated(home)) == number + 1, process)
        _catalog(home, "rollback", "--by", "Ola", "--note", "too dear")
        with master.open("a") as file:
            file.write(_call(number + 1))
        until(lambda: len(_rated(home)) == number + 2, process)
    rows = _rated(home)
    assert [row["amount"] for row in rows[:2]] == ["0.06", "0.06"]
    assert rows[number]["amount"] == "0.6"
    assert rows[-1]["amount"] == "0.06"
    for row in rows:
        assert archive.current(int(row["at"])) == row["catalog_hash"]
    for row in rows[:-1]:
        assert (row["catalog_hash"] == name) == (int(row["at"]) >= moment)
