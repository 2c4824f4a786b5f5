"""The broker and the cluster that other tests stand on do what those tests take for granted."""

import threading
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from tests.live.broker import Broker, BrokerMissing
from tests.live.mock_cluster import Api, Fault, MockCluster
from warehouse.server import free_port

pytestmark = pytest.mark.live


def _produce(address: str, topic: str, values: list[bytes], **more: object) -> None:
    """Produce and wait until every value is acknowledged."""
    producer = Producer(
        {"bootstrap.servers": address, "acks": "all", "enable.idempotence": True, "log_level": 0,
         "linger.ms": 0, "reconnect.backoff.max.ms": 200, "retry.backoff.max.ms": 200, **more}
    )  # fmt: skip
    failed: list[object] = []

    def told(error: object, _message: Message) -> None:
        if error is not None:
            failed.append(error)

    for value in values:
        producer.produce(topic, value, partition=0, on_delivery=told)
    assert producer.flush(60) == 0
    assert not failed


def _consume(address: str, topic: str, count: int) -> list[bytes | None]:
    consumer = Consumer(
        {"bootstrap.servers": address, "group.id": "none", "enable.auto.commit": False,
         "auto.offset.reset": "error", "log_level": 0, "reconnect.backoff.max.ms": 200}
    )  # fmt: skip
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[bytes | None] = []
    deadline = time.monotonic() + 60
    while len(found) < count and time.monotonic() < deadline:
        for message in consumer.consume(1_000, timeout=0.2):
            assert message.error() is None, message.error()
            found.append(message.value())
    consumer.close()
    return found


def test_a_killed_broker_comes_back_with_its_data(tmp_path: Path) -> None:
    try:
        broker = Broker(tmp_path, free_port(), free_port(), heap_mb=256)
    except BrokerMissing as reason:
        pytest.skip(str(reason))
    broker.start()
    try:
        broker.create_topic("kept", 3, retention_ms=-1)
        before = [b"%d" % number for number in range(1_000)]
        _produce(broker.address, "kept", before)
        broker.kill()
        broker.start()
        _produce(broker.address, "kept", [b"after"])
        assert _consume(broker.address, "kept", 1_001) == [*before, b"after"]
    finally:
        broker.stop()


def test_the_shared_broker_has_no_topics_by_itself(broker: Broker) -> None:
    broker.create_topic("one", 2)
    found = broker.admin().list_topics(timeout=10).topics
    assert len(found["one"].partitions) == 2
    assert "another" not in found


def test_a_round_trip_outlives_a_change_of_leader_and_an_outage() -> None:
    with MockCluster(3) as cluster:
        cluster.create_topic("t", 1, 3)
        cluster.set_leader("t", 0, 1)
        parts = [[b"%d" % number for number in range(start, start + 500)] for start in (0, 500)]
        _produce(cluster.address, "t", parts[0])
        cluster.set_leader("t", 0, 2)
        cluster.set_down()
        back = threading.Timer(2, cluster.set_up)
        began = time.monotonic()
        back.start()
        _produce(cluster.address, "t", parts[1])
        assert time.monotonic() - began >= 2
        back.join()
        assert _consume(cluster.address, "t", 1_000) == parts[0] + parts[1]


def test_errors_that_pass_are_tried_again() -> None:
    with MockCluster(1) as cluster:
        cluster.create_topic("t")
        cluster.queue_errors(Api.PRODUCE, [Fault.NOT_LEADER_FOR_PARTITION, Fault.REQUEST_TIMED_OUT])
        _produce(cluster.address, "t", [b"a", b"b"])
        assert _consume(cluster.address, "t", 2) == [b"a", b"b"]


def test_a_slow_broker_is_waited_for_and_cleared_errors_do_not_come() -> None:
    with MockCluster(1) as cluster:
        cluster.create_topic("t")
        cluster.queue_errors(Api.PRODUCE, [Fault.KAFKA_STORAGE_ERROR] * 1_000)
        cluster.clear_errors(Api.PRODUCE)
        cluster.set_rtt(300)
        began = time.monotonic()
        _produce(cluster.address, "t", [b"a"])
        assert time.monotonic() - began >= 0.3
        assert _consume(cluster.address, "t", 1) == [b"a"]
