"""From a difference of sums to the events behind it: the log, read again, against the store."""

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import polars as pl

from assurance.reconciling import sql
from assurance.reconciling.control import day_of
from dataflows.controls.comparer import answers
from dataflows.ledger import Held, read_ledger
from dataflows.requests import SOURCE
from dataflows.settings import Home, Settings
from dataflows.sources.log import Readers, part_name, place_of
from dataflows.usage_log.reading import LogReader
from dataflows.usage_log.spool import USAGE
from schemas.feeds import LedgerEntry
from warehouse.client import Client
from warehouse.following import frame

_HOUR_US = 3_600_000_000
_ROWS = 100_000
_QUIET_S = 5.0


@dataclass(frozen=True)
class Behind:
    """An event behind a difference.

    Attributes:
        cause: `not_read`, `not_stored`, `stored_twice`, `not_in_log` or `other_quantity`; of a
            whole batch `request` (its charges are corrections) or `not_in_ledger` (of another home,
            or of long ago).
        event: Its id; empty for a whole batch.
        batch: Token of its batch.
        place: File and record that it came from.
    """

    cause: str
    batch: str
    event: str = ""
    place: str = ""


def behind_stored(
    client: Client, settings: Settings, readers: Readers, feed: str, hour: int
) -> Iterator[Behind]:
    """Name events of a feed whose charges in the store are not those that lanes sent in an hour.

    Args:
        hour: Its beginning, ledger time, microseconds UTC.

    Raises:
        StoreError: If the store cannot be asked.
        BlockDamaged: If the usage log does not hold what was read of it.
    """
    day = day_of(hour)
    asked = {"feed": feed, "day": day, "hour": hour // 1_000_000}
    ledger = cache(lambda lane: _ledger(settings, lane))
    for token in _batches(client, asked):
        held = ledger(token.partition(":")[0])
        cut = next((one for one in held.entries if one.token == token), None)
        if cut is None:
            yield Behind("not_in_ledger", token)
        elif cut.source.startswith(SOURCE):
            yield Behind("request", token)
        else:
            parameters = {"token": token, "feed": feed, "day": day}
            there = frame(client, sql("batch_events"), parameters)
            yield from _compared(token, _usage(readers, held, cut, feed), there)


def _ledger(settings: Settings, lane: str) -> Held:
    return read_ledger(Home(settings.home).lane("rating", lane) / "ledger")


def _batches(client: Client, asked: Mapping[str, object]) -> list[str]:
    """Name the batches that differ: by their counts, which is quick, else by all that is summed."""
    found = answers(client, "batch_counts", asked) or answers(client, "batches_differing", asked)
    return list(dict.fromkeys(str(one["batch_token"]) for one in found))


def _usage(readers: Readers, held: Held, cut: LedgerEntry, feed: str) -> pl.DataFrame:
    before = held.entries[: held.entries.index(cut)]
    usage = readers(*place_of(cut.lane)).again(cut, held.folded, before)["usage_events"]
    return usage.filter(pl.col("feed_id") == feed)


def _compared(token: str, usage: pl.DataFrame, there: pl.DataFrame) -> Iterator[Behind]:
    """Hold the usage of a batch to what the store has of it."""
    logged = usage.select("event_id", "quantity", pl.col("file_name").cast(pl.String), "record_no")
    both = logged.join(there, on="event_id", how="full", coalesce=True, maintain_order="left_right")
    cause = (
        pl.when(pl.col("times").is_null()).then(pl.lit("not_stored"))
        .when(pl.col("quantity").is_null()).then(pl.lit("not_in_log"))
        .when(pl.col("times") > 1).then(pl.lit("stored_twice"))
        .when(pl.col("used") != pl.col("quantity")).then(pl.lit("other_quantity"))
    )  # fmt: skip
    place = pl.coalesce("file_name", "file"), pl.coalesce("record_no", "record")
    wrong = both.with_columns(cause.alias("cause")).drop_nulls("cause")
    for name, event, file, record in wrong.select("cause", "event_id", *place).iter_rows():
        yield Behind(name, token, str(uuid.UUID(bytes=event)), f"{file}, record {record + 1}")


def behind_read(settings: Settings, readers: Readers, feed: str, hour: int) -> Iterator[Behind]:
    """Name events of a feed, collected in an hour, that lie in the log and were not read yet.

    Raises:
        BlockDamaged: If the usage log is damaged.
    """
    for number in range(settings.partitions):
        lane = part_name(USAGE, number)
        held = _ledger(settings, lane)
        reader = readers(USAGE, number)
        reader.resume(held.folded, held.entries)
        last = held.entries[-1].last if held.entries else held.folded.get("offset", 0)
        for usage in _unread(reader, lane, last):
            mine = usage.filter(
                pl.col("feed_id") == feed, pl.col("collected_at") // _HOUR_US * _HOUR_US == hour
            )
            for event, file, record in mine.select("event_id", "file_name", "record_no").rows():
                place = f"{file}, record {record + 1}"
                yield Behind("not_read", lane, str(uuid.UUID(bytes=event)), place)


def _unread(reader: LogReader, lane: str, first: int) -> Iterator[pl.DataFrame]:
    """Read what lies behind a position, up to the end that is known."""
    quiet = time.monotonic()
    while True:
        found = reader.plan(first, _ROWS)
        if found.rows:
            cut = LedgerEntry(
                lane=lane, position=0, source=USAGE, first=first, last=found.last,
                records=found.rows, ledgered_at=0, catalog_hash="", token="", detail=found.detail,
            )  # fmt: skip
            yield reader.read(cut)["usage_events"]
            first, quiet = found.last, time.monotonic()
        elif found.at >= found.end or time.monotonic() - quiet > _QUIET_S:
            return
