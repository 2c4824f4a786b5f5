"""What a collection lane gives, and what it needs to know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dataflows.crashes import Guard
from dataflows.progress import Progress
from dataflows.settings import Settings
from dataflows.sources.folder import Candidate
from dataflows.sources.streams import RecordStream
from schemas.feeds import LedgerEntry
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Frames
from tallywire.mediation.framing import Framing


@dataclass(frozen=True)
class FeedBatch:
    """A ledgered range of a file or of a stream.

    Attributes:
        lane: The feed's name, with the partition where the feed is a stream.
        kind: `usage`, `overlong` (a piece of a record beyond all bounds), `replayed` (a whole file
            seen before), `lost` (messages that were gone), `recycle` (suspense to be tried again),
            `refused` (why a file was not collected) or `ended` (no more input).
        frames: Records of the range; `None` where the kind has none.
        raw: The range's bytes where it has no frames and is not a whole file.
        detail: What the ledger says of the file.
    """

    lane: str
    feed_id: str
    kind: str
    entry: LedgerEntry
    frames: Frames | None
    detail: Mapping[str, Any]
    raw: bytes = b""


@dataclass(frozen=True)
class FeedWorld:
    """What a lane's part needs to know of the world.

    Attributes:
        stream: What the lane reads besides files, where it reads a stream.
        lost: Says what messages that are gone were worth, given the lane and their number.
        guard: Tells when the lane is put aside.
        scan: Gives the feed's files as they are now, in the order of their names.
        framing: How the feed's format cuts records.
        follow: Wait for more input instead of ending.
        run: Names this run; the end of input is reported under it.
        awaited: Files are still being fetched, though the run shall end.
        committed: Told of the position of the ledger that every restart lies at or behind.
    """

    settings: Settings
    lane: str
    feed: Feed
    framing: Framing
    scan: Callable[[], list[Candidate]]
    follow: bool
    run: str
    progress: Progress
    catalog_at: Callable[[int], str]
    guard: Guard
    lost: Callable[[str, int], str]
    stream: RecordStream | None = None
    awaited: Callable[[], bool] = lambda: False
    committed: Callable[[int], None] = lambda _position: None
