"""Canaries over a real store: sent, lost, priced wrongly, smuggled, killed, and cured."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dataflows.canaries.sender import Sender
from dataflows.catalogs import CatalogStore
from dataflows.settings import Home
from dataflows.wall_clock import now_us
from tests.canary_catalogue import TARIFF, declared
from tests.live.commands import served, tallywire
from tests.live.streams import until
from warehouse.client import opened

pytestmark = [pytest.mark.live, pytest.mark.store]
KEY = b"0123456789abcdef0123456789abcdef"
_TWO_MINUTES = 120_000_000
_CALL = (
    '{"specversion":"1.0","type":"call","source":"switch","id":"ID","time":"2026-10-01T10:00:00Z",'
    '"data":{"from":"FROM","to":"4722000100","seconds":60}}\n'
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home with a store of its own that runs, and a catalogue in use."""
    with served(tmp_path / "home"):
        yield tmp_path / "home"


def _typed(home: Path, *arguments: object, code: int = 0) -> str:
    made = tallywire(*arguments, "--home", home)
    assert made.returncode == code, made.stderr + made.stdout
    return made.stdout


def _json(home: Path, *arguments: object, code: int = 0) -> Any:
    return json.loads(_typed(home, *arguments, "--json", code=code))


def _findings(home: Path) -> dict[str, tuple[str, int]]:
    """Give state and number of every finding about canaries."""
    query = "SELECT pattern, state, observed FROM alerts FINAL WHERE control_id = 'C18'"
    return {row[0]: (row[1], row[2]) for row in _asked(home, query)}


def _asked(home: Path, query: str) -> list[Any]:
    with opened("", Home(home).store, database="tallywire", role="reader") as client:
        return list(client.query(query).result_rows)


def _sides(home: Path) -> dict[str, Decimal]:
    """Give what stands charged, by side."""
    return dict(_asked(home, "SELECT side, sum(amount) FROM rated_events GROUP BY side"))


def _revenue(home: Path) -> list[tuple[int, Decimal]]:
    return _asked(home, "SELECT sum(events), sum(v.amount) FROM v_revenue AS v GROUP BY service")


def _lacking(home: Path) -> tuple[int, int]:
    """Count records that were collected, and those that have no fate."""
    [(collected, lacking)] = _asked(
        home, "SELECT sum(v.collected), sum(abs(v.difference)) FROM v_conservation AS v"
    )
    return int(collected), int(lacking)


def _certified(home: Path, month: str) -> list[str]:
    """Give the amounts of the certificate of a month."""
    made = tallywire("close", month, "--home", home, "--json")
    return [row["amount"] for row in json.loads(made.stdout)["revenue"]]


def _sent(home: Path) -> tuple[dict[str, Any], Path]:
    """Send one; give what was written down, and its file."""
    [sent] = _json(home, "canary", "send")
    return sent, Home(home).canaries / "inbox" / sent["file_name"]


def test_a_canary_is_charged_and_no_revenue_and_its_faults_are_told_until_they_are_cured(
    home: Path, tmp_path: Path
) -> None:
    catalog, inputs = declared(tmp_path / "catalog"), tmp_path / "usage" / "canaries"
    inputs.mkdir(parents=True)
    (inputs / "calls.jsonl").write_text(
        _CALL.replace("ID", "1").replace("FROM", "4790000001")
        + _CALL.replace("ID", "2").replace("FROM", "4790099999")
    )
    _typed(home, "catalog", "compile", catalog)
    _sent(home)
    _typed(home, "run", inputs.parent)
    # it arrived; a customer's call is revenue, and so is one that used the account of canaries
    assert _sides(home) == {"canary": Decimal("0.1"), "revenue": Decimal("0.2")}
    assert _revenue(home) == [(2, Decimal("0.2"))]
    assert _lacking(home) == (3, 0)
    assert _findings(home) == {"canary_account_used": ("open", 1)}
    assert _certified(home, "2026-10") == ["0.2"]
    assert _certified(home, time.strftime("%Y-%m", time.gmtime())) == []  # here are canaries only

    # one is lost before it is collected
    _, file = _sent(home)
    shutil.move(file, tmp_path / file.name)
    time.sleep(16)
    _typed(home, "controls", "run")
    assert _findings(home)["canary_missing"] == ("open", 1)
    [stands] = _json(home, "canary", "status", code=1)
    assert (stands["sent"], stands["arrived"]) == (2, 1)
    assert stands["findings"] == {"canary_missing": 1}
    shutil.move(tmp_path / file.name, file)
    _typed(home, "run", inputs.parent)
    # it is there, though late, and that is told until the next one comes in time
    assert _findings(home)["canary_missing"] == ("auto_closed", 0)
    assert _findings(home)["canary_late"] == ("open", 1)
    _sent(home)
    _typed(home, "run", inputs.parent)
    assert _findings(home)["canary_late"] == ("auto_closed", 0)

    # the catalogue is changed and prices it otherwise
    tariff = catalog / "tariffs/voice.yaml"
    tariff.write_text(TARIFF.replace('"0.10"', '"0.12"'))
    _typed(home, "catalog", "compile", catalog)
    _sent(home)
    _typed(home, "run", inputs.parent)
    assert _findings(home)["canary_wrong_charge"] == ("open", 1)
    tariff.write_text(TARIFF)
    _typed(home, "catalog", "compile", catalog)
    _typed(home, "rerate", "--tariff", "voice", "--reason", "price_corrected")
    _typed(home, "controls", "run")
    assert _findings(home)["canary_wrong_charge"] == ("auto_closed", 0)
    assert _sides(home) == {"canary": Decimal("0.4"), "revenue": Decimal("0.2")}
    assert _revenue(home) == [(2, Decimal("0.2"))]
    assert _lacking(home) == (6, 0)
    assert "every column is what it was" in _typed(home, "replay")


@dataclass
class Clock:
    """A clock that jumps when it is told to: the sender was held up there."""

    jumps: list[int]

    def __call__(self) -> int:
        return now_us() - (self.jumps.pop(0) if len(self.jumps) > 1 else self.jumps[0])


def test_one_that_was_written_down_and_not_sent_is_taken_back_and_not_missed(
    home: Path, tmp_path: Path
) -> None:
    _typed(home, "catalog", "compile", declared(tmp_path / "catalog", within="60s"))
    _typed(home, "store", "migrate")
    place = Home(home)
    catalogs = CatalogStore(place.catalogs)
    snapshot = catalogs.load(catalogs.current())
    canary = snapshot.canaries["home-call"]
    sender = Sender(place, KEY, Clock([_TWO_MINUTES]))
    blocked = place.canaries / "inbox" / "canaries"
    with opened("", place.store, database="tallywire") as client:

        def standing() -> list[tuple[int, int]]:
            rows = client.query("SELECT sequence, sum(change) FROM canaries_sent GROUP BY sequence")
            return sorted((int(number), int(change)) for number, change in rows.result_rows)

        # it cannot be sent: the next look takes it back, though none is due then
        blocked.write_text("a file where its folder must be")
        with pytest.raises(OSError, match="canaries"):
            sender.send(client, canary, snapshot)
        assert len(list((place.canaries / "draft").iterdir())) == 1
        assert standing() == [(1, 1)]
        blocked.unlink()
        again = Sender(place, KEY, now_us)
        assert again.waits(snapshot)
        assert again.look(client, replace(snapshot, canaries={})) == []
        assert standing() == [(1, 0)]
        assert list((place.canaries / "draft").iterdir()) == []
        # the sender was held up between writing down and sending: another is sent instead
        held_up = Sender(place, KEY, Clock([_TWO_MINUTES, _TWO_MINUTES, 0]))
        assert held_up.send(client, canary, snapshot).sequence == 3
        assert standing() == [(1, 0), (2, 0), (3, 1)]
    # the time of two is over, and nothing is missing: they were not sent
    _typed(home, "controls", "run")
    assert _findings(home) == {}
    [stands] = _json(home, "canary", "status")
    assert (stands["sent"], stands["newest"]) == (1, 3)


def test_they_flow_while_the_product_runs_and_after_sender_and_controls_were_killed(
    tmp_path: Path,
) -> None:
    home, catalog = tmp_path / "home", declared(tmp_path / "catalog", every="2s", within="60s")
    environment = {**os.environ, "TALLYWIRE_METRICS_PORT": "0", "TALLYWIRE_INGEST_PORT": "0"}
    command = [sys.executable, "-m", "cli.main", "up", "--home", str(home), "--catalog",
               str(catalog), "--log", "-"]  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        up = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def arrived() -> int:
        made = tallywire("canary", "status", "--home", home, "--json")
        return int(json.loads(made.stdout)[0]["arrived"]) if made.returncode in {0, 1} else 0

    def pids() -> list[int]:
        content = json.loads((home / "progress/supervisor.json").read_bytes())["processes"]
        return [int(content[name]["pid"]) for name in ("canaries", "controls")]

    try:
        until(lambda: (home / "store" / "data").exists() and arrived() >= 2, "two canaries")
        before = pids()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not set(pids()) & {0, *before}, "both are started again")
        reached = arrived()
        until(lambda: arrived() >= reached + 2, "canaries go on")
        [stands] = _json(home, "canary", "status")
        assert stands["findings"] == {}
        assert stands["took_ms"] < 60_000
        assert _revenue(home) == []
    finally:
        up.terminate()
        up.wait(60)
