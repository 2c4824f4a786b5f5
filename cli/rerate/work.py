"""Putting requests before their lanes, and waiting for what becomes of them."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import typer

from cli.rerate.world import Way
from dashboards.queries import rows
from dataflows.exits import Exit
from dataflows.requests import Asked, answered, put
from dataflows.settings import Home, Settings
from dataflows.shares import check_whole
from schemas.requests import RequestStatus

_TRIES = 5
Read = Callable[[Sequence[str] | None], Iterable[Asked]]
"""Reads requests from the store: all, or those of some routing ids."""


def answer(settings: Settings, asked: Iterable[Asked], way: Way | None = None) -> None:
    """Put requests before their lanes and wait until the store has what they lead to.

    A run that follows its inputs takes them up by itself; where none runs, they are worked here.

    Raises:
        GroupsWrong: If the home owns a share of the lanes.
        typer.Exit: If the lanes cannot be worked.
    """
    home, way = Home(settings.home), way or Way()
    check_whole(home)
    waiting = [(one.request.lane, put(home, one)) for one in asked]
    while waiting := [item for item in waiting if not answered(home, *item)]:
        way.lanes(settings)


def worked(
    settings: Settings, request_id: uuid.UUID, read: Read, way: Way | None = None
) -> list[Mapping[str, Any]]:
    """Work a request; what became stale meanwhile is read and put again.

    Returns:
        What became of it, for each routing id.
    """
    only: list[str] | None = None
    found: list[Mapping[str, Any]] = []
    way = way or Way()
    for _ in range(_TRIES):
        answer(settings, read(only), way)
        with way.store(settings) as client:
            found = list(rows(client, "request_outcome", {"id": str(request_id)}))
        only = stale(found)
        if not only:
            break
    return found


def stale(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the routing ids whose charges kept changing: they were left alone."""
    return [row["routing_id"] for row in found if row["status"] == RequestStatus.STALE]


def told(found: Sequence[Mapping[str, Any]]) -> int:
    """Say what was not done; give the exit code."""
    left = stale(found)
    for routing_id in left:
        typer.echo(f"{routing_id}: its charges kept changing; run the same command again", err=True)
    return int(Exit.INCOMPLETE if left else Exit.DONE)
