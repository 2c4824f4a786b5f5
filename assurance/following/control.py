"""What every control that follows rated usage is: a fold whose findings depend on the rows alone.

However the rows of a lane are cut into batches, over however many lanes accounts are spread, and in
whichever order lanes are read: what is open at the end is the same.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import polars as pl

from assurance.alerts import Control
from assurance.following.thresholds import Thresholds
from schemas.alerts import Alert
from tallywire.catalog.snapshot import Snapshot


@dataclass(frozen=True)
class World:
    """What a control may know beside its rows.

    Attributes:
        snapshots: Catalogue by the hash that rows name.
        thresholds: What a person may tune.
    """

    snapshots: Callable[[str], Snapshot]
    thresholds: Thresholds = field(default_factory=Thresholds)


def _no_catalogue(name: str) -> Snapshot:
    raise LookupError(name)


NOWHERE = World(_no_catalogue)
"""A world that has no catalogue."""


class StreamControl(ABC):
    """One control; made anew without a memory, or from what it dumped.

    Attributes:
        declared: The patterns that it finds.
    """

    declared: ClassVar[tuple[Control, ...]]

    def __init__(self, world: World) -> None:
        self.world = world

    def wanted(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Choose rows that are to be looked at with all their columns, before they are taken."""
        return rows.clear()

    def take_whole(self, whole: Sequence[Mapping[str, Any]]) -> None:  # noqa: B027  most want none
        """Look at chosen rows with all their columns.

        Args:
            whole: Fields of RatedEvent by name: instants in microseconds, ids as 16 bytes.
        """

    @abstractmethod
    def take(self, rows: pl.DataFrame) -> Sequence[Alert]:
        """Take rows of one lane, in its order; give the alerts that are new or have changed.

        Args:
            rows: Columns of `rows.ROWS`.
        """

    @abstractmethod
    def dump(self) -> bytes:
        """Give the memory."""

    @abstractmethod
    def load(self, content: bytes) -> None:
        """Take a memory back.

        Args:
            content: What `dump` gave, of this version or an older one.
        """
