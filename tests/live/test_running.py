"""Runs as operators have them: waiting for more, one process, new prices, no room, no permission."""

import datetime
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.demo.usage import asterisk_line
from dataflows.catalogs import example_folder
from dataflows.exits import Exit
from dataflows.settings import Home
from tests.conftest import Store
from tests.live.commands import following, served, status_of, tallywire, until
from tests.live.engine import Engine, picture, write_usage
from tests.permissions import bound_by_permissions
from warehouse.client import connect
from warehouse.migrate import migrate

pytestmark = [pytest.mark.live, pytest.mark.store]

PATIENCE_S = 60


def _rated(home: Path) -> list[dict[str, str]]:
    made = tallywire(
        "store", "query", "--home", home, "--format", "json",
        "SELECT b_number, toString(amount) AS amount, tariff_revision FROM rated_events "
        "ORDER BY start_time, b_number",
    )  # fmt: skip
    return [json.loads(line) for line in made.stdout.splitlines()] if made.returncode == 0 else []


def _call(number: int) -> str:
    """A line of the exchange's file: one minute to Denmark, no allowance pays for it."""
    start = datetime.datetime(2026, 10, 20, 10, number, tzinfo=datetime.UTC)
    return asterisk_line(start, 60, "004587654321", number)


def test_following_a_growing_file_its_renames_and_new_prices(tmp_path: Path) -> None:
    usage, home, catalog = tmp_path / "usage", tmp_path / "home", tmp_path / "catalog"
    (usage / "pbx").mkdir(parents=True)
    master = usage / "pbx" / "Master.csv"
    shutil.copytree(example_folder(), catalog)
    master.write_text(_call(0))
    with following(home, catalog, usage) as process:
        until(lambda: len(_rated(home)) == 1, process)
        half = _call(1)
        with master.open("a") as file:
            file.write(half[:40])
        time.sleep(1)
        assert len(_rated(home)) == 1  # half a record is no record yet
        with master.open("a") as file:
            file.write(half[40:])
        until(lambda: len(_rated(home)) == 2, process)
        master.rename(usage / "pbx" / "Master-1.csv")  # as logrotate does
        master.write_text(_call(2))
        until(lambda: len(_rated(home)) == 3, process)
        _dearer(catalog)
        made = tallywire("catalog", "compile", catalog, "--home", home)
        assert made.returncode == 0, made.stderr
        with master.open("a") as file:
            file.write(_call(3))
        until(lambda: len(_rated(home)) == 4, process)
        charges = [row["amount"] for row in _rated(home)]
        assert charges[0] == charges[1] == charges[2] != charges[3]
        (catalog / "feeds" / "pbx.yaml").unlink()  # a feed that is gone is read until the run ends
        assert tallywire("catalog", "compile", catalog, "--home", home).returncode == 0
        with master.open("a") as file:
            file.write(_call(4))
        until(lambda: len(_rated(home)) == 5, process)
        assert status_of(home)["conservation_difference"] == 0
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0, process.communicate()
        assert time.monotonic() - began < 12


def _dearer(catalog: Path) -> None:
    """Raise the office's price of calls to Denmark."""
    changed = 0
    for path in (catalog / "tariffs").glob("*.yaml"):
        text = path.read_text()
        dear = text.replace('{zone: nordics, rate: "0.06"', '{zone: nordics, rate: "0.66"')
        changed += dear != text
        path.write_text(dear)
    assert changed


def test_one_process_does_what_two_do(tmp_path: Path) -> None:
    usage = write_usage(tmp_path / "usage", 3_000)
    told = []
    for processes in ("1", "2"):
        home = tmp_path / f"home{processes}"
        with served(home):
            made = tallywire(
                "run", "--quiet", "--home", home, "--catalog", example_folder(), usage,
                TALLYWIRE_PROCESSES=processes,
            )  # fmt: skip
            assert made.returncode == 0, made.stderr
            status = status_of(home)
        told.append({name: status[name] for name in ("collected", "rated", "suspended", "revenue")})
    assert told[0] == told[1]
    assert told[0]["rated"] > 3_000


@pytest.fixture(scope="module")
def small_usage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_usage(tmp_path_factory.mktemp("usage"), 60_000)


def _own_database(server: tuple[Path, object], name: str) -> Store:
    home, running = server
    migrate(connect("", home, role="owner"), name)
    return Store(home, name, running)  # type: ignore[arg-type]


@contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of a few megabytes."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"this user may not mount a small disk: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_named_and_nothing_is_lost(
    server: tuple[Path, object],
    small_usage: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RUST_BACKTRACE", "0")  # a trace of the engine would fill the disk by itself
    whole = _own_database(server, "test_roomy")
    roomy = Engine(tmp_path / "roomy", whole, small_usage)
    roomy.finish()
    store = _own_database(server, "test_full")
    with _small_disk(tmp_path / "disk", "3m") as disk:
        engine = Engine(disk / "home", store, small_usage)
        try:
            worker = engine.start("collection", collection_rows=2_000)
            assert worker.wait(PATIENCE_S) == Exit.MACHINE
            log = (engine.home / "collection.log").read_text()
            assert "the disk is full" in log.splitlines()[-1]
            assert "Traceback" not in log
            subprocess.run(["mount", "-o", "remount,size=900m", str(disk)], check=True)
            engine.finish()
        finally:
            engine.stop()
    assert picture(store.client()) == picture(whole.client())


def test_a_missing_permission_is_named_and_the_rest_is_done(tmp_path: Path) -> None:
    usage = tmp_path / "usage"
    (usage / "pbx").mkdir(parents=True)
    (usage / "pbx" / "Master.csv").write_text(_call(0))
    closed = usage / "pbx" / "Master-1.csv"
    closed.write_text(_call(1))
    closed.chmod(0)
    home = tmp_path / "home"
    run = [sys.executable, "-m", "cli.main", "run", "--quiet", "--home", home,
           "--catalog", example_folder(), usage]  # fmt: skip
    made = subprocess.run(
        bound_by_permissions(*run), capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert made.returncode == Exit.INCOMPLETE, made.stderr
    assert f"{closed} cannot be read: Permission denied" in made.stderr
    assert status_of(home)["rated"] == 1
    closed.chmod(0o600)
    assert tallywire("run", "--quiet", "--home", home, usage).returncode == 0
    assert status_of(home)["rated"] == 2


def test_a_home_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    parent = tmp_path / "closed"
    parent.mkdir()
    parent.chmod(0o500)
    run = [sys.executable, "-m", "cli.main", "run", "--home", parent / "home",
           "--catalog", example_folder(), tmp_path]  # fmt: skip
    made = subprocess.run(
        bound_by_permissions(*run), capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert made.returncode == Exit.STORE, made.stderr
    assert f"{parent / 'home' / 'store'} cannot be written: Permission denied" in made.stderr
    assert "Traceback" not in made.stderr
    assert not Home(parent / "home").root.exists()
