"""A feed that is a Kafka topic, through the command: every shape of message, once, and its lag told."""

import io
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from dataflows.catalogs import example_folder, read_folder, write_folder
from tests.live.broker import Broker
from tests.live.commands import status_of, tallywire

pytestmark = [pytest.mark.live, pytest.mark.store]

TOPIC = "usage.platform"


def _event(number: int, **more: object) -> dict[str, object]:
    return {
        "specversion": "1.0", "type": "sms.sent", "source": "platform", "id": f"m{number}",
        "time": "2026-10-24T10:00:00Z", "data": {"from": "4790012001", "to": "4790010002"}, **more,
    }  # fmt: skip


def _catalog(folder: Path) -> Path:
    files = read_folder(example_folder())
    feed = files["feeds/platform.yaml"].decode()
    assert "path: platform/*.jsonl" in feed
    files["feeds/platform.yaml"] = feed.replace(
        "path: platform/*.jsonl", f"topic: {TOPIC}"
    ).encode()
    write_folder(files, folder)
    return folder


def _arrow(*events: dict[str, object]) -> bytes:
    sink = io.BytesIO()
    table = pa.Table.from_pylist([dict(event) for event in events])
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _messages() -> list[tuple[bytes | None, dict[str, str | bytes]]]:
    """Seventeen events that can be rated, one twice, one record too long, one broken, a tombstone."""
    too_long = _event(90, data={"from": "4790012001", "to": "4790010002", "pad": "x" * 1_200_000})
    binary: dict[str, str | bytes] = {
        f"ce_{name}": str(value) for name, value in _event(1).items() if name != "data"
    }
    return [
        (orjson.dumps(_event(0)), {}),
        (orjson.dumps(_event(1)["data"]), {"content-type": "application/json", **binary}),
        (orjson.dumps([_event(number) for number in range(2, 12)]), {}),
        (orjson.dumps(_event(12), option=orjson.OPT_INDENT_2), {}),
        (b"\n".join(orjson.dumps(_event(number)) for number in (13, 14)), {}),
        (_arrow(_event(15), _event(16)), {"content-type": "application/vnd.apache.arrow.stream"}),
        (orjson.dumps(_event(0)), {}),
        (orjson.dumps(too_long), {}),
        (b'{"specversion": "1.0", "id":', {}),
        (None, {}),
    ]


def test_every_shape_of_message_is_counted_once(broker: Broker, home: Path, tmp_path: Path) -> None:
    for topic in (TOPIC, "tallywire.suspense", "tallywire.alerts"):
        size = {"max.message.bytes": 2_000_000}
        broker.create_topic(topic, 2 if topic == TOPIC else 1, **size)
    out = Producer({"bootstrap.servers": broker.address, "message.max.bytes": 2_000_000})
    messages = _messages()
    for value, headers in messages:
        out.produce(TOPIC, value, key=b"one source", partition=0, headers=list(headers.items()))
    assert out.flush(30) == 0
    del out
    catalog = _catalog(tmp_path / "catalog")
    made = tallywire(
        "run", "--quiet", "--home", home, "--catalog", catalog, TALLYWIRE_KAFKA=broker.address
    )
    assert made.returncode == 0, made.stderr
    status = status_of(home)
    assert {name: status[name] for name in ("collected", "rated", "duplicate", "suspended")} == {
        "collected": 20, "rated": 17, "duplicate": 1, "suspended": 2,
    }  # fmt: skip
    assert status["conservation_difference"] == 0
    reasons = sorted(row["reason"] for row in status["suspense"])
    assert reasons == ["record_too_long", "record_unreadable"]
    again = tallywire("run", "--quiet", "--home", home, TALLYWIRE_KAFKA=broker.address)
    assert again.returncode == 0, again.stderr
    assert status_of(home)["collected"] == 20
    asking = Consumer({"bootstrap.servers": broker.address, "group.id": "tallywire.collection"})
    (noted,) = asking.committed([TopicPartition(TOPIC, 0)], timeout=10)
    asking.close()
    assert noted.offset == len(messages)
    followers = Consumer(
        {"bootstrap.servers": broker.address, "group.id": "t", "auto.offset.reset": "earliest"}
    )
    followers.assign([TopicPartition("tallywire.alerts", 0, 0)])
    alert = followers.poll(30)
    followers.close()
    assert alert is not None
    assert orjson.loads(alert.value())["type"] == "tallywire.alert"
