"""Where the controls stand: how far each lane was read, and what they remember, in one file.

The file is replaced as a whole, so what is read and what is remembered are of one moment. What was
found since is found again after a crash, with the same ids.
"""

import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson
import xxhash

from dataflows.files import write_atomic
from warehouse.following import Cursor

_MAGIC = b"TWC1"
_LENGTH = struct.Struct("<QQ")


class CheckpointDamaged(RuntimeError):  # noqa: N818  it says what is the case
    """The file is not what was written."""


@dataclass
class Checkpoint:
    """What is kept.

    Attributes:
        cursors: By lane.
        memories: By control.
        number: How many alerts were stored; names their inserts.
    """

    cursors: dict[str, Cursor] = field(default_factory=dict)
    memories: dict[str, bytes] = field(default_factory=dict)
    number: int = 0


def write_checkpoint(path: Path, kept: Checkpoint) -> None:
    """Write the file, durably.

    Raises:
        OSError: If it cannot be written.
    """
    heading = {
        "cursors": {lane: asdict(cursor) for lane, cursor in kept.cursors.items()},
        "memories": {name: len(memory) for name, memory in kept.memories.items()},
        "number": kept.number,
    }
    head = orjson.dumps(heading)
    body = b"".join([head, *kept.memories.values()])
    checksum = xxhash.xxh3_64_intdigest(body)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, _MAGIC + _LENGTH.pack(len(head), checksum) + body, durable=True)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read the file; nothing is kept where there is none.

    Raises:
        CheckpointDamaged: If it is not what was written.
    """
    if not path.exists():
        return Checkpoint()
    content = path.read_bytes()
    start = len(_MAGIC) + _LENGTH.size
    if content[: len(_MAGIC)] != _MAGIC or len(content) < start:
        raise CheckpointDamaged(_damaged(path))
    length, checksum = _LENGTH.unpack_from(content, len(_MAGIC))
    if xxhash.xxh3_64_intdigest(content[start:]) != checksum:
        raise CheckpointDamaged(_damaged(path))
    heading = orjson.loads(content[start : start + length])
    return Checkpoint(
        {lane: Cursor(**cursor) for lane, cursor in heading["cursors"].items()},
        _memories(heading["memories"], content, start + length), heading["number"],
    )  # fmt: skip


def _memories(lengths: Mapping[str, int], content: bytes, start: int) -> dict[str, bytes]:
    found = {}
    for name, length in lengths.items():
        found[name] = content[start : start + length]
        start += length
    return found


def _damaged(path: Path) -> str:
    return (
        f"{path} is damaged: move it away, and the controls read again what the store has, from "
        "the oldest range on; the alerts that are there are found again, not doubled"
    )
