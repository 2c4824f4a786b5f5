"""Files of this machine: a folder that a feed names, and what lies packed in the inputs."""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dataflows.fetching.refused import Refused
from dataflows.fetching.source import Away, FileChanged, Listed
from dataflows.fetching.streams import CHUNK
from dataflows.sources.folder import Candidate
from schemas.refusals import Refusal
from tallywire.catalog.feed import Collect

_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}


def _listed(key: str, name: str, found: os.stat_result) -> Listed:
    return Listed(key, name, found.st_size, f"{found.st_size}:{found.st_mtime_ns}")


class FolderSource:
    """A folder of this machine, or one that is mounted."""

    atomic = False

    def __init__(self, collect: Collect) -> None:
        self.address, self._collect = collect.address, collect
        self._root = Path(unquote(urlsplit(collect.address).path))

    def look(self) -> Iterable[Listed]:
        """List the plain files below it; links are not followed.

        Raises:
            Away: If it cannot be read.
        """
        archive = self._archive()
        try:
            if not self._root.is_dir():
                msg = f"{self._root} is no folder"
                raise Away(msg, lasting=True)
            for path in sorted(self._root.rglob("*")):
                if archive and path.is_relative_to(archive):
                    continue
                found = path.lstat()
                if stat.S_ISREG(found.st_mode):
                    yield _listed(str(path), path.relative_to(self._root).as_posix(), found)
        except OSError as error:
            raise _away(error) from error

    def _archive(self) -> Path | None:
        """Give the folder of the archive; it may lie below the place itself."""
        return self._root / self._collect.archive_to if self._collect.archive_to else None

    def here(self, _listed: Listed) -> Path | None:
        """Copy what may be changed or deleted before it is read."""
        return None

    def read(self, listed: Listed, offset: int) -> tuple[int, Iterator[bytes]]:
        """Read a file from an offset.

        Raises:
            FileChanged: If it is not what was listed.
            Away: If it cannot be read.
        """
        return offset, self._pieces(listed, offset)

    def _pieces(self, listed: Listed, offset: int) -> Iterator[bytes]:
        try:
            handle = os.open(listed.key, os.O_RDONLY | os.O_NOFOLLOW)
            with open(handle, "rb") as file:  # noqa: PTH123  of a handle
                file.seek(offset)
                while piece := file.read(CHUNK):
                    yield piece
                if _listed(listed.key, listed.name, os.fstat(file.fileno())) != listed:
                    raise FileChanged(listed.name)
        except OSError as error:
            if error.errno in _GONE:
                raise FileChanged(listed.name) from error
            raise _away(error) from error

    def clear(self, listed: Listed, sha256: str, markers: Iterable[str]) -> None:
        """Archive or delete a file and its markers.

        Raises:
            FileChanged: If it is not what was listed any more.
            Away: If that is not permitted.
        """
        archive = self._archive()
        try:
            if _listed(listed.key, listed.name, os.lstat(listed.key)) != listed:
                raise FileChanged(listed.name)
            for name in [listed.name, *markers]:
                path = self._root / name
                if not path.exists():
                    continue
                if archive is None:
                    path.unlink()
                    continue
                target = archive / name
                if target.exists():
                    target = target.with_name(f"{target.name}.{sha256[:8]}")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(path, target)
        except FileNotFoundError as error:
            raise FileChanged(listed.name) from error
        except OSError as error:
            raise _away(error) from error

    def close(self) -> None:
        """Nothing is kept open."""


class NoSource(FolderSource):
    """A place that cannot be reached on this machine at all.

    Args:
        why: For a person.
    """

    def __init__(self, collect: Collect, why: str) -> None:
        super().__init__(collect)
        self._why = why

    def look(self) -> Iterable[Listed]:
        """Say why.

        Raises:
            Away: Always.
        """
        raise Away(self._why, lasting=True)


class PackedInputs:
    """What lies packed in the inputs of a run; it stays where it is.

    Args:
        find: Gives the packed files as they are now, and the links that lead out.
    """

    address = "the inputs"

    def __init__(
        self, find: Callable[[], tuple[list[Candidate], list[Candidate]]], *, atomic: bool
    ) -> None:
        self._find, self.atomic = find, atomic
        self._outside: set[str] = set()

    def look(self) -> Iterable[Listed]:
        """List them."""
        packed, outside = self._find()
        self._outside = {str(one.path) for one in outside}
        for candidate in [*packed, *outside]:
            try:
                found = candidate.path.lstat() if candidate in outside else candidate.path.stat()
            except FileNotFoundError:
                continue
            yield _listed(str(candidate.path), candidate.name, found)

    def here(self, listed: Listed) -> Path | None:
        """Give its place.

        Raises:
            Refused: If it is a link that leads out of its input folder.
        """
        if listed.key in self._outside:
            raise Refused(Refusal.LINK, "it is a link to a place outside of the input folder")
        return Path(listed.key)

    def read(self, listed: Listed, offset: int) -> tuple[int, Iterator[bytes]]:
        """It is read where it lies.

        Raises:
            FileChanged: Always: nobody asks.
        """
        del offset
        raise FileChanged(listed.name)

    def clear(self, listed: Listed, sha256: str, markers: Iterable[str]) -> None:
        """Inputs are left where they are."""

    def close(self) -> None:
        """Nothing is kept open."""


def _away(error: OSError) -> Away:
    lasting = error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}
    return Away(f"{error.filename or 'a file'}: {error.strerror or error}", lasting=lasting)
