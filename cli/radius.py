"""`tallywire radius`: the listener that takes accounting of access servers, and who may send."""

import os
from contextlib import ExitStack, closing
from importlib import import_module
from typing import Annotated

import typer
from rich.table import Table

from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes
from cli.topics_only import check_topics
from dataflows.catalogs import CatalogStore
from dataflows.exporter import serve as serve_metrics
from dataflows.ingest.log import IngestMisuse
from dataflows.radius.clients import secret_of, variable_of
from dataflows.settings import Home

app = typer.Typer(help="Take RADIUS accounting; list who may send it.", no_args_is_help=True)


@app.command(
    "serve",
    epilog=epilog("radius serve", "radius serve --metrics", "radius serve --topics-only"),
)
def _serve(
    *,
    topics_only: Annotated[
        bool, typer.Option("--topics-only", help="Refuse feeds that take RADIUS without a topic.")
    ] = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Serve metrics, too; without a supervisor.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Serve until stopped; an answer says that the record is durable.

    Address and bounds are settings `radius_*`, secrets come from the environment. SIGTERM or
    Ctrl-C ends it when all that was received is answered.
    """
    settings = settings_of(home)
    with plain_errors(), ExitStack() as beside:
        if topics_only:
            check_topics(settings, lambda feed: feed.radius)
        if metrics:
            exporter = serve_metrics(Home(settings.home), settings, store=False)
            beside.enter_context(closing(exporter))
        # the client of Kafka is loaded by this verb alone: all others would start later for it
        import_module("dataflows.radius.serve").serve(settings)


def _known(secret: str) -> bool:
    try:
        secret_of(secret, os.environ)
    except IngestMisuse:
        return False
    return True


@app.command("clients", epilog=epilog("radius clients"))
def _clients(*, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List who may send, and whether the secret of each is known here; never a secret."""
    settings = settings_of(home)
    with plain_errors():
        catalogs = CatalogStore(Home(settings.home).catalogs)
        found = [
            {
                "network": one.network, "feed": feed.feed_id, "secret": variable_of(one.secret),
                "known": _known(one.secret), "signed": one.signed,
            }
            for feed in catalogs.load(catalogs.current()).feeds.values()
            for one in feed.radius
        ]  # fmt: skip
        if as_json:
            typer.echo(as_json_bytes(found))
            return
        table = Table("network", "feed", "secret", "known", "must be signed")
        for row in found:
            known, signed = ("yes" if row[key] else "no" for key in ("known", "signed"))
            table.add_row(str(row["network"]), str(row["feed"]), str(row["secret"]), known, signed)
        console().print(table)
