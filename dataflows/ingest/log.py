"""Where accepted usage goes: one small door, behind it this machine's disk or Kafka."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import xxhash

from tallywire.catalog.snapshot import Feed


class IngestMisuse(ValueError):  # noqa: N818  it says what is the case
    """The gateway cannot be used so; the message says what to do instead."""


class LogUnavailable(RuntimeError):  # noqa: N818  it says what is the case
    """Records cannot be made durable now; those of this call may be, and are to be sent again."""


class Keyed(NamedTuple):
    """A record and the key that decides its partition.

    Attributes:
        key: Natural key, or that of the session whose part the record is: what is held against
            each other by deduplication and correlation must be in one lane.
        record: Its bytes, without a newline.
    """

    key: str
    record: bytes


class IngestLog(Protocol):
    """An ordered, durable log of records for each feed; used by one thread.

    Attributes:
        longest: Bytes of the longest record that it takes.
    """

    longest: int

    def append(self, feed: Feed, records: Sequence[Keyed]) -> None:
        """Write records; when this returns they are durable and visible to collection.

        Raises:
            LogUnavailable: If any of them is perhaps not durable.
        """
        ...

    def check(self) -> None:
        """Find out whether records could be made durable now; may be called by another thread.

        Raises:
            LogUnavailable: If they could not.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def partition_of(key: str, partitions: int) -> int:
    r"""Choose the partition of a key: the same for ever while the number of partitions is.

    >>> partition_of("meter-7\x1f42", 4)
    3
    """
    return xxhash.xxh3_64_intdigest(key.encode()) % partitions
