"""Putting requests before their lanes, and waiting for what becomes of them."""

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import typer

from cli.common import reader
from dashboards.queries import rows
from dataflows.catalogs import CatalogStore
from dataflows.exits import Exit
from dataflows.files import LaneTaken
from dataflows.requests import Asked, answered, put
from dataflows.run import RunPlan, run
from dataflows.settings import Home, Settings
from schemas.requests import RequestStatus

_LOOK_S = 0.2
_TRIES = 5
Read = Callable[[Sequence[str] | None], Iterable[Asked]]
"""Reads requests from the store: all, or those of some routing ids."""


def answer(settings: Settings, asked: Iterable[Asked]) -> None:
    """Put requests before their lanes and wait until the store has what they lead to.

    A run that follows its inputs takes them up by itself; where none runs, they are worked here.

    Raises:
        typer.Exit: If the lanes cannot be worked.
    """
    home = Home(settings.home)
    waiting = [(one.request.lane, put(home, one)) for one in asked]
    while waiting := [item for item in waiting if not answered(home, *item)]:
        try:
            result = run(RunPlan(settings, None, [], follow=False), lambda _progress: None)
        except LaneTaken:
            time.sleep(_LOOK_S)
            continue
        if result.reason:
            typer.echo(result.reason, err=True)
            raise typer.Exit(result.code)


def worked(settings: Settings, request_id: uuid.UUID, read: Read) -> list[Mapping[str, Any]]:
    """Work a request; what became stale meanwhile is read and put again.

    Returns:
        What became of it, for each routing id.
    """
    only: list[str] | None = None
    found: list[Mapping[str, Any]] = []
    for _ in range(_TRIES):
        answer(settings, read(only))
        with reader(settings) as client:
            found = list(rows(client, "request_outcome", {"id": str(request_id)}))
        only = [row["routing_id"] for row in found if row["status"] == RequestStatus.STALE]
        if not only:
            break
    return found


def newest(settings: Settings) -> str:
    """Name the catalogue in use."""
    return CatalogStore(Home(settings.home).catalogs).current()


def told(found: Sequence[Mapping[str, Any]]) -> int:
    """Say what was not done; give the exit code."""
    stale = [row["routing_id"] for row in found if row["status"] == RequestStatus.STALE]
    for routing_id in stale:
        typer.echo(f"{routing_id}: its charges kept changing; run the same command again", err=True)
    return int(Exit.INCOMPLETE if stale else Exit.DONE)
