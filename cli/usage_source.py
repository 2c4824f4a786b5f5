"""Usage to try prices on: a file of usage events, or what the store holds, batch by batch."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from cli.common import console
from cli.reading import reader
from cli.times import instant
from cli.usage_lines import parsed
from dashboards.queries import rows, table
from dataflows.exits import Exit
from dataflows.settings import Settings
from schemas.columns import from_arrow, rows_to_frame
from schemas.usage import UsageEvent

BATCH = 32_768
"""Events that are rated at a time."""

_BEGINNING, _END = "1970-01-01", "2100-01-01"

UsageOption = Annotated[
    Path | None, typer.Option("--usage", help="File of usage events as JSON lines.")
]
StoreOption = Annotated[bool, typer.Option("--store", help="The usage that the store holds.")]
SinceOption = Annotated[
    str, typer.Option("--since", help="Only usage that began then or later: a date, an instant.")
]
UntilOption = Annotated[
    str, typer.Option("--until", help="Only usage that began before: a date, an instant.")
]


@dataclass
class UsageSource:
    """Which usage.

    Attributes:
        path: File of usage events; `None` for the store.
        since: Only usage that began then or later, microseconds UTC.
        until: Only usage that began before, microseconds UTC.
        unreadable: What is wrong with lines of the file, one sentence each; filled by reading.
    """

    settings: Settings
    path: Path | None
    since: int
    until: int
    unreadable: list[str] = field(default_factory=list)

    def batches(self) -> Iterator[pl.DataFrame]:
        """Read UsageEvent rows in stored order, at most BATCH at a time, showing progress.

        Raises:
            StoreError: If the store cannot be had.
            OSError: If the file cannot be read.
        """
        yield from self._of_file(self.path) if self.path else self._of_store()

    def _of_file(self, path: Path) -> Iterator[pl.DataFrame]:
        held: list[UsageEvent] = []
        with path.open("rb") as file, _progress() as progress:
            task = progress.add_task("rating twice", total=path.stat().st_size)
            for number, item in parsed(_numbered(file, progress, task)):
                if isinstance(item, str):
                    self.unreadable.append(f"{path}: line {number}: {item}")
                elif self.since <= item.start_time < self.until:
                    held.append(item)
                if len(held) == BATCH:
                    yield rows_to_frame(held, UsageEvent)
                    held.clear()
        yield rows_to_frame(held, UsageEvent)

    def _of_store(self) -> Iterator[pl.DataFrame]:
        period = {"since": self.since, "until": self.until}
        with reader(self.settings) as client, _progress() as progress:
            found = rows(client, "usage_batches", period)
            task = progress.add_task("rating twice", total=sum(one["charges"] for one in found))
            for one in found:
                place = {**period, "token": one["batch_token"], "at": one["at"]}
                usage = from_arrow(table(client, "usage_of_batch", place), UsageEvent)
                for start in range(0, usage.height, BATCH):
                    piece = usage[start : start + BATCH]
                    yield piece
                    progress.advance(task, piece.height)
                progress.advance(task, one["charges"] - usage.height)  # legs, and what was replaced


def _numbered(file: Iterable[bytes], progress: Progress, task: int) -> Iterator[tuple[int, bytes]]:
    read = 0
    for number, line in enumerate(file, start=1):
        read += len(line)
        if number % 1_000 == 0:
            progress.update(task, completed=read)  # type: ignore[arg-type]
        if line.strip():
            yield number, line


def _progress() -> Progress:
    screen = console(to_errors=True)
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TimeRemainingColumn(), console=screen, transient=True, disable=not screen.is_terminal,
    )  # fmt: skip


def source_of(
    settings: Settings, usage: Path | None, *, store: bool, since: str, until: str
) -> UsageSource:
    """Read the options of a command.

    Raises:
        typer.Exit: With code 2, if they do not name exactly one source that is there.
    """
    if (usage is None) != store:
        typer.echo("name the usage: --usage FILE, or --store, and not both", err=True)
        raise typer.Exit(Exit.USAGE)
    if usage is not None and not usage.is_file():
        typer.echo(f"--usage {usage}: there is no such file", err=True)
        raise typer.Exit(Exit.USAGE)
    period = (instant(since or _BEGINNING, "--since"), instant(until or _END, "--until"))
    if period[0] >= period[1]:
        typer.echo(f"--since {since or _BEGINNING} is not before --until {until}", err=True)
        raise typer.Exit(Exit.USAGE)
    return UsageSource(settings, usage, *period)
