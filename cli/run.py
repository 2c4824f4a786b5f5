"""`tallywire run`: rate files or folders of usage."""

from pathlib import Path
from typing import Annotated

import typer

from cli.catalog_common import login
from cli.common import HomeOption, epilog, plain_errors, settings_of
from cli.progress import Line
from cli.status import show
from dataflows import stop
from dataflows.exits import Exit
from dataflows.run import RunPlan, RunResult, run, store_of

EPILOG = epilog(
    "run --catalog my-catalog usage/",
    "run usage/new.cdr",
    "run --follow --catalog my-catalog /var/spool/cdr",
)


def command(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files or folders of usage.")
    ],
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
    not collected again.
    """
    settings = settings_of(home)
    with plain_errors():
        stop.listen()
        with store_of(settings):
            with Line() as line:
                result = run(RunPlan(settings, catalog, inputs, follow, login()), line.tell)
            report(result)
            if result.code == Exit.DONE and not quiet and not stop.stopping():
                show(settings, as_json=False)
    raise typer.Exit(result.code)


def report(result: RunResult) -> None:
    """Say what a person should know about how a run went."""
    for name in result.unclaimed:
        typer.echo(f"no feed takes {name}: give a feed a `path` that matches it", err=True)
    for problem in result.problems:
        typer.echo(problem, err=True)
    if result.reason:
        typer.echo(result.reason, err=True)
