"""`tallywire mqtt`: the subscriber that takes usage of MQTT brokers, and what it subscribes to."""

import os
from collections.abc import Sequence
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
from dataflows.fetching.source import Credentials
from dataflows.ingest.log import IngestMisuse
from dataflows.settings import Home, Settings
from tallywire.catalog.feed import Feed

app = typer.Typer(help="Take usage of MQTT brokers; list subscriptions.", no_args_is_help=True)


def _feeds(settings: Settings) -> Sequence[Feed]:
    catalogs = CatalogStore(Home(settings.home).catalogs)
    return [feed for feed in catalogs.load(catalogs.current()).feeds.values() if feed.mqtt]


def _check_library() -> None:
    """Make sure that the client of MQTT is there.

    Raises:
        IngestMisuse: If it is not.
    """
    try:
        import_module("paho.mqtt.client")
    except ModuleNotFoundError as error:
        msg = f"MQTT needs `pip install tallywire[mqtt]` ({error.name} is missing)"
        raise IngestMisuse(msg) from error


@app.command(
    "serve", epilog=epilog("mqtt serve", "mqtt serve --metrics", "mqtt serve --topics-only")
)
def _serve(
    *,
    topics_only: Annotated[
        bool, typer.Option("--topics-only", help="Refuse feeds that subscribe without a topic.")
    ] = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Serve metrics, too; without a supervisor.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Serve until stopped; a broker is told to forget a message when its records are durable.

    Brokers and topics stand in feeds (`mqtt`), users and passwords in the environment. SIGTERM or
    Ctrl-C ends it when all that was read is settled; brokers keep what comes then.
    """
    settings = settings_of(home)
    with plain_errors(), ExitStack() as beside:
        _check_library()
        if topics_only:
            check_topics(settings, lambda feed: feed.mqtt)
        if metrics:
            exporter = serve_metrics(Home(settings.home), settings, store=False)
            beside.enter_context(closing(exporter))
        # the clients of MQTT and Kafka are loaded by this verb alone: others start sooner without
        import_module("dataflows.mqtt.serve").serve(settings)


@app.command("feeds", epilog=epilog("mqtt feeds"))
def _list(*, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List what feeds subscribe to, and whether user and password of each are known here."""
    settings = settings_of(home)
    with plain_errors():
        found = [_told(feed, settings) for feed in _feeds(settings)]
        if as_json:
            typer.echo(as_json_bytes(found))
            return
        table = Table("feed", "broker", "topic", "qos", "client", "user", "password")
        for row in found:
            known = ["yes" if row[key] else "no" for key in ("user", "password")]
            told = [str(row[key]) for key in ("feed", "broker", "topic", "qos", "client")]
            table.add_row(*told, *known)
        console().print(table)


def _told(feed: Feed, settings: Settings) -> dict[str, object]:
    assert feed.mqtt is not None  # noqa: S101  _feeds has looked
    credentials = Credentials(feed.feed_id, os.environ)
    return {
        "feed": feed.feed_id, "broker": feed.mqtt.broker, "topic": feed.mqtt.topic,
        "qos": feed.mqtt.qos, "client": f"{settings.mqtt_client}-{feed.feed_id}",
        "user": bool(credentials.get("USER")), "password": bool(credentials.get("PASSWORD")),
    }  # fmt: skip
