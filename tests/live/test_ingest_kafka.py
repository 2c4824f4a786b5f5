"""The gateway in front of topics: acknowledged by the brokers before it is answered.

The cluster is the one in memory that librdkafka brings; it speaks the protocol over real sockets.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from dataflows.ingest.kafka import KafkaLog
from dataflows.ingest.log import Keyed, LogUnavailable
from tests.laws.feeds import SNAPSHOT
from tests.live.gateway import Gateway, event, http_catalog, problem
from warehouse.server import free_port

pytestmark = pytest.mark.live

TOPIC = "usage.raw"


class Cluster:
    """Brokers in memory, for as long as the client that holds them."""

    def __init__(self) -> None:
        self._client = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        (broker,) = self._client.list_topics(timeout=10).brokers.values()
        self.address = f"{broker.host}:{broker.port}"

    def messages(self, topic: str = TOPIC) -> list[Message]:
        """Read all partitions from their beginning."""
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": "test"})
        try:
            parts = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            ends = [
                consumer.get_watermark_offsets(TopicPartition(topic, n), timeout=10)[1]
                for n in parts
            ]
            consumer.assign([TopicPartition(topic, number, 0) for number in parts])
            found = []
            while len(found) < sum(ends):
                message = consumer.poll(10)
                assert message is not None
                assert message.error() is None
                found.append(message)
            return found
        finally:
            consumer.close()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def gateway(tmp_path: Path, cluster: Cluster) -> Iterator[Gateway]:
    made = Gateway(tmp_path, http_catalog(tmp_path / "catalog", topic=TOPIC), kafka=cluster.address)
    made.start()
    yield made
    made.close()


def test_what_is_accepted_is_in_the_topic_by_its_natural_key(
    gateway: Gateway, cluster: Cluster
) -> None:
    assert gateway.client.get("/v1/ready").status_code == 200
    records = [event(number) for number in range(40)]
    for _ in range(2):
        assert gateway.post(b"\n".join(records)).json() == {"accepted": 40}
    assert gateway.post(b"{}").status_code == 422
    found = cluster.messages()
    assert sorted(one.value() for one in found) == sorted(records * 2)
    places = {(one.key(), one.partition()) for one in found}
    assert len(places) == 40  # each key twice, and in one partition
    assert {key for key, _ in places} == {f"/live\x1f{number}".encode() for number in range(40)}
    assert len({partition for _, partition in places}) > 1
    assert {tuple(one.headers()) for one in found} == {(("content-type", b"application/json"),)}
    assert not (gateway.home.ingest / "platform").exists()


def test_brokers_that_are_away_are_answered_with_503(tmp_path: Path) -> None:
    made = Gateway(
        tmp_path, http_catalog(tmp_path / "catalog", topic=TOPIC),
        kafka=f"127.0.0.1:{free_port()}", kafka_options='{"message.timeout.ms": "1500"}',
    )  # fmt: skip
    try:
        made.start()
        answer = made.post(event(1))
        assert problem(answer) == "log-unavailable"
        assert answer.headers["retry-after"]
        assert problem(made.client.get("/v1/ready")) == "log-unavailable"
        assert made.stop() == 0
        for line in made.log.read_text().splitlines():
            assert json.loads(line)["role"] == "ingest"
    finally:
        made.close()


def test_settings_that_are_no_settings_are_told(cluster: Cluster) -> None:
    feed = replace(SNAPSHOT.feeds["platform"], topic=TOPIC)
    log = KafkaLog(cluster.address, {"no.such.setting": "1"})
    with pytest.raises(LogUnavailable, match=r"no\.such\.setting"):
        log.append(feed, [Keyed("a", b"{}")])
    with pytest.raises(LogUnavailable):
        log.check()


def test_what_makes_delivery_safe_cannot_be_set_otherwise(cluster: Cluster) -> None:
    feed = replace(SNAPSHOT.feeds["platform"], topic="safe")
    log = KafkaLog(cluster.address, {"acks": "0", "enable.idempotence": "false"})
    log.append(feed, [Keyed("a", b"{}")])
    assert [one.value() for one in cluster.messages("safe")] == [b"{}"]
    assert KafkaLog("", {"message.max.bytes": "100000"}).longest == 100_000 - 16 * 1024
    log.close()


def test_a_feed_says_how_its_producers_choose_a_partition(cluster: Cluster) -> None:
    feed = replace(SNAPSHOT.feeds["platform"], topic="crc", partitioner="crc32")
    log = KafkaLog(cluster.address, {})
    log.append(feed, [Keyed(f"key {number}", b"{}") for number in range(20)])
    found = cluster.messages("crc")
    partitions = 1 + max(one.partition() for one in found)
    assert len(found) == 20
    assert partitions > 1
    for one in found:
        assert one.partition() == zlib.crc32(one.key()) % partitions
    log.close()
