"""Checks that run by themselves: when they are due, whatever else there is in their folder."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from cli.checks.follow import Scheduler
from dataflows.settings import Settings
from dataflows.stores import prepare_store
from tests.live.commands import served
from warehouse.client import connect

pytestmark = [pytest.mark.live, pytest.mark.store]
_CHECK = """
id: fees
title: Fees
area: receivables
owner: finance
action: bill it
every: 1 h
left: {name: ours, file: ours.csv}
right: {name: theirs, file: theirs.csv}
keys: [{left: account, right: account}]
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with served(tmp_path / "home"):
        prepare_store(Settings(home=tmp_path / "home"))
        yield tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "checks"
    made.mkdir()
    (made / "fees.yaml").write_text(_CHECK)
    (made / "ours.csv").write_text("account\na\nb\n")
    (made / "theirs.csv").write_text("account\na\n")
    return made


def rows_of(home: Path, query: str) -> list[tuple[object, ...]]:
    client = connect("", home / "store", database="tallywire", role="reader")
    return [tuple(row) for row in client.query(query).result_rows]


def forget(home: Path) -> None:
    """Let all checks be due."""
    (home / "checks" / "ran.json").write_bytes(orjson.dumps({}))


def test_a_check_runs_when_it_is_due_and_closes_what_is_gone(home: Path, folder: Path) -> None:
    scheduler = Scheduler(Settings(home=home), folder)
    assert scheduler.look() == "1 alerts of checks"
    assert scheduler.look() == ""
    assert Scheduler(Settings(home=home), folder).look() == "", "a restart runs nothing again"
    (folder / "theirs.csv").write_text("account\na\nb\n")
    forget(home)
    assert scheduler.look() == "1 alerts of checks"
    states = rows_of(home, "SELECT pattern, state FROM alerts FINAL")
    assert states == [("check_only_left", "auto_closed")]
    runs = rows_of(
        home, "SELECT control, inputs, alerts, result FROM control_runs ORDER BY began_at"
    )
    assert runs == [("check:fees", 3, 1, "done"), ("check:fees", 4, 1, "done")]


def test_a_check_that_says_no_time_runs_by_its_verb_alone(home: Path, folder: Path) -> None:
    (folder / "fees.yaml").write_text(_CHECK.replace("every: 1 h\n", ""))
    assert Scheduler(Settings(home=home), folder).look() == ""
    assert rows_of(home, "SELECT count() FROM control_runs") == [(0,)]


def test_a_check_that_cannot_run_is_told_once_and_keeps_none_of_the_others(
    home: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.yaml").write_text("id: [")
    (folder / "gone.yaml").write_text(
        _CHECK.replace("id: fees", "id: gone").replace("theirs.csv", "nowhere.csv")
    )
    scheduler = Scheduler(Settings(home=home), folder)
    assert scheduler.look() == "1 alerts of checks"
    assert scheduler.look() == ""
    said = capsys.readouterr().err
    assert said.count("broken.yaml is no check") == 1
    assert said.count("check gone could not run: theirs: no file") == 1
    runs = rows_of(home, "SELECT control, result FROM control_runs ORDER BY control")
    assert runs == [("check:fees", "done"), ("check:gone", "failed")]


def test_a_check_may_not_run_more_often_than_every_minute(home: Path, folder: Path) -> None:
    (folder / "fees.yaml").write_text(_CHECK.replace("1 h", "1 s"))
    assert Scheduler(Settings(home=home), folder).look() == ""
    assert not rows_of(home, "SELECT 1 FROM control_runs")
