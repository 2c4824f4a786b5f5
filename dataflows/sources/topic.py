"""A partition of a raw Kafka topic as a stream of records."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from confluent_kafka import Message

from dataflows.kafka.fetcher import Buffer, Fetcher
from dataflows.sources.streams import Records

Unwrap = Callable[[Sequence[Any]], tuple[list[bytes], int]]
"""Gives the records in messages, and how many messages hold none."""

Misplaced = Callable[[Sequence[Message]], int]
"""Counts messages whose key belongs into another partition."""

_MARGIN = 1.25


class TopicStream:
    """One partition of a feed's topic; offsets are its positions.

    Args:
        fetcher: Shared by all partitions of the process.
        unwrap: Reads messages as records.
        misplaced: Verifies keys.
    """

    def __init__(
        self, fetcher: Fetcher, topic: str, partition: int, unwrap: Unwrap, misplaced: Misplaced
    ) -> None:
        self.source = f"{topic}/{partition}"
        self._topic, self._partition = topic, partition
        self._fetcher, self._unwrap, self._misplaced = fetcher, unwrap, misplaced
        self._buffer: Buffer | None = None
        self._per_message = 1.0

    def _opened(self, offset: int) -> Buffer:
        if self._buffer is None or offset != self._buffer.position:
            self._buffer = self._fetcher.open(self._topic, self._partition, offset)
        return self._buffer

    def next(self, first: int, *, rows: int, limit: int) -> Records | None:
        """Give what has been fetched, up to the limits.

        Raises:
            OffsetExpired: If the next message was deleted before it was read.
            KafkaRefused: If the topic is gone or may not be read.
        """
        buffer = self._opened(first)
        self._fetcher.poll()
        self._fetcher.check(buffer)
        if not buffer.messages:
            return None
        most = max(1, int(rows / self._per_message))
        taken = [buffer.take()]
        size = len(taken[0].value() or b"")
        while buffer.messages and len(taken) < most and size < limit:
            message = buffer.take()
            size += len(message.value() or b"")
            taken.append(message)
        return self._records(first, buffer.position, taken)

    def read(self, first: int, last: int) -> Records:
        """Read a range once more; ranges are read again in their order.

        Raises:
            KafkaUnavailable: If it does not come in time.
            OffsetExpired: If it was deleted.
        """
        buffer = self._opened(first)
        taken: list[Message] = []
        while buffer.position < last:
            self._fetcher.until(buffer, lambda: bool(buffer.messages))
            taken.append(buffer.take())
        return self._records(first, last, taken)

    def _records(self, first: int, last: int, messages: list[Message]) -> Records:
        records, without = self._unwrap(messages)
        self._per_message = max(1.0, _MARGIN * len(records) / len(messages))
        lengths = np.fromiter(map(len, records), np.int64, len(records))
        starts = np.cumsum(lengths + 1) - (lengths + 1)
        return Records(
            first, last, b"\n".join([*records, b""]), starts, lengths, without,
            self._misplaced(messages), messages[-1].timestamp()[1] * 1_000,
        )  # fmt: skip

    def end(self) -> int:
        """Give the offset behind the newest message; the position where nothing waits."""
        return self._fetcher.end(self._buffer) if self._buffer else 1

    def committed(self, position: int) -> None:
        """Note how far an epoch came, for tools that show lag."""
        self._fetcher.note({(self._topic, self._partition): position})

    def forget(self, before: int) -> None:
        """The topic's own retention lets go of messages."""

    def close(self) -> None:
        """Leave the consumer to the other partitions."""
