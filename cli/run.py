"""`tallywire run`: rate files or folders of usage."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cli.beside import beside_of
from cli.catalog_common import login
from cli.common import HomeOption, epilog, plain_errors, settings_of
from cli.controls.work import look_once
from cli.progress import Line
from cli.recycle.again import Recycler
from cli.recycle.work import work
from cli.rerate.late import in_money, late_corrected, timed
from cli.rerate.work import told
from cli.rerate.world import world_of
from cli.status import show
from dataflows import stop
from dataflows.controls.thresholds import read_thresholds
from dataflows.exits import Exit
from dataflows.run import RunPlan, RunResult, run
from dataflows.settings import Settings
from dataflows.stores import store_of

EPILOG = epilog(
    "run --catalog my-catalog usage/",
    "run usage/new.cdr",
    "run --follow --catalog my-catalog /var/spool/cdr",
)


def command(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Files or folders; topics and HTTP need none."),
    ] = None,
    catalog: Annotated[
        Path | None,
        typer.Option("--catalog", help="Catalogue folder; without it the one in use is kept."),
    ] = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait for more input until stopped.")
    ] = False,
    home: HomeOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no table at the end.")] = False,
) -> None:
    """Collect, deduplicate, rate and store usage, each record exactly once.

    A run that was stopped or killed is continued by the same command. What was collected before is
    not collected again. Usage that came late, of tariffs with `order: event_time`, is put into the
    order of its time: at the end of the run, or every `late_usage_s` seconds while it follows.
    """
    settings = settings_of(home)
    with plain_errors():
        stop.listen()
        read_thresholds(settings)  # what cannot be used is told before anything is done
        with store_of(settings):
            beside = beside_of(settings) if follow else []
            with Line() as line:
                plan = RunPlan(
                    settings, catalog, inputs or [], follow, login(), beside, needed=True
                )
                result = run(plan, line.tell)
            report(result)
            code = result.code
            if code in {Exit.DONE, Exit.INCOMPLETE} and not follow:
                recycle(settings, result)
                code = put_into_order(settings, result) or code
                if settings.controls_s and not stop.stopping():
                    look_once(settings)
            if result.code == Exit.DONE and not quiet and not stop.stopping():
                show(settings, as_json=False)
    raise typer.Exit(code)


def recycle(settings: Settings, result: RunResult) -> None:
    """Try suspense again that the catalogue in use may have cured.

    Raises:
        typer.Exit: If it cannot be worked.
    """
    if result.snapshot is None or not settings.recycle_s or stop.stopping():
        return
    text = Recycler(world_of(settings)).look(partial(work, settings))
    if text:
        typer.echo(text)


def put_into_order(settings: Settings, result: RunResult) -> int:
    """Correct what late usage changes, where a tariff says so, and say what that was in money."""
    if result.snapshot is None or not timed(result.snapshot) or stop.stopping():
        return Exit.DONE
    world = world_of(settings)
    late = late_corrected(world)
    if text := in_money(world, late):
        typer.echo(text)
    return told(late.outcome)


def report(result: RunResult) -> None:
    """Say what a person should know about how a run went."""
    for name in result.unclaimed:
        typer.echo(f"no feed takes {name}: give a feed a `path` that matches it", err=True)
    for problem in result.problems:
        typer.echo(problem, err=True)
    if result.reason:
        typer.echo(result.reason, err=True)
