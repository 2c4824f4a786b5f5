"""Owners of collection lanes, where the usage log is on Kafka: who claims last owns.

A claim is a message of the topic `lanes`; its offset is the owner's generation, which every block
carries. A reader drops blocks of an older generation, an older owner stops.
"""

import os
import socket

import orjson
from confluent_kafka import TopicPartition

from dataflows.kafka.client import Tell, consumer
from dataflows.kafka.delivery import Deliveries
from dataflows.kafka.names import LANES, topic_of
from dataflows.settings import Settings
from warehouse.owners import StaleOwner


class Claims:
    """The claims of one process."""

    def __init__(self, settings: Settings, deliveries: Deliveries, tell: Tell) -> None:
        self._topic = topic_of(settings, LANES)
        self._deliveries = deliveries
        self._consumer = consumer(settings, "owners", tell)
        self._mine: dict[str, int] = {}

    def generation(self, lane: str) -> int:
        """Give this process's generation of a lane, claimed when it is first asked for.

        Raises:
            KafkaUnavailable: If nobody answers in time.
            KafkaRefused: If the topic is missing or may not be written.
        """
        if lane not in self._mine:
            owner = {"host": socket.gethostname(), "process": os.getpid()}
            self._deliveries.settle()
            self._deliveries.send(
                self._topic, 0, orjson.dumps(owner), key=lane.encode(), headers={}
            )
            self._deliveries.settle()
            self._mine[lane] = self._deliveries.offset + 1
            if len(self._mine) == 1:
                self._consumer.assign([TopicPartition(self._topic, 0, self._mine[lane])])
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
