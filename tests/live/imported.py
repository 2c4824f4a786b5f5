"""Imports every verb of the command, for the process that others are forked off."""

from typing import Any

import typer

from cli.main import app

VERBS: list[Any] = [verb.real() for verb in typer.main.get_group(app).commands.values()]  # type: ignore[attr-defined]
