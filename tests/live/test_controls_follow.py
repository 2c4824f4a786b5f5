"""The controls in a process of their own, beside a home that rates: they find, end, die, go on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import orjson
import pytest

from cli.demo.usage import write_all
from dataflows.catalogs import example_folder
from tests.live.commands import served, tallywire, until
from warehouse.client import connect
from warehouse.server import free_port

pytestmark = [pytest.mark.live, pytest.mark.store]


def write_second_node(folder: Path) -> None:
    """Let another element tell of the switch's last call, a second later by its clock."""
    call = orjson.loads((folder / "mobile-0001.jsonl").read_bytes().splitlines()[-1])
    variables = call["variables"]
    variables["uuid"] = "00000000-0000-4000-8000-999999999999"
    for name in [one for one in variables if one.endswith("_uepoch") and variables[one] != "0"]:
        variables[name] = str(int(variables[name]) + 1_200_000)
    (folder / "mobile-0002.jsonl").write_bytes(orjson.dumps(call) + b"\n")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home in which a call was told by two elements, and nobody has looked yet."""
    home = tmp_path / "home"
    with served(home):
        write_all(tmp_path / "usage", 200)
        write_second_node(tmp_path / "usage" / "switch")
        made = tallywire(
            "run", "--home", home, "--catalog", example_folder(), tmp_path / "usage",
            TALLYWIRE_CONTROLS_S="0",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        yield home


@contextmanager
def _following(home: Path, port: int) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "cli.main", "controls", "follow", "--metrics"]
    process = subprocess.Popen(
        [*command, "--home", str(home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TALLYWIRE_METRICS_PORT": str(port)},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


def _near_copies(home: Path) -> int:
    client = connect("", home / "store", database="tallywire", role="reader")
    found = client.query("SELECT count() FROM alerts WHERE pattern = 'near_copy'").result_rows
    return int(found[0][0])


def test_they_find_tell_of_themselves_and_end_when_asked(home: Path) -> None:
    assert _near_copies(home) == 0
    port = free_port()
    with _following(home, port) as process:
        until(lambda: _near_copies(home) > 0, process)
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            metrics = answer.read().decode()
        assert 'tallywire_controls_rows_total{process="controls"}' in metrics
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_killed_at_any_instant_they_find_the_same_under_the_same_id(home: Path) -> None:
    with _following(home, free_port()) as process:
        until(lambda: _near_copies(home) > 0, process)
        process.kill()
    with _following(home, free_port()) as process:
        until(lambda: _near_copies(home) > 1, process)
    client = connect("", home / "store", database="tallywire", role="reader")
    query = (
        "SELECT uniqExact(alert_id), uniqExact(explanation) FROM alerts WHERE pattern = 'near_copy'"
    )
    assert client.query(query).result_rows == [(1, 1)]


def test_one_process_at_a_time(home: Path) -> None:
    with _following(home, free_port()) as process:
        until(lambda: _near_copies(home) > 0, process)
        made = tallywire("controls", "follow", "--home", home)
        assert made.returncode == 5, made.stderr
