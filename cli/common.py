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
from dataflows.settings import Settings

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
