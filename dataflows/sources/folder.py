"""Which file belongs to which feed."""

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dataflows.fetching.names import is_archive, packing, unpacked_name
from tallywire.catalog.snapshot import Feed

_UNFINISHED = (".tmp", ".part", ".partial", ".filepart")


@dataclass(frozen=True, order=True)
class Candidate:
    """A file that a feed takes.

    Attributes:
        name: Path below the input folder: what is recorded, and the order of reading.
    """

    name: str
    path: Path


class InputMissing(ValueError):  # noqa: N818  it says what is the case
    """An input that was named is not there."""


def _files(inputs: Iterable[Path], *, outside: bool = False) -> Iterator[Candidate]:
    """Give the files of inputs.

    Args:
        outside: Give the links that lead out of their input folder instead: nobody reads them.
    """
    for given in inputs:
        if given.is_dir():
            for path in sorted(given.rglob("*")):
                if path.is_file() and _leads_out(path, given) == outside:
                    yield Candidate(path.relative_to(given).as_posix(), path)
        elif outside:
            continue
        elif given.exists():
            yield Candidate(given.name, given)
        else:
            msg = f"{given} does not exist: name a file or a folder of usage files"
            raise InputMissing(msg)


def _leads_out(path: Path, root: Path) -> bool:
    return path.is_symlink() and not path.resolve().is_relative_to(root.resolve())


def hidden(name: str) -> bool:
    """Tell whether a file is none of usage: hidden, or one that is still being written."""
    parts = PurePosixPath(name).parts
    return any(part.startswith(".") for part in parts) or name.endswith(_UNFINISHED)


def matches(name: str, pattern: str) -> bool:
    """Tell whether a file name is of a feed's pattern.

    A pattern with a slash is held against the whole name, one without against its last part.

    >>> matches("pbx/Master.csv", "Master*.csv"), matches("pbx/Master.csv", "switch/*")
    (True, False)
    """
    return fnmatch.fnmatchcase(name if "/" in pattern else PurePosixPath(name).name, pattern)


def owner_of(name: str, feeds: Mapping[str, Feed]) -> str:
    """Name the feed that a file of the inputs belongs to: the first, by id, that takes its name.

    A feed that fetches its files takes none of the inputs.
    """
    owners = (
        key
        for key in sorted(feeds)
        if feeds[key].collect is None and matches(name, feeds[key].path)
    )
    return next(owners, "")


def whole_owner_of(name: str, feeds: Mapping[str, Feed]) -> str:
    """Name the feed that takes a whole file: one that was unpacked is no log that grows."""
    owner = owner_of(name, feeds)
    return "" if owner and feeds[owner].growing else owner


def set_apart(inputs: Iterable[Path]) -> tuple[list[Candidate], list[Candidate]]:
    """Give what lanes do not read where it lies.

    Returns:
        Packed files, which are unpacked first, and links that lead out of their input folder.

    Raises:
        InputMissing: If an input does not exist.
    """
    inputs = list(inputs)
    packed = [one for one in sorted(set(_files(inputs))) if packing(one.name)]
    outside = sorted(set(_files(inputs, outside=True)))
    return [one for one in packed if not hidden(one.name)], outside


def discover(
    inputs: Iterable[Path], feeds: Mapping[str, Feed]
) -> tuple[dict[str, list[Candidate]], list[Candidate]]:
    """Give every file to the first feed, by id, whose pattern it matches.

    Returns:
        Files by feed, in the order of their names, and the files that no feed takes. Packed files
        are of no feed as they are; archives may hold files of any.

    Raises:
        InputMissing: If an input does not exist.
    """
    taken: dict[str, list[Candidate]] = {feed_id: [] for feed_id in feeds}
    unclaimed = []
    for candidate in sorted(set(_files(inputs))):
        if hidden(candidate.name):
            continue
        packed = packing(candidate.name)
        owner = "" if packed else owner_of(candidate.name, feeds)
        if owner:
            taken[owner].append(candidate)
        elif not packed or not _may_hold(candidate.name, feeds):
            unclaimed.append(candidate)
    return taken, unclaimed


def _may_hold(name: str, feeds: Mapping[str, Feed]) -> bool:
    return is_archive(name) or bool(whole_owner_of(unpacked_name(name), feeds))
