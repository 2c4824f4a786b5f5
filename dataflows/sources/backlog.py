"""What waits in the files of a feed: bytes that were seen and not read yet."""

import time
from collections.abc import Sequence
from contextlib import suppress

from dataflows.lane_progress import LaneProgress
from dataflows.sources.folder import Candidate
from dataflows.sources.manifest import Manifest
from schemas.feeds import LedgerEntry

_EVERY_S = 5.0


class Backlog:
    """Keeps the place of a feed of files among the figures of its lane, in bytes.

    Sizes are looked up rarely, and only while something is read: they are for the figures alone,
    nothing is read by them.
    """

    def __init__(self, figures: LaneProgress, manifest: Manifest) -> None:
        self._figures, self._manifest = figures, manifest
        self._read = sum(state.offset for state in manifest.files.values())
        self._listed: Sequence[Candidate] = ()
        self._waiting = 0
        self._looked = -_EVERY_S

    def listed(self, candidates: Sequence[Candidate]) -> None:
        """Take the files of the feed as they were listed for reading."""
        self._listed = candidates

    def cut(self, entry: LedgerEntry) -> None:
        """Note that a range leaves; the manifest has taken it."""
        size = entry.last - entry.first
        self._read += size
        self._waiting = max(0, self._waiting - size)
        if time.monotonic() - self._looked >= _EVERY_S:
            self._looked = time.monotonic()
            self._waiting = self._look()
        self._figures.cut(entry)
        self._figures.stand(self._read, self._read + self._waiting)

    def _look(self) -> int:
        """Add up what is there to read; renamed files are known by their inode."""
        states = self._manifest.files.values()
        by_name = {state.name: state.offset for state in states}
        by_inode = {state.inode: state.offset for state in states}
        waiting = 0
        for candidate in self._listed:
            with suppress(OSError):  # whoever reads it says so
                found = candidate.path.stat()
                done = by_inode.get(found.st_ino, by_name.get(candidate.name, 0))
                waiting += max(0, found.st_size - done)
        return waiting

    def nothing(self) -> None:
        """Note that there is nothing to read now: half a record is none, and waits for nobody."""
        self._waiting, self._looked = 0, -_EVERY_S
        self._figures.stand(self._read, self._read)
