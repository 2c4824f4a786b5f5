"""What operators see of running workers: the figures are the store's, over HTTP and on a terminal."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cli.demo.usage import write_all
from dataflows.progress import Progress
from dataflows.settings import Home
from tests.conftest import Store
from tests.live.commands import tallywire
from tests.live.engine import ALL_FEEDS, Engine
from warehouse.client import Client
from warehouse.server import free_port

pytestmark = [pytest.mark.live, pytest.mark.store]

PATIENCE_S = 60
PARTITIONS = 3


def _by(text: str, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """Sum the samples of a metric by some labels; what is 0 is left out."""
    found: Counter[tuple[str, ...]] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and sample.value:
                found[tuple(sample.labels[label] for label in labels)] += sample.value  # type: ignore[assignment]
    return dict(found)


def _store(client: Client, query: str) -> dict[tuple[str, ...], float]:
    rows = client.query(query).result_rows
    return {tuple(str(part) for part in row[:-1]): row[-1] for row in rows if row[-1]}


def test_the_figures_are_those_of_the_store(store: Store, tmp_path: Path) -> None:
    usage = tmp_path / "usage"
    usage.mkdir()
    write_all(usage, 3_000)
    engine = Engine(tmp_path / "home", store, usage, partitions=PARTITIONS, feeds=ALL_FEEDS)
    try:
        engine.finish()
    finally:
        engine.stop()
    told = tallywire("metrics", "--home", engine.home, TALLYWIRE_DATABASE=store.database)
    assert told.returncode == 0, told.stderr
    text, client = told.stdout, store.client()
    fates = _by(text, "tallywire_events_total", "fate")
    stored = client.query(
        "SELECT sum(collected), sum(accepted), sum(rated), sum(duplicate), sum(suspended), "
        "sum(filtered), sum(merged) FROM v_conservation"
    ).result_rows[0]
    names = ("collected", "accepted", "rated", "duplicate", "suspended", "filtered", "merged")
    assert {name: fates[name,] for name in names} == dict(zip(names, stored, strict=True))
    assert min(stored) > 0  # the usage has something of everything
    assert _by(text, "tallywire_events_total", "feed", "fate").items() >= _store(
        client,
        "SELECT feed_id, term, sum(records) FROM fates_1h "
        "WHERE term IN ('collected', 'duplicate', 'filtered', 'merged') GROUP BY 1, 2",
    ).items()  # fmt: skip
    rated = _by(text, "tallywire_events_total", "lane", "fate")
    assert {key: value for key, value in rated.items() if key[1] == "rated"} == _store(
        client,
        "SELECT splitByChar(':', batch_token)[1] AS lane, 'rated', sum(fate_change) "
        "FROM rated_events GROUP BY 1",
    )
    assert len(_by(text, "tallywire_state_keys", "lane")) >= PARTITIONS
    assert _by(text, "tallywire_lane_lag_events", "lane") == {}
    assert _by(text, "tallywire_key_affinity_faults_total", "lane") == {}
    assert _by(text, "tallywire_insert_seconds_count", "process") == _store(
        client,
        "SELECT 'rating', count() FROM lane_ledger WHERE lane LIKE 'usage-%' OR lane LIKE 'outcomes-%'",
    )
    newest = client.query("SELECT max(start_time) FROM rated_events").result_rows[0][0]
    seen = _by(text, "tallywire_lane_watermark_timestamp_seconds", "lane")
    assert max(seen[lane,] for lane, *_ in seen if lane.startswith("usage-")) == pytest.approx(
        newest.timestamp(), abs=1
    )


def test_a_worker_that_is_killed_is_seen_at_once(store: Store, tmp_path: Path) -> None:
    usage = tmp_path / "usage"
    usage.mkdir()
    engine = Engine(tmp_path / "home", store, usage)
    port = free_port()
    command = [sys.executable, "-m", "cli.main", "metrics", "serve", "--home", str(engine.home),
               "--port", str(port)]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "TALLYWIRE_DATABASE": store.database})  # fmt: skip
    try:
        assert process.stderr is not None
        assert f"http://127.0.0.1:{port}/metrics" in process.stderr.readline()
        engine.start("rating")  # waits for a collection that does not run
        _await_text(
            f"http://127.0.0.1:{port}/metrics", 'tallywire_process_up{process="rating"} 1.0'
        )
        _await_text(f"http://127.0.0.1:{port}/ready", '"ready":true')
        engine.kill("rating")
        _await_text(
            f"http://127.0.0.1:{port}/metrics", 'tallywire_process_up{process="rating"} 0.0'
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        engine.stop()
        process.kill()
        process.communicate()


def _await_text(url: str, text: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  our own
                found = answer.read().decode()
        except OSError as error:
            found = str(error)
        if text in found:
            return
        assert time.monotonic() < deadline, f"{text} is not in {found}"
        time.sleep(0.1)


def _quarantined(home: Home) -> Progress:
    progress = Progress(home.progress / "collection.json", "collection")
    lane = progress.lane("platform@0001")
    lane.add({"collected": 12_345})
    lane.quarantined = True
    progress.write(force=True)
    return progress


def test_live_on_a_terminal_goes_on_until_it_is_interrupted(tmp_path: Path) -> None:
    progress = _quarantined(Home(tmp_path))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cli.main", "status", "--live", "--home", str(tmp_path)]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
    )  # fmt: skip
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + PATIENCE_S
    try:
        while b"54,321" not in shown:
            assert time.monotonic() < deadline, shown.decode()
            shown += os.read(ours, 65_536)
            if b"12,345" in shown:
                progress.lanes["platform@0001"].fates["collected"] = 54_321
                progress.write()
        assert b"tallywire lanes release platform@0001" in shown
        assert b"\x1b[31m" in shown  # red
        process.send_signal(signal.SIGINT)
        while process.poll() is None and time.monotonic() < deadline:
            _drain(ours)
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _drain(terminal: int) -> None:
    """Take what a terminal shows, so that its process is not held up."""
    try:
        os.read(terminal, 65_536)
    except OSError:  # the other end is closed
        time.sleep(0.05)


def test_live_without_a_terminal_prints_once_and_lanes_are_given_to_programs(
    tmp_path: Path,
) -> None:
    _quarantined(Home(tmp_path))
    told = tallywire("status", "--live", "--home", tmp_path, COLUMNS="300")
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("platform@0001") == 2
    assert "quarantined: tallywire lanes release platform@0001" in told.stdout
    asked = json.loads(tallywire("status", "--lanes", "--json", "--home", tmp_path).stdout)
    [lane] = asked["lanes"]
    assert (lane["lane"], lane["feed"], lane["quarantined"]) == ("platform@0001", "platform", True)
    assert lane["fates"]["collected"] == 12_345
    assert asked["processes"][0]["process"] == "collection"


def test_a_port_of_0_is_refused_with_what_to_do(tmp_path: Path) -> None:
    told = tallywire("metrics", "serve", "--home", tmp_path, TALLYWIRE_METRICS_PORT="0")
    assert told.returncode == 2
    assert "give --port" in told.stderr
