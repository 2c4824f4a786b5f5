"""What every kind of feed does: pieces of usage, their text, and the frame of a file."""

import hashlib
from collections.abc import Sequence

from benchmarks.simulator.records import Batch, Entry, Usage


class Emitter:
    """A kind of feed; each format says how its pieces are written."""

    writes_empty = False
    """Whether a file is written when there was nothing."""

    def pieces(self, usage: Usage) -> list[Entry]:
        """Give the lines or packets of one usage, with when and where each is written."""
        return [Entry(usage, usage.end_us + usage.later_us, usage.node, usage.start_us)]

    def text(self, entry: Entry) -> str:
        """Write a piece, now that its element has numbered it."""
        raise NotImplementedError

    def name(self, node: int, number: int) -> str:
        """Name a file."""
        raise NotImplementedError

    def header(self, batch: Batch) -> str:  # noqa: ARG002 - most formats have none
        return ""

    def trailer(self, batch: Batch, records: int, seconds: int) -> str:  # noqa: ARG002 - as above
        return ""


def content(emitter: Emitter, batch: Batch) -> bytes:
    """Write a file as it arrives: cut short or with a wrong trailer, where that was done to it."""
    kept: Sequence[Entry] = batch.entries
    if batch.cut_entries:
        kept = batch.entries[: len(batch.entries) - batch.cut_entries]
    parts = [emitter.header(batch), *(entry.text for entry in kept)]
    if batch.half_line:
        lost = batch.entries[len(kept)].text
        parts.append(lost[: max(4, len(lost) * 2 // 5)])
    if not batch.no_trailer:
        seconds = sum(entry.seconds for entry in kept) + batch.more_seconds
        parts.append(emitter.trailer(batch, len(kept) + batch.more_records, seconds))
    return "".join(parts).encode()


def digits_of(*parts: object, length: int) -> str:
    """Make hexadecimal digits that name a thing and tell nothing of it."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:length]
