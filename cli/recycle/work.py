"""Working what was put before the lanes."""

import time
from collections.abc import Mapping

import typer

from cli.suspended import suspense_rows
from dataflows.files import LaneTaken
from dataflows.run import RunPlan, run
from dataflows.settings import Settings

_PATIENCE_S, _LOOK_S = 60.0, 0.3


def work(settings: Settings, attempts: Mapping[str, int]) -> None:
    """Work what was put before the lanes, or wait while a run that follows its inputs does.

    Args:
        attempts: Attempt that each suspended record is at then.

    Raises:
        typer.Exit: If it cannot be worked.
    """
    try:
        result = run(RunPlan(settings, None, [], follow=False), lambda _progress: None)
    except LaneTaken:
        deadline = time.monotonic() + _PATIENCE_S
        while attempts and time.monotonic() < deadline:
            made = {(row.suspense_id, row.attempt) for row in suspense_rows(settings, [*attempts])}
            if set(attempts.items()) <= made:
                return
            time.sleep(_LOOK_S)
        return
    if result.reason:
        typer.echo(result.reason, err=True)
        raise typer.Exit(result.code)
