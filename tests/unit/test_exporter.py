"""Metrics over real HTTP: what the processes of a home say, as Prometheus reads it."""

import json
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from dataflows.exporter import Exporter, serve
from dataflows.lane_progress import RATING
from dataflows.metric_table import METRICS
from dataflows.progress import Progress, Supervised, Supervision
from dataflows.settings import Home, Settings
from warehouse.server import free_port


def _get(url: str, accept: str = "") -> tuple[int, str, str]:
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310  our own
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  as above
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    progress = Progress(home.progress / "rating.json", "rating")
    lane = progress.lane("usage-0003", RATING)
    lane.add({"rated": 8, "suspended": 2})
    for seconds in (0.02, 0.02, 0.2, 100.0):
        lane.batches.add(seconds)
    lane.watermark_us = 1_700_000_000_000_000
    collection = progress.lane("platform@0001")
    collection.quarantined, collection.quarantined_range = True, "platform@0001:7:0-9"
    progress.retries = 3
    progress.write(force=True)
    said = {
        "requests": {"202": 10, "429": 2}, "accepted": {"platform": 500}, "refused": {"pbx": 4},
        "queue_bytes": 77, "commit_seconds": 1.5, "commits": 3,
    }  # fmt: skip
    (home.progress / "ingest.json").write_text(json.dumps({"pid": os.getpid(), "ingest": said}))
    counted = {
        "packets": {"accepted": 9, "secret_wrong": 1}, "queue_bytes": 5, "queue_limit_bytes": 50,
        "commit_seconds": 0.5, "commits": 2,
    }  # fmt: skip
    (home.progress / "radius.json").write_text(json.dumps({"pid": os.getpid(), "radius": counted}))
    told = {"sent": {"webhook-a": 4}, "failed": {"webhook-a": 1}, "failing_s": {"webhook-a": 0.0}}
    (home.progress / "deliver.json").write_text(json.dumps({"pid": os.getpid(), "deliver": told}))
    looked = {"rows": 70, "alerts": 3, "failures": 1, "behind_s": 2.5}
    (home.progress / "controls.json").write_text(
        json.dumps({"pid": os.getpid(), "controls": looked})
    )
    messages = {
        "messages": {"uplinks": {"accepted": 8, "too_long": 1}}, "connected": {"uplinks": 1},
        "connects": {"uplinks": {"kept": 2, "lost": 0}}, "commit_seconds": 0.25, "commits": 5,
    }  # fmt: skip
    (home.progress / "mqtt.json").write_text(json.dumps({"pid": os.getpid(), "mqtt": messages}))
    processes = {
        "mqtt": Supervised("running", os.getpid()),
        "radius": Supervised("running", os.getpid()),
        "rating": Supervised("running", os.getpid(), restarts=2),
        "ingest": Supervised("backing_off", problem="port 8080 is taken"),
    }
    Supervision(processes).write(home.progress)
    return home


@pytest.fixture
def exporter(home: Home) -> Iterator[Exporter]:
    made = serve(home, Settings(home=home.root, metrics_port=free_port()))
    yield made
    made.close()


def _samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _one(found: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, **labels: str) -> float:  # fmt: skip
    return found[name, frozenset(labels.items())]


def test_prometheus_reads_what_the_processes_say(exporter: Exporter) -> None:
    status, kind, text = _get(f"{exporter.url}/metrics")
    assert status == 200
    assert kind.startswith("text/plain")
    found = _samples(text)
    lane = {"process": "rating", "lane": "usage-0003", "feed": ""}
    assert _one(found, "tallywire_events_total", **lane, fate="rated") == 8
    assert _one(found, "tallywire_batches_total", **lane) == 4
    assert _one(found, "tallywire_batch_seconds_bucket", **lane, le="0.025") == 2
    assert _one(found, "tallywire_batch_seconds_bucket", **lane, le="60.0") == 3
    assert _one(found, "tallywire_batch_seconds_count", **lane) == 4
    assert _one(found, "tallywire_batch_seconds_sum", **lane) == pytest.approx(100.24)
    assert _one(found, "tallywire_lane_watermark_timestamp_seconds", **lane) == 1_700_000_000
    quarantined = {"process": "rating", "lane": "platform@0001", "feed": "platform"}
    assert _one(found, "tallywire_lane_quarantined", **quarantined) == 1
    assert _one(found, "tallywire_process_up", process="rating") == 1
    assert _one(found, "tallywire_process_up", process="ingest") == 0
    assert _one(found, "tallywire_process_restarts_total", process="rating") == 2
    assert _one(found, "tallywire_store_retries_total", process="rating") == 3
    assert _one(found, "tallywire_store_up") == 0
    assert _one(found, "tallywire_ingest_requests_total", process="ingest", status="429") == 2
    assert (
        _one(
            found, "tallywire_ingest_events_total", process="ingest", feed="pbx", outcome="refused"
        )
        == 4
    )
    packets = {"process": "radius", "outcome": "secret_wrong"}
    assert _one(found, "tallywire_radius_packets_total", **packets) == 1
    assert _one(found, "tallywire_radius_queue_limit_bytes", process="radius") == 50
    uplinks = {"process": "mqtt", "feed": "uplinks"}
    assert _one(found, "tallywire_mqtt_messages_total", **uplinks, outcome="too_long") == 1
    assert _one(found, "tallywire_mqtt_connects_total", **uplinks, session="kept") == 2
    assert _one(found, "tallywire_mqtt_connected", **uplinks) == 1
    assert _one(found, "tallywire_mqtt_commit_seconds_sum", process="mqtt") == 0.25
    assert _one(found, "tallywire_controls_rows_total", process="controls") == 70
    assert _one(found, "tallywire_controls_behind_seconds", process="controls") == 2.5
    assert _one(found, "tallywire_ingest_queue_bytes", process="ingest") == 77
    assert _one(found, "tallywire_ingest_queue_limit_bytes", process="ingest") == 64 * 1024 * 1024
    assert _one(found, "tallywire_ingest_commit_seconds_count", process="ingest") == 3
    assert _one(found, "tallywire_ingest_commit_seconds_sum", process="ingest") == 1.5


def test_every_metric_of_the_table_is_exposed_with_its_kind_and_labels(exporter: Exporter) -> None:
    families = {
        family.name: family
        for family in text_string_to_metric_families(_get(f"{exporter.url}/metrics")[2])
    }
    assert set(families) == {metric.name.removesuffix("_total") for metric in METRICS}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.labels), metric.name


def test_openmetrics_is_given_to_who_asks_for_it(exporter: Exporter) -> None:
    _, kind, text = _get(f"{exporter.url}/metrics", "application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")
    assert "tallywire_events" in {family.name for family in openmetrics_families(text)}


def test_health_is_given_while_readiness_says_what_is_missing(exporter: Exporter) -> None:
    assert _get(f"{exporter.url}/health")[0] == 200
    status, _, text = _get(f"{exporter.url}/ready")
    assert status == 503
    told = json.loads(text)
    assert told["ready"] is False
    assert told["missing"][:2] == [
        "process ingest ended and is started again soon: port 8080 is taken",
        (
            "lane platform@0001 is quarantined at platform@0001:7:0-9: after the cure, "
            "`tallywire lanes release platform@0001`"
        ),
    ]
    assert "no store serves" in told["missing"][2]
    assert len(told["missing"]) == 3


def test_a_home_where_nothing_runs_is_not_ready_and_still_answers(tmp_path: Path) -> None:
    made = serve(Home(tmp_path), Settings(home=tmp_path, metrics_port=free_port()))
    try:
        assert "no process runs" in _get(f"{made.url}/ready")[2]
        assert _get(f"{made.url}/metrics")[0] == 200
        assert _get(f"{made.url}/other")[0] == 404
    finally:
        made.close()


@pytest.mark.store
def test_a_home_where_all_is_there_is_ready(server: tuple[Path, object], tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / "store").symlink_to(server[0])
    Progress(home.progress / "rating.json", "rating").write(force=True)
    settings = Settings(home=tmp_path, metrics_port=free_port(), database="default")
    made = serve(home, settings)
    try:
        status, _, text = _get(f"{made.url}/ready")
        assert (status, json.loads(text)) == (200, {"ready": True, "missing": []})
        assert "tallywire_store_up 1.0" in _get(f"{made.url}/metrics")[2]
    finally:
        made.close()


def test_a_store_that_takes_connections_and_says_nothing_delays_no_scrape_twice(
    tmp_path: Path,
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://default:@127.0.0.1:{silent.getsockname()[1]}/tallywire"
        settings = Settings(home=tmp_path, metrics_port=free_port(), store_url=url)
        made = serve(Home(tmp_path), settings)
        try:
            assert "the store has not answered" in _get(f"{made.url}/ready")[2]
            began = time.monotonic()
            assert "tallywire_store_up 0.0" in _get(f"{made.url}/metrics")[2]
            assert time.monotonic() - began < 1
        finally:
            made.close()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"127.0.0.1:{port}: Address already in use; set TALLYW"):
            serve(Home(tmp_path), Settings(home=tmp_path, metrics_port=port))


def test_port_0_serves_nothing(tmp_path: Path) -> None:
    made = serve(Home(tmp_path), Settings(home=tmp_path, metrics_port=0))
    assert made.url == ""
    made.close()


def test_a_home_that_needs_no_store_is_ready_without_one(tmp_path: Path) -> None:
    Progress(Home(tmp_path).progress / "ingest.json", "ingest").write(force=True)
    settings = Settings(
        home=tmp_path, metrics_port=free_port(), store_url="http://x:y@127.0.0.1:9/z"
    )
    made = serve(Home(tmp_path), settings, store=False)
    try:
        status, _, text = _get(f"{made.url}/ready")
        assert (status, json.loads(text)) == (200, {"ready": True, "missing": []})
        assert "tallywire_store_up" not in _get(f"{made.url}/metrics")[2]
    finally:
        made.close()
