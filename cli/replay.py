"""`tallywire replay`: stored charges derived again, and where they differ."""

import uuid
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

import polars as pl
import typer
from rich.progress import track

from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.moments import identifier_of
from cli.printed import as_json_bytes
from cli.reading import reader
from cli.times import instant
from dashboards.queries import rows, table
from dataflows.catalogs import CatalogStore
from dataflows.exits import Exit
from dataflows.settings import Home, Settings
from schemas.columns import from_arrow
from schemas.rated import RatedEvent
from tallywire.rating.replay import Difference, replay
from tallywire.rating.rulebook import Rulebook
from warehouse.client import Client

EPILOG = epilog(
    "replay 018f3c1e-0000-0000-0000-000000000000",
    "replay --since 2026-11-01",
    "replay --json",
)
_SHOWN = 20


def _batches(
    client: Client, settings: Settings, asked: dict[str, str | int]
) -> Iterator[tuple[pl.DataFrame, list[Difference]]]:
    """Replay batch by batch, each under the catalogue that it was rated by."""
    catalogs = CatalogStore(Home(settings.home).catalogs)
    books = lru_cache(maxsize=4)(lambda name: Rulebook(catalogs.load(name)))
    found = rows(client, "charge_batches", asked)
    for batch in track(found, "replaying", console=console(), disable=not console().is_terminal):
        place = {"token": batch["batch_token"], "catalog": batch["catalog_hash"], "id": asked["id"]}
        stored = from_arrow(table(client, "charges_of_batch", place), RatedEvent)
        yield stored, replay(books(batch["catalog_hash"]), stored)


def _told(one: Difference) -> dict[str, str]:
    return {
        "event_id": str(uuid.UUID(bytes=one.event_id)),
        "rated_id": str(uuid.UUID(bytes=one.rated_id)),
        "column": one.column,
        "stored": one.stored,
        "derived": one.derived,
    }


def command(
    event_id: Annotated[
        str, typer.Argument(help="Id of an event, or of a charge; without it all charges.")
    ] = "",
    *,
    since: Annotated[
        str, typer.Option("--since", help="Only charges made since then: a date, or an instant.")
    ] = "1970-01-01",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Derive stored charges again and compare every column with what is stored.

    Each charge is rated once more by the rulebook, from its stored usage, under the archived
    catalogue, with the allowance as it was: whoever made it, and whatever was changed since, every
    value must come out the same.
    """
    settings = settings_of(home)
    asked: dict[str, str | int] = {
        "id": identifier_of(event_id),
        "since": instant(since, "--since"),
    }
    charges, found = 0, []
    with plain_errors(), reader(settings) as client:
        for stored, differences in _batches(client, settings, asked):
            charges += stored.height
            found += differences
    if event_id and not charges:
        typer.echo(f"no charge of event {event_id} is stored; is it in suspense?", err=True)
        raise typer.Exit(Exit.PROBLEMS)
    _report(charges, [_told(one) for one in found], as_json=as_json)
    raise typer.Exit(Exit.DAMAGED if found else Exit.DONE)


def _report(charges: int, found: list[dict[str, str]], *, as_json: bool) -> None:
    if as_json:
        typer.echo(as_json_bytes({"charges": charges, "differences": found}).decode())
        return
    for one in found[:_SHOWN]:
        typer.echo(
            f"event {one['event_id']}: {one['column']} is {one['stored']}, derived {one['derived']}"
        )
    if len(found) > _SHOWN:
        typer.echo(f"... and {len(found) - _SHOWN} more; --json lists them all")
    noun = "difference" if len(found) == 1 else "differences"
    what = f"{len(found)} {noun}" if found else "every column is what it was"
    typer.echo(f"{charges:,} charge{'' if charges == 1 else 's'} derived again: {what}")
