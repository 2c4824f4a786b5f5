"""Suspended records as the store holds them."""

import base64

from cli.reading import reader
from dashboards.queries import rows
from dataflows.settings import Settings
from schemas.instants import EPOCH, MICROSECOND
from schemas.outcomes import SuspenseEvent


def suspense_rows(settings: Settings, ids: list[str]) -> list[SuspenseEvent]:
    """Read every row of some records, oldest first."""
    with reader(settings) as client:
        found = rows(client, "suspense_rows", {"ids": ids})
    events = []
    for row in found:
        for name in ("collected_at", "ledgered_at", "event_time"):
            if row[name] is not None:
                row[name] = (row[name].replace(tzinfo=EPOCH.tzinfo) - EPOCH) // MICROSECOND
        for name in ("raw", "file_head"):
            row[name] = base64.b64decode(row[name])
        events.append(SuspenseEvent.model_validate(row))
    return events


def open_suspense(settings: Settings, suspense_id: str) -> SuspenseEvent | None:
    """Read a record that is still held, in its latest attempt."""
    found = suspense_rows(settings, [suspense_id])
    if sum(event.change for event in found) <= 0:
        return None
    return [event for event in found if event.change > 0][-1]
