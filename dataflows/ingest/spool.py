"""The ingest spool: fsynced segments of newline-ended records, one writer, any readers.

Readers see only what the writer has made durable and published. What was published is never
changed; what was not, was never answered for, so a failed write is cut away whole.
"""

import io
import os
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from dataflows.files import sync_folder, write_atomic
from dataflows.ingest.log import Keyed, LogUnavailable, partition_of
from dataflows.segments import segments
from dataflows.sinks.log import LayoutChanged
from dataflows.sources.openings import InputChanged
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import MAX_RECORD_BYTES

_DURABLE = "durable.json"
_LAYOUT = "layout.json"
_PROBE = "probe"


def spool_folder(root: Path, feed_id: str, partition: int) -> Path:
    """Where a partition's segments lie below the ingest spool."""
    return root / feed_id / f"{partition:04d}"


def durable_length(folder: Path) -> int:
    """Read what the writer published, bytes; nothing yet is 0.

    A power cut may tear the file, for it is not what makes records durable; its writer publishes
    the length anew when it opens.
    """
    try:
        length: int = orjson.loads((folder / _DURABLE).read_bytes())["length"]
    except (FileNotFoundError, orjson.JSONDecodeError):
        return 0
    return length


def check_partitions(root: Path, partitions: int) -> None:
    """Hold the configured number of partitions against the spool's, or note it for good.

    Raises:
        LayoutChanged: If they differ: a record sent again would come into another lane, and be
            counted twice.
    """
    path = root / _LAYOUT
    if not path.exists():
        root.mkdir(parents=True, exist_ok=True)
        write_atomic(path, orjson.dumps({"partitions": partitions}), durable=True)
        return
    found = orjson.loads(path.read_bytes())["partitions"]
    if found != partitions:
        msg = (
            f"{root} was begun with ingest_partitions={found}, the configuration says "
            f"{partitions}: set TALLYWIRE_INGEST_PARTITIONS={found}, or begin with an empty home"
        )
        raise LayoutChanged(msg)


def _whole(tail: bytes) -> int:
    """Give the length of the whole records at the beginning of what was not published.

    A power cut may leave pages of zeros between others; no record holds a zero byte.
    """
    end = tail.find(b"\x00")
    return tail.rfind(b"\n", 0, end if end != -1 else len(tail)) + 1


class PartitionWriter:
    """The one writer of a partition.

    Raises:
        OSError: If the folder cannot be written.
        InputChanged: If less is there than was published.
    """

    def __init__(self, folder: Path, segment_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for place in (folder.parent.parent, folder.parent, folder):
            sync_folder(place)
        self._folder, self._segment_bytes = folder, segment_bytes
        known = segments(folder) or [(0, folder / f"{0:020d}.segment")]
        self._base, path = known[-1]
        kept = max(0, durable_length(folder) - self._base)
        if (path.stat().st_size if path.exists() else 0) < kept:
            msg = f"{path} is shorter than what was made durable: restore it from a backup"
            raise InputChanged(msg)
        self._file = self._open(path)
        self._file.seek(kept)
        self.length = self._base + kept + _whole(self._file.read())
        self._cut()
        os.fsync(self._file.fileno())
        self._publish()

    def _open(self, path: Path) -> io.FileIO:
        file = io.FileIO(path, "r+" if path.exists() else "w+")
        sync_folder(self._folder)
        return file

    def _cut(self) -> None:
        """Drop all behind the durable length."""
        self._file.truncate(self.length - self._base)
        self._file.seek(self.length - self._base)

    def _publish(self) -> None:
        write_atomic(self._folder / _DURABLE, orjson.dumps({"length": self.length}))

    def append(self, records: Sequence[bytes]) -> None:
        """Write records, make them durable, then visible.

        Raises:
            OSError: If the disk is full or gone; nothing of them is then visible, now or later.
        """
        before = self.length
        try:
            self._cut()  # what an earlier failure left, where it could not be cut at once
            if self.length - self._base >= self._segment_bytes:
                self._rotate()
            self._write(b"\n".join([*records, b""]))
            os.fsync(self._file.fileno())
            self._publish()
        except OSError:
            self.length = before
            with suppress(OSError):
                self._cut()
            raise

    def _rotate(self) -> None:
        following = self._open(self._folder / f"{self.length:020d}.segment")
        self._file.close()
        self._file, self._base = following, self.length

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        self.length += len(data)

    def close(self) -> None:
        """Close the open segment: nothing waits in it."""
        with suppress(OSError):
            self._file.close()


class SpoolLog:
    """The embedded log: partitions of every feed below one folder.

    Args:
        root: Folder of the ingest spool.
        partitions: Of every feed; for good.
        segment_bytes: Size at which a segment is closed and the next begun.

    Raises:
        LayoutChanged: If the spool was begun with another number of partitions.
        InputChanged: If a partition holds less than was made durable.
        OSError: If it cannot be written.
    """

    longest = MAX_RECORD_BYTES

    def __init__(self, root: Path, partitions: int, segment_bytes: int) -> None:
        check_partitions(root, partitions)
        self._root, self._partitions, self._segment_bytes = root, partitions, segment_bytes
        self._writers: dict[tuple[str, int], PartitionWriter] = {}
        for folder in sorted(root.glob("*/[0-9]*")):
            self._writer(folder.parent.name, int(folder.name))

    def _writer(self, feed_id: str, partition: int) -> PartitionWriter:
        place = (feed_id, partition)
        if place not in self._writers:
            folder = spool_folder(self._root, feed_id, partition)
            self._writers[place] = PartitionWriter(folder, self._segment_bytes)
        return self._writers[place]

    def append(self, feed: Feed, records: Sequence[Keyed]) -> None:
        """Write records into their partitions, each synced once."""
        shares: dict[int, list[bytes]] = defaultdict(list)
        for one in records:
            shares[partition_of(one.key, self._partitions)].append(one.record)
        try:
            for partition, share in sorted(shares.items()):
                self._writer(feed.feed_id, partition).append(share)
        except OSError as error:
            msg = f"the ingest spool cannot be written: {error.strerror or error}"
            raise LogUnavailable(msg) from error

    def check(self) -> None:
        """Write a small file as durably as records are."""
        try:
            write_atomic(self._root / _PROBE, b"ready\n", durable=True)
        except OSError as error:
            msg = f"the ingest spool cannot be written: {error.strerror or error}"
            raise LogUnavailable(msg) from error

    def close(self) -> None:
        """Close all segments."""
        for writer in self._writers.values():
            writer.close()
