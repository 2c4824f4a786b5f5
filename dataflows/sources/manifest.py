"""What a feed's lane has read so far: a fold over its ledger, nothing else."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import orjson
import xxhash

from dataflows.ledger import Folded
from schemas.feeds import LedgerEntry

HEAD_BYTES = 4096


@dataclass
class FileState:
    """How far one file is.

    Attributes:
        record_bytes: Bytes of the records so far, where `offset` counts something else.
        done: A whole file was read to its end.
        overlong: The range read last ended inside a record beyond all bounds.
        inode: With `head`, what recognises a growing file after a rename.
        head: Hash, hex, of the file's first `head_length` bytes, as first read.
    """

    file_id: str
    name: str
    offset: int = 0
    records: int = 0
    record_bytes: int = 0
    done: bool = False
    overlong: bool = False
    inode: int = 0
    head: str = ""
    head_length: int = 0


@dataclass
class Manifest:
    """All files of a lane.

    Attributes:
        contents: sha256 of every whole file to its file id.
        taken: (name, sha256) of every whole file and replay: not looked at again.
    """

    files: dict[str, FileState] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    taken: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, folded: Folded) -> Self:
        """Read what older entries came to."""
        return cls(
            {key: FileState(**state) for key, state in folded.get("files", {}).items()},
            dict(folded.get("contents", {})),
            {(name, sha256) for name, sha256 in folded.get("taken", ())},
        )

    def take(self, entry: LedgerEntry) -> None:
        """Fold one ledger entry."""
        detail: dict[str, Any] = orjson.loads(entry.detail)
        state = self.files.setdefault(entry.source, FileState(entry.source, detail["name"]))
        state.name = detail["name"]
        state.offset = entry.last
        state.records += entry.records
        state.inode = detail["inode"]
        state.head, state.head_length = detail["head"], detail["head_length"]
        state.record_bytes += detail.get("record_bytes", 0)
        state.overlong = detail["more"]
        if detail["at_end"]:
            state.done = True
            self.taken.add((state.name, detail["sha256"]))
            self.contents.setdefault(detail["sha256"], entry.source)

    def growing(self, name: str, inode: int, start: bytes, size: int) -> FileState | None:
        """Find a growing file by its inode or its name, unless it was truncated or replaced.

        Args:
            start: The file's first HEAD_BYTES bytes.
        """
        same = [state for state in self.files.values() if state.inode == inode]
        same += [state for state in self.files.values() if state.name == name]
        for state in same:
            begins_alike = head_of(start[: state.head_length]) == state.head
            if begins_alike and size >= state.offset and len(start) >= state.head_length:
                return state
        return None


def folded(before: Folded, entries: Iterable[LedgerEntry]) -> Folded:
    """Fold entries of a collection lane: how far its files and its stream are."""
    manifest = Manifest.of(before)
    for entry in entries:
        manifest.take(entry)
    return {
        "files": {key: asdict(state) for key, state in manifest.files.items()},
        "contents": manifest.contents,
        "taken": sorted(manifest.taken),
    }


def head_of(start: bytes) -> str:
    """Name the beginning of a file."""
    return xxhash.xxh3_64_hexdigest(start)
