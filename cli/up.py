"""`tallywire up`: the whole product on one machine."""

from pathlib import Path
from typing import Annotated

import typer

from cli.beside import beside_of
from cli.common import HomeOption, epilog, plain_errors, settings_of
from cli.service import CatalogOption, LogOption, snapshot_of, supervise, teller
from dataflows import stop
from dataflows.files import lock
from dataflows.services import HouseServices
from dataflows.settings import Home, Settings
from dataflows.shares import check_whole
from dataflows.upgrades import upgrade
from tallywire.catalog import Snapshot

EPILOG = epilog("up", "up --catalog my-catalog usage/", "up --open")


def _say_where(settings: Settings, snapshot: Snapshot, inputs: list[Path], log: str) -> None:
    """Tell what serves where, and what to try."""
    home = Home(settings.home)
    feeds = snapshot.feeds.values()
    if any(feed.http for feed in feeds):
        url = f"http://{settings.ingest_host}:{settings.ingest_port}/v1/usage"
        names = ", ".join(sorted(feed.feed_id for feed in feeds if feed.http))
        typer.echo(f"usage by HTTP    {url} (feeds {names})", err=True)
    if any(feed.radius for feed in feeds):
        names = ", ".join(sorted(feed.feed_id for feed in feeds if feed.radius))
        place = f"{settings.radius_host}:{settings.radius_port}"
        typer.echo(f"RADIUS           udp {place} (feeds {names})", err=True)
    for feed in feeds:
        if feed.mqtt:
            typer.echo(f"MQTT             {feed.inputs} (feed {feed.feed_id})", err=True)
    if settings.kafka:
        typer.echo(f"Kafka            {settings.kafka}", err=True)
    for path in inputs:
        typer.echo(f"usage files      {path}", err=True)
    if settings.metrics_port:
        url = f"http://{settings.metrics_host}:{settings.metrics_port}"
        typer.echo(f"metrics, health  {url}/metrics /health /ready", err=True)
    where = "standard error" if log == "-" else log or home.root / "logs" / "tallywire.jsonl"
    typer.echo(f"log              {where}", err=True)
    typer.echo("look             tallywire status --live", err=True)


def command(
    inputs: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files or folders of usage.")
    ] = None,
    catalog: CatalogOption = None,
    *,
    open_: Annotated[
        bool, typer.Option("--open", help="Take HTTP without a key; on 127.0.0.1 only.")
    ] = False,
    log: LogOption = "",
    home: HomeOption = None,
) -> None:
    """Run the whole product on this machine until stopped: store, gateway, workers, metrics.

    What ends is started again, sooner at first, later when it ends again. SIGTERM or Ctrl-C ends
    everything cleanly; the same command goes on where it was, also after a crash of the machine.
    """
    settings = settings_of(home)
    paths = [path.resolve() for path in inputs or []]
    with plain_errors():
        stop.listen()
        place = Home(settings.home)
        check_whole(place)
        held = lock(place.root / "locks" / "run", f"home {place.root}")
        upgrade(place)
        snapshot = snapshot_of(settings, catalog)
        beside = beside_of(settings)
        services = HouseServices(settings, snapshot, paths, beside, open_, teller())
        _say_where(settings, snapshot, paths, log)
        code = supervise(settings, services, log)
        held.close()
    raise typer.Exit(code)
