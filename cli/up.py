"""`tallywire up` and `tallywire work`: the whole product on one machine, or one group of lanes."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.catalog_common import login
from cli.common import HomeOption, epilog, plain_errors, settings_of
from cli.rerate.follow import FOLLOWER
from dataflows import stop
from dataflows.catalogs import CatalogStore
from dataflows.exporter import serve as serve_metrics
from dataflows.files import lock
from dataflows.groups import COLLECTION, RATING, GroupsWrong, matching, read_groups
from dataflows.one_log import OneLog
from dataflows.run import compile_into
from dataflows.services import HouseServices
from dataflows.settings import Home, Settings
from dataflows.shares import check_whole, hold_share
from dataflows.supervisor import Supervisor
from dataflows.upgrades import upgrade
from tallywire.catalog import Snapshot

EPILOG = epilog("up", "up --catalog my-catalog usage/", "up --open")
WORK_EPILOG = epilog("work rating", "work rating --share 0/4", "work collection --share 1/2")

CatalogOption = Annotated[
    Path | None,
    typer.Option("--catalog", help="Catalogue folder; without it the one in use is kept."),
]
LogOption = Annotated[
    str, typer.Option("--log", help="File of the one log; `-` for standard error.")
]


def _teller() -> Callable[[str], None]:
    """Say something to a person, once as long as it stays the same."""
    said: list[str] = []

    def tell(text: str) -> None:
        if said[-1:] != [text]:
            said[:] = [text]
            typer.echo(f"{datetime.now(UTC):%H:%M:%S} {text}", err=True)

    return tell


def _snapshot(settings: Settings, catalog: Path | None) -> Snapshot:
    home = Home(settings.home)
    if catalog:
        return compile_into(home, catalog, by=login(), approval=settings.catalog_approval)
    catalogs = CatalogStore(home.catalogs)
    return catalogs.load(catalogs.current())


def _log(home: Home, path: str) -> OneLog:
    if path == "-":
        return OneLog(None)
    return OneLog(Path(path) if path else home.root / "logs" / "tallywire.jsonl")


def _say_where(settings: Settings, snapshot: Snapshot, inputs: list[Path], log: str) -> None:
    """Tell what serves where, and what to try."""
    home = Home(settings.home)
    feeds = snapshot.feeds.values()
    if any(feed.http for feed in feeds):
        url = f"http://{settings.ingest_host}:{settings.ingest_port}/v1/usage"
        names = ", ".join(sorted(feed.feed_id for feed in feeds if feed.http))
        typer.echo(f"usage by HTTP    {url} (feeds {names})", err=True)
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


def _supervise(settings: Settings, services: HouseServices, log_path: str) -> int:
    """Run services, with metrics beside them, until told to stop."""
    home = Home(settings.home)
    with closing(_log(home, log_path)) as log:
        supervisor = Supervisor(home, services.wanted, log, services.tell)
        with closing(serve_metrics(home, settings)):
            return supervisor.run()


def up(
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
        snapshot = _snapshot(settings, catalog)
        beside = [FOLLOWER] if settings.late_usage_s else []
        services = HouseServices(settings, snapshot, paths, beside, open_, _teller())
        _say_where(settings, snapshot, paths, log)
        code = _supervise(settings, services, log)
        held.close()
    raise typer.Exit(code)


def work(
    group: Annotated[
        str, typer.Argument(help="A group of lanes; `collection` and `rating` are there always.")
    ],
    catalog: CatalogOption = None,
    *,
    inputs: Annotated[
        list[Path] | None, typer.Option("--input", help="Files or folders of usage; repeatable.")
    ] = None,
    share: Annotated[
        str, typer.Option(help="Own every fourth lane, from the first: 0/4; for many machines.")
    ] = "",
    log: LogOption = "",
    home: HomeOption = None,
) -> None:
    """Run the worker of one group of lanes until stopped, with its metrics, and nothing else.

    The store must be reachable: `TALLYWIRE_STORE_URL`, or one that serves this home. With a share
    this home owns a part of the lanes for ever: lanes are moved with `tallywire lanes move`.
    """
    settings = settings_of(home)
    with plain_errors():
        stop.listen()
        place = Home(settings.home)
        if not share:
            check_whole(place)
        held = lock(place.root / "locks" / f"work-{group}", f"group {group} of {place.root}")
        if share and group not in {COLLECTION, RATING}:
            msg = f"a share is of {COLLECTION} or of {RATING}, not of {group}"
            raise GroupsWrong(msg)
        if not share and group not in (known := [one.name for one in read_groups(place)]):
            msg = f"there is no group {group}; there are {', '.join(known)}"
            raise GroupsWrong(msg)
        if share:
            matching([], share)
            hold_share(place, group, share)
        upgrade(place)
        snapshot = _snapshot(settings, catalog)
        paths = [path.resolve() for path in inputs or []]
        services = HouseServices(settings, snapshot, paths, [], False, _teller(), group, share)
        code = _supervise(settings, services, log)
        held.close()
    raise typer.Exit(code)
