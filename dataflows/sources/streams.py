"""Records that arrive one by one, by HTTP or Kafka: an ordered log with positions, replayable."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import xxhash

from dataflows.sources.manifest import FileState
from tallywire.mediation.decoded import Frames

LANE_SEPARATOR = "@"
STREAM, LOST = "stream", "lost"
"""Status, in the ledger, of a range of a stream, and of one whose messages were gone."""


def lane_of(feed_id: str, partition: int) -> str:
    """Name the collection lane of one partition of a feed's stream.

    >>> lane_of("platform", 3)
    'platform@0003'
    """
    return f"{feed_id}{LANE_SEPARATOR}{partition:04d}"


def feed_of(lane: str) -> str:
    """Name the feed of a collection lane; the lane of a feed of files has the feed's name.

    >>> feed_of("platform@0003"), feed_of("pbx")
    ('platform', 'pbx')
    """
    return lane.partition(LANE_SEPARATOR)[0]


@dataclass(frozen=True)
class Records:
    """A contiguous range of a stream, cut into records.

    Attributes:
        first, last: Positions in the stream, `last` exclusive; only the stream knows their unit.
        data: Bytes of the records; each ends with a newline that is not part of it.
        starts, lengths: Where the records lie in `data`.
        without_record: Messages of the range that hold none, such as tombstones.
        misplaced: Records whose key belongs into another partition.
        arrived_us: When the newest of them arrived, microseconds UTC; 0 where nobody says so.
    """

    first: int
    last: int
    data: bytes
    starts: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    without_record: int = 0
    misplaced: int = 0
    arrived_us: int = 0

    def __len__(self) -> int:
        return len(self.starts)

    def frames(self, first_record_no: int, base_offset: int) -> Frames:
        """Give the records as a decoder takes them.

        Args:
            first_record_no: How many records of the stream came before.
            base_offset: How many bytes of records came before.
        """
        return Frames(self.data, self.starts, self.lengths, first_record_no, base_offset)


def stream_detail(source: str, state: FileState, found: Records) -> dict[str, Any]:
    """Say what the ledger keeps of a range of a stream; what only files have is empty."""
    return {
        "name": source, "status": STREAM, "sha256": "", "size": 0, "inode": 0, "head": "",
        "head_length": 0, "at_end": False, "overlong": False, "more": False,
        "first_record_no": state.records, "first_byte": state.record_bytes,
        "record_bytes": len(found.data), "checksum": xxhash.xxh3_64_hexdigest(found.data),
        "without_record": found.without_record, "misplaced": found.misplaced,
        "arrived_us": found.arrived_us,
    }  # fmt: skip


class RecordStream(Protocol):
    """One partition of a feed's stream; opened, read and closed by one collection lane."""

    source: str
    """Names the partition in the lane's ledger and in suspense, for example `usage.raw/3`."""

    def next(self, first: int, *, rows: int, limit: int) -> Records | None:
        """Give the next range from a position on, or `None` where nothing durable is there yet.

        Never waits longer than some milliseconds. A range has at most about `rows` records and
        `limit` bytes, but at least one message.
        """
        ...

    def read(self, first: int, last: int) -> Records:
        """Read a range once more, exactly as `next` gave it.

        Raises:
            InputChanged: If it is not there any more.
        """
        ...

    def end(self) -> int:
        """Give the position behind the newest durable record, as far as is known.

        It is not beyond the position that was read last only where nothing more is there.
        """
        ...

    def committed(self, position: int) -> None:
        """Take note of how far an epoch came; nothing depends on it."""
        ...

    def forget(self, before: int) -> None:
        """Let go of what lies before a position that no restart goes back to."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
