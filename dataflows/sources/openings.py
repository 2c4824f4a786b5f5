"""Which file a feed reads next, and as what: whole, growing, a replay, or suspense to recycle."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xxhash

from dataflows.sources.folder import Candidate
from dataflows.sources.manifest import HEAD_BYTES, FileState, Manifest, head_of

RECYCLE_FOLDER = "recycle"
REFUSED_ENDING = ".refused"
"""Ending of a file of the inbox that says why another one was not collected."""


class InputChanged(RuntimeError):  # noqa: N818  it says what is the case
    """A file is not any more what was read and ledgered."""


@dataclass(frozen=True)
class Opening:
    """A file about to be read.

    Attributes:
        status: `complete`, `growing`, `replayed`, `recycle` or `refused`.
        size: Bytes it has now.
        start: First HEAD_BYTES bytes.
    """

    name: str
    path: Path
    file_id: str
    status: str
    size: int
    sha256: str
    inode: int
    start: bytes

    def read(self, offset: int, limit: int) -> bytes:
        """Read up to `limit` bytes.

        Raises:
            InputChanged: If the file is shorter than it was.
        """
        with self.path.open("rb") as file:
            file.seek(offset)
            data = file.read(limit)
        if len(data) < min(limit, self.size - offset):
            msg = f"{self.path} became shorter while it was read: put the whole file back"
            raise InputChanged(msg)
        return data

    def detail(self, state: FileState, last: int) -> dict[str, Any]:
        """Say what the ledger keeps of the file when a range up to `last` is cut."""
        length = state.head_length or min(HEAD_BYTES, last)
        return {
            "name": self.name,
            "path": str(self.path.resolve()),
            "sha256": self.sha256,
            "size": self.size,
            "status": self.status,
            "inode": self.inode,
            "head": head_of(self.start[:length]),
            "head_length": length,
        }


@dataclass
class Finder:
    """Finds the next file of a feed that has something new.

    Attributes:
        settle: Take a whole file only when it has not changed since the last look.
        problem: Told once of each file that cannot be read.
    """

    growing: bool
    settle: bool
    problem: Callable[[str], None]
    _hashes: dict[tuple[Path, int, int], str] = field(default_factory=dict)
    _seen: set[tuple[Path, int, int]] = field(default_factory=set)

    def next(self, candidates: Iterable[Candidate], manifest: Manifest) -> Opening | None:
        """Choose the first file, by name, that has something new."""
        for candidate in candidates:
            try:
                opening = self._look(candidate, manifest)
            except OSError as error:
                self.problem(f"{candidate.path} cannot be read: {error.strerror}")
                continue
            if opening is not None:
                return opening
        return None

    def _look(self, candidate: Candidate, manifest: Manifest) -> Opening | None:
        whole = candidate.path.parent.name == RECYCLE_FOLDER
        whole |= candidate.path.name.endswith(REFUSED_ENDING)
        if self.growing and not whole:
            return _grown(candidate, manifest)
        return self._whole(candidate, manifest)

    def _whole(self, candidate: Candidate, manifest: Manifest) -> Opening | None:
        stat = candidate.path.stat()
        key = (candidate.path, stat.st_size, stat.st_mtime_ns)
        if key not in self._hashes:
            if self.settle and key not in self._seen:
                self._seen.add(key)
                return None
            with candidate.path.open("rb") as file:
                self._hashes[key] = hashlib.file_digest(file, "sha256").hexdigest()
        sha256 = self._hashes[key]
        if (candidate.name, sha256) in manifest.taken:
            return None
        file_id, status = sha256[:32], "complete"
        if sha256 in manifest.contents:
            copies = sum(known.startswith(file_id) for known in manifest.files)
            file_id, status = f"{file_id}.{copies}", "replayed"
        elif candidate.path.name.endswith(REFUSED_ENDING):
            status = "refused"
        elif candidate.path.parent.name == RECYCLE_FOLDER:
            status = "recycle"
        with candidate.path.open("rb") as file:
            start = file.read(HEAD_BYTES)
        return Opening(
            candidate.name, candidate.path, file_id, status, stat.st_size, sha256, stat.st_ino,
            start,
        )  # fmt: skip


def _grown(candidate: Candidate, manifest: Manifest) -> Opening | None:
    """Look at a growing file: known under this or an older name, or new."""
    stat = candidate.path.stat()
    with candidate.path.open("rb") as file:
        start = file.read(HEAD_BYTES)
    known = manifest.growing(candidate.name, stat.st_ino, start, stat.st_size)
    if known is not None:
        if stat.st_size <= known.offset:
            return None
        file_id = known.file_id
    else:
        if b"\n" not in start and stat.st_size < HEAD_BYTES:
            return None  # not one complete line yet
        copies = sum(state.name == candidate.name for state in manifest.files.values())
        identity = f"{candidate.name}\x1f{copies}\x1f".encode() + start.partition(b"\n")[0]
        file_id = xxhash.xxh3_128_hexdigest(identity)
    return Opening(
        candidate.name, candidate.path, file_id, "growing", stat.st_size, "", stat.st_ino, start
    )
