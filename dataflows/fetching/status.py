"""How a place stands, in a small file beside its inbox that others read; never part of a result."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import orjson

from dataflows.files import write_atomic

_STATUS = "status.json"
_MOST_PROBLEMS = 20


@dataclass
class PlaceStatus:
    """What a person wants to know of a place.

    Attributes:
        feed: The feed that fetches from it; `inputs` for what lies packed in the inputs of a run.
        address: Where it is.
        fetched: Files that were fetched whole, since the inbox was begun.
        refused: Files that were refused, or members of them.
        looked_us: When it was looked at last, microseconds UTC; 0 before the first time.
        reached_us: When that last succeeded.
        failures: How often it failed since.
        error: Why, for a person; empty where the last look succeeded.
        lasting: A person must do something about it.
        waiting: New files that are not finished yet.
        problems: What was refused last.
    """

    feed: str
    address: str
    fetched: int = 0
    refused: int = 0
    looked_us: int = 0
    reached_us: int = 0
    failures: int = 0
    error: str = ""
    lasting: bool = False
    waiting: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path, feed: str = "", address: str = "") -> Self:
        """Go on from what the process before left."""
        try:
            known = cls(**orjson.loads((folder / _STATUS).read_bytes()))
        except (OSError, orjson.JSONDecodeError, TypeError):
            return cls(feed, address)
        known.feed, known.address = feed or known.feed, address or known.address
        return known

    def tell(self, problem: str) -> None:
        """Note what was refused."""
        self.problems = [*self.problems, problem][-_MOST_PROBLEMS:]

    def write(self, folder: Path) -> None:
        """Write the file."""
        write_atomic(folder / _STATUS, orjson.dumps(asdict(self)))


def places(root: Path) -> list[PlaceStatus]:
    """Give every place of a home as it stands, by feed.

    Args:
        root: `Home.inbox`.
    """
    folders = [path.parent for path in root.glob(f"**/{_STATUS}") if path.is_file()]
    return sorted((PlaceStatus.of(one) for one in folders), key=lambda one: one.feed)
