"""What flows: batches with their origin, and how a range becomes a ledger entry."""

import time
from dataclasses import dataclass

import polars as pl

from schemas.feeds import LedgerEntry


def now_us() -> int:
    """Read the wall clock, microseconds since 1970, UTC: only for ledger entries and progress."""
    return time.time_ns() // 1_000


def entry(
    lane: str,
    position: int,
    source: str,
    bounds: tuple[int, int],
    records: int,
    catalog_hash: str,
    detail: str = "",
) -> LedgerEntry:
    """Cut a range: the one place where a batch gets its time and its token."""
    first, last = bounds
    return LedgerEntry(
        lane=lane,
        position=position,
        source=source,
        first=first,
        last=last,
        records=records,
        ledgered_at=now_us(),
        catalog_hash=catalog_hash,
        token=f"{lane}:{position}:{first}:{last}",
        detail=detail,
    )


@dataclass(frozen=True)
class LogBatch:
    """A ledgered range of one partition of the usage log, read into tables.

    Attributes:
        topic: `usage` or `outcomes`.
        entry: Its ledger entry.
        tables: Record name to rows, blocks concatenated in the log's order.
        replayed: The range was ledgered before this process started.
    """

    topic: str
    entry: LedgerEntry
    tables: dict[str, pl.DataFrame]
    replayed: bool = False


@dataclass(frozen=True)
class StoreBatch:
    """Rows for the store: table name to rows, all under one token.

    Attributes:
        replayed: The range was ledgered before this process started.
    """

    entry: LedgerEntry
    tables: dict[str, pl.DataFrame]
    replayed: bool


@dataclass(frozen=True)
class SpoolItem:
    """What a collection batch leaves in the usage log.

    Attributes:
        blocks: (topic, partition) to block.
        ended: Run in which the lane came to its end with this item, or empty.
    """

    lane: str
    position: int
    blocks: dict[tuple[str, int], bytes]
    ended: str = ""
