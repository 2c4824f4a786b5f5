"""Processes beside the workers of a run, each started when the catalogue in use first needs it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from dataflows.catalogs import CatalogError, CatalogStore
from tallywire.catalog import Snapshot


@dataclass(frozen=True)
class Beside:
    """A process beside the workers. It may end at any instant: a stop does not wait for it.

    Attributes:
        role: Names its log and its progress.
        module: Run as `python -m MODULE ROLE JOB_FILE`.
        needed: Tells whether a catalogue needs it.
    """

    role: str
    module: str
    needed: Callable[[Snapshot], bool]


class Newest:
    """The catalogue in use, loaded again only when another one is.

    Args:
        catalogs: The archive.
        snapshot: One that is loaded already.
    """

    def __init__(self, catalogs: CatalogStore, snapshot: Snapshot) -> None:
        self._catalogs, self._snapshot = catalogs, snapshot

    def snapshot(self) -> Snapshot:
        """Give it; the one before where the archive cannot be read now."""
        with suppress(CatalogError):
            if (name := self._catalogs.current()) != self._snapshot.hash:
                self._snapshot = self._catalogs.load(name)
        return self._snapshot
