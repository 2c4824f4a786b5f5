"""What every place that files are fetched from can do, and what can go wrong there."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tallywire.catalog.rules_collect import variables_of

PATIENCE_S = 30.0
"""How long a server may take to answer, seconds."""


class Away(Exception):  # noqa: N818  it says what is the case
    """A place cannot be reached, or does not let us in; it is tried again.

    Attributes:
        lasting: A person must do something about it.
    """

    def __init__(self, text: str, *, lasting: bool = False) -> None:
        super().__init__(text)
        self.lasting = lasting


class FileChanged(Exception):  # noqa: N818  it says what is the case
    """A file is not any more what was listed; it is looked at again."""


@dataclass(frozen=True, order=True)
class Listed:
    """A file as its place lists it.

    Attributes:
        key: How the place knows it.
        name: Its path below the place: what is recorded.
        size: Bytes; -1 where the place does not say.
        version: What changes when its content does; empty where the place does not say.
    """

    key: str
    name: str
    size: int
    version: str


class Source(Protocol):
    """A place that files are fetched from."""

    address: str
    """What a person is told; without a secret."""
    atomic: bool
    """A file is listed only when it is whole."""

    def look(self) -> Iterable[Listed]:
        """List the files there.

        Raises:
            Away: If it cannot be done now.
        """
        ...

    def here(self, listed: Listed) -> Path | None:
        """Give the place of a file that lies on this machine and stays as it is."""
        ...

    def read(self, listed: Listed, offset: int) -> tuple[int, Iterator[bytes]]:
        """Read a file in pieces, from an offset where the place can do that.

        Returns:
            The offset that the first piece is of, and the pieces.

        Raises:
            FileChanged: If it is not what was listed; also while it is read.
            Away: If it cannot be read now; also while it is read.
        """
        ...

    def clear(self, listed: Listed, sha256: str, markers: Iterable[str]) -> None:
        """Archive or delete a file that was handed over, and its markers.

        Raises:
            Away: If it cannot be done now.
        """
        ...

    def close(self) -> None:
        """Let go of connections; the next call makes new ones."""
        ...


@dataclass(frozen=True)
class Credentials:
    """What the environment holds for one feed.

    Attributes:
        feed_id: The feed.
        environment: All variables.
    """

    feed_id: str
    environment: Mapping[str, str]

    def get(self, name: str) -> str:
        """Give a variable such as `PASSWORD`; empty where it is not set."""
        return self.environment.get(self.named(name), "")

    def named(self, name: str) -> str:
        """Name a variable in full."""
        return variables_of(self.feed_id) + name
