"""`tallywire metrics`: what Prometheus reads, once or served."""

from typing import Annotated

import typer

from cli.common import HomeOption, epilog, plain_errors, settings_of
from dataflows import stop
from dataflows.exits import Exit
from dataflows.exporter import Pages, serve
from dataflows.settings import Home

app = typer.Typer(help="What Prometheus reads: once, or served.")

_LOOK_S = 0.5


@app.callback(
    invoke_without_command=True, epilog=epilog("metrics", "metrics serve", "metrics serve --help")
)
def once(context: typer.Context, *, home: HomeOption = None) -> None:
    """Print the metrics of a home once, in Prometheus' text format.

    `tallywire up` and `tallywire work` serve them by themselves, with health and readiness.
    """
    if context.invoked_subcommand is not None:
        return
    settings = settings_of(home)
    with plain_errors():
        pages = Pages(Home(settings.home), settings)
        try:
            typer.echo(pages.metrics()[2].decode(), nl=False)
        finally:
            pages.close()


@app.command("serve", epilog=epilog("metrics serve", "metrics serve --port 9465"))
def serve_(
    *,
    host: Annotated[str, typer.Option(help="Address to serve on (TALLYWIRE_METRICS_HOST).")] = "",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; 0 takes TALLYWIRE_METRICS_PORT.")
    ] = 0,
    home: HomeOption = None,
) -> None:
    """Serve /metrics, /health and /ready of a home whose workers were started otherwise."""
    given = settings_of(home)
    changed = {
        "metrics_host": host or given.metrics_host,
        "metrics_port": port or given.metrics_port,
    }
    settings = given.model_copy(update=changed)
    if not settings.metrics_port:
        typer.echo("metrics_port is 0, so nothing would be served: give --port", err=True)
        raise typer.Exit(Exit.USAGE)
    with plain_errors():
        stop.listen()
        exporter = serve(Home(settings.home), settings)
        typer.echo(f"serving {settings.home} on {exporter.url}/metrics", err=True)
        try:
            while not stop.wait(_LOOK_S):
                pass
        finally:
            exporter.close()
