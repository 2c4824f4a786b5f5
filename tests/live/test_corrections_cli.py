"""Corrections as people type them: shown first, then made; explained; as of an instant."""

import datetime
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dataflows.catalogs import example_folder
from tests.live.commands import served, status_of, tallywire

pytestmark = [pytest.mark.live, pytest.mark.store]

RERATE = ("rerate", "--account", "hansen-bo", "--tariff", "sms_home", "--reason", "price_corrected")


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose store has ended."""
    out = tmp_path_factory.mktemp("demo") / "out"
    made = tallywire("demo", "--out", out, "--events", 1_500)
    assert made.returncode == 0, made.stderr + made.stdout
    return out / "home"


@pytest.fixture(scope="module")
def home(ended: Path) -> Iterator[Path]:
    """The same, with its store kept running."""
    with served(ended):
        yield ended


@pytest.fixture(scope="module")
def dearer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dearer") / "catalog"
    shutil.copytree(example_folder(), folder)
    path = folder / "tariffs" / "messages.yaml"
    text = path.read_text()
    assert '{zone: nordics, rate: "0.08"' in text
    path.write_text(text.replace('{zone: nordics, rate: "0.08"', '{zone: nordics, rate: "0.11"'))
    return folder


def _json(*arguments: object) -> Any:
    made = tallywire(*arguments, "--json")
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def _rows(home: Path, query: str) -> list[dict[str, Any]]:
    made = tallywire("store", "query", "--home", home, "--format", "json", query)
    assert made.returncode == 0, made.stderr
    return [json.loads(line) for line in made.stdout.splitlines()]


def _sms(status: dict[str, Any]) -> str:
    return next(str(row["amount"]) for row in status["revenue"] if row["service"] == "sms")


def test_an_account_without_charges_has_nothing_to_correct(ended: Path) -> None:
    made = tallywire(
        "rerate", "--home", ended, "--account", "nobody", "--reason", "price_corrected"
    )
    assert made.returncode == 0
    assert "nothing to correct" in made.stdout


def test_a_price_is_corrected_as_it_was_shown(home: Path, dearer: Path) -> None:
    before = status_of(home)
    moment = datetime.datetime.now(datetime.UTC).isoformat()
    shown = _json(*RERATE, "--home", home, "--catalog", dearer, "--dry-run")
    assert shown["rows"] > 0
    assert status_of(home) == before
    done = _json(*RERATE, "--home", home, "--catalog", dearer)
    assert {name: done[name] for name in ("rows", "differences", "totals", "refused")} == {
        name: shown[name] for name in ("rows", "differences", "totals", "refused")
    }
    assert done["written"] == shown["rows"]
    after = status_of(home)
    assert after["conservation_difference"] == 0
    assert after["rated"] == before["rated"]
    assert _sms(after) != _sms(before)
    then = _json("status", "--home", home, "--as-of", moment)
    assert then["revenue"] == before["revenue"]
    assert then["suspense"] == before["suspense"]
    again = _json(*RERATE, "--home", home, "--catalog", dearer)
    assert again["rows"] == 0
    replayed = tallywire("replay", "--home", home)
    assert replayed.returncode == 0, replayed.stdout
    event = _rows(
        home, "SELECT toString(event_id) AS id FROM rated_events WHERE op = 'correction' LIMIT 1"
    )[0]["id"]
    chain = _json("explain", "--home", home, event)
    assert [row["op"] for row in chain] == ["charge", "reversal", "correction"]
    assert {row["cause_id"] for row in chain[1:]} == {done["request_id"]}
    told = tallywire("explain", "--home", home, event).stdout
    assert "Because: price_corrected, request" in told
    old = _json("explain", "--home", home, "--as-of", moment, event)
    assert [row["op"] for row in old] == ["charge"]


def test_a_restatement_is_accepted_once(home: Path) -> None:
    before = status_of(home)
    held = _json("suspense", "list", "--home", home, "--reason", "restatement")
    identity = held[0]["suspense_id"]
    shown = _json("suspense", "accept", "--home", home, identity, "--dry-run")
    assert shown["rows"] == 2
    done = _json("suspense", "accept", "--home", home, identity)
    assert done["totals"] == shown["totals"]
    after = status_of(home)
    assert after["conservation_difference"] == 0
    assert after["suspended"] == before["suspended"] - 1
    assert after["merged"] == before["merged"] + 1
    assert after["rated"] == before["rated"]
    assert tallywire("suspense", "accept", "--home", home, identity).returncode == 1
    assert tallywire("replay", "--home", home).returncode == 0


def test_months_are_closed_and_late_usage_goes_into_the_next(home: Path, tmp_path: Path) -> None:
    told = tallywire("period", "close", "--home", home, "2026-10")
    assert told.returncode == 0, told.stderr
    assert "2026-10, all accounts: closed" in told.stdout
    assert "(it was already)" in tallywire("period", "close", "--home", home, "2026-10").stdout
    (listed,) = _json("period", "list", "--home", home)
    assert (listed["period"], listed["routing_id"], listed["state"]) == ("2026-10", "", "closed")
    late = {
        "specversion": "1.0", "type": "data.session", "source": "fjordline/platform",
        "id": "late-1", "time": "2026-10-24T23:30:00Z", "subject": "",
        "data": {"msisdn": "4790010002", "octets": "5000000", "apn": "internet", "rat": "LTE"},
    }  # fmt: skip
    (tmp_path / "platform").mkdir()
    (tmp_path / "platform" / "late.jsonl").write_text(json.dumps(late) + "\n")
    assert tallywire("run", "--home", home, tmp_path, "--quiet").returncode == 0
    (row,) = _rows(
        home, "SELECT bill_period, amount FROM rated_events WHERE file_name LIKE '%late.jsonl'"
    )
    assert row["bill_period"] == "2026-11"
    correction = _json(
        "rerate",
        "--home",
        home,
        "--account",
        "hansen-bo",
        "--tariff",
        "sms_home",
        "--catalog",
        example_folder(),
        "--reason",
        "price_corrected",
    )
    assert correction["written"] > 0
    booked = _rows(
        home,
        "SELECT DISTINCT bill_period FROM rated_events WHERE cause_id = "
        f"'{correction['request_id']}'",
    )
    assert booked == [{"bill_period": "2026-11"}]
    assert tallywire("replay", "--home", home).returncode == 0
    assert (
        tallywire(
            "period", "reopen", "--home", home, "2026-10", "--account", "hansen-bo"
        ).returncode
        == 0
    )
    states = {row["routing_id"]: row["state"] for row in _json("period", "list", "--home", home)}
    assert states == {"": "closed", "hansen": "open"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["rerate", "--reason", "price_corrected"], 2, "say what"),
        (["rerate", "--reason", "because", "--account", "x"], 2, "--reason"),
        (["rerate", "--reason", "late_usage", "--zone", "x", "--account", "y"], 2, "--tariff"),
        (["rerate", "--reason", "late_usage", "--event", "x"], 2, "is no id"),
        (["rerate", "--reason", "late_usage", "--since", "x"], 2, "--since x"),
        (["rerate", "--reason", "price_corrected", "--account", "x", "--catalog", "0" * 64], 6, "not archived"),
        (["period", "close", "2026-13"], 2, "no billing month"),
        (["period", "close", "2026-12", "--account", "nobody"], 2, "no account nobody"),
        (["suspense", "accept", "nothing"], 1, "no open restatement"),
        (["status", "--as-of", "yesterday"], 2, "--as-of yesterday"),
        (["explain", "--as-of", "2026", "018f3c1e-0000-0000-0000-000000000000"], 2, "--as-of 2026"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None,
)  # fmt: skip
def test_mistakes_are_told(home: Path, arguments: list[str], code: int, said: str) -> None:
    made = tallywire(*arguments, "--home", home)
    assert said in made.stderr + made.stdout
    assert made.returncode == code
