"""Which file belongs to which feed."""

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

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


def _files(inputs: Iterable[Path]) -> Iterator[Candidate]:
    for given in inputs:
        if given.is_dir():
            for path in sorted(given.rglob("*")):
                if path.is_file():
                    yield Candidate(path.relative_to(given).as_posix(), path)
        elif given.exists():
            yield Candidate(given.name, given)
        else:
            msg = f"{given} does not exist: name a file or a folder of usage files"
            raise InputMissing(msg)


def _hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(part.startswith(".") for part in parts) or name.endswith(_UNFINISHED)


def matches(name: str, pattern: str) -> bool:
    """Tell whether a file name is of a feed's pattern.

    A pattern with a slash is held against the whole name, one without against its last part.

    >>> matches("pbx/Master.csv", "Master*.csv"), matches("pbx/Master.csv", "switch/*")
    (True, False)
    """
    return fnmatch.fnmatchcase(name if "/" in pattern else PurePosixPath(name).name, pattern)


def discover(
    inputs: Iterable[Path], feeds: Mapping[str, Feed]
) -> tuple[dict[str, list[Candidate]], list[Candidate]]:
    """Give every file to the first feed, by id, whose pattern it matches.

    Returns:
        Files by feed, in the order of their names, and the files that no feed takes.

    Raises:
        InputMissing: If an input does not exist.
    """
    taken: dict[str, list[Candidate]] = {feed_id: [] for feed_id in feeds}
    unclaimed = []
    for candidate in sorted(set(_files(inputs))):
        if _hidden(candidate.name):
            continue
        owners = [key for key in sorted(feeds) if matches(candidate.name, feeds[key].path)]
        if owners:
            taken[owners[0]].append(candidate)
        else:
            unclaimed.append(candidate)
    return taken, unclaimed
