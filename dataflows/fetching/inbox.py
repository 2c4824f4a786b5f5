"""The inbox of a place: folders that are handed over whole, by one rename, and swept when read.

    INBOX/list              what was fetched
    INBOX/parts/            files that are being fetched
    INBOX/draft/            what is being unpacked
    INBOX/ready/0000000007/ handed over: `entry`, and plain files under numbers

The rename of a folder into `ready` is what hands over: it holds all plain files of one file that
was fetched, and its line of the list, which is added afterwards, or at the next start.
"""

import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from dataflows.fetching.fetched import Fetched, FetchedList
from dataflows.fetching.unpack import PlainFile, sha256_of
from dataflows.files import sync_folder, write_atomic
from dataflows.sources.folder import Candidate
from dataflows.sources.openings import REFUSED_ENDING

_TICK_NS = 2_000_000_000
"""A folder that changed within it may change again and look the same."""
INPUTS = "inputs"
"""Inbox of what lies packed in the inputs of a run."""


def inbox_of(root: Path, feed_id: str) -> Path:
    """Where the inbox of a feed lies.

    Args:
        root: `Home.inbox`.
    """
    return root / "feeds" / feed_id


@dataclass(frozen=True)
class Waiting:
    """A plain file that was handed over.

    Attributes:
        feed: Whose it is.
    """

    name: str
    feed: str
    path: Path
    sha256: str


class Ready:
    """What was handed over, as it is read: by the place that fetches, and by lanes.

    Args:
        folder: The inbox.

    Attributes:
        done: Files that their lane has read to the end: they are not listed any more.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "ready"
        self._known: dict[str, list[Waiting]] = {}
        self._looked = -1
        self.done: frozenset[Path] = frozenset()

    def _folders(self) -> dict[str, list[Waiting]]:
        """Give what lies there by folder; read again only when a folder came or went."""
        try:
            changed = self.folder.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if changed != self._looked:
            settled = time.time_ns() - changed > _TICK_NS
            names = sorted(path.name for path in self.folder.iterdir())
            self._known = {name: self._known.get(name) or self._entry(name) for name in names}
            self._looked = changed if settled else -1
        return self._known

    def _entry(self, number: str) -> list[Waiting]:
        try:
            content = read_entry(self.folder / number)
        except FileNotFoundError:  # it was swept meanwhile
            return []
        return [
            Waiting(one["name"], one["feed"], self.folder / number / one["place"], one["sha256"])
            for one in content["plain"]
        ]

    def candidates(self, feed_id: str) -> list[Candidate]:
        """Give the files of a feed that were not read yet, in the order of fetching."""
        return [
            Candidate(one.name, one.path)
            for waiting in self._folders().values()
            for one in waiting
            if one.feed == feed_id and one.path not in self.done
        ]

    def feeds(self) -> set[str]:
        """Name the feeds that files wait for."""
        return {one.feed for waiting in self._folders().values() for one in waiting}

    def read(self, feed_id: str, taken: Collection[tuple[str, str]]) -> None:
        """Note what a lane has read to the end.

        Args:
            taken: Names and hashes of files.
        """
        self.done = frozenset(one.path for one in self._of(feed_id, taken))

    def sweep(self, feed_id: str, gone: Collection[tuple[str, str]]) -> int:
        """Delete files that no restart reads again, and that are not listed any more.

        Returns:
            How many were deleted.
        """
        deleted = 0
        for path in [one.path for one in self._of(feed_id, gone)]:
            folder = path.parent
            if path not in self.done or not folder.exists():
                continue  # its lane may be about to look at it
            deleted += path.exists()
            path.unlink(missing_ok=True)
            if [left.name for left in folder.iterdir()] == [_ENTRY]:
                shutil.rmtree(folder, ignore_errors=True)
        return deleted

    def _of(self, feed_id: str, names: Collection[tuple[str, str]]) -> list[Waiting]:
        return [
            one
            for waiting in self._folders().values()
            for one in waiting
            if one.feed == feed_id and (one.name, one.sha256) in names
        ]


_ENTRY = "entry"


def read_entry(folder: Path) -> dict[str, Any]:
    """Read what a folder that was handed over says of itself."""
    content: dict[str, Any] = orjson.loads((folder / _ENTRY).read_bytes())
    return content


class Inbox:
    """An inbox as the place that fills it has it.

    Raises:
        ListDamaged: If its list is damaged.
        OSError: If it cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.parts, self._draft = folder, folder / "parts", folder / "draft"
        for made in (self.parts, folder / "ready"):
            made.mkdir(parents=True, exist_ok=True)
        self.list = FetchedList(folder / "list")
        self.ready = Ready(folder)
        for path in sorted((folder / "ready").iterdir()):
            if int(path.name) > self.list.last:  # the crash came before its line
                self.list.add(Fetched.of(read_entry(path)["fetched"]))

    def draft(self) -> Path:
        """Give an empty folder."""
        shutil.rmtree(self._draft, ignore_errors=True)
        self._draft.mkdir()
        return self._draft

    def hand_over(self, one: Fetched, plain: Sequence[PlainFile]) -> None:
        """Hand over what lies in the draft, whole, and put it on the list."""
        if plain:
            entry = {"fetched": asdict(one), "plain": [asdict(file) for file in plain]}
            write_atomic(self._draft / _ENTRY, orjson.dumps(entry), durable=True)
            self._draft.rename(self.ready.folder / f"{one.number:010d}")
            sync_folder(self.ready.folder)
        self.list.add(one)


def refusal_file(folder: Path, feed: str, name: str, content: dict[str, Any]) -> PlainFile:
    """Write a refusal as a file that the lane of its feed reads like any other, once."""
    place = f"refusal{REFUSED_ENDING}"
    path = folder / place
    text = orjson.dumps(content | {"name": name}, option=orjson.OPT_SORT_KEYS)
    write_atomic(path, text, durable=True)
    return PlainFile(name, feed, place, sha256_of(path), path.stat().st_size)
