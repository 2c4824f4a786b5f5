"""What producers do wrong: records sent twice, out of order, into a partition of another key."""

import random
from pathlib import Path
from typing import Any

import pytest

from dataflows.groups import COLLECTION
from dataflows.kafka.affinity import partitions_of
from tests.live.broker import Broker
from tests.live.streams import Quiet, StreamHome, check_whole, database, natural_key, order_free

pytestmark = [pytest.mark.live, pytest.mark.store]

WINDOW = 300
ELSEWHERE = 100


def _bulk(usage: list[bytes], count: int) -> list[bytes]:
    """Give records that are whole, each once."""
    return list({natural_key(one): one for one in usage if b'"e-0' in one}.values())[:count]


def _shuffled(records: list[bytes], chance: random.Random) -> list[bytes]:
    """Send everything twice, and each window in another order."""
    twice = [one for record in records for one in (record, record)]
    for start in range(0, len(twice), WINDOW):
        part = twice[start : start + WINDOW]
        chance.shuffle(part)
        twice[start : start + WINDOW] = part
    return twice


def test_sent_twice_and_out_of_order_each_is_counted_once(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    records = _bulk(quiet.usage, 6_000)
    once = database(server, "test_sent_once")
    with StreamHome(tmp_path / "once", once, broker, "sent-once") as home:
        home.create_topics()
        home.produce(records)
        home.finish()
        expected = order_free(once.client())
    store = database(server, "test_sent_twice")
    with StreamHome(tmp_path / "twice", store, broker, "sent-twice", log="kafka") as home:
        home.create_topics()
        home.produce(_shuffled(records, random.Random(5)))
        home.finish(collection_rows=170)
        found = order_free(store.client())
        check_whole(home, found)
    assert found["rows"] == expected["rows"]
    assert found["set_aside"] == [("duplicate", "duplicate_record", len(records))]
    assert found["fates"] == [(2 * len(records), len(records), len(records), 0, 0, 0, 0, 0)]


def test_a_record_in_another_partition_is_told(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    """Its lane cannot know the other copy: the fault is counted, and the rest is counted once."""
    records = _bulk(quiet.usage, 2_000)
    store = database(server, "test_elsewhere")
    with StreamHome(tmp_path, store, broker, "elsewhere") as home:
        home.create_topics()
        home.produce(records)
        places = partitions_of([natural_key(one) for one in records], home.raw, "murmur2")
        wrong = [one for one, place in zip(records, places, strict=True) if place == 0][:ELSEWHERE]
        home.produce(wrong, partition=1)
        home.finish()
        lanes = home.progress(COLLECTION)["lanes"]
        faults = [lanes[lane]["key_affinity_faults"] for lane in home.lanes]
        assert faults == [0, ELSEWHERE]
        ((rows, events, *_),) = order_free(store.client())["rows"]  # type: ignore[misc]
        assert (rows, events) == (len(records) + ELSEWHERE, len(records))
        ((*_, difference),) = order_free(store.client())["fates"]  # type: ignore[misc]
        assert difference == 0
