"""Leaders change and brokers answer with errors: what is sent and read is each message, in order."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import polars as pl
import pytest
from confluent_kafka import Message

from dataflows.kafka.client import consumer, producer
from dataflows.kafka.delivery import Deliveries
from dataflows.kafka.errors import KafkaUnavailable
from dataflows.kafka.fetcher import Fetcher
from dataflows.settings import Settings
from dataflows.sources.topic import TopicStream
from dataflows.usage_log.blocks import encode
from dataflows.usage_log.kafka import Heading, KafkaLog, pieces
from schemas.feeds import LedgerEntry
from tests.live.mock_cluster import Api, Fault, MockCluster

pytestmark = pytest.mark.live

MESSAGES = 3_000
PASSING = (
    Fault.NOT_LEADER_FOR_PARTITION, Fault.LEADER_NOT_AVAILABLE, Fault.REQUEST_TIMED_OUT,
    Fault.NOT_ENOUGH_REPLICAS,
)  # fmt: skip


def _settings(cluster: MockCluster) -> Settings:
    options = {"retry.backoff.max.ms": "200", "reconnect.backoff.max.ms": "200"}
    return Settings(kafka=cluster.address, kafka_options=options)


def _fetcher(cluster: MockCluster) -> Fetcher:
    return Fetcher(consumer(_settings(cluster), "test"), lambda _text: None, 60)


@contextmanager
def _trouble(cluster: MockCluster, topic: str, apis: Sequence[Api]) -> Iterator[list[int]]:
    """Change the leader again and again, let requests fail, take a broker away for a moment."""
    ending, turns = threading.Event(), [0]

    def run() -> None:
        while not ending.wait(0.7):
            number = turns[0] = turns[0] + 1
            cluster.set_leader(topic, 0, number % cluster.brokers + 1)
            for api in apis:
                cluster.queue_errors(api, [PASSING[number % len(PASSING)]])
            if number % 4 == 0:
                cluster.set_down(number % cluster.brokers + 1)
                time.sleep(0.3)
                cluster.set_up(number % cluster.brokers + 1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield turns
    finally:
        ending.set()
        thread.join()
        for api in apis:
            cluster.clear_errors(api)


def _read(fetcher: Fetcher, topic: str, count: int) -> list[bytes]:
    buffer = fetcher.open(topic, 0, 0)
    found = []
    while len(found) < count:
        fetcher.until(buffer, lambda: bool(buffer.messages))
        found.append(buffer.take().value() or b"")
    return found


def test_each_message_is_delivered_once_and_in_order() -> None:
    with MockCluster(3) as cluster:
        cluster.create_topic("t", 1, 3)
        deliveries = Deliveries(producer(_settings(cluster)), 60)
        with _trouble(cluster, "t", [Api.PRODUCE]) as turns:
            for number in range(MESSAGES):
                deliveries.send("t", 0, b"%d" % number, headers={})
                if number % 150 == 0:
                    deliveries.settle()
                    time.sleep(0.15)
            deliveries.settle()
        assert turns[0] >= 3
        fetcher = _fetcher(cluster)
        with _trouble(cluster, "t", [Api.FETCH]):
            assert _read(fetcher, "t", MESSAGES) == [b"%d" % number for number in range(MESSAGES)]
        fetcher.close()
        print(f"\n{MESSAGES} messages, {turns[0]} changes of leader, none twice")  # noqa: T201


def test_what_is_not_acknowledged_is_never_taken_for_durable() -> None:
    with MockCluster(1) as cluster:
        cluster.create_topic("t")
        deliveries = Deliveries(producer(_settings(cluster)), 3)
        deliveries.send("t", 0, b"a", headers={})
        deliveries.settle()
        cluster.set_down()
        deliveries.send("t", 0, b"b", headers={})
        with pytest.raises(KafkaUnavailable, match="did not take 1 messages in time"):
            deliveries.settle()
        cluster.set_up()
        _wait(lambda: _settled(deliveries))
        fetcher = _fetcher(cluster)
        assert _read(fetcher, "t", 2) == [b"a", b"b"]
        fetcher.close()


def _settled(deliveries: Deliveries) -> bool:
    try:
        deliveries.settle()
    except KafkaUnavailable:
        return False
    return True


def _wait(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not found():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.01)


def test_ranges_of_a_topic_are_read_again_as_they_were() -> None:
    def unwrap(messages: Sequence[Message]) -> tuple[list[bytes], int]:
        return [message.value() or b"" for message in messages], 0

    with MockCluster(3) as cluster:
        cluster.create_topic("t", 1, 3)
        deliveries = Deliveries(producer(_settings(cluster)), 60)
        for number in range(MESSAGES):
            deliveries.send("t", 0, b"%d" % number, headers={})
        deliveries.settle()
        first, second = _fetcher(cluster), _fetcher(cluster)
        stream = TopicStream(first, "t", 0, unwrap, lambda _messages: 0)
        again = TopicStream(second, "t", 0, unwrap, lambda _messages: 0)
        place, ranges = 0, []
        with _trouble(cluster, "t", [Api.FETCH, Api.LIST_OFFSETS]) as turns:
            while place < MESSAGES:
                found = stream.next(place, rows=77, limit=1 << 20)
                if found is not None:
                    ranges.append(found)
                    place = found.last
                    time.sleep(0.05)
            for made in ranges:
                assert again.read(made.first, made.last).data == made.data
        assert b"".join(made.data for made in ranges).split() == [
            b"%d" % number for number in range(MESSAGES)
        ]
        assert turns[0] >= 2
        first.close()
        second.close()


def _cut(found_last: int, first: int, rows: int, detail: str) -> LedgerEntry:
    return LedgerEntry(
        lane="usage-0000", position=0, source="usage", first=first, last=found_last, records=rows,
        ledgered_at=0, catalog_hash="", token="", detail=detail,
    )  # fmt: skip


def _blocks(deliveries: Deliveries, generation: int, positions: Sequence[int]) -> None:
    for position in positions:
        frame = pl.DataFrame({"number": [position * 10 + row for row in range(10)]})
        for sequence, piece in pieces("a", position, encode("a", position, {"x": frame})):
            head = Heading("a", generation, sequence, 10)
            deliveries.send("t", 0, piece, headers=head.headers())


def test_blocks_that_a_restarted_writer_sends_again_are_read_once() -> None:
    with MockCluster(3) as cluster:
        cluster.create_topic("t", 1, 3)
        deliveries = Deliveries(producer(_settings(cluster)), 60)
        with _trouble(cluster, "t", [Api.PRODUCE]):
            for generation in range(1, 6):
                start = max(0, generation * 20 - 30)
                _blocks(deliveries, generation, range(start, generation * 20))
                deliveries.settle()
            _blocks(deliveries, 4, range(200, 205))  # of an owner that was replaced
            deliveries.settle()
        fetcher = _fetcher(cluster)
        log = KafkaLog(fetcher, "t", 0, lambda: _fetcher(cluster), lambda _text: None)
        log.resume({}, [])
        numbers: list[int] = []
        cuts: list[LedgerEntry] = []
        with _trouble(cluster, "t", [Api.FETCH]):
            place = 0
            while len(numbers) < 1_000:
                found = log.plan(place, 70)
                if found.rows:
                    cuts.append(_cut(found.last, place, found.rows, found.detail))
                    numbers += log.read(cuts[-1])["x"]["number"].to_list()
                    place = found.last
            _wait(lambda: log.plan(place, 70).at >= 145)
            assert not log.plan(place, 70).rows
        assert numbers == list(range(1_000))
        kept = [log.again(cut, {}, cuts[:number])["x"] for number, cut in enumerate(cuts)]
        assert pl.concat(kept)["number"].to_list() == numbers
        fetcher.close()
