"""Rated usage, suspense and findings on topics of their own, for whoever wants to follow them.

They are published after the lane's order, at least once: a batch that is worked again after a crash
is published again, with the same bytes under the same token. Who counts them drops known tokens.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from dataflows.kafka.client import Tell, producer
from dataflows.kafka.delivery import Deliveries
from dataflows.kafka.names import ALERTS, RATED, SUSPENSE, topic_of
from dataflows.lane import StoreBatch
from dataflows.settings import Settings
from schemas.columns import to_arrow
from warehouse.tables import TABLES

_TABLES = {RATED: "rated_events", SUSPENSE: "suspense_events", ALERTS: "alerts"}
_ARROW = "application/vnd.apache.arrow.stream"
EVENT = "application/cloudevents+json"
"""Content type of a finding."""
_LZ4 = pa.ipc.IpcWriteOptions(compression="lz4")
_MOST_ROWS = 20_000
_ANY = -1


@dataclass(frozen=True)
class Published:
    """A message to be published.

    Attributes:
        key: What keeps an order: the lane, or the finding.
    """

    topic: str
    key: str
    value: bytes
    kind: str
    rows: int


def messages_of(batch: StoreBatch, names: list[str]) -> Iterator[Published]:
    """Write what a batch publishes.

    Args:
        names: Topics that are published: `rated`, `suspense`, `alerts`.
    """
    lane = batch.entry.lane
    for name in names:
        frame = batch.tables.get(_TABLES[name])
        if frame is None or frame.is_empty():
            continue
        if name == ALERTS:
            for row in frame.iter_rows(named=True):
                content = event_of(row, lane, batch.entry.token)
                yield Published(name, row["alert_id"], content, EVENT, 1)
            continue
        for start in range(0, frame.height, _MOST_ROWS):
            rows = frame.slice(start, _MOST_ROWS)
            table = to_arrow(rows, TABLES[_TABLES[name]].record)
            yield Published(name, lane, _arrow(table), _ARROW, rows.height)


def _arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=_LZ4) as writer:
        writer.write_table(table)
    return sink.getvalue()


def event_of(row: dict[str, Any], lane: str, token: str) -> bytes:
    """Write a finding as a structured CloudEvent; money is decimal text.

    Args:
        row: Fields of Alert by name.
        lane: Who found it.
        token: Of the insert that brought it to the store.
    """
    event = {
        "specversion": "1.0",
        "id": f"{row['alert_id']}:{token}",
        "source": f"tallywire/{lane}",
        "type": "tallywire.alert",
        "subject": row["entity_id"],
        "datacontenttype": "application/json",
        "data": row,
    }
    return orjson.dumps(event, default=str)


class TopicsPart(StatefulSinkPartition[StoreBatch, None]):
    """One lane's way to the topics."""

    def __init__(self, settings: Settings, deliveries: Deliveries) -> None:
        self._settings, self._deliveries = settings, deliveries

    def write_batch(self, items: list[StoreBatch]) -> None:
        """Hand messages to the producer; they are not durable yet.

        Raises:
            KafkaRefused: If Kafka does not take them.
            KafkaUnavailable: If it does not do so in time.
        """
        for batch in items:
            for number, made in enumerate(messages_of(batch, list(self._settings.publish))):
                headers: dict[str, str | bytes] = {
                    "content-type": made.kind,
                    "token": f"{batch.entry.token}:{made.topic}:{number}",
                    "lane": batch.entry.lane, "rows": str(made.rows),
                    "catalog": batch.entry.catalog_hash,
                }  # fmt: skip
                topic = topic_of(self._settings, made.topic)
                self._deliveries.send(
                    topic, _ANY, made.value, key=made.key.encode(), headers=headers
                )

    def snapshot(self) -> None:
        """Wait until everything is acknowledged: this runs before the epoch commits."""
        self._deliveries.settle()

    def close(self) -> None:
        """The other lanes share the producer."""


class TopicsSink(FixedPartitionedSink[StoreBatch, None]):
    """The published topics, written lane by lane."""

    def __init__(self, settings: Settings, lanes: list[str], tell: Tell) -> None:
        self._settings, self._lanes = settings, sorted(lanes)
        self._deliveries = Deliveries(producer(settings, tell), settings.store_patience_s)

    def list_parts(self) -> list[str]:
        """Name every lane."""
        return self._lanes

    def part_fn(self, item_key: str) -> int:
        """Send a lane's batches to that lane's part: parts are counted in sorted order."""
        return self._lanes.index(item_key)

    def build_part(self, _step_id: str, _for_part: str, _resume_state: None) -> TopicsPart:
        """Open a lane's part."""
        return TopicsPart(self._settings, self._deliveries)
