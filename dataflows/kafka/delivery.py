"""Producing with patience: what was handed over is waited for, or nothing is committed."""

import time

from confluent_kafka import KafkaError, Message, Producer

from dataflows import stop
from dataflows.kafka.errors import KafkaRefused, KafkaUnavailable

_WAIT_S = 0.2
_GRACE_S = 3.0
"""How long a process that shall stop still waits for acknowledgements."""


class Deliveries:
    """A producer whose messages are all acknowledged before an epoch commits.

    Args:
        producer: Made by `dataflows.kafka.client.producer`.
        patience_s: How long a broker may be away, seconds.
    """

    def __init__(self, producer: Producer, patience_s: float) -> None:
        self._producer, self._patience_s = producer, patience_s
        self._failed: KafkaError | None = None
        self.offset = -1

    def send(
        self,
        topic: str,
        partition: int,
        value: bytes,
        *,
        key: bytes | None = None,
        headers: dict[str, str | bytes],
    ) -> None:
        """Hand a message over; it is durable only after `settle`.

        Raises:
            KafkaRefused: If an earlier one was refused.
            KafkaUnavailable: If there is no room for more in time.
        """
        began = time.monotonic()
        while True:
            try:
                self._producer.produce(
                    topic, value, key, partition, headers=list(headers.items()),
                    on_delivery=self._told,
                )  # fmt: skip
            except BufferError:
                self._wait(began)
            else:
                self._producer.poll(0)
                return

    def _told(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed = self._failed or error
        else:
            self.offset = message.offset() or 0

    def _wait(self, began: float) -> None:
        self._producer.poll(_WAIT_S)
        self._check()
        patience_s = min(_GRACE_S, self._patience_s) if stop.stopping() else self._patience_s
        if time.monotonic() > began + patience_s:
            msg = (
                f"Kafka did not take {len(self._producer)} messages in time; nothing is lost, "
                "start again when it answers"
            )
            raise KafkaUnavailable(msg)

    def _check(self) -> None:
        if self._failed is not None:
            msg = f"Kafka refused a message: {self._failed.str()}; look at the topic and its rights"
            raise KafkaRefused(msg)

    def settle(self) -> None:
        """Wait until everything is acknowledged by all replicas in sync.

        Raises:
            KafkaRefused: If a message was refused.
            KafkaUnavailable: If it takes too long, or a stop is asked for while nobody answers.
        """
        began = time.monotonic()
        while self._producer.flush(_WAIT_S):
            self._wait(began)
        self._check()
