"""The usage log on Kafka: a block is a message, its origin and sequence stand in the headers.

A writer that replays sends blocks again; the reader drops what it has seen. What it has seen goes
with each range into the lane's ledger, so a replayed range is the same range.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import orjson
import polars as pl
from confluent_kafka import Message

from dataflows.kafka.client import MAX_MESSAGE_BYTES, Tell
from dataflows.kafka.fetcher import Buffer, Fetcher
from dataflows.ledger import Folded
from dataflows.usage_log.blocks import decode, encode, header_at
from dataflows.usage_log.reading import Planned, tables_of
from schemas.feeds import LedgerEntry

_MOST_BYTES = MAX_MESSAGE_BYTES - 64 * 1024
_PIECE_BITS = 16
CLAIM = -1
"""Sequence of a message with which an owner shuts out the blocks of the one before it."""


def pieces(origin: str, position: int, block: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut a block into as many as fit into messages, each with its sequence."""
    parts = [block]
    while max(map(len, parts)) > _MOST_BYTES and len(parts) < 1 << _PIECE_BITS:
        parts = [half for part in parts for half in _halves(origin, position, part)]
    for number, part in enumerate(parts):
        yield position << _PIECE_BITS | number, part


def _halves(origin: str, position: int, block: bytes) -> list[bytes]:
    data = memoryview(block)
    header = header_at(data, 0)
    if header is None:
        msg = "a block that was just written is not whole"
        raise AssertionError(msg)
    tables = decode(data, 0, header)
    first = {name: rows.slice(0, rows.height // 2) for name, rows in tables.items()}
    second = {name: rows.slice(rows.height // 2) for name, rows in tables.items()}
    return [
        encode(origin, position, kept)
        for half in (first, second)
        if (kept := {name: rows for name, rows in half.items() if rows.height})
    ]


@dataclass(frozen=True)
class Heading:
    """What the headers of a message say.

    Attributes:
        origin: Lane that wrote it.
        generation: Of the lane's owner.
        sequence: Grows with the lane's batches.
        rows: Rows in the block; 0 where the message only says that the lane has ended, or who
            owns it now.
        ended: The run that it ended in, or empty.
    """

    origin: str
    generation: int
    sequence: int
    rows: int
    ended: str = ""

    @property
    def claims(self) -> bool:
        """Tell whether the message only says that the lane has a new owner."""
        return self.sequence == CLAIM

    def headers(self) -> dict[str, str | bytes]:
        """Write it as headers."""
        return {
            "origin": self.origin, "generation": str(self.generation),
            "sequence": str(self.sequence), "rows": str(self.rows), "ended": self.ended,
        }  # fmt: skip


def heading(message: Message) -> Heading | None:
    """Read the headers of a message; `None` where it is not one of ours."""
    try:
        found = {name: bytes(value).decode() for name, value in _headers(message)}
        return Heading(
            found["origin"], int(found["generation"]), int(found["sequence"]), int(found["rows"]),
            found["ended"],
        )  # fmt: skip
    except (KeyError, ValueError):
        return None


def _headers(message: Message) -> list[tuple[str, bytes]]:
    """Give the headers; the client types what it gives as what it takes."""
    return cast("list[tuple[str, bytes]]", message.headers() or [])


@dataclass
class Seen:
    """What was read of a partition.

    Attributes:
        origins: Lane to the generation and sequence of its newest block.
        ended: Lane to the run in which it came to the end of its input.
    """

    origins: dict[str, tuple[int, int]] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)

    def fresh(self, head: Heading) -> bool:
        """Tell whether a message is a block to be worked.

        A block that was read before is none, nor is one of an owner that was replaced.
        """
        generation, sequence = self.origins.get(head.origin, (0, -1))
        fresh = head.generation >= generation and head.sequence > sequence
        return fresh and not head.ended and not head.claims

    def take(self, head: Heading) -> bool:
        """Note a message; tell whether it is a block to be worked."""
        if self.fresh(head):
            self.origins[head.origin] = (head.generation, head.sequence)
            return True
        generation, sequence = self.origins.get(head.origin, (0, -1))
        if head.generation >= generation:
            self.origins[head.origin] = (head.generation, sequence)
            if head.ended:
                self.ended[head.origin] = head.ended
        return False

    def copy(self) -> "Seen":
        """Give one that is changed apart."""
        return Seen(dict(self.origins), dict(self.ended))

    def since(self, before: "Seen") -> str:
        """Write what is new."""
        origins = {
            key: pair for key, pair in self.origins.items() if before.origins.get(key) != pair
        }
        ended = {key: run for key, run in self.ended.items() if before.ended.get(key) != run}
        return orjson.dumps({"origins": origins, "ended": ended}).decode()

    def add(self, written: str) -> None:
        """Read back what `since` wrote."""
        content = orjson.loads(written)
        self.origins.update({key: (pair[0], pair[1]) for key, pair in content["origins"].items()})
        self.ended.update(content["ended"])


class KafkaLog:
    """A partition of the log; positions are offsets.

    Args:
        fetcher: Shared by the partitions of the process.
        apart: Opens a fetcher of its own, for ranges that are read out of their order.
        tell: Told of messages that are not ours.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        topic: str,
        partition: int,
        apart: Callable[[], Fetcher],
        tell: Tell,
    ) -> None:
        self._fetcher, self._apart, self._tell = fetcher, apart, tell
        self._topic, self._partition = topic, partition
        self._seen = Seen()
        self._ledgered = Seen()
        self._buffer: Buffer | None = None

    def resume(self, folded: Folded, entries: Sequence[LedgerEntry]) -> None:
        """Learn what was seen from the details of the ledger."""
        if folded.get("seen"):
            self._seen.add(folded["seen"])
        for done in entries:
            if done.detail:
                self._seen.add(done.detail)
        self._ledgered = self._seen.copy()

    def _opened(self, offset: int) -> Buffer:
        if self._buffer is None:
            self._buffer = self._fetcher.open(self._topic, self._partition, offset)
        return self._buffer

    def plan(self, first: int, max_rows: int) -> Planned:
        """Look at what was fetched.

        Raises:
            OffsetExpired: If the next block was deleted before it was read.
        """
        buffer = self._opened(first)
        self._fetcher.poll()
        self._fetcher.check(buffer)
        while buffer.messages and not self._holds_rows(buffer.messages[0]):
            buffer.take()
        rows, last, full = 0, first, False
        seen = self._seen.copy()
        for message in buffer.messages:
            head = heading(message)
            if head is not None:
                if rows and rows + head.rows > max_rows:
                    full = True
                    break
                rows += head.rows if seen.take(head) else 0
            last = (message.offset() or 0) + 1
        return Planned(
            last, rows, full or rows >= max_rows, seen.ended, buffer.position,
            self._fetcher.end(buffer), seen.since(self._ledgered),
        )  # fmt: skip

    def _holds_rows(self, message: Message) -> bool:
        """Tell whether a message is a block to be worked; what else it says is noted."""
        head = heading(message)
        if head is None:
            place = f"{self._topic}/{self._partition}"
            self._tell(f"{place} holds a message of another writer at {message.offset()}")
            return False
        return self._seen.fresh(head) or self._seen.take(head)

    def read(self, cut: LedgerEntry) -> dict[str, pl.DataFrame]:
        """Read a range.

        Raises:
            KafkaUnavailable: If it does not come in time.
            OffsetExpired: If it was deleted.
        """
        buffer = self._opened(cut.first)
        blocks = []
        while buffer.position < cut.last:
            self._fetcher.until(buffer, lambda: bool(buffer.messages))
            message = buffer.take()
            if self._holds_rows(message) and (head := heading(message)):
                self._seen.take(head)
                blocks.append(message.value() or b"")
        self._ledgered = self._seen.copy()
        self._fetcher.note({(self._topic, self._partition): cut.last})
        return tables_of(memoryview(b"".join(blocks)))

    def forget(self, before: int) -> None:
        """The topic's own retention lets go of messages."""

    def again(
        self, cut: LedgerEntry, folded: Folded, before: Sequence[LedgerEntry]
    ) -> dict[str, pl.DataFrame]:
        """Read an older range with a consumer of its own."""
        fetcher = self._apart()
        try:
            reader = KafkaLog(fetcher, self._topic, self._partition, self._apart, self._tell)
            reader.resume(folded, before)
            return reader.read(cut)
        finally:
            fetcher.close()
