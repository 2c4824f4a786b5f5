"""Kafka clients with the settings that exactly-once needs; the operator's own pass through.

Source: configuration of librdkafka 2.
"""

import logging
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from dataflows.kafka.answers import told_kafka
from dataflows.kafka.errors import KafkaMisuse, KafkaRefused
from dataflows.settings import Settings

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Largest message of the product's own topics: a block of a full batch takes 3 MB."""

_METADATA_S = 10.0
_BUFFER_KB = 64 * 1024
Tell = Callable[[str], None]

_logger = logging.getLogger("kafka")
_logger.addHandler(logging.NullHandler())
_logger.propagate = False  # a broker that is away fills pages; what matters comes by `tell`


def silent(_text: str) -> None:
    """Tell nobody: for questions whose own answer says what is wrong."""


def _common(settings: Settings, tell: Tell) -> dict[str, Any]:
    if not settings.kafka:
        msg = "no Kafka is configured: set TALLYWIRE_KAFKA=HOST:PORT"
        raise KafkaMisuse(msg)
    return {
        "bootstrap.servers": settings.kafka,
        "client.id": "tallywire",
        "socket.keepalive.enable": True,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 2_000,
        "log.connection.close": False,
        "error_cb": lambda error: tell(f"Kafka at {settings.kafka}: {error.str()}"),
        **settings.kafka_options,
    }


def consumer(
    settings: Settings,
    group: str,
    tell: Tell = silent,
    **more: Any,  # noqa: ANN401  librdkafka's own
) -> Consumer:
    """Open a consumer that is told where to read, and never jumps.

    An offset that is not there any more is an error, never a silent jump to the end.

    Args:
        group: Name under which offsets are committed, for tools that show lag.
        tell: Told what is wrong with the connection, again and again while it lasts.
        more: Further settings by librdkafka's names.

    Raises:
        KafkaMisuse: If no Kafka is configured, or a setting is wrong.
    """
    wanted = {
        **_common(settings, tell),
        "group.id": f"{settings.topic_prefix}{group}",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "fetch.queue.backoff.ms": 5,
        "fetch.wait.max.ms": 50,
        "fetch.message.max.bytes": MAX_MESSAGE_BYTES,
        "queued.max.messages.kbytes": _BUFFER_KB,
        **more,
    }
    try:
        return Consumer(wanted, logger=_logger)
    except KafkaException as error:
        raise _wrong(error) from error


def producer(
    settings: Settings,
    tell: Tell = silent,
    **more: Any,  # noqa: ANN401  as above
) -> Producer:
    """Open a producer that writes each message once and in order, or tells.

    No message is given up by the client itself: whoever waits for it has patience of its own.

    Args:
        tell: Told what is wrong with the connection, again and again while it lasts.
        more: Further settings by librdkafka's names.

    Raises:
        KafkaMisuse: If no Kafka is configured, or a setting is wrong.
    """
    wanted = {
        **_common(settings, tell),
        "acks": "all",
        "enable.idempotence": True,
        "enable.gapless.guarantee": True,
        "message.timeout.ms": 0,
        "linger.ms": 5,
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "partitioner": "murmur2_random",
        **more,
    }
    try:
        return Producer(wanted, logger=_logger)
    except KafkaException as error:
        raise _wrong(error) from error


def _wrong(error: KafkaException) -> KafkaMisuse:
    return KafkaMisuse(f"TALLYWIRE_KAFKA_OPTIONS: {error.args[0].str()}")


def partitions_of(settings: Settings, topic: str) -> int:
    """Ask how many partitions a topic has.

    Raises:
        KafkaUnavailable: If nobody answers within ten seconds.
        KafkaRefused: If the topic is not there.
    """
    asking = consumer(settings, "metadata")
    try:
        found = asking.list_topics(topic, timeout=_METADATA_S).topics[topic]
    except KafkaException as error:
        raise told_kafka(error.args[0], settings.kafka, f"describe {topic}") from error
    finally:
        asking.close()
    if found.error is not None or not found.partitions:
        missing = found.error is None or found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
        cure = "create it with `tallywire topics apply`" if missing else "look at its rights"
        reason = found.error.str() if found.error else "it has no partition"
        msg = f"the topic {topic} cannot be used ({reason}): {cure}"
        raise KafkaRefused(msg)
    return len(found.partitions)
