"""What flows: batches with their origin, and how a range becomes a ledger entry."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from dataflows.requests import Asked
from dataflows.wall_clock import now_us
from schemas.feeds import LedgerEntry


def entry(
    lane: str,
    position: int,
    source: str,
    bounds: tuple[int, int],
    records: int,
    catalog_at: Callable[[int], str],
    detail: str = "",
) -> LedgerEntry:
    """Cut a range: the one place where a batch gets its time, its catalogue and its token.

    Args:
        catalog_at: Names the catalogue in use at an instant, microseconds UTC: an activation that
            is due at a batch's time holds for this batch.
    """
    first, last = bounds
    moment = now_us()
    return LedgerEntry(
        lane=lane,
        position=position,
        source=source,
        first=first,
        last=last,
        records=records,
        ledgered_at=moment,
        catalog_hash=catalog_at(moment),
        token=f"{lane}:{position}:{first}-{last}",
        detail=detail,
    )


@dataclass(frozen=True)
class LogBatch:
    """A ledgered range of one partition of the usage log, read into tables.

    Attributes:
        topic: `usage`, `outcomes` or `requests`.
        entry: Its ledger entry.
        tables: Record name to rows, blocks concatenated in the log's order.
        replayed: The range was ledgered before this process started.
        asked: The request, where this is one and no range.
    """

    topic: str
    entry: LedgerEntry
    tables: dict[str, pl.DataFrame]
    replayed: bool = False
    asked: Asked | None = None


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
