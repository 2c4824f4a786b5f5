"""Dates, instants and ids as people type them."""

import datetime
import uuid
from typing import Annotated

import typer

from dataflows.exits import Exit
from schemas.columns import micros_from_text

AsOfOption = Annotated[
    str,
    typer.Option("--as-of", help="What was believed at this instant: a date (its start) or time."),
]
_LATEST_US = 4_102_444_800_000_000  # 2100-01-01


def as_of_micros(text: str) -> int:
    """Read the instant of an as-of query; without one it is later than all rows."""
    return moment_of(text, "--as-of") if text else _LATEST_US


def moment_of(text: str, option: str) -> int:
    """Read a date (its midnight UTC), or an instant with an offset, as microseconds UTC."""
    try:
        if len(text) == len("2026-11-01"):
            text = f"{datetime.date.fromisoformat(text)}T00:00:00Z"
        return int(str(micros_from_text(text)))
    except ValueError as error:
        typer.echo(f"{option} {text}: write 2026-11-01 or 2026-11-01T08:00:00Z ({error})", err=True)
        raise typer.Exit(Exit.USAGE) from error


def identifier_of(text: str) -> str:
    """Read an id; empty stays empty."""
    try:
        return str(uuid.UUID(text)) if text else ""
    except ValueError as error:
        typer.echo(f"{text} is no id: it looks like {uuid.UUID(int=0)}", err=True)
        raise typer.Exit(Exit.USAGE) from error
