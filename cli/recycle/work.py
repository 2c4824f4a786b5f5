"""Working what was put before the lanes."""

import time
from collections.abc import Mapping

import typer

from cli.suspended import suspense_rows
from dataflows.files import LaneTaken
from dataflows.run import RunPlan, run
from dataflows.settings import Settings

_PATIENCE_S, _LOOK_S = 60.0, 0.3


def all_tried(settings: Settings, attempts: Mapping[str, int]) -> bool:
    """Tell whether the store knows of each record that it has had its try.

    What is tried leaves suspense, and comes back under the number of the try if it must.
    """
    held = suspense_rows(settings, [*attempts])
    gone = {(row.suspense_id, row.attempt + 1) for row in held if row.change < 0}
    return set(attempts.items()) <= gone


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
            if all_tried(settings, attempts):
                return
            time.sleep(_LOOK_S)
        return
    if result.reason:
        typer.echo(result.reason, err=True)
        raise typer.Exit(result.code)
