"""The ingest gateway as senders meet it: a real process, real HTTP, real kills."""

import gzip
import json
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from dataflows.exits import Exit
from dataflows.ingest.keys import revoke_key
from dataflows.reports import read_reports
from dataflows.run import compile_into
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.lane import BatchContext, LaneState, mediate
from tallywire.mediation.resolve import IdentifierIndex
from tests.laws.feeds import SNAPSHOT
from tests.live.gateway import LINES, NOW, Gateway, event, http_catalog, problem

pytestmark = pytest.mark.live

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for everything that does not end it."""
    root = tmp_path_factory.mktemp("ingest")
    gateway = Gateway(
        root, http_catalog(root / "catalog"), ingest_body_bytes=MIB, ingest_partitions=2
    )
    gateway.start()
    yield gateway
    gateway.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that a test may kill."""
    gateway = Gateway(tmp_path, http_catalog(tmp_path / "catalog"))
    yield gateway
    gateway.close()


@pytest.mark.parametrize(
    ("content_type", "body", "accepted"),
    [
        ("application/cloudevents+json", event(1), 1),
        ("application/cloudevents-batch+json", b"[" + event(2) + b"," + event(3) + b"]", 2),
        ("application/json", event(4), 1),
        ("application/json; charset=utf-8", b"[" + event(5) + b"]", 1),
        (LINES, event(6) + b"\n" + event(7) + b"\n", 2),
        (LINES, b"", 0),
    ],
)
def test_every_content_type_is_taken(
    served: Gateway, content_type: str, body: bytes, accepted: int
) -> None:
    before = len(served.records(partitions=2))
    answer = served.post(body, content_type)
    assert (answer.status_code, answer.json()) == (202, {"accepted": accepted})
    assert len(served.records(partitions=2)) == before + accepted


def test_binary_mode_and_gzip(served: Gateway) -> None:
    attributes = {name: value for name, value in json.loads(event(8)).items() if name != "data"}
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    assert served.post(b'{"path": "/b"}', "application/json", headers=headers).status_code == 202
    zipped = served.post(gzip.compress(event(9)), headers={"Content-Encoding": "gzip"})
    assert zipped.status_code == 202
    found = [json.loads(record) for record in served.records(partitions=2)]
    assert {**attributes, "datacontenttype": "application/json", "data": {"path": "/b"}} in found
    assert json.loads(event(9)) in found


def test_what_is_refused_says_why(served: Gateway) -> None:
    answers = {
        "body-unreadable": served.post(b"[", "application/json"),
        "key-missing": served.post(event(1), key=""),
        "key-wrong": served.post(event(1), key="tw_00000000_wrong"),
        "feed-not-allowed": served.post(event(1), query="?feed=platform", key=served.add_key("access")),
        "feed-not-named": served.post(event(1), key=served.add_key("access")),
        "feed-unknown": served.post(event(1), query="?feed=pbx"),
        "not-found": served.client.get("/v2/usage"),
        "method-not-allowed": served.client.get("/v1/usage"),
        "body-too-large": served.post(bytes(MIB + 1)),
        "content-type-unknown": served.post(event(1), "text/plain"),
        "content-encoding-unknown": served.post(event(1), headers={"Content-Encoding": "zstd"}),
        "records-refused": served.post(b"no json"),
    }  # fmt: skip
    statuses = {400, 401, 403, 404, 405, 413, 415, 422}
    assert {name: problem(answer) for name, answer in answers.items()} == {n: n for n in answers}
    assert {answer.status_code for answer in answers.values()} == statuses
    assert answers["key-missing"].headers["www-authenticate"] == "Bearer"


def test_a_bomb_and_a_body_without_length_are_bounded(served: Gateway) -> None:
    bomb = served.post(gzip.compress(bytes(50 * MIB)), headers={"Content-Encoding": "gzip"})
    assert problem(bomb) == "body-too-large"

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(MIB // 4)

    answer = served.client.post(
        "/v1/usage", content=endless(), headers={"Content-Type": LINES, "X-API-Key": served.key}
    )
    assert problem(answer) == "body-too-large"


def test_faulty_records_are_refused_and_the_good_ones_kept(served: Gateway) -> None:
    lines = [event(100), b"{}", event(101, time="soon"), event(102), event(103, type="other")]
    before = served.records(partitions=2)
    answer = served.post(b"\n".join(lines))
    assert problem(answer) == "records-refused"
    content = answer.json()
    assert (content["accepted"], content["refused"]) == (2, 3)
    assert [(one["index"], one["reason"]) for one in content["errors"]] == [
        (1, "field_missing"), (2, "time_invalid"), (4, "record_type_unknown")
    ]  # fmt: skip
    assert Counter(served.records(partitions=2)) - Counter(before) == Counter([lines[0], lines[3]])


def test_refused_records_are_all_counted_and_some_listed(served: Gateway) -> None:
    content = served.post(b"\n".join([b"{}"] * 250)).json()
    assert (content["accepted"], content["refused"], len(content["errors"])) == (0, 250, 100)


def test_a_key_has_its_limit(served: Gateway) -> None:
    key = served.add_key(events_per_s=2)
    assert (
        served.post(event(200) + b"\n" + event(201) + b"\n" + event(202), key=key).status_code
        == 202
    )
    answer = served.post(event(203), key=key)
    assert problem(answer) == "rate-limit"
    wait = int(answer.headers["retry-after"])
    assert 1 <= wait <= 2
    time.sleep(wait)
    assert served.post(event(203), key=key).status_code == 202


def test_a_revoked_key_is_refused_at_once(served: Gateway) -> None:
    key = served.add_key()
    bearer = {"Authorization": f"Bearer {key}"}
    assert served.post(event(300), key="", headers=bearer).status_code == 202
    revoke_key(served.home.ingest_keys, key.split("_")[1], NOW)
    assert problem(served.post(event(300), key="", headers=bearer)) == "key-wrong"


def test_the_document_lists_what_is_answered(served: Gateway) -> None:
    document = served.client.get("/v1/openapi.json").json()
    usage = document["paths"]["/v1/usage"]["post"]
    statuses = {"202", "400", "401", "403", "404", "408", "413", "415", "422", "429", "500", "503"}
    assert set(usage["responses"]) == statuses
    for status in statuses - {"202"}:
        assert list(usage["responses"][status]["content"]) == ["application/problem+json"]
        assert "/problems/" in usage["responses"][status]["description"]
    assert LINES in usage["requestBody"]["content"]
    assert {"ProblemBody", "RefusedRecord", "Accepted"} <= set(document["components"]["schemas"])
    assert "http" not in json.dumps(document).replace('"type": "http"', "")  # nothing offsite
    assert served.client.get("/docs").status_code == 404


def test_counts_are_written_for_others(served: Gateway) -> None:
    served.post(event(400) + b"\n{}")
    said = served.counts()["ingest"]
    assert said["reasons"]["platform"]["field_missing"] >= 1
    reports = read_reports(served.home)
    assert reports.unreadable == []
    report = reports.reports["ingest"]
    assert report.lives()
    found = report.ingest
    assert found is not None
    assert found.requests["422"] >= 1
    assert found.accepted["platform"] >= 1
    assert found.refused["platform"] >= 1
    assert found.queue_bytes == 0
    assert found.commits >= 1
    assert found.commit_seconds > 0


def test_the_log_has_no_keys_and_no_records(served: Gateway) -> None:
    text = served.log.read_text()
    assert "gateway listens" in text
    assert served.key not in text
    assert "/live" not in text


def test_sent_twice_is_counted_once(served: Gateway) -> None:
    """The record comes into the same lane again, and the lane knows it."""
    records = [event(500 + number, source="/twice") for number in range(20)]
    for _ in range(2):
        assert served.post(b"\n".join(records)).status_code == 202
    usage = duplicates = 0
    for partition in range(2):
        stream = served.stream(partition)
        state, position = LaneState(), 0
        while (got := stream.next(position, rows=7, limit=2_000)) is not None:
            frames = got.frames(0, position)
            feed = SNAPSHOT.feeds["platform"]
            context = BatchContext(
                feed=feed, snapshot=SNAPSHOT, index=IdentifierIndex(SNAPSHOT.identifiers),
                lane=f"platform@{partition:04d}", file_id=stream.source, file_name=stream.source,
                collected_at=1_793_000_000_000_000, frames=frames,
            )  # fmt: skip
            decoded = DECODERS["cloudevents"].decode(frames, feed).frame
            mine = decoded["natural_key"].str.starts_with("/twice")
            done = mediate(state, decoded.filter(mine), context)
            usage += done.usage.height + done.suspense.height
            duplicates += done.set_aside.height
            position = got.last
    assert (usage, duplicates) == (20, 20)


def test_a_newer_catalogue_is_followed(own: Gateway, tmp_path: Path) -> None:
    own.start()
    assert own.post(event(1, type="video.call")).status_code == 422
    newer = http_catalog(tmp_path / "newer")
    feed = newer / "feeds" / "platform.yaml"
    feed.write_text(feed.read_text() + "    - {type: video.call, service: api}\n")
    compile_into(own.home, newer)
    deadline = time.monotonic() + 30
    while own.post(event(1, type="video.call")).status_code != 202:
        assert time.monotonic() < deadline
        time.sleep(0.2)


class Senders:
    """Threads that send until the gateway is gone; they note what was answered."""

    def __init__(self, gateway: Gateway, count: int) -> None:
        self.gateway = gateway
        self.accepted: list[bytes] = []
        self.sent: list[bytes] = []
        self.statuses: Counter[int] = Counter()
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self._send, args=(n,)) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def _send(self, sender: int) -> None:
        with httpx2.Client(base_url=self.gateway.client.base_url, timeout=30) as client:
            number = 0
            while not self.ended.is_set():
                records = [
                    event(number * 50 + one, source=f"/{sender}/{os.urandom(4).hex()}")
                    for one in range(50)
                ]
                number += 1
                self.sent += records
                try:
                    answer = client.post(
                        "/v1/usage", content=b"\n".join(records),
                        headers={"Content-Type": LINES, "X-API-Key": self.gateway.key},
                    )  # fmt: skip
                except httpx2.TransportError:
                    self.statuses[0] += 1
                    return
                self.statuses[answer.status_code] += 1
                if answer.status_code == 202:
                    self.accepted += records

    def wait(self) -> None:
        """Wait until something was accepted."""
        deadline = time.monotonic() + 30
        while not self.accepted:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def join(self) -> None:
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()


def test_killed_at_any_moment_what_was_accepted_is_there_once_and_whole(own: Gateway) -> None:
    accepted: list[bytes] = []
    sent: list[bytes] = []
    for seconds in (0.2, 0.5, 0.9):
        own.start()
        senders = Senders(own, 4)
        senders.wait()
        time.sleep(seconds)
        own.kill()
        senders.join()
        assert senders.statuses[202]
        accepted += senders.accepted
        sent += senders.sent
    own.start()
    assert own.post(event(1)).status_code == 202
    found = Counter(own.records())
    assert not Counter(accepted) - found
    assert not found - Counter([*sent, event(1)])  # none half, none twice
    assert own.stop() == Exit.DONE


def test_asked_to_end_it_answers_what_is_in_work(own: Gateway) -> None:
    own.start()
    senders = Senders(own, 4)
    senders.wait()
    time.sleep(0.5)
    assert own.stop() == Exit.DONE
    senders.join()
    assert Counter(own.records()) == Counter(senders.accepted)  # nothing kept went unanswered
    assert set(senders.statuses) <= {0, 202, 503}
    assert senders.statuses[202]
    assert "gateway ends" in own.log.read_text()
    assert own.counts()["ended"] is True


def test_a_slow_body_that_had_begun_is_answered_before_the_end(own: Gateway) -> None:
    own.start()
    own.post(event(1))
    body = event(2)
    head = (
        f"POST /v1/usage HTTP/1.1\r\nHost: x\r\nX-API-Key: {own.key}\r\n"
        f"Content-Type: {LINES}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", own.port)) as sender:
        sender.sendall(head.encode() + body[:10])
        time.sleep(0.3)
        threading.Timer(0.5, sender.sendall, [body[10:]]).start()
        assert own.stop() == Exit.DONE
        assert sender.recv(4096).startswith(b"HTTP/1.1 202 ")
    assert own.records()[-1] == body


def test_overloaded_it_refuses_and_stays_small(tmp_path: Path) -> None:
    """Far more is sent than may wait: most of it is refused at once, memory stays bounded."""
    gateway = Gateway(
        tmp_path, http_catalog(tmp_path / "catalog"),
        ingest_queue_bytes=2 * MIB, ingest_body_bytes=MIB,
    )  # fmt: skip
    try:
        gateway.start()
        gateway.post(event(0))
        body = b"\n".join(event(number, filler="x" * 500) for number in range(1_500))
        assert 0.9 * MIB < len(body) < MIB
        assert gateway.post(body).status_code == 202
        assert gateway.process is not None
        process = psutil.Process(gateway.process.pid)
        calm = process.memory_info().rss
        statuses: Counter[int] = Counter()
        retry: set[str] = set()
        peak = [calm]

        def flood() -> None:
            with httpx2.Client(base_url=gateway.client.base_url, timeout=60) as client:
                for _ in range(6):
                    answer = client.post(
                        "/v1/usage", content=body,
                        headers={"Content-Type": LINES, "X-API-Key": gateway.key},
                    )  # fmt: skip
                    statuses[answer.status_code] += 1
                    retry.add(answer.headers.get("retry-after", ""))
                    peak.append(process.memory_info().rss)

        threads = [threading.Thread(target=flood) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert set(statuses) == {202, 429}
        assert statuses.total() == 24 * 6
        assert "1" in retry
        assert max(peak) < calm + 150 * MIB
        assert len(gateway.records()) == 1 + 1_500 * (1 + statuses[202])
        assert gateway.post(event(1)).status_code == 202  # and goes on
    finally:
        gateway.close()


def test_a_log_that_cannot_be_written_is_answered_with_503(own: Gateway) -> None:
    own.start()
    assert own.post(event(1)).status_code == 202
    assert own.client.get("/v1/ready").status_code == 200
    folder = own.home.ingest / "platform" / "0000"
    moved = folder.rename(folder.with_name("away"))
    answer = own.post(event(2))
    assert problem(answer) == "log-unavailable"
    assert answer.headers["retry-after"]
    assert "usage cannot be made durable" in own.log.read_text()
    assert "the ingest spool cannot be written" in own.counts()["problems"][0]
    moved.rename(folder)
    assert own.post(event(3)).status_code == 202
    assert own.records() == [event(1), event(3)]


def test_a_topic_without_kafka_is_answered_with_503(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, http_catalog(tmp_path / "catalog", topic="usage.raw"))
    try:
        gateway.start()
        assert problem(gateway.post(event(1))) == "log-unavailable"
        assert problem(gateway.client.get("/v1/ready")) == "log-unavailable"
        assert "no Kafka is configured" in gateway.log.read_text()
    finally:
        gateway.close()


def test_one_gateway_serves_a_home_and_one_port(own: Gateway, tmp_path: Path) -> None:
    own.start()
    (tmp_path / "second").mkdir()
    second = Gateway(tmp_path / "second", tmp_path / "catalog")
    second.port = own.port
    with pytest.raises(AssertionError, match="Address already in use"):
        second.start()
    assert second.process is not None
    assert second.process.wait() == Exit.MACHINE
    second.home, second.port = own.home, 0
    with pytest.raises(AssertionError, match="already being worked by process"):
        second.start()
    assert second.process.wait() == Exit.TAKEN
    second.close()


def test_open_takes_requests_without_a_key(own: Gateway) -> None:
    own.start("--open")
    assert own.post(event(1), key="").status_code == 202
    assert problem(own.post(event(1), key="tw_00000000_x")) == "key-wrong"
    assert "open: requests without a key" in own.log.read_text()
