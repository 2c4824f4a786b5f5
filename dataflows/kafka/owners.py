"""Owners of collection lanes, where the usage log is on Kafka: who claims last owns.

A claim is a message of the topic `lanes`; its offset is the owner's generation, which every block
carries. A reader drops blocks of an older generation, an older owner stops.
"""

import os
import secrets
import socket

import orjson
from confluent_kafka import TopicPartition

from dataflows.kafka.client import Tell, consumer
from dataflows.kafka.delivery import Deliveries
from dataflows.kafka.fetcher import Fetcher
from dataflows.kafka.names import LANES, topic_of
from dataflows.lane_progress import COLLECTION
from dataflows.ownership import Ownership
from dataflows.settings import Home, Settings
from warehouse.owners import StaleOwner


class Claims:
    """The claims of one process.

    Args:
        deliveries: Sends them.
        tell: Told of what goes wrong and mends itself.
        patience_s: How long to wait for the claims that there are.

    Raises:
        KafkaUnavailable: If nobody answers in time.
        KafkaRefused: If the topic is missing or may not be read.
    """

    def __init__(
        self, settings: Settings, deliveries: Deliveries, tell: Tell, patience_s: float
    ) -> None:
        self._topic = topic_of(settings, LANES)
        self._deliveries = deliveries
        self._consumer = consumer(settings, "owners", tell)
        self._home = Home(settings.home)
        self._mine: dict[str, int] = {}
        self._newest = self._claimed(Fetcher(self._consumer, tell, patience_s))

    def _claimed(self, fetcher: Fetcher) -> dict[str, tuple[int, str]]:
        """Read the newest claim of each lane: its generation and its mark."""
        buffer = fetcher.open(self._topic, 0, 0)
        found: dict[str, tuple[int, str]] = {}
        while not buffer.drained or buffer.messages:
            fetcher.until(buffer, lambda: buffer.drained or bool(buffer.messages))
            while buffer.messages:
                message = buffer.take()
                lane = (message.key() or b"").decode(errors="replace")
                found[lane] = ((message.offset() or 0) + 1, _mark(message.value() or b""))
        self._consumer.unassign()
        return found

    def claim(self, lane: str) -> int:
        """Claim a lane, unless another home has done so since this one did; give our generation.

        Raises:
            StaleOwner: If one has.
            KafkaUnavailable: If nobody answers in time.
            KafkaRefused: If the topic may not be written.
        """
        ownership = Ownership(self._home.lane(COLLECTION, lane), lane)
        ownership.check(*self._newest.get(lane, (0, "")))
        mark = secrets.token_hex(8)
        ownership.begin(mark)
        owner = {"host": socket.gethostname(), "process": os.getpid(), "mark": mark}
        self._deliveries.settle()
        self._deliveries.send(self._topic, 0, orjson.dumps(owner), key=lane.encode(), headers={})
        self._deliveries.settle()
        generation = self._mine[lane] = self._deliveries.offset + 1
        ownership.done(generation)
        if len(self._mine) == 1:
            self._consumer.assign([TopicPartition(self._topic, 0, generation)])
        return generation

    def generation(self, lane: str) -> int:
        """Give our generation of a lane that we have claimed."""
        return self._mine[lane]

    def check(self) -> None:
        """Make sure that no other process has claimed one of our lanes since.

        Raises:
            StaleOwner: If one has.
        """
        if not self._mine:
            return
        for message in self._consumer.consume(1_000, 0):
            lane = (message.key() or b"").decode(errors="replace")
            mine = self._mine.get(lane)
            offset = message.offset()
            if message.error() is None and mine is not None and (offset or 0) >= mine:
                msg = (
                    f"lane {lane} was taken over by another worker "
                    f"({(message.value() or b'').decode(errors='replace')}); this one stops and "
                    "changes nothing more"
                )
                raise StaleOwner(msg)

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()


def _mark(value: bytes) -> str:
    """Read the mark of a claim; those of older versions have none."""
    try:
        return str(orjson.loads(value).get("mark", ""))
    except (orjson.JSONDecodeError, AttributeError):
        return ""
