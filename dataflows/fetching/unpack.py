"""From one file as it came to plain files, fsynced: all of them, or a refusal."""

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dataflows.fetching.names import (
    first_time,
    is_archive,
    packing,
    safe_name,
    unpacked_name,
)
from dataflows.fetching.refused import Limits, Meter, Refused, check_size
from dataflows.fetching.streams import CHUNK, Metered, Readable, damaged, decompressed
from dataflows.fetching.tars import tar_members
from dataflows.fetching.zips import zip_members
from dataflows.sources.folder import hidden
from schemas.refusals import Refusal

OwnerOf = Callable[[str], str]
"""Names the feed that takes a file of this name; empty where none does."""
_WHOLE = {Refusal.ARCHIVE_BOMB, Refusal.FILE_TOO_LARGE, Refusal.TOO_MANY_MEMBERS}
"""What refuses an archive with all its members."""


@dataclass(frozen=True)
class PlainFile:
    """A plain file, as it lies in the inbox.

    Attributes:
        name: What is recorded: the remote name, of a member behind that of its archive.
        feed: Whose it is.
        place: Its path below the folder it was written into.
    """

    name: str
    feed: str
    place: str
    sha256: str
    size: int


@dataclass
class Content:
    """What a file came to.

    Attributes:
        refused: Members that are not taken: name, reason, words.
        unclaimed: Members that no feed takes.
    """

    files: list[PlainFile] = field(default_factory=list)
    refused: list[tuple[str, Refusal, str]] = field(default_factory=list)
    unclaimed: list[str] = field(default_factory=list)


def sha256_of(path: Path) -> str:
    """Hash a file in small pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _written(content: Readable, path: Path) -> tuple[str, int]:
    """Write what is read, fsynced; give its hash and length."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        while piece := content.read(CHUNK):
            digest.update(piece)
            size += len(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), size


def unpacked(path: Path, name: str, folder: Path, limits: Limits, owner_of: OwnerOf) -> Content:
    """Write what a file holds as plain files.

    Args:
        path: Where it lies.
        name: What it is called; its ending tells how it is packed.
        folder: Empty folder for the plain files.
        owner_of: Asked with the name of each plain file.

    Raises:
        Refused: If it is not taken as a whole; what lies in the folder is worth nothing then.
        OSError: If it cannot be read or written.
    """
    size = path.stat().st_size
    check_size(size, limits)
    kind, content = packing(name), Content()
    meter = Meter(limits, size)
    with path.open("rb") as file:
        if is_archive(name):
            members = _members(path, file, kind, limits, meter)
            _take_members(name, members, folder, meter, owner_of, content)
        elif kind:
            inner = unpacked_name(name)
            _check_inner(inner)
            _take(inner, decompressed(file, kind, meter), folder, owner_of, content)
        else:
            _take(name, file, folder, owner_of, content)
    return content


def _members(
    path: Path, file: Readable, kind: str, limits: Limits, meter: Meter
) -> Iterator[tuple[str, Readable | Refused]]:
    if kind == "zip":
        return zip_members(path, limits, meter)
    packed = kind.removeprefix("tar").removeprefix(".")
    stream = decompressed(file, packed, meter) if packed else file
    return tar_members(stream if isinstance(stream, Metered) else Metered(stream, meter), meter)


def _check_inner(name: str) -> None:
    """Refuse what is packed once more inside.

    Raises:
        Refused: An archive in an archive is not followed.
    """
    if packing(name):
        raise Refused(Refusal.NESTED_ARCHIVE, f"it holds {name[-100:]}, which is packed again")


def _take(name: str, content: Readable, folder: Path, owner_of: OwnerOf, into: Content) -> None:
    owner = owner_of(name)
    if not owner:
        into.unclaimed.append(name)
        return
    place = f"{len(into.files):06d}"
    sha256, size = _written(content, folder / place)
    into.files.append(PlainFile(name, owner, place, sha256, size))


def _take_members(
    archive: str,
    members: Iterator[tuple[str, Readable | Refused]],
    folder: Path,
    meter: Meter,
    owner_of: OwnerOf,
    into: Content,
) -> None:
    seen: set[str] = set()
    for written, found in members:
        try:
            inner = safe_name(written)
            if hidden(inner):
                continue
            if isinstance(found, Refused):
                into.refused.append((f"{archive}/{inner}", found.reason, found.text))
                continue
            if is_archive(inner):
                raise Refused(Refusal.NESTED_ARCHIVE, "it is an archive in an archive")  # noqa: TRY301
            first_time(plain := unpacked_name(inner), seen)
            seen.add(plain)
            kind = packing(inner)
            if kind:
                _check_inner(plain)
            content = decompressed(found, kind, meter) if kind else found
            _take(f"{archive}/{plain}", content, folder, owner_of, into)
        except Refused as refused:
            if refused.reason in _WHOLE:
                raise Refused(refused.reason, f"{written[:100]!r}: {refused.text}") from refused
            into.refused.append((f"{archive}/{written[:200]}", refused.reason, refused.text))
        except OSError as error:
            if error.errno in {None, errno.EINVAL}:  # a library's word for damage
                into.refused.append((f"{archive}/{written[:200]}", *_told(error)))
                continue
            raise


def _told(error: OSError) -> tuple[Refusal, str]:
    refused = damaged(error)
    return refused.reason, refused.text
