"""The `tallywire` command."""

from importlib.metadata import version
from typing import Annotated

import typer

from cli import (
    catalog,
    demo,
    doctor,
    explain,
    ingest,
    lanes,
    metrics,
    partners,
    period,
    price,
    replay,
    run,
    status,
    store,
    suspense,
    topics,
    up,
)
from cli.rerate import command as rerate

app = typer.Typer(
    help="Rate usage exactly once, exactly, and explain every charge.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run", epilog=run.EPILOG)(run.command)
app.command("up", epilog=up.EPILOG)(up.up)
app.command("work", epilog=up.WORK_EPILOG)(up.work)
app.command("status", epilog=status.EPILOG)(status.command)
app.command("explain", epilog=explain.EPILOG)(explain.command)
app.command("replay", epilog=replay.EPILOG)(replay.command)
app.command("rerate", epilog=rerate.EPILOG)(rerate.command)
app.command("price", epilog=price.EPILOG)(price.command)
app.add_typer(catalog.app, name="catalog")
app.add_typer(suspense.app, name="suspense")
app.add_typer(period.app, name="period")
app.add_typer(partners.app, name="partners")
app.add_typer(lanes.app, name="lanes")
app.add_typer(ingest.app, name="ingest")
app.add_typer(store.app, name="store")
app.add_typer(metrics.app, name="metrics")
app.add_typer(topics.app, name="topics")
app.command("doctor", epilog=doctor.EPILOG)(doctor.command)
app.command("demo", epilog=demo.EPILOG)(demo.command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tallywire {version('tallywire')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _shown: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Rate usage exactly once, exactly, and explain every charge."""


def main() -> None:
    """Run the command."""
    app(prog_name="tallywire")


if __name__ == "__main__":
    main()
