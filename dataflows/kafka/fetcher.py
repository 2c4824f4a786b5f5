"""Reading partitions from given offsets: a consumer for a process, a buffer for a partition."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as Place

from dataflows import stop
from dataflows.kafka.client import Tell
from dataflows.kafka.errors import KafkaRefused, KafkaUnavailable, OffsetExpired

_AT_ONCE = 10_000
_FULL_BYTES = 32 * 1024 * 1024
_WAIT_S = 0.1
_PAUSE_S = 0.005
"""Between two polls: many partitions ask one after the other."""
_ASK_S = 5.0
_FATAL = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._AUTHENTICATION,
    }
)
_EOF = KafkaError._PARTITION_EOF
_EXPIRED = KafkaError._AUTO_OFFSET_RESET


@dataclass
class Buffer:
    """Messages of one partition that were fetched and not taken yet.

    Attributes:
        position: Offset of the next message that will be taken.
        size: Bytes of the messages' values.
        end: Offset behind the newest message, as far as is known; -1 before anything is.
        drained: The last that came was the end of the partition.
    """

    topic: str
    partition: int
    position: int
    messages: deque[Message] = field(default_factory=deque)
    size: int = 0
    end: int = -1
    drained: bool = False
    paused: bool = False
    expired: bool = False

    @property
    def place(self) -> Place:
        """Name the partition to the client."""
        return Place(self.topic, self.partition)

    def put(self, message: Message) -> None:
        """Add a message that was fetched."""
        self.messages.append(message)
        self.size += len(message.value() or b"")
        self.drained = False

    def take(self) -> Message:
        """Take the next message."""
        message = self.messages.popleft()
        self.size -= len(message.value() or b"")
        self.position = (message.offset() or 0) + 1
        return message


class Fetcher:
    """Fetches for all partitions that were opened; a buffer that is full is not fetched for.

    Args:
        consumer: Made by `dataflows.kafka.client.consumer`.
        tell: Told of what goes wrong and mends itself.
        patience_s: How long `until` waits for Kafka.
    """

    def __init__(self, consumer: Consumer, tell: Tell, patience_s: float) -> None:
        self._consumer, self._tell, self._patience_s = consumer, tell, patience_s
        self._buffers: dict[tuple[str, int], Buffer] = {}
        self._polled = 0.0

    def open(self, topic: str, partition: int, offset: int) -> Buffer:
        """Begin to fetch a partition at an offset; 0 is its beginning, wherever that is now.

        One that was open is opened anew.
        """
        buffer = Buffer(topic, partition, offset)
        if (topic, partition) in self._buffers:
            self._consumer.incremental_unassign([buffer.place])
        self._buffers[topic, partition] = buffer
        self._consumer.incremental_assign([Place(topic, partition, offset or OFFSET_BEGINNING)])
        return buffer

    def poll(self, wait_s: float = 0.0) -> int:
        """Take what was fetched into the buffers; tell how many messages that was.

        Raises:
            KafkaRefused: If a topic is gone or may not be read.
        """
        now = time.monotonic()
        if not wait_s and now - self._polled < _PAUSE_S:
            return 0
        self._polled = now
        messages = self._consumer.consume(_AT_ONCE, wait_s)
        for message in messages:
            error = message.error()
            buffer = self._buffers.get((message.topic() or "", message.partition() or 0))
            if error is not None:
                self._take_error(error, buffer)
            elif buffer is not None:
                buffer.put(message)
        for buffer in self._buffers.values():
            self._regulate(buffer)
        return len(messages)

    def _take_error(self, error: KafkaError, buffer: Buffer | None) -> None:
        if buffer is not None and error.code() == _EOF:
            buffer.drained = True
        elif buffer is not None and error.code() == _EXPIRED:
            buffer.expired = True
        elif error.code() in _FATAL:
            where = f"{buffer.topic}/{buffer.partition}" if buffer else "a topic"
            msg = f"{where} cannot be read: {error.str()}; look at the topic and its rights"
            raise KafkaRefused(msg)
        else:
            self._tell(f"Kafka: {error.str()}")

    def _regulate(self, buffer: Buffer) -> None:
        if not buffer.paused and buffer.size > _FULL_BYTES:
            self._consumer.pause([buffer.place])
            buffer.paused = True
        elif buffer.paused and buffer.size < _FULL_BYTES // 2:
            self._consumer.resume([buffer.place])
            buffer.paused = False

    def until(self, buffer: Buffer, ready: Callable[[], bool]) -> None:
        """Fetch until something has come.

        Raises:
            KafkaUnavailable: If it does not come in time, or a stop is asked for.
            OffsetExpired: If it is not there any more.
        """
        deadline = time.monotonic() + self._patience_s
        while not ready():
            if stop.stopping() or time.monotonic() > deadline:
                msg = (
                    f"Kafka did not give {buffer.topic}/{buffer.partition} from offset "
                    f"{buffer.position} on; nothing is lost, start again when it answers"
                )
                raise KafkaUnavailable(msg)
            self.poll(_WAIT_S)
            self.check(buffer)

    def check(self, buffer: Buffer) -> None:
        """Make sure that the position of a partition can be read.

        Raises:
            OffsetExpired: If retention has deleted it.
        """
        if not buffer.expired:
            return
        low, _ = self.bounds(buffer)
        place = f"{buffer.topic}/{buffer.partition}"
        raise OffsetExpired(place, buffer.position, low)

    def bounds(self, buffer: Buffer) -> tuple[int, int]:
        """Ask for the first offset of a partition that is there, and the one behind the last.

        Raises:
            KafkaUnavailable: If nobody answers.
        """
        try:
            return self._consumer.get_watermark_offsets(buffer.place, timeout=_ASK_S)
        except KafkaException as error:
            msg = f"Kafka does not tell the bounds of {buffer.topic}: {error.args[0].str()}"
            raise KafkaUnavailable(msg) from error

    def end(self, buffer: Buffer) -> int:
        """Give the offset behind the newest message, without asking anybody.

        A partition that is drained ends where its reader is, whatever markers lie behind.
        """
        if buffer.drained and not buffer.messages:
            return buffer.position
        found = self._consumer.get_watermark_offsets(buffer.place, cached=True)
        buffer.end = max(buffer.end, found[1] if found else -1)
        return max(buffer.end, buffer.position + 1)

    def note(self, offsets: dict[tuple[str, int], int]) -> None:
        """Commit offsets for tools that show lag; nothing is resumed from them."""
        places = [Place(topic, number, offset) for (topic, number), offset in offsets.items()]
        if places:
            self._consumer.commit(offsets=places, asynchronous=True)

    def close(self) -> None:
        """Let go of the brokers."""
        self._consumer.close()
