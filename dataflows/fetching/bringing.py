"""One file brought from its place into a temporary file: resumed where it was cut off, fsynced."""

import os
from pathlib import Path

import orjson
import xxhash

from dataflows.fetching.refused import Limits, check_size
from dataflows.fetching.source import FileChanged, Listed, Source
from dataflows.files import write_atomic
from dataflows.stop import stopping

SYNC_BYTES = 16 * 1024 * 1024
"""How much is fetched again at most after a crash."""


class Stopped(Exception):  # noqa: N818  it says what is the case
    """The process was asked to stop; the next start goes on where this one was."""


class _Part:
    """A file that is being fetched, and how much of it is durable."""

    def __init__(self, folder: Path, listed: Listed) -> None:
        name = xxhash.xxh3_128_hexdigest(listed.key.encode())
        self.path, self._meta = folder / name, folder / f"{name}.json"
        self._version = f"{listed.size} {listed.version}"
        self._resumable = bool(listed.version)

    def durable(self) -> int:
        """Give the bytes that outlived the last process, of this very version."""
        try:
            said = orjson.loads(self._meta.read_bytes())
            size = self.path.stat().st_size
        except (FileNotFoundError, orjson.JSONDecodeError):
            return 0
        known = self._resumable and said["version"] == self._version and size >= said["bytes"]
        return int(said["bytes"]) if known else 0

    def sync(self, handle: int, length: int) -> None:
        """Make what was fetched durable, then say so."""
        os.fsync(handle)
        content = orjson.dumps({"version": self._version, "bytes": length})
        write_atomic(self._meta, content, durable=True)

    def forget(self) -> None:
        """Delete it."""
        self.path.unlink(missing_ok=True)
        self._meta.unlink(missing_ok=True)


def brought(source: Source, listed: Listed, folder: Path, limits: Limits) -> Path:
    """Fetch a file whole.

    Args:
        folder: Where files lie that are being fetched.

    Raises:
        Refused: If it is larger than a file may be.
        FileChanged: If it is not what was listed; what was fetched of it is forgotten.
        Away: If its place is gone; what was fetched of it is kept.
        Stopped: If the process shall stop.
    """
    check_size(listed.size, limits)
    part = _Part(folder, listed)
    try:
        start, pieces = source.read(listed, part.durable())
        with part.path.open("r+b" if start else "wb") as file:
            file.truncate(start)
            file.seek(start)
            done = synced = start
            try:
                for piece in pieces:
                    file.write(piece)
                    done += len(piece)
                    check_size(done, limits)
                    if done - synced >= SYNC_BYTES:
                        file.flush()
                        part.sync(file.fileno(), done)
                        synced = done
                    if stopping():
                        raise Stopped(listed.name)
            finally:
                file.flush()
                part.sync(file.fileno(), done)
    except FileChanged:
        part.forget()
        raise
    if 0 <= listed.size != done:
        part.forget()
        raise FileChanged(listed.name)
    return part.path


def forget(folder: Path, listed: Listed) -> None:
    """Delete what was fetched of a file."""
    _Part(folder, listed).forget()
