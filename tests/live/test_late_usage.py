"""Usage that comes late of a tariff in the order of event time: charged as if it had come in order."""

import json
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.rerate.late import late_corrected
from cli.rerate.world import Way, world_of
from dataflows.catalogs import example_folder
from dataflows.groups import COLLECTION, RATING
from dataflows.requests import request_folder
from dataflows.run import compile_into
from dataflows.settings import Home, Settings
from tests.conftest import Store
from tests.live.commands import following, served, status_of, tallywire, until
from tests.live.engine import Engine
from warehouse.client import connect
from warehouse.migrate import migrate

pytestmark = [pytest.mark.live, pytest.mark.store]

STANDING = """
SELECT toString(event_id) AS id, service, toString(amount) AS amount, allowance_before, allowance_after
FROM rated_events
WHERE op != 'reversal' AND rated_id NOT IN (
    SELECT assumeNotNull(supersedes) FROM rated_events WHERE op = 'reversal')
ORDER BY start_time, id
"""
HISTORY = "SELECT service, op FROM rated_events ORDER BY service, op"
REQUESTS = "SELECT toString(request_id) AS id, status FROM lane_requests"
TOLD = "late usage put into the order of its time: "


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Messages are charged in the order of their time, data as they come; little is included."""
    folder = tmp_path_factory.mktemp("timed") / "catalog"
    shutil.copytree(example_folder(), folder)
    for name, old, new in (
        ("tariffs/messages.yaml", "  service: sms\n", "  service: sms\n  order: event_time\n"),
        ("offers/offers.yaml", "quantity: 50}", "quantity: 3}"),
        ("offers/offers.yaml", "quantity: 5 GB", "quantity: 5 MB"),
    ):
        path = folder / name
        text = path.read_text()
        assert old in text, (name, old)
        path.write_text(text.replace(old, new))
    return folder


def _event(kind: str, at: str, **data: str) -> str:
    return json.dumps(
        {"specversion": "1.0", "type": kind, "source": "fjordline/platform", "id": f"{kind}-{at}",
         "time": f"2026-10-24T{at}Z", "subject": "", "data": data}
    )  # fmt: skip


def _messages(*times: str) -> list[str]:
    """Messages of one subscriber by turns at 0.02 and at 0.05, and a session at each of the times."""
    lines = []
    for at in times:
        to = "+4790012001" if int(at[3:5]) % 2 else "+4741234567"
        lines.append(_event("sms.sent", at, **{"from": "+4790010001"}, to=to))
        octets = str(1_000_000 * (1 + int(at[3:5]) % 3))
        lines.append(
            _event("data.session", at, msisdn="4790010001", octets=octets, apn="internet", rat="5G")
        )
    return lines


FIRST = _messages("12:00:00", "12:01:00", "12:02:00", "12:03:00", "12:04:00")
LATE = _messages("10:00:00", "10:03:00", "12:01:30")


def _write(usage: Path, name: str, lines: list[str]) -> None:
    (usage / "platform").mkdir(parents=True, exist_ok=True)
    draft = usage / f".{name}"
    draft.write_text("\n".join(lines) + "\n")
    draft.rename(usage / "platform" / name)


def _in_order() -> list[str]:
    return sorted([*FIRST, *LATE], key=lambda line: str(json.loads(line)["time"]))


def _rows(home: Path, query: str) -> list[dict[str, str]]:
    made = tallywire("store", "query", "--home", home, "--format", "json", query)
    assert made.returncode == 0, made.stderr
    return [json.loads(line) for line in made.stdout.splitlines()]


def _run(home: Path, catalog: Path, usage: Path) -> str:
    made = tallywire("run", "--quiet", "--home", home, "--catalog", catalog, usage)
    assert made.returncode == 0, made.stderr
    return made.stdout


def _of(rows: list[dict[str, str]], service: str) -> list[dict[str, str]]:
    return [row for row in rows if row["service"] == service]


@pytest.fixture
def ordered(tmp_path: Path) -> Iterator[Path]:
    """Another such home."""
    with served(tmp_path / "ordered"):
        yield tmp_path / "ordered"


def test_a_second_run_puts_late_usage_into_order_and_leaves_the_rest(
    catalog: Path, ordered: Path, home: Path, tmp_path: Path
) -> None:
    _write(tmp_path / "all", "all.jsonl", _in_order())
    assert TOLD not in _run(ordered, catalog, tmp_path / "all")
    assert not _rows(ordered, REQUESTS)
    _write(tmp_path / "usage", "first.jsonl", FIRST)
    assert TOLD not in _run(home, catalog, tmp_path / "usage")
    data = _of(_rows(home, STANDING), "data")
    _write(tmp_path / "usage", "late.jsonl", LATE)
    said = _run(home, catalog, tmp_path / "usage")
    wanted, found = _rows(ordered, STANDING), _rows(home, STANDING)
    assert said.startswith(TOLD)
    assert "EUR (" in said
    assert _of(found, "sms") == _of(wanted, "sms")
    assert _of(found, "data") != _of(wanted, "data")
    kept = {row["id"] for row in data}
    assert [row for row in _of(found, "data") if row["id"] in kept] == data
    history = _rows(home, HISTORY)
    assert {row["op"] for row in _of(history, "data")} == {"charge"}
    assert {row["op"] for row in _of(history, "sms")} == {"charge", "reversal", "correction"}
    for lost in (False, True):
        if lost:
            (home / "late_usage.json").unlink()
        again = tallywire("rerate", "--home", home, "--reason", "late_usage")
        assert (again.returncode, again.stdout) == (0, "nothing to correct\n"), again.stderr
    assert _rows(home, HISTORY) == history
    assert {row["status"] for row in _rows(home, REQUESTS)} == {"applied"}
    assert TOLD not in _run(home, catalog, tmp_path / "usage")
    assert tallywire("replay", "--home", home).returncode == 0
    assert status_of(home)["conservation_difference"] == 0


def test_usage_that_was_charged_as_it_came_stays(catalog: Path, home: Path, tmp_path: Path) -> None:
    """Nothing is looked for without such a tariff; what was charged before there was one stays."""
    usage, scan = tmp_path / "usage", tmp_path / "scan"
    shutil.copytree(catalog, scan)
    path = scan / "tariffs" / "messages.yaml"
    path.write_text(path.read_text().replace("  order: event_time\n", ""))
    _write(usage, "first.jsonl", [*FIRST, *LATE])
    assert TOLD not in _run(home, scan, usage)
    marks = home / "late_usage.json"
    for chosen, looked in ((scan, False), (catalog, True)):
        assert tallywire("catalog", "compile", chosen, "--home", home).returncode == 0
        made = tallywire("rerate", "--home", home, "--reason", "late_usage")
        assert (made.returncode, made.stdout) == (0, "nothing to correct\n"), made.stderr
        assert marks.exists() == looked
    assert not _rows(home, REQUESTS)


def test_following_puts_late_usage_into_order_once_a_tariff_wants_it(
    catalog: Path, ordered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The follower starts when the catalogue in use first needs it, and a stop does not wait."""
    monkeypatch.setenv("TALLYWIRE_LATE_USAGE_S", "1")
    home, usage = tmp_path / "home", tmp_path / "usage"
    _write(tmp_path / "all", "all.jsonl", _in_order())
    _run(ordered, catalog, tmp_path / "all")
    usage.mkdir()
    with following(home, example_folder(), usage) as process:
        until((home / "progress" / "rating.json").exists, process)
        assert not (home / "logs" / "late_usage.jsonl").exists()
        assert tallywire("catalog", "compile", catalog, "--home", home).returncode == 0
        until((home / "logs" / "late_usage.jsonl").exists, process)
        _write(usage, "first.jsonl", FIRST)
        until(lambda: len(_rows(home, STANDING)) == len(FIRST), process)
        _write(usage, "late.jsonl", LATE)
        wanted = _of(_rows(ordered, STANDING), "sms")
        until(lambda: _of(_rows(home, STANDING), "sms") == wanted, process)
        assert status_of(home)["conservation_difference"] == 0
        log = home / "logs" / "late_usage.jsonl"
        until(lambda: TOLD in log.read_text(), process)
        time.sleep(1)  # the line is told with the progress
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=15)
        assert process.returncode == 0, errors
        assert time.monotonic() - began < 12
    assert TOLD in errors


class _Died(BaseException):
    """The process that asked is gone."""


def _die(_settings: Settings) -> None:
    raise _Died


@pytest.fixture
def engines(
    server: tuple[Path, object], catalog: Path, tmp_path: Path
) -> Iterator[tuple[Engine, Engine]]:
    home, running = server
    made = []
    for name in ("ordered", "killed"):
        database = f"test_late_{name}"
        migrate(connect("", home, role="owner"), database)
        store = Store(home, database, running)  # type: ignore[arg-type]
        usage = tmp_path / f"{name}-usage"
        usage.mkdir()
        made.append(Engine(tmp_path / name, store, usage, feeds=("platform",)))
        compile_into(Home(made[-1].home), catalog)
    yield made[0], made[1]
    for engine in made:
        engine.stop()
        connect("", home, role="owner").command(f"DROP DATABASE {engine.store.database}")


def _finish(engine: Engine) -> None:
    for role in (COLLECTION, RATING):
        assert engine.start(role).wait(120) == 0


def test_kills_between_asking_and_working_change_nothing(engines: tuple[Engine, Engine]) -> None:
    ordered, killed = engines
    _write(ordered.usage, "all.jsonl", _in_order())
    _finish(ordered)
    _write(killed.usage, "first.jsonl", FIRST)
    _finish(killed)
    _write(killed.usage, "late.jsonl", LATE)
    _finish(killed)
    client = killed.store.client()
    settings = Settings(home=killed.home, database=killed.store.database)
    shown = late_corrected(world_of(settings, Way(lanes=_die)), dry_run=True)
    assert shown.content["rows"] > 0
    assert not list(request_folder(Home(killed.home), "usage-0000").glob("*"))
    with pytest.raises(_Died):
        late_corrected(world_of(settings, Way(lanes=_die)))
    assert not (killed.home / "late_usage.json").exists()
    ledger = Home(killed.home).lane(RATING, "usage-0000") / "ledger"
    before = ledger.stat().st_size
    worker = killed.start(RATING)
    while worker.poll() is None and ledger.stat().st_size == before:
        time.sleep(0.002)
    killed.kill(RATING)

    def lanes(_settings: Settings) -> None:
        assert killed.start(RATING).wait(120) == 0

    late_corrected(world_of(settings, Way(lanes=lanes)))
    _finish(killed)
    assert (killed.home / "late_usage.json").exists()
    wanted, found = (engine.store.client().query(STANDING).result_rows for engine in engines)
    assert [row for row in found if row[1] == "sms"] == [row for row in wanted if row[1] == "sms"]
    causes = client.query(
        "SELECT uniqExact(cause_id), uniqExact(rated_id) = count() FROM rated_events"
    )
    assert causes.result_rows == [(1, 1)]
    assert late_corrected(world_of(settings, Way(lanes=_die))).outcome == ()
