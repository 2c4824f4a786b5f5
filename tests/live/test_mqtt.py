"""Usage of a real MQTT broker, to rated usage; kills amid a stream of messages."""

import json
import resource
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from dataflows.exits import Exit
from dataflows.run import compile_into
from tests.live.commands import served, status_of, tallywire
from tests.live.gateway import event
from tests.live.mqtt import BROKER, PUBLISHER, Broker, Subscriber, mqtt_catalog, until
from tests.live.test_ingest_kafka import TOPIC as KAFKA_TOPIC
from tests.live.test_ingest_kafka import Cluster
from warehouse.server import free_port

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(BROKER is None, reason="the broker mosquitto is not installed"),
    pytest.mark.skipif(PUBLISHER is None, reason="mosquitto_pub of mosquitto-clients is missing"),
]
_USER = "TALLYWIRE_FEED_PLATFORM_USER"
_PASSWORD = "TALLYWIRE_FEED_PLATFORM_PASSWORD"
_KILLS, _PART = 4, 100


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path / "broker")
    yield made
    made.close()


@pytest.fixture
def subscribe(tmp_path: Path, broker: Broker) -> Iterator[Callable[..., Subscriber]]:
    made: list[Subscriber] = []

    def one(
        *more: str, topic: str = "meters/+/up", at: str = "", written: str = "", **settings: object
    ) -> Subscriber:
        place = at or f"mqtt://127.0.0.1:{broker.port}"
        mqtt = f"broker: '{place}', topic: '{topic}'{written}"
        catalog = mqtt_catalog(tmp_path / "catalog", mqtt, *more)
        found = Subscriber(tmp_path, catalog, **settings)  # type: ignore[arg-type]
        made.append(found)
        return found

    yield one
    for found in made:
        found.close()


def events(*numbers: int) -> list[bytes]:
    return [event(number, subject="appverk", data={"path": "/v1/locate"}) for number in numbers]


@pytest.mark.store
def test_what_is_published_while_it_runs_and_while_it_is_away_is_rated_once(
    subscribe: Callable[..., Subscriber], broker: Broker, tmp_path: Path
) -> None:
    subscriber = subscribe(ingest_partitions=3)
    subscriber.start()
    broker.publish(*events(*range(20)))
    subscriber.messages("accepted", 20)
    assert subscriber.stop() == Exit.DONE
    assert subscriber.counts()["ended"] is True
    broker.publish(*events(*range(15, 30)), topic="meters/8/up", qos=2)
    broker.publish(*events(99), topic="meters/8/down")
    subscriber.start()
    subscriber.messages("accepted", 15)
    assert subscriber.counts()["connects"]["platform"] == {"new": 0, "kept": 1, "lost": 0}
    assert subscriber.stop() == Exit.DONE
    usage = tmp_path / "usage"
    usage.mkdir()
    home = subscriber.home.root
    with served(home):
        made = tallywire("run", "--home", home, usage, "--quiet", TALLYWIRE_INGEST_PARTITIONS="3")
        assert made.returncode == Exit.DONE, made.stderr
        fates = status_of(home)
    told = {name: fates[name] for name in ("collected", "rated", "duplicate", "suspended")}
    assert told == {"collected": 35, "rated": 30, "duplicate": 5, "suspended": 0}


@pytest.mark.store
def test_kills_amid_a_stream_lose_nothing_and_count_nothing_twice(
    subscribe: Callable[..., Subscriber], broker: Broker, tmp_path: Path
) -> None:
    subscriber, enough, published = subscribe(mqtt_inflight=50), threading.Event(), [0]

    def stream() -> None:
        while not enough.wait(0.4):
            first = published[0]
            broker.publish(*events(*range(first, first + _PART)))
            published[0] += _PART

    def has(lines: int) -> bool:
        return len(subscriber.records()) >= lines

    subscriber.start()
    publishing = threading.Thread(target=stream)
    publishing.start()
    try:
        for _ in range(_KILLS):
            lines = len(subscriber.records()) + _PART + _PART // 2  # amid a part
            until(partial(has, lines), subscriber.log.read_text)
            subscriber.kill()
            subscriber.start()
    finally:
        enough.set()
        publishing.join()
    [total] = published
    until(lambda: len(set(subscriber.ids())) == total, lambda: f"{len(set(subscriber.ids()))}")
    assert subscriber.stop() == Exit.DONE
    lines = len(subscriber.records())
    usage = tmp_path / "usage"
    usage.mkdir()
    with served(subscriber.home.root):
        made = tallywire("run", "--home", subscriber.home.root, usage, "--quiet")
        assert made.returncode == Exit.DONE, made.stderr
        fates = status_of(subscriber.home.root)
    told = {name: fates[name] for name in ("collected", "rated", "duplicate", "suspended")}
    assert told == {
        "collected": lines, "rated": total, "duplicate": lines - total, "suspended": 0,
    }  # fmt: skip


def test_what_is_no_usage_is_kept_and_what_is_retained_is_not(
    subscribe: Callable[..., Subscriber], broker: Broker
) -> None:
    broker.publish(*events(1), options=["-r"])
    subscriber = subscribe(written=", version: 3.1.1")
    port = free_port()
    subscriber.environment["TALLYWIRE_METRICS_PORT"] = f"{port}"
    subscriber.start("--metrics")
    subscriber.messages("retained", 1)
    broker.publish(*events(2), options=["-r"])
    subscriber.messages("accepted", 1)
    broker.publish_whole(b"[" + b",\n".join(events(3, 4)) + b"]\n")
    broker.publish_whole(b"\x00\x01 no text\n")
    broker.publish_whole(b'{"pad":"' + b"x" * (1 << 20) + b'"}')
    broker.publish_whole(b"")
    subscriber.messages("empty", 1)
    counted = subscriber.counts()["messages"]["platform"]
    assert counted == {
        "accepted": 2, "suspended": 1, "too_long": 1, "empty": 1, "retained": 1, "log_unavailable": 0,
    }  # fmt: skip
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=10) as page:
        assert page.status == 200
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        told = page.read().decode()
    labels = 'feed="platform",outcome="too_long",process="mqtt"'
    assert f"tallywire_mqtt_messages_total{{{labels}}} 1.0" in told
    assert 'tallywire_mqtt_connected{feed="platform",process="mqtt"} 1.0' in told
    records = subscriber.records()
    assert [json.loads(one)["id"] for one in records if one[:1] == b"{"] == ["2", "3", "4"]
    refused = [json.loads(one.removeprefix(b"refused: ")) for one in records if one[:1] == b"r"]
    assert [(one["reason"], one["bytes"], one["whole"]) for one in refused] == [
        ("record_unreadable", 11, True), ("record_too_long", (1 << 20) + 10, False),
    ]  # fmt: skip


def test_a_wrong_password_is_told_and_a_right_one_lets_in(
    tmp_path: Path, subscribe: Callable[..., Subscriber]
) -> None:
    passwords = tmp_path / "passwords"
    command = ["mosquitto_passwd", "-b", "-c", str(passwords), "meters", "right"]
    subprocess.run(command, check=True, capture_output=True)
    broker = Broker(tmp_path / "closed", f"password_file {passwords}", "allow_anonymous false")
    with closing(broker):
        subscriber = subscribe(at=f"mqtt://localhost:{broker.port}")
        subscriber.environment |= {_USER: "meters", _PASSWORD: "wrong"}
        subscriber.start(subscribed=False)
        [told] = subscriber.wait(lambda counts: bool(counts["problems"]))["problems"]
        assert f"mqtt://localhost:{broker.port} does not let us in: Not authorized" in told
        assert f"set {_USER} and {_PASSWORD}" in told
        assert told in subscriber.log.read_text()
        assert "Traceback" not in subscriber.log.read_text()
        assert subscriber.stop() == Exit.DONE
        subscriber.environment[_PASSWORD] = "right"
        subscriber.start()
        broker.publish(*events(1), options=["-u", "meters", "-P", "right"])
        subscriber.messages("accepted", 1)
        assert subscriber.counts()["problems"] == []
        assert "right" not in subscriber.log.read_text()
        listed = tallywire("mqtt", "feeds", "--json", **subscriber.environment)
        [one] = json.loads(listed.stdout)
        assert (one["client"], one["user"], one["password"]) == ("tallywire-platform", True, True)
        assert "right" not in listed.stdout


def _certified(folder: Path) -> Path:
    """Make a certificate of localhost that only those trust who are told to."""
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return folder / "cert.pem"


def test_a_broker_must_prove_who_it_is_and_so_must_we(
    tmp_path: Path, subscribe: Callable[..., Subscriber]
) -> None:
    certificate = _certified(tmp_path)
    key = tmp_path / "key.pem"
    lines = [
        "allow_anonymous true", f"certfile {certificate}", f"keyfile {key}",
        f"cafile {certificate}", "require_certificate true",
    ]  # fmt: skip
    with closing(Broker(tmp_path / "encrypted", *lines)) as broker:
        subscriber = subscribe(at=f"mqtts://localhost:{broker.port}")
        subscriber.start(subscribed=False)
        [told] = subscriber.wait(lambda counts: bool(counts["problems"]))["problems"]
        assert "has a certificate that cannot be verified" in told
        assert "TALLYWIRE_FEED_PLATFORM_CA_FILE" in told
        assert subscriber.stop() == Exit.DONE
        own = "TALLYWIRE_FEED_PLATFORM_"
        subscriber.environment |= {
            f"{own}CA_FILE": str(certificate), f"{own}CERTIFICATE_FILE": str(certificate),
            f"{own}KEY_FILE": str(key),
        }  # fmt: skip
        subscriber.start()
        files = {"--cafile": certificate, "--cert": certificate, "--key": key, "-h": "localhost"}
        trusted = [str(word) for option in files.items() for word in option]
        broker.publish(*events(*range(100)), options=trusted)
        subscriber.messages("accepted", 100)
        assert subscriber.stop() == Exit.DONE
        assert set(subscriber.ids()) == set(range(100))


def test_a_broker_that_comes_back_is_found_and_one_that_forgot_is_told(
    tmp_path: Path, subscribe: Callable[..., Subscriber]
) -> None:
    broker = Broker(tmp_path / "keeping", "allow_anonymous true", keeps=True)
    with closing(broker):
        subscriber = subscribe(at=f"mqtt://127.0.0.1:{broker.port}")
        subscriber.start()
        broker.stop()
        subscriber.wait(lambda counts: counts["connected"]["platform"] == 0)
        broker.start()
        subscriber.wait(lambda counts: counts["connects"]["platform"]["kept"] == 1)
        broker.publish(*events(1))
        subscriber.messages("accepted", 1)
        assert subscriber.stop() == Exit.DONE
        broker.stop()
        (tmp_path / "keeping" / "mosquitto.db").unlink()
        broker.start()
        subscriber.start()
        assert subscriber.counts()["connects"]["platform"] == {"new": 0, "kept": 0, "lost": 1}
        assert "the broker has forgotten our session" in subscriber.log.read_text()


def test_two_with_one_name_are_told(subscribe: Callable[..., Subscriber]) -> None:
    first, second = subscribe(), subscribe(name="other")
    first.start()
    second.start()
    until(
        lambda: "is another process tallywire-platform, too?" in first.log.read_text(),
        first.log.read_text,
    )
    assert second.stop() == Exit.DONE


def test_another_topic_of_the_catalogue_takes_the_place_of_the_first(
    subscribe: Callable[..., Subscriber], broker: Broker, tmp_path: Path
) -> None:
    subscriber = subscribe(topic="meters/+/up")
    subscriber.start()
    mqtt = f"broker: 'mqtt://127.0.0.1:{broker.port}', topic: 'gauges/#'"
    compile_into(subscriber.home, mqtt_catalog(tmp_path / "catalog", mqtt))
    subscriber.wait(lambda counts: counts["connects"]["platform"]["kept"] == 1)
    broker.publish(*events(1))
    broker.publish(*events(2), topic="gauges/3")
    subscriber.messages("accepted", 1)
    time.sleep(0.5)
    assert subscriber.ids() == [2]


def test_what_is_acknowledged_is_in_the_topic_and_processes_share_a_subscription(
    subscribe: Callable[..., Subscriber], broker: Broker
) -> None:
    cluster = Cluster()
    with_topic = f"topic: {KAFKA_TOPIC}"
    both = [
        subscribe(with_topic, topic="$share/rating/meters/#", name=name, kafka=cluster.address,
                  mqtt_client=name)
        for name in ("one", "two")
    ]  # fmt: skip
    for one in both:
        one.start("--topics-only")
    broker.publish(*events(*range(40)))

    def accepted() -> list[int]:
        return [one.counts()["messages"]["platform"]["accepted"] for one in both]

    until(lambda: sum(accepted()) == 40, lambda: str(accepted()))
    assert min(accepted()) > 0
    before = accepted()[1]
    both[0].kill()
    broker.publish(*events(*range(40, 400)))
    both[0].start("--topics-only")
    until(lambda: sum(accepted()) - before >= 360, lambda: str(accepted()))
    assert [one.stop() for one in both] == [Exit.DONE] * 2
    messages = cluster.messages()
    assert {json.loads(one.value() or b"")["id"] for one in messages} == {
        str(number) for number in range(400)
    }
    assert len({(one.key(), one.partition()) for one in messages}) == 400


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(
    subscribe: Callable[..., Subscriber], broker: Broker
) -> None:
    """A limit on the size of files stands for the disk; it goes on when there is room."""
    subscriber = subscribe()
    subscriber.start()
    pid = subscriber.process.pid if subscriber.process else 0
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4_096, resource.RLIM_INFINITY))
    for first in range(0, 100, 10):
        broker.publish(*events(*range(first, first + 10)))
    subscriber.messages("log_unavailable", 1)
    assert len(set(subscriber.ids())) < 100
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    until(lambda: set(subscriber.ids()) == set(range(100)), subscriber.log.read_text)


def test_what_keeps_it_from_starting_is_said(subscribe: Callable[..., Subscriber]) -> None:
    subscriber = subscribe()
    made = tallywire("mqtt", "serve", "--topics-only", **subscriber.environment)
    assert made.returncode == Exit.USAGE
    assert "usage of platform would lie on this machine's disk" in made.stderr
    subscriber.start()
    made = tallywire("mqtt", "serve", **subscriber.environment)
    assert made.returncode == Exit.TAKEN
    assert tallywire("mqtt", "feeds", "--home", subscriber.home.root).returncode == Exit.DONE
