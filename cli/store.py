"""`tallywire store`: serve the embedded store; ask it."""

import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from cli.common import HomeOption, console, epilog, plain_errors, settings_of
from cli.reading import reader
from dataflows.exits import Exit
from dataflows.settings import Home
from dataflows.stores import prepare_store, store_of
from warehouse.client import address, told
from warehouse.configuration import LOCAL, ServerPlan
from warehouse.server import free_port, serve

app = typer.Typer(help="Serve the embedded ClickHouse; ask it.", no_args_is_help=True)


class Output(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


_FORMATS = {Output.JSON: "JSONEachRow", Output.CSV: "CSVWithNames"}


@app.command("serve", epilog=epilog("store serve", "store serve --http-port 8123 --tcp-port 9000"))
def serve_(
    *,
    http_port: Annotated[int, typer.Option(help="HTTP port; 0 takes a free one.")] = 0,
    tcp_port: Annotated[int, typer.Option(help="Native port; 0 takes a free one.")] = 0,
    listen: Annotated[str, typer.Option(help="Address to listen on.")] = LOCAL,
    public: Annotated[
        bool, typer.Option("--public", help="Allow an address that others can reach.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Serve the embedded store until stopped: HTTP and native protocol, users with passwords.

    Passwords are made at random in the store's folder, readable by this user only.
    """
    if listen != LOCAL and not public:
        typer.echo(f"{listen} can be reached by others: add --public if that is meant", err=True)
        raise typer.Exit(Exit.USAGE)
    settings = settings_of(home)
    plan = ServerPlan(
        Home(settings.home).store.resolve(),
        http_port or settings.http_port or free_port(),
        tcp_port or settings.tcp_port or free_port(),
        listen=listen,
        memory_bytes=settings.store_memory_bytes,
        database=settings.database,
    )
    typer.echo(
        f"serving {plan.home} on {listen}: HTTP {plan.http_port}, native {plan.tcp_port}", err=True
    )
    with plain_errors():
        serve(plan)


@app.command(epilog=epilog("store migrate"))
def migrate(*, home: HomeOption = None) -> None:
    """Bring the store's tables to this version, once, before many workers begin to use it.

    `tallywire run`, `up` and `work` do so by themselves. Where several begin at once, and before
    each new version of several, this comes first.
    """
    settings = settings_of(home)
    with plain_errors(), store_of(settings):
        applied = prepare_store(settings)
    for name in applied:
        typer.echo(name)
    typer.echo(f"{len(applied)} migrations were applied", err=True)


@app.command(
    epilog=epilog(
        'store query "SELECT count() FROM rated_events"',
        'store query --format json "SELECT * FROM v_revenue"',
    )
)
def query(
    text: Annotated[str, typer.Argument(metavar="SQL", help="A query; - reads it from input.")],
    *,
    output: Annotated[Output, typer.Option("--format", help="How to print.")] = Output.TABLE,
    home: HomeOption = None,
) -> None:
    """Ask the store, as the reader: it may look at everything and change nothing."""
    settings = settings_of(home)
    statement = sys.stdin.read() if text == "-" else text
    where = address(settings.store_url, Home(settings.home).store)
    with plain_errors(), reader(settings) as client, told(where):
        if output in _FORMATS:
            content = client.raw_query(statement, fmt=_FORMATS[output])
            sys.stdout.write(content.decode(errors="replace"))
            return
        found = client.query(statement)
        table = Table()
        for name in found.column_names:
            table.add_column(name, overflow="fold")
        for row in found.result_rows:
            table.add_row(*(str(value) for value in row))
        console().print(table)
