"""Accepted usage into a topic: idempotent, acknowledged by all replicas in sync, then answered."""

import time
from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from dataflows.ingest.log import Keyed, LogUnavailable
from schemas.services import Partitioner
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import MAX_RECORD_BYTES

_PATIENCE_S = 10.0
_RETRY_S = 1.0
_CHECK_S = 2.0
_MESSAGE_BYTES = 1_000_000
_BESIDE_BYTES = 16 * 1024  # what a message holds beside the record: key, headers, frame
_HEADERS: list[tuple[str, str | bytes | None]] = [("content-type", b"application/json")]


Reported = Callable[[KafkaError | None, "Message[bytes, bytes]"], None]


_PARTITIONERS = {Partitioner.CRC32.value: "consistent_random"}
"""By the feed's own word; the others are served by that of Java clients."""


def _configuration(
    servers: str, options: Mapping[str, str], partitioner: str
) -> dict[str, str | int | bool]:
    """Put ours behind the operator's: what makes delivery safe is not to be set otherwise."""
    return {
        "linger.ms": 1,
        "message.timeout.ms": int(_PATIENCE_S * 1_000),
        "log_level": 2,  # it writes lines of its own; what fails in the end is told by us
        **options,
        "bootstrap.servers": servers,
        "acks": "all",
        "enable.idempotence": True,
        "partitioner": _PARTITIONERS.get(partitioner, "murmur2_random"),
    }


class KafkaLog:
    """Topics of a cluster.

    Args:
        servers: `host:port,host:port`; empty where none is configured.
        options: Further settings by librdkafka's names.
    """

    def __init__(self, servers: str, options: Mapping[str, str]) -> None:
        self._servers, self._options = servers, options
        whole = int(options.get("message.max.bytes", _MESSAGE_BYTES))
        self.longest = min(MAX_RECORD_BYTES, whole - _BESIDE_BYTES)
        self._producers: dict[str, Producer] = {}
        self._away_until = 0.0

    def _opened(self, partitioner: str) -> Producer:
        if not self._servers:
            msg = "the feed goes into a topic, and no Kafka is configured: set TALLYWIRE_KAFKA"
            raise LogUnavailable(msg)
        if partitioner not in self._producers:
            configuration = _configuration(self._servers, self._options, partitioner)
            try:
                self._producers[partitioner] = Producer(configuration)
            except KafkaException as error:
                msg = f"the settings of Kafka are refused: {_words(error)}"
                raise LogUnavailable(msg) from error
        return self._producers[partitioner]

    def append(self, feed: Feed, records: Sequence[Keyed]) -> None:
        """Produce records into the feed's topic, and wait until every one is acknowledged."""
        if time.monotonic() < self._away_until:
            msg = f"topic {feed.topic} could not be written a moment ago"
            raise LogUnavailable(msg)
        producer = self._opened(feed.partitioner)
        failures: list[KafkaError] = []

        def reported(error: KafkaError | None, _message: "Message[bytes, bytes]") -> None:
            if error is not None:
                failures.append(error)

        deadline = time.monotonic() + _PATIENCE_S + _RETRY_S
        try:
            for one in records:
                self._produce(producer, feed.topic, one, reported, deadline)
            left = producer.flush(max(0.0, deadline - time.monotonic()))
        except KafkaException as error:
            raise self._away(feed, _words(error)) from error
        if failures or left:
            raise self._away(feed, failures[0].str() if failures else "no answer in time")

    @staticmethod
    def _produce(
        producer: Producer, topic: str, one: Keyed, reported: Reported, deadline: float
    ) -> None:
        while True:
            try:
                producer.produce(topic, one.record, one.key, on_delivery=reported, headers=_HEADERS)
            except BufferError:
                if time.monotonic() > deadline:
                    raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from None  # noqa: SLF001  so it is published
                producer.poll(0.05)
            else:
                return

    def _away(self, feed: Feed, why: str) -> LogUnavailable:
        """Begin anew with a new producer: what the old one still holds is never sent."""
        if (producer := self._producers.pop(feed.partitioner, None)) is not None:
            producer.purge()
        self._away_until = time.monotonic() + _RETRY_S
        return LogUnavailable(f"topic {feed.topic} cannot be written: {why}")

    def check(self) -> None:
        """Ask the cluster for its brokers."""
        producer = self._opened(Partitioner.MURMUR2.value)
        try:
            producer.list_topics(timeout=_CHECK_S)
        except KafkaException as error:
            msg = f"Kafka does not answer: {_words(error)}"
            raise LogUnavailable(msg) from error

    def close(self) -> None:
        """Let go of the connection: every record was waited for."""
        self._producers.clear()


def _words(error: KafkaException) -> str:
    cause = error.args[0] if error.args else error
    return cause.str() if isinstance(cause, KafkaError) else str(cause)
