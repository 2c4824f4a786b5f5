"""Test calls over a real store: faults are told, and closed by a later run of the same calls."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dataflows.settings import Home
from tests.canary_catalogue import declared
from tests.live.commands import served, tallywire
from warehouse.client import opened

pytestmark = [pytest.mark.live, pytest.mark.store]
_HEAD = "a_number,b_number,start,seconds,amount,currency,within\n"
_GOOD = "4790000001,4722000100,2026-10-01T10:00:00Z,60,0.10,EUR,31536000\n"
_DEAR = "4790000001,4722000100,2026-10-01T11:00:00Z,120,0.20,EUR,31536000\n"
_LOST = "4790000001,4722000100,2026-10-01T12:00:00Z,60,0.10,EUR,60\n"
_CALL = (
    '{"specversion":"1.0","type":"call","source":"switch","id":"ID","time":"2026-10-01THOUR:00:05Z",'
    '"data":{"from":"4790000001","to":"4722000100","seconds":SECONDS}}\n'
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home with a store of its own that runs."""
    with served(tmp_path / "home"):
        yield tmp_path / "home"


def called(number: str, hour: str, seconds: str) -> str:
    return _CALL.replace("ID", number).replace("HOUR", hour).replace("SECONDS", seconds)


def run(home: Path, folder: Path, text: str, *, catalog: Path | None = None) -> None:
    """Rate a file of calls."""
    file = folder / "canaries" / f"{len(list(folder.rglob('*.jsonl')))}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    extra = ["--catalog", catalog] if catalog else []
    made = tallywire("run", folder, *extra, "--home", home, "--quiet")
    assert made.returncode == 0, made.stderr


def held(home: Path, calls: Path, text: str, code: int) -> list[tuple[Any, ...]]:
    """Hold a list against the store; give the faults that it tells."""
    calls.write_text(_HEAD + text)
    made = tallywire("controls", "test-calls", calls, "--home", home, "--json")
    assert made.returncode == code, made.stderr
    return [(one["pattern"], one["direction"], one["money_at_risk"])
            for one in json.loads(made.stdout)]  # fmt: skip


def open_in(home: Path) -> list[str]:
    query = (
        "SELECT toString(pattern) FROM alerts FINAL "
        "WHERE state = 'open' AND entity_type = 'test_call' ORDER BY pattern"
    )
    with opened("", Home(home).store, database="tallywire", role="reader") as client:
        return [row[0] for row in client.query(query).result_rows]


def test_faults_of_test_calls_are_findings_until_they_are_cured(home: Path, tmp_path: Path) -> None:
    usage, calls = tmp_path / "usage", tmp_path / "calls.csv"
    first = called("1", "10", "61") + called("2", "11", "60")
    run(home, usage, first, catalog=declared(tmp_path / "catalog"))
    # a minute and a second is charged as two minutes; its duration is near enough
    whole = _GOOD + _DEAR + _LOST
    assert held(home, calls, whole, 1) == [
        ("test_call_wrong_charge", "over", "0.100000000"),
        ("test_call_wrong_duration", "under", None),
        ("test_call_wrong_charge", "under", "0.100000000"),
        ("test_call_missing", "under", "0.100000000"),
    ]
    assert held(home, calls, whole, 1) == held(home, calls, whole, 1)
    assert open_in(home) == [
        "test_call_missing", "test_call_wrong_charge", "test_call_wrong_charge",
        "test_call_wrong_duration",
    ]  # fmt: skip
    # the lost call comes, late; what was written of the others was wrong; one came twice
    run(home, usage, called("3", "12", "60") + called("4", "12", "60"))
    right = _GOOD.replace("0.10", "0.20") + _DEAR.replace("120,0.20", "60,0.10") + _LOST
    assert held(home, calls, right, 1) == [
        ("test_call_twice", "over", "0.100000000"), ("test_call_late", "under", None),
    ]  # fmt: skip
    assert open_in(home) == ["test_call_late", "test_call_twice"]


def test_a_list_that_cannot_be_read_is_refused_and_changes_nothing(
    home: Path, tmp_path: Path
) -> None:
    made = tallywire("catalog", "compile", declared(tmp_path / "catalog"), "--home", home)
    assert made.returncode == 0, made.stderr
    calls = tmp_path / "calls.csv"
    calls.write_text(_HEAD + _GOOD.replace("4722000100", "Oslo"))
    made = tallywire("controls", "test-calls", calls, "--home", home)
    assert made.returncode == 2
    assert made.stderr == (
        "calls.csv, line 2: b_number 'Oslo' is no number; write digits, with the country code\n"
    )
    calls.write_bytes(b"\xff\xfe\x00")
    assert tallywire("controls", "test-calls", calls, "--home", home).returncode == 2
