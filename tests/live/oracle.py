"""What the charges must be: the usage log, read in its order, rated row by row by the rulebook."""

from collections.abc import Iterator
from typing import Any

from dataflows.settings import Home
from dataflows.usage_log.reading import tables_of
from dataflows.usage_log.spool import USAGE, SpoolReader, partition_folder
from tallywire.rating.rulebook import CounterKey, Rulebook
from tests.live.engine import Engine
from warehouse.client import Client

COMPARED = ("amount", "included_quantity", "allowance_id", "allowance_before", "allowance_after")


def logged(engine: Engine, partition: int) -> Iterator[dict[str, Any]]:
    """Read a partition of the usage log from its beginning."""
    reader = SpoolReader(partition_folder(Home(engine.home).spool, USAGE, partition))
    place, durable = 0, reader.durable().length
    while place < durable:
        last, _, _ = reader.plan(place, durable, 100_000)
        yield from tables_of(reader.read(place, last))["usage_events"].iter_rows(named=True)
        place = last


def charges(engine: Engine) -> dict[str, tuple[Any, ...]]:
    """Rate the log, one event after the other."""
    book = Rulebook(engine.snapshot)
    found: dict[str, tuple[Any, ...]] = {}
    for partition in range(engine.partitions):
        used: dict[CounterKey, int] = {}
        for event in logged(engine, partition):
            rating = book.rate(event, lambda key, used=used: used.get(key, 0))  # type: ignore[misc]
            used.update(rating.writes)
            for charge in rating.charges:
                assert event["event_id"].hex() not in found, "one event twice in the log"
                found[event["event_id"].hex()] = tuple(charge.row[name] for name in COMPARED)
    return found


def stored(client: Client) -> dict[str, tuple[Any, ...]]:
    """Read the charges that the store holds; each event once."""
    rows = client.query(f"SELECT event_id, {', '.join(COMPARED)} FROM rated_events").result_rows
    found = {event.hex: tuple(values) for event, *values in rows}
    assert len(found) == len(rows), "one event twice in the store"
    return found
