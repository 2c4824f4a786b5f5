"""Catalogues on disk: folders that people edit, and the archive of what was compiled.

The archive keeps the source files of every catalogue that was ever used, one compressed file named
by the content hash. A loaded catalogue is compiled from those bytes again, after the hash is
checked, so a row's `catalog_hash` always leads to the prices it was rated with.
"""

import errno
import gzip
import io
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from dataflows.catalog_history import HistoryDamaged, HistoryFile
from dataflows.files import write_atomic
from dataflows.wall_clock import now_us
from schemas.catalog_history import CatalogStep, Step
from schemas.instants import text_from_micros
from tallywire import catalog as catalog_package
from tallywire.catalog import HasOptions, Problem, Reading, Snapshot, content_hash, history, read
from tallywire.mediation.decoders import DECODERS
from tallywire.rating.assertions import proven

SOURCES = frozenset({".yaml", ".yml", ".csv"})
"""What of a folder belongs to a catalogue; a README beside it does not."""

MAX_FOLDER_BYTES = 512 * 1024 * 1024
_HASH = re.compile(r"[0-9a-f]{64}")
_CURRENT = "current"


class CatalogError(OSError):
    """A catalogue cannot be read or kept: what, where, what to do."""

    def __str__(self) -> str:
        return self.strerror or super().__str__()


class CatalogRefused(ValueError):  # noqa: N818  it says what is the case
    """A catalogue has problems: each is a line of the message."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class CatalogMisuse(CatalogError):  # noqa: N818  it says what is the case
    """What was asked for cannot be done so; the message says what to do instead."""

    @classmethod
    def at(cls, path: Path, text: str) -> Self:
        """Say what is wrong with a place."""
        return cls(errno.EINVAL, text, str(path))


class CatalogDamaged(CatalogError):  # noqa: N818  it says what is the case
    """An archived catalogue is missing, or its content does not have its name's hash."""


def _said(error: OSError, doing: str, path: Path) -> CatalogError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        text = f"cannot {doing} {path}: the disk is full; free some space and try again"
    elif error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        text = f"cannot {doing} {path}: not permitted; give this user the right to do so"
    elif error.errno == errno.ENOENT:
        text = f"cannot {doing} {path}: it does not exist; correct the path"
        return CatalogMisuse(error.errno, text, str(path))
    else:
        text = f"cannot {doing} {path}: {error.strerror or error}"
    return CatalogError(error.errno, text, str(path))


def _damaged(path: Path, text: str) -> CatalogDamaged:
    return CatalogDamaged(errno.EINVAL, f"{path}: {text}", str(path))


def _source_files(folder: Path) -> Iterator[Path]:
    def stop(error: OSError) -> None:
        raise error

    for place, inner, names in os.walk(folder, onerror=stop):
        inner[:] = [name for name in inner if not name.startswith(".")]
        for name in names:
            path = Path(place, name)
            if path.suffix in SOURCES and not name.startswith("."):
                yield path


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read a catalogue folder: its `*.yaml` and `*.csv` files, hidden ones left out.

    Returns:
        File name within the folder, `/` between parts, to bytes.

    Raises:
        CatalogError: If the folder is missing, unreadable, empty or absurdly large.
    """
    files: dict[str, bytes] = {}
    total = 0
    try:
        if not folder.is_dir():
            raise CatalogMisuse.at(folder, f"{folder} is not a folder; name a catalogue folder")
        for path in sorted(_source_files(folder)):
            total += path.stat().st_size
            if not path.is_file() or total > MAX_FOLDER_BYTES:
                text = f"{path}: not a plain file, or more than {MAX_FOLDER_BYTES} bytes in all"
                raise CatalogMisuse.at(path, text)
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
    except CatalogError:
        raise
    except OSError as error:
        raise _said(error, "read", Path(error.filename or folder)) from error
    if not files:
        text = f"{folder} holds no catalogue; `tallywire catalog init {folder}` writes an example"
        raise CatalogMisuse.at(folder, text)
    return files


def judged(files: Mapping[str, bytes], formats: Mapping[str, HasOptions] = DECODERS) -> Reading:
    """Read a catalogue and run its price assertions: what lint finds to correct.

    Args:
        files: File name within the catalogue folder to bytes.
        formats: Usage formats by name.

    Returns:
        The snapshot, or all problems; an assertion that does not hold is one.
    """
    return proven(read(files, formats))


def example_folder() -> Path:
    """Give the folder of the example catalogue that is shipped with the product."""
    return Path(catalog_package.__file__).with_name("example")


def write_folder(files: Mapping[str, bytes], folder: Path) -> None:
    """Write catalogue files into a folder that does not exist yet or is empty.

    Raises:
        CatalogError: If the folder holds something, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CatalogMisuse.at(folder, f"{folder} is not empty; name a new folder")
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, content)
    except CatalogError:
        raise
    except OSError as error:
        raise _said(error, "write", Path(error.filename or folder)) from error


def pack(files: Mapping[str, bytes]) -> bytes:
    """Make the archive of catalogue files: the same files give the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            archive.addfile(member, io.BytesIO(files[name]))
    return gzip.compress(plain.getvalue(), 6, mtime=0)


def unpack(content: bytes) -> dict[str, bytes]:
    """Read an archive back.

    Raises:
        ValueError: If it is not such an archive.
    """
    files: dict[str, bytes] = {}
    total = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            for member in archive:
                total += member.size
                stream = archive.extractfile(member)
                if stream is None or total > MAX_FOLDER_BYTES:
                    msg = "not an archive of plain files"
                    raise ValueError(msg)
                files[member.name] = stream.read()
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        msg = f"not a readable archive ({error})"
        raise ValueError(msg) from error
    return files


class CatalogStore:
    """The archived catalogues below one folder, and which of them is in use.

    Args:
        root: The archive's folder; it is made when first written.
        formats: Usage formats by name; the product's own unless a test says otherwise.
    """

    def __init__(self, root: Path, formats: Mapping[str, HasOptions] = DECODERS) -> None:
        self.root = root
        self.formats = formats
        self._history = HistoryFile(root)
        self._sound: set[str] = set()

    def judge(self, files: Mapping[str, bytes]) -> Reading:
        """Read a catalogue and run its assertions; one that is sound may be put into use."""
        reading = judged(files, self.formats)
        if reading.snapshot is not None:
            self._sound.add(reading.snapshot.hash)
        return reading

    def _path(self, name: str) -> Path:
        return self.root / f"{name}.tar.gz"

    def archive(self, files: Mapping[str, bytes], snapshot: Snapshot) -> None:
        """Keep the files of a compiled catalogue; keeping it again changes nothing.

        Args:
            files: What the snapshot was compiled from.
            snapshot: The compiled catalogue.

        Raises:
            CatalogError: If the folder cannot be written.
        """
        path = self._path(snapshot.hash)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                write_atomic(path, pack(files), durable=True)
        except OSError as error:
            raise _said(error, "write", Path(error.filename or path)) from error

    def known(self) -> list[str]:
        """Give the hashes of all archived catalogues, sorted.

        Raises:
            CatalogError: If the folder cannot be read.
        """
        try:
            names = [path.name for path in self.root.glob("*.tar.gz")]
        except OSError as error:
            raise _said(error, "read", self.root) from error
        return sorted(name.removesuffix(".tar.gz") for name in names)

    def files(self, name: str) -> dict[str, bytes]:
        """Give the source files of an archived catalogue, verified against its hash.

        Raises:
            CatalogDamaged: If it is missing or its content is not what its name says.
            CatalogError: If it cannot be read.
        """
        path = self._path(name)
        if not _HASH.fullmatch(name):
            raise _damaged(path, f"{name!r} is not the hash of a catalogue")
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            text = "this catalogue is not archived here; compile its folder again"
            raise _damaged(path, text) from error
        except OSError as error:
            raise _said(error, "read", path) from error
        try:
            files = unpack(content)
        except ValueError as error:
            raise _damaged(path, f"{error}; restore it from a backup") from error
        if content_hash(files) != name:
            raise _damaged(path, "the content has another hash; restore it from a backup")
        return files

    def load(self, name: str) -> Snapshot:
        """Compile an archived catalogue.

        Args:
            name: Its hash.

        Raises:
            CatalogDamaged: If it is missing, changed, or refused by this version.
            CatalogError: If it cannot be read.
        """
        reading = read(self.files(name), self.formats)
        if reading.snapshot is None:
            text = f"this version refuses the catalogue: {reading.problems[0]}"
            raise _damaged(self._path(name), text)
        return reading.snapshot

    def must_hold(self, name: str) -> None:
        """Make sure that a catalogue is archived here, and that lint finds nothing to correct.

        Raises:
            CatalogDamaged: If it is not archived here, or not what its hash says.
            CatalogMisuse: If it has problems or a failing assertion.
        """
        if not _HASH.fullmatch(name) or not self._path(name).is_file():
            raise _damaged(self._path(name), "this catalogue is not archived here; compile it")
        if name not in self._sound:
            problems = self.judge(self.files(name)).problems
            if problems:
                text = f"the catalogue {name} is refused and not put into use: {problems[0]}"
                raise CatalogMisuse.at(self._path(name), text)

    def steps(self) -> list[CatalogStep]:
        """Give the history of the archive, oldest step first.

        Raises:
            CatalogDamaged: If a line of it cannot be read.
            CatalogError: If it cannot be read at all.
        """
        try:
            return self._history.steps() or self._before_history()
        except CatalogError:
            raise
        except HistoryDamaged as error:
            raise _damaged(self._history.path, str(error)) from error
        except OSError as error:
            raise _said(error, "read", self._history.path) from error

    def record(self, made: Callable[[Sequence[CatalogStep]], Sequence[CatalogStep]]) -> None:
        """Append steps to the history; nobody else writes between the reading and the writing.

        Args:
            made: Gives the steps to write from those there are.

        Raises:
            CatalogDamaged: If a line of the history cannot be read.
            CatalogError: If it cannot be written, or what `made` raises.
        """

        def lines(known: Sequence[CatalogStep]) -> list[CatalogStep]:
            old = [] if known else self._before_history()
            new = made([*known, *old])
            return [*old, *new] if new else []

        try:
            self._history.extend(lines)
        except CatalogError:
            raise
        except HistoryDamaged as error:
            raise _damaged(self._history.path, str(error)) from error
        except OSError as error:
            raise _said(error, "write", self._history.path) from error

    def _before_history(self) -> list[CatalogStep]:
        """Give the one step of an archive that knows only which catalogue is in use."""
        path = self.root / _CURRENT
        try:
            name = path.read_text(encoding="ascii", errors="replace").strip()
            since = path.stat().st_mtime_ns // 1_000
        except (FileNotFoundError, NotADirectoryError):
            return []
        if not _HASH.fullmatch(name):
            raise _damaged(path, "does not hold the hash of a catalogue; compile one again")
        return [CatalogStep(step=Step.USE, catalog_hash=name, recorded_at=since, effective_at=since,
                            note="in use before this history began")]  # fmt: skip

    def current(self, at_us: int | None = None) -> str:
        """Give the hash of the catalogue in use at an instant, as far as this archive knows.

        Args:
            at_us: Microseconds UTC; now where none is given.

        Raises:
            CatalogMisuse: If none was in use then.
            CatalogDamaged: If the history cannot be trusted.
            CatalogError: If the folder cannot be read.
        """
        steps = self.steps()
        name = history.in_use(steps, now_us() if at_us is None else at_us)
        if name:
            return name
        first = history.switches(steps)
        if first:
            began = text_from_micros(first[0].effective_us)
            text = f"no catalogue was in use then; the first came into use at {began}"
        else:
            text = "no catalogue is in use; compile one: `tallywire catalog compile FOLDER`"
        raise CatalogMisuse.at(self.root, text)


def tenant_of(catalogs: CatalogStore) -> str:
    """Name the tenant of the catalogue in use; where there is none, the one that has no name."""
    try:
        return catalogs.load(catalogs.current()).tenant_id
    except CatalogError:
        return "default"
