"""Keys and their partitions, as the clients that wrote them choose."""

from itertools import count

import numpy as np
import pytest
from confluent_kafka import Message, Producer
from hypothesis import given
from hypothesis import strategies as st

from dataflows.kafka.affinity import crc32, misplaced, murmur2, partitions_of
from tests.live.broker import Broker

_NUMBERS = count()

PUBLISHED = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}
"""Keys and hashes that the tests of Kafka's Java client publish."""


def test_the_published_hashes_come_out() -> None:
    assert murmur2(list(PUBLISHED)).view(np.int32).tolist() == list(PUBLISHED.values())
    assert [murmur2([key]).view(np.int32)[0] for key in PUBLISHED] == list(PUBLISHED.values())
    assert crc32([b"123456789", b""]).tolist() == [0xCBF43926, 0]


def _murmur2(key: bytes) -> int:
    """Hash one key, byte by byte, with Python's numbers."""
    mask, multiplier = 0xFFFFFFFF, 0x5BD1E995
    found = 0x9747B28C ^ len(key)
    whole = len(key) // 4 * 4
    for start in range(0, whole, 4):
        word = int.from_bytes(key[start : start + 4], "little") * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        found = (found * multiplier & mask) ^ word
    if key[whole:]:
        found = (found ^ int.from_bytes(key[whole:], "little")) * multiplier & mask
    found = (found ^ found >> 13) * multiplier & mask
    return found ^ found >> 15


@given(st.lists(st.binary(max_size=70), max_size=30))
def test_many_keys_at_once_are_hashed_as_one_by_one(keys: list[bytes]) -> None:
    assert murmur2(keys).tolist() == [_murmur2(key) for key in keys]


@given(st.lists(st.none() | st.binary(max_size=9), max_size=30), st.integers(1, 20), st.data())
def test_a_message_is_misplaced_in_all_partitions_but_one(
    keys: list[bytes | None], partitions: int, data: st.DataObject
) -> None:
    partitioner = data.draw(st.sampled_from(["murmur2", "crc32"]))
    found = [misplaced(keys, number, partitions, partitioner) for number in range(partitions)]
    absent = sum(key is None for key in keys)
    if partitions == 1:
        assert found == [0]
    else:
        assert sum(found) == absent * partitions + (len(keys) - absent) * (partitions - 1)
    assert misplaced(keys, 0, partitions, "none") == 0


def test_another_partitioner_says_nothing_about_keys() -> None:
    with pytest.raises(ValueError, match="does not say"):
        partitions_of([b"a"], 2, "none")


@pytest.mark.live
@pytest.mark.parametrize(("named", "ours"), [("murmur2", "murmur2"), ("consistent", "crc32")])
def test_the_client_library_puts_keys_where_we_look_for_them(
    broker: Broker, named: str, ours: str
) -> None:
    topic = f"keys{next(_NUMBERS)}-{named}"
    broker.create_topic(topic, 12)
    producer = Producer({"bootstrap.servers": broker.address, "partitioner": named, "log_level": 0})
    keys = [b"%d" % (7**number) for number in range(300)] + [b"\xff\x80\x81", b"k" * 1_000]
    found: dict[bytes, int] = {}

    def told(error: object, message: Message) -> None:
        assert error is None
        key, partition = message.key(), message.partition()
        assert isinstance(key, bytes)
        assert partition is not None
        found[key] = partition

    for key in keys:
        producer.produce(topic, b"", key=key, on_delivery=told)
    assert producer.flush(30) == 0
    assert [found[key] for key in keys] == partitions_of(keys, 12, ours).tolist()
    of_five = [key for key, partition in found.items() if partition == 5]
    assert misplaced([*of_five, None], 5, 12, ours) == 1
