"""The history of a catalogue archive on disk: JSON lines, appended, fsynced, read by every run.

A last line that a crash tore is passed over when reading and cut before the next line is written.
A wrong line before the end means a damaged disk and is an error.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import orjson
from pydantic import ValidationError

from dataflows.files import sync_folder
from schemas.catalog_history import CatalogStep

NAME = "history.jsonl"
SCHEMA_VERSION = 1

Stamp = tuple[int, int, int]


class HistoryDamaged(ValueError):  # noqa: N818  it says what is the case
    """A line of the history cannot be read: which, why, what to do."""


def _step(line: bytes, number: int) -> CatalogStep:
    content = orjson.loads(line)
    if not isinstance(content, dict):
        msg = "it is no object"
        raise TypeError(msg)
    version = content.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        msg = f"line {number} was written by a newer version of Tallywire; use that version"
        raise HistoryDamaged(msg)
    return CatalogStep.model_validate(content)


def parsed(data: bytes) -> tuple[list[CatalogStep], int]:
    """Read the lines of a history.

    Returns:
        The steps, and the length in bytes of the lines they stand in: what follows is torn.

    Raises:
        HistoryDamaged: If a line before the last cannot be read.
    """
    steps: list[CatalogStep] = []
    whole = 0
    lines = data.splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        try:
            if not line.endswith(b"\n"):
                break
            steps.append(_step(line, number))
        except (orjson.JSONDecodeError, TypeError, ValidationError) as error:
            if number == len(lines):
                break
            msg = f"line {number} was never written so; restore the file from a backup"
            raise HistoryDamaged(msg) from error
        whole += len(line)
    return steps, whole


class HistoryFile:
    """The history of one archive folder.

    Args:
        folder: The archive's folder; it is made when first written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._known: tuple[Stamp, list[CatalogStep]] | None = None

    def steps(self) -> list[CatalogStep]:
        """Give all steps, oldest first; none where nothing was written yet.

        Raises:
            HistoryDamaged: If a line before the last cannot be read.
            OSError: If the file cannot be read.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return []
        stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        if self._known is None or self._known[0] != stamp:
            self._known = stamp, parsed(self.path.read_bytes())[0]
        return self._known[1]

    @contextmanager
    def _alone(self) -> Iterator[BinaryIO]:
        """Hold the file against every other writer."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def extend(self, made: Callable[[Sequence[CatalogStep]], Sequence[CatalogStep]]) -> None:
        """Append steps; nobody else writes between the reading and the writing.

        Args:
            made: Gives the steps to write from those there are; what it raises is passed on, and
                nothing is written.

        Raises:
            HistoryDamaged: If a line before the last cannot be read.
            OSError: If the disk is full or the file cannot be written.
        """
        with self._alone() as file:
            file.seek(0)
            steps, whole = parsed(file.read())
            lines = b"".join(one.model_dump_json().encode() + b"\n" for one in made(steps))
            if not lines:
                return
            file.truncate(whole)
            try:
                while lines:
                    lines = lines[file.write(lines) or 0 :]
                os.fsync(file.fileno())
            except OSError:
                file.truncate(whole)
                raise
        sync_folder(self.path.parent)
