"""Recycle requests: made of suspended rows, put before the lanes that suspended them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import xxhash

from dataflows.files import write_atomic
from dataflows.groups import COLLECTION
from dataflows.settings import Home
from dataflows.sources.openings import RECYCLE_FOLDER
from schemas.outcomes import SuspenseEvent
from schemas.reasons import Reason
from tallywire.mediation.recycle import Request
from tallywire.suspense import RAW_BYTES

_NOT_RECYCLED = {
    Reason.RESTATEMENT.value: "a restatement would be charged beside the first content: "
    "`tallywire suspense accept` lets it hold instead",
}


@dataclass(frozen=True)
class Asked:
    """What is tried again.

    Attributes:
        attempts: Number of the try of each record, by id.
        refused: Why others are not tried, a sentence each.
    """

    attempts: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def _kept_whole(event: SuspenseEvent) -> bool:
    """Tell whether a record can be read again from what its suspense holds."""
    if event.usage:
        return True
    return bool(event.raw) and event.byte_length <= RAW_BYTES and len(event.file_head) < RAW_BYTES


def requests_of(events: Sequence[SuspenseEvent]) -> tuple[dict[str, list[Request]], list[str]]:
    """Make requests by lane from the latest open row of each record; say what cannot be."""
    latest = {event.suspense_id: event for event in events if event.change > 0}
    requests: dict[str, list[Request]] = {}
    refused = []
    for key, event in sorted(latest.items()):
        if event.reason in _NOT_RECYCLED:
            refused.append(f"{key}: {_NOT_RECYCLED[event.reason]}")
        elif not _kept_whole(event):
            refused.append(f"{key}: its bytes are not kept whole; collect its file again")
        else:
            request = Request(suspended=event, attempt=event.attempt + 1)
            requests.setdefault(event.lane, []).append(request)
    return requests, refused


def _write(home: Home, lane: str, requests: Sequence[Request]) -> Path:
    """Put a recycle file before the feed's lane; the same requests are the same file."""
    lines = b"".join(request.model_dump_json().encode() + b"\n" for request in requests)
    folder = home.lane(COLLECTION, lane) / RECYCLE_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{xxhash.xxh3_128_hexdigest(lines)}.jsonl"
    if not path.exists():
        write_atomic(path, lines, durable=True)
    return path


def put_before_lanes(home: Home, events: Sequence[SuspenseEvent]) -> Asked:
    """Ask the lanes of suspended records to try them once more.

    Args:
        events: All rows of the records, as the store holds them.

    Raises:
        OSError: If the home cannot be written.
    """
    requests, refused = requests_of(events)
    for lane, found in sorted(requests.items()):
        _write(home, lane, found)
    attempts = {
        one.suspended.suspense_id: one.attempt for found in requests.values() for one in found
    }
    return Asked(attempts, refused)
