"""What an answer of Kafka, or its silence, means for a person."""

from confluent_kafka import KafkaError

from dataflows.kafka.errors import KafkaRefused, KafkaUnavailable

_AWAY = frozenset(
    {KafkaError._TRANSPORT, KafkaError._AUTHENTICATION, KafkaError._ALL_BROKERS_DOWN,
     KafkaError._TIMED_OUT,
     KafkaError._RESOLVE, KafkaError._TIMED_OUT_QUEUE, KafkaError.REQUEST_TIMED_OUT,
     KafkaError.BROKER_NOT_AVAILABLE, KafkaError.NETWORK_EXCEPTION,
     KafkaError.LEADER_NOT_AVAILABLE, KafkaError.COORDINATOR_NOT_AVAILABLE}
)  # fmt: skip


def told_kafka(
    error: KafkaError, address: str, doing: str, last: str = ""
) -> KafkaUnavailable | KafkaRefused:
    """Say what Kafka's answer, or its silence, means.

    Args:
        error: What the client library says.
        address: The configured bootstrap servers.
        doing: What was tried: `list its topics`.
        last: The newest trouble of a connection, which tells more than a time-out does.
    """
    reason = last or error.str()
    if error.code() in _AWAY:
        return KafkaUnavailable(
            f"Kafka at {address} does not answer ({reason}): start it, or correct TALLYWIRE_KAFKA "
            "and TALLYWIRE_KAFKA_OPTIONS, and run again; nothing is lost"
        )
    return KafkaRefused(
        f"Kafka at {address} refuses to {doing} ({error.name()}: {reason}): give this client the "
        "right to, or correct the setting that it names, and run again"
    )
