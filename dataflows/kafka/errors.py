"""What Kafka can refuse: each with what, where, what to do."""


class KafkaUnavailable(RuntimeError):  # noqa: N818  it says what is the case
    """Kafka does not answer, or not in time; nothing is lost, the same is tried again."""


class KafkaRefused(RuntimeError):  # noqa: N818  it says what is the case
    """Kafka refused: a topic that is missing, a right that is not given."""


class OffsetExpired(RuntimeError):  # noqa: N818  it says what is the case
    """Messages that were not read yet were deleted by the topic's retention."""
