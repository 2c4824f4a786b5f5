"""What every verb needs: settings, the store, plain errors with documented exit codes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from dataflows.exits import Exit, exit_code, explain, known
from dataflows.run import CatalogRefused, store_of
from dataflows.settings import Home, Settings
from warehouse.client import Client, opened

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of everything that is kept (TALLYWIRE_HOME)."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

_UNBROKEN = 100_000
"""Columns of output that programs read."""

EXITS = (
    "Exit codes: 0 done, 1 problems found, 2 wrong use, 3 some input could not be read, "
    "4 no store or no Kafka, 5 taken by another process, 6 damaged state, 7 disk or permission, "
    "70 a fault of ours."
)


def epilog(*examples: str) -> str:
    """Write the end of a verb's help: examples, then exit codes."""
    lines = "\n".join(f"  tallywire {example}" for example in examples)
    return f"\b\nExamples:\n{lines}\n\n{EXITS}"


def console(*, to_errors: bool = False) -> Console:
    """Give the console for people; elsewhere it is plain text, of which no line is broken."""
    found = Console(highlight=False, stderr=to_errors)
    if not found.is_terminal and "COLUMNS" not in os.environ:
        found.width = _UNBROKEN
    return found


def settings_of(home: Path | None) -> Settings:
    """Read the configuration; a wrong value is named."""
    try:
        return Settings(home=home) if home else Settings()
    except ValidationError as error:
        for item in error.errors(include_url=False):
            name = ".".join(str(part) for part in item["loc"])
            typer.echo(f"configuration: {name}: {item['msg']}", err=True)
        raise typer.Exit(Exit.USAGE) from error


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what can go wrong into one sentence and an exit code; only a fault of ours shows more.

    Raises:
        typer.Exit: With the documented code.
    """
    try:
        yield
    except CatalogRefused as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(Exit.PROBLEMS) from error
    except (typer.Exit, typer.Abort):
        raise
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(Exit.DONE) from None
    except Exception as error:
        if known(error) is None:
            raise
        typer.echo(explain(error), err=True)
        raise typer.Exit(exit_code(error)) from error


@contextmanager
def reader(settings: Settings) -> Iterator[Client]:
    """Open the store for reading, starting the embedded one for this time when none runs."""
    home = Home(settings.home)
    if not settings.store_url and not (home.store / "data").exists():
        typer.echo(
            f"{settings.home} holds no store yet: rate something first with `tallywire run`",
            err=True,
        )
        raise typer.Exit(Exit.STORE)
    with store_of(settings):
        where = (settings.store_url, home.store)
        with opened(*where, database=settings.database, role="reader") as client:
            yield client
