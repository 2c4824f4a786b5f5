"""Giving the lanes a while to work what was put before them."""

import typer

from dataflows import stop
from dataflows.exits import Exit
from dataflows.files import LaneTaken
from dataflows.run import RunPlan, run
from dataflows.settings import Settings

_LOOK_S = 0.2


def by_a_run(settings: Settings) -> None:
    """Work them by a run of our own; where another one works this home, wait for it a little.

    Raises:
        typer.Exit: If the lanes cannot be worked, or a stop was asked for: the next run works them.
    """
    if stop.stopping():
        raise typer.Exit(Exit.DONE)
    try:
        result = run(RunPlan(settings, None, [], follow=False), lambda _progress: None)
    except LaneTaken:
        stop.wait(_LOOK_S)
        return
    if result.reason:
        typer.echo(result.reason, err=True)
        raise typer.Exit(result.code)
