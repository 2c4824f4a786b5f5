"""Reading the store, for verbs that look at what is in it."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from dataflows.exits import Exit
from dataflows.settings import Home, Settings
from dataflows.stores import store_of
from warehouse.client import Client, opened


@contextmanager
def reader(settings: Settings) -> Iterator[Client]:
    """Open the store for reading, starting the embedded one for this time when none runs."""
    home = Home(settings.home)
    if not settings.store_url and not (home.store / "data").exists():
        typer.echo(
            f"{settings.home} holds no store yet: rate something first with `tallywire run`",
            err=True,
        )
        raise typer.Exit(Exit.STORE)
    with store_of(settings):
        where = (settings.store_url, home.store)
        with opened(*where, database=settings.database, role="reader") as client:
            yield client
