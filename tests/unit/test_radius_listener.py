"""The listener on a real socket: what is answered is durable, what is not is not answered."""

import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflows.ingest.log import IngestMisuse, Keyed, LogUnavailable
from dataflows.radius.clients import Client, Clients, secret_of
from dataflows.radius.commit import Committer, Waiting
from dataflows.radius.counts import RECEIVED, Counts
from dataflows.radius.listener import Listener, open_socket
from dataflows.radius.recent import PENDING, Recent
from tallywire.catalog.feed import Feed, RadiusClient
from tests import radius
from tests.laws.feeds import SNAPSHOT

FEED = replace(
    SNAPSHOT.feeds["live"],
    radius=(
        RadiusClient("127.0.0.1/32", "bras", signed=False),
        RadiusClient("127.0.0.2/32", "bras", signed=True),
        RadiusClient("10.0.0.0/8", "bras", signed=False),
    ),
)
ENVIRONMENT = {"TALLYWIRE_RADIUS_SECRET_BRAS": radius.SECRET.decode()}


class Log:
    """A log that may be away, or wait."""

    longest = 1 << 20

    def __init__(self) -> None:
        self.records: list[Keyed] = []
        self.away = False
        self.go = threading.Event()
        self.go.set()

    def append(self, feed: Feed, records: Sequence[Keyed]) -> None:
        assert feed.feed_id == "live"
        self.go.wait(10)
        self.check()
        self.records += records

    def check(self) -> None:
        if self.away:
            msg = "the disk is full"
            raise LogUnavailable(msg)

    def close(self) -> None:
        pass


class Bench:
    """A listener, its log, and a client."""

    def __init__(self, folder: Path, limit: int = 1 << 20) -> None:
        self.log, self.faults = Log(), list[Exception]()
        self.socket = open_socket("127.0.0.1", 0)
        self.counts = Counts(folder / "radius.json", limit)
        recent = Recent()
        committer = Committer(
            self.log, self.log, self.socket, recent, self.counts, self.faults.append
        )
        clients = Clients([FEED], ENVIRONMENT)
        self.listener = Listener(self.socket, clients, recent, committer, self.counts)
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client.bind(("127.0.0.1", 0))
        self.client.settimeout(5)

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.client.sendto(packet, self.socket.getsockname())
        self.listener.run(1.0)

    def answer(self) -> bytes:
        return self.client.recv(4_096)

    def silent(self) -> bool:
        self.client.settimeout(0.2)
        try:
            self.client.recv(4_096)
        except TimeoutError:
            return True
        finally:
            self.client.settimeout(5)
        return False

    def close(self) -> None:
        self.log.go.set()
        self.listener.committer.close()
        self.socket.close()
        self.client.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def packet(number: int = 1, secret: bytes = radius.SECRET, *, signs: bool = False) -> bytes:
    attributes = radius.accounting(radius.START, f"s{number}")
    return radius.request(attributes, number % 256, secret, signs=signs)


def test_what_is_answered_is_durable(bench: Bench) -> None:
    bench.log.go.clear()
    bench.send(packet())
    assert bench.silent()
    bench.log.go.set()
    said = bench.answer()
    assert said[:4] == b"\x05\x01\x00\x14"
    assert len(bench.log.records) == 1
    assert bench.counts.settled["accepted"] == 1
    assert bench.counts.queue_bytes == 0


def test_a_packet_sent_again_is_kept_once_and_answered_again(bench: Bench) -> None:
    bench.send(packet())
    said = bench.answer()
    bench.send(packet(), packet())
    assert [bench.answer(), bench.answer()] == [said, said]
    assert len(bench.log.records) == 1
    assert bench.counts.received["repeated"] == 2


def test_a_packet_sent_again_while_it_waits_is_answered_once(bench: Bench) -> None:
    bench.log.go.clear()
    bench.send(packet())
    bench.send(packet())
    bench.log.go.set()
    assert bench.answer()
    assert bench.silent()
    assert len(bench.log.records) == 1


def test_a_full_disk_answers_nothing_and_the_same_packet_is_tried_again(bench: Bench) -> None:
    bench.log.away = True
    bench.send(packet(), radius.status_server())
    assert bench.silent()
    assert bench.counts.settled["log_unavailable"] == 2
    assert bench.faults
    bench.log.away = False
    bench.send(packet())
    assert bench.answer()
    assert len(bench.log.records) == 1


def test_a_full_queue_answers_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limit=len(packet()) + 10)
    bench.log.go.clear()
    bench.send(packet(1), packet(2))
    assert bench.counts.received["queue_full"] == 1
    bench.log.go.set()
    assert bench.answer()[1] == 1
    bench.send(packet(2))
    assert bench.answer()[1] == 2
    bench.close()


def test_status_server_is_answered_and_keeps_nothing(bench: Bench) -> None:
    bench.send(radius.status_server(7))
    assert bench.answer()[:2] == b"\x05\x07"
    assert bench.log.records == []
    assert bench.counts.settled["status"] == 1


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (packet(secret=b"guessed"), "secret_wrong"),
        (b"\x04\x01", "malformed"),
        (bytes(4_097), "too_long"),
        (b"\x01" + packet()[1:], "code_unknown"),
        (radius.status_server(signs=False), "not_signed"),
    ],
)
def test_what_is_wrong_is_counted_and_not_answered(bench: Bench, data: bytes, outcome: str) -> None:
    bench.send(data)
    assert bench.silent()
    assert bench.counts.received == {**dict.fromkeys(RECEIVED, 0), outcome: 1}
    assert bench.log.records == []


def test_strangers_are_counted_and_not_answered(bench: Bench) -> None:
    assert bench.listener.take(packet(), ("192.0.2.9", 1)) == "client_unknown"
    assert bench.listener.take(packet(), ("127.0.0.2", 1)) == "not_signed"
    assert isinstance(bench.listener.take(packet(signs=True), ("127.0.0.2", 1)), Waiting)


def test_records_of_a_server_have_one_key_and_say_whence_they_came(bench: Bench) -> None:
    bench.send(packet(1), radius.request(radius.accounting(radius.ON, ""), 2))
    bench.answer()
    bench.answer()
    keys = {one.key for one in bench.log.records}
    assert keys == {"4:c0000201"}
    assert all(b'"client":"127.0.0.1"' in one.record for one in bench.log.records)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("shared"))
    yield made
    made.close()


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: packet()[:40] + tail))
def test_any_bytes_are_taken(shared: Bench, data: bytes) -> None:
    assert shared.listener.take(data, ("127.0.0.1", 9)) in RECEIVED


def test_the_smallest_network_decides() -> None:
    wide = replace(FEED, feed_id="wide", radius=(RadiusClient("0.0.0.0/0", "w", signed=False),))
    six = replace(FEED, feed_id="six", radius=(RadiusClient("2001:db8::/32", "w", signed=True),))
    found = Clients([wide, FEED, six], {**ENVIRONMENT, "TALLYWIRE_RADIUS_SECRET_W": "w" * 16})

    def feed(address: str) -> str:
        client = found.of(address)
        return client.feed.feed_id if client else ""

    assert [feed("10.1.2.3"), feed("11.1.2.3"), feed("::ffff:10.1.2.3")] == ["live", "wide", "live"]
    assert [feed("2001:db8::1"), feed("2001:db9::1")] == ["six", ""]
    assert feed("10.1.2.3") == "live"
    assert len(found) == 5
    assert found.of("127.0.0.2") == Client(FEED, radius.SECRET, signed=True)
    assert found.short == []
    assert Clients([FEED], {"TALLYWIRE_RADIUS_SECRET_BRAS": "testing123"}).short == [
        "TALLYWIRE_RADIUS_SECRET_BRAS"
    ]


def test_secrets_come_from_the_environment_or_a_file_of_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"of a file\n")
    assert secret_of("a.b", {"TALLYWIRE_RADIUS_SECRET_A_B_FILE": str(path)}) == b"of a file"
    assert secret_of("a.b", {"TALLYWIRE_RADIUS_SECRET_A_B": "plain"}) == b"plain"
    for wrong in ({}, {"TALLYWIRE_RADIUS_SECRET_A_B": ""},
                  {"TALLYWIRE_RADIUS_SECRET_A_B_FILE": str(tmp_path / "none")}):  # fmt: skip
        with pytest.raises(IngestMisuse, match="TALLYWIRE_RADIUS_SECRET_A_B"):
            secret_of("a.b", wrong)


def test_what_is_remembered_is_bounded() -> None:
    recent = Recent(window_s=10, most=2)
    for number in range(3):
        recent.begin(("peer", bytes([number])), now=float(number))
    recent.answered(("peer", b"\x01"), b"said")
    assert recent.find(("peer", b"\x00")) == PENDING
    assert recent.find(("peer", b"\x01")) == b"said"
    recent.forget(("peer", b"\x02"))
    assert recent.find(("peer", b"\x02")) is None
    recent.begin(("peer", b"\x04"), now=30.0)
    recent.begin(("peer", b"\x05"), now=60.0)
    assert recent.find(("peer", b"\x01")) is None
