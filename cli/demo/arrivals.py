"""Files that came some time ago: put into a lane's ledger as a run of that time would have.

A run reads the ranges of a ledger first, each with the time at which it was cut. So weeks of files
are collected in one run as if it had been there when each of them came.
"""

from collections.abc import Mapping
from pathlib import Path

import orjson
import xxhash

from dataflows.ledger import Ledger
from dataflows.settings import Home
from dataflows.sources.folder import Candidate
from dataflows.sources.manifest import FileState, Manifest
from dataflows.sources.openings import Finder, Opening
from dataflows.sources.ranges import count_records
from schemas.feeds import LedgerEntry
from tallywire.catalog.snapshot import Feed, Snapshot
from tallywire.mediation.decoders import DECODERS

_MOST_BYTES = 1_000_000


def arrived(
    home: Home, snapshot: Snapshot, feed_id: str, folder: Path, came: Mapping[str, int]
) -> None:
    """Write the ledger of a feed's lane, which must have none.

    Args:
        folder: Input folder of the run; the feed's files lie in a folder of it with its name.
        came: By name of a file, in the order of reading: when it came, microseconds UTC.
    """
    ledger, manifest = Ledger(home.lane("collection", feed_id) / "ledger"), Manifest()
    finder = Finder(growing=False, settle=False, problem=_refused)
    for name, at_us in came.items():
        file = Candidate(f"{feed_id}/{name}", folder / feed_id / name)
        opening = finder.next([file], manifest)
        if opening is None:
            continue  # the same content under the same name
        cut = _cut(opening, snapshot.feeds[feed_id], ledger.end, at_us, snapshot.hash)
        ledger.append(cut)
        manifest.take(cut)
    ledger.close()


def _refused(text: str) -> None:
    raise OSError(text)


def _cut(opening: Opening, feed: Feed, position: int, at_us: int, catalog_hash: str) -> LedgerEntry:
    """Cut a whole file as one range."""
    size = opening.size
    records = count_records(opening, DECODERS[feed.format].framing(feed), _MOST_BYTES)
    detail = opening.detail(FileState(opening.file_id, opening.name), size) | {
        "first_record_no": 0, "at_end": True, "overlong": False, "more": False, "replay_of": "",
        "checksum": xxhash.xxh3_64_hexdigest(opening.read(0, size)),
    }  # fmt: skip
    return LedgerEntry(
        lane=feed.feed_id, position=position, source=opening.file_id, first=0, last=size,
        records=records, ledgered_at=at_us, catalog_hash=catalog_hash,
        token=f"{feed.feed_id}:{position}:0-{size}", detail=orjson.dumps(detail).decode(),
    )  # fmt: skip
