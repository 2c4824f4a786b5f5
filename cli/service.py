"""What `tallywire up` and `tallywire work` share: a catalogue, a log, a supervisor."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.catalog_common import login
from dataflows.catalogs import CatalogStore
from dataflows.exporter import serve as serve_metrics
from dataflows.one_log import OneLog
from dataflows.run import compile_into
from dataflows.services import HouseServices
from dataflows.settings import Home, Settings
from dataflows.supervisor import Supervisor
from tallywire.catalog import Snapshot

CatalogOption = Annotated[
    Path | None,
    typer.Option("--catalog", help="Catalogue folder; without it the one in use is kept."),
]
LogOption = Annotated[
    str, typer.Option("--log", help="File of the one log; `-` for standard error.")
]


def teller() -> Callable[[str], None]:
    """Say something to a person, once as long as it stays the same."""
    said: list[str] = []

    def tell(text: str) -> None:
        if said[-1:] != [text]:
            said[:] = [text]
            typer.echo(f"{datetime.now(UTC):%H:%M:%S} {text}", err=True)

    return tell


def snapshot_of(settings: Settings, catalog: Path | None) -> Snapshot:
    """Compile a folder and put it into use, or load what is in use."""
    home = Home(settings.home)
    if catalog:
        return compile_into(home, catalog, by=login(), approval=settings.catalog_approval)
    catalogs = CatalogStore(home.catalogs)
    return catalogs.load(catalogs.current())


def _log(home: Home, path: str) -> OneLog:
    if path == "-":
        return OneLog(None)
    return OneLog(Path(path) if path else home.root / "logs" / "tallywire.jsonl")


def supervise(settings: Settings, services: HouseServices, log_path: str) -> int:
    """Run services, with metrics beside them, until told to stop."""
    home = Home(settings.home)
    with closing(_log(home, log_path)) as log:
        supervisor = Supervisor(home, services.wanted, log, services.tell)
        with closing(serve_metrics(home, settings)):
            return supervisor.run()
