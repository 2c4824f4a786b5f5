"""What can be wrong with Kafka and with a schema registry: one sentence each, with what to do."""


class KafkaUnavailable(RuntimeError):  # noqa: N818  it says what is the case
    """Kafka does not answer: an absent world, tried again later; nothing is lost."""


class StoppedWaiting(KafkaUnavailable):
    """A stop was asked for while something was waited for: no fault of Kafka."""


class KafkaRefused(RuntimeError):  # noqa: N818  as above
    """Kafka answers, and refuses what was asked: a right, a policy or a setting is missing."""


class KafkaMisuse(ValueError):  # noqa: N818  as above
    """What was asked for, or how Kafka is configured, cannot be; the message says what to do."""


class RegistryUnavailable(RuntimeError):  # noqa: N818  as above
    """The schema registry does not answer, or not us; tried again later, nothing is lost."""


class RegistryMissing(RuntimeError):  # noqa: N818  as above
    """Messages need a schema registry, and none is configured or its library is not installed."""


class OffsetExpired(RuntimeError):  # noqa: N818  as above
    """Messages that were not read yet were deleted by the topic's retention.

    Attributes:
        place: The partition: `usage.raw/3`.
        position: First offset that was not read.
        low: First offset that is there.
    """

    def __init__(self, place: str, position: int, low: int, more: str = "") -> None:
        super().__init__(
            f"offset {position} of {place} has expired: {max(0, low - position)} messages before "
            f"offset {low} were deleted before they were read{more}"
        )
        self.place, self.position, self.low = place, position, low
