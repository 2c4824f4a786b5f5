"""`tallywire work`: one group of lanes, and nothing else."""

from pathlib import Path
from typing import Annotated

import typer

from cli.common import HomeOption, epilog, plain_errors, settings_of
from cli.service import CatalogOption, LogOption, snapshot_of, supervise, teller
from dataflows import stop
from dataflows.files import lock
from dataflows.groups import COLLECTION, RATING, GroupsWrong, matching, read_groups
from dataflows.services import HouseServices
from dataflows.settings import Home
from dataflows.shares import check_whole, hold_share
from dataflows.upgrades import upgrade

EPILOG = epilog("work rating", "work rating --share 0/4", "work collection --share 1/2")


def command(
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
        snapshot = snapshot_of(settings, catalog)
        paths = [path.resolve() for path in inputs or []]
        services = HouseServices(settings, snapshot, paths, [], False, teller(), group, share)
        code = supervise(settings, services, log)
        held.close()
    raise typer.Exit(code)
