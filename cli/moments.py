"""Ids, and instants of as-of queries, as people type them."""

import uuid
from typing import Annotated

import typer

from cli.times import instant
from dataflows.exits import Exit

AsOfOption = Annotated[
    str,
    typer.Option("--as-of", help="What was believed at this instant: a date (its start) or time."),
]
_LATEST_US = 4_102_444_800_000_000  # 2100-01-01


def as_of_micros(text: str) -> int:
    """Read the instant of an as-of query; without one it is later than all rows."""
    return instant(text, "--as-of") if text else _LATEST_US


def identifier_of(text: str) -> str:
    """Read an id; empty stays empty."""
    try:
        return str(uuid.UUID(text)) if text else ""
    except ValueError as error:
        typer.echo(f"{text} is no id: it looks like {uuid.UUID(int=0)}", err=True)
        raise typer.Exit(Exit.USAGE) from error
