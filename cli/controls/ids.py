"""`tallywire controls ids`: the events behind a difference between two stages."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from cli.common import HomeOption, JsonOption, console, plain_errors, settings_of
from cli.printed import as_json_bytes
from dataflows.drilling import Behind, behind_read, behind_stored
from dataflows.exits import Exit
from dataflows.settings import Home
from dataflows.sources.opened import readers_of
from dataflows.stores import store_of
from warehouse.client import opened

_SHOWN = 50
_HOUR = "%Y-%m-%dT%H"


def name(
    feed: Annotated[str, typer.Argument(help="Feed of the finding.")],
    hour: Annotated[str, typer.Argument(help="Its hour, UTC, such as 2026-11-27T10.")],
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Name the events behind a finding of C5: not read, not stored, stored twice.

    The usage log is read again for the batches whose sums differ. Run it on the home that owns the
    lanes. Exit code 1 says that there are some.
    """
    settings = settings_of(home)
    moment = _moment(hour)
    with plain_errors(), store_of(settings):
        readers = readers_of(settings, lambda text: typer.echo(text, err=True))
        where = (settings.store_url, Home(settings.home).store)
        with opened(*where, database=settings.database, role="reader") as client:
            found = [
                *behind_read(settings, readers, feed, moment),
                *behind_stored(client, settings, readers, feed, moment),
            ]
    _print(found, as_json=as_json)
    if found:
        raise typer.Exit(Exit.PROBLEMS)


def _moment(hour: str) -> int:
    try:
        found = datetime.strptime(hour, _HOUR).replace(tzinfo=UTC)
    except ValueError as error:
        typer.echo(f"{hour} is no hour: write for example 2026-11-27T10, in UTC", err=True)
        raise typer.Exit(Exit.USAGE) from error
    return int(found.timestamp()) * 1_000_000


def _print(found: Sequence[Behind], *, as_json: bool) -> None:
    if as_json:
        typer.echo(as_json_bytes([asdict(one) for one in found]))
        return
    if not found:
        typer.echo("nothing differs in that hour")
        return
    table = Table("cause", "event", "place", "batch")
    for one in found[:_SHOWN]:
        table.add_row(one.cause, one.event, one.place, one.batch)
    console().print(table)
    if len(found) > _SHOWN:
        typer.echo(f"{len(found):,} in all; --json names every one")
