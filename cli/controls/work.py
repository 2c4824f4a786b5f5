"""The controls over what was rated: made for a home, and run once."""

from functools import lru_cache

import typer

from assurance.following.control import World
from assurance.following.fold import Failure
from assurance.registry import reconciliations, stream_controls
from cli.actions.disagreements import Answerer
from cli.catalog_common import login
from dataflows.catalogs import CatalogStore, tenant_of
from dataflows.controls.follower import Follower
from dataflows.controls.thresholds import changed, read_thresholds, remember
from dataflows.desk import desk
from dataflows.exits import explain
from dataflows.files import lock
from dataflows.progress import Progress
from dataflows.settings import Home, Settings
from dataflows.wall_clock import now_us
from warehouse.client import opened

NAME = "controls"


def follower_of(settings: Settings, progress: Progress | None = None) -> Follower:
    """Make the follower of a home.

    Thresholds that differ from those before are told to the audit trail first.

    Args:
        progress: Where its figures are told, too.

    Raises:
        CheckpointDamaged: If what it has kept is damaged.
        ThresholdsWrong: If the file of thresholds cannot be used.
        StoreError: If the trail cannot be written.
    """
    home = Home(settings.home)
    catalogs = CatalogStore(home.catalogs)
    thresholds = read_thresholds(settings)
    if differs := changed(settings, thresholds):
        with desk(settings, login()) as here:
            remember(here, thresholds, differs)
    world = World(lru_cache(maxsize=4)(catalogs.load), thresholds)
    made = Follower(
        home.root / NAME / "checkpoint", world, stream_controls(), reconciliations(), now_us,
        _tell, tenant_of(catalogs),
    )  # fmt: skip
    if progress is not None:
        progress.more[NAME] = made.figures
        made.said = progress.write
    return made


def failed(failure: Failure) -> str:
    """Say that a control could not work, and what becomes of it."""
    return (
        f"control {failure.name} could not work some rows and goes on behind them: "
        f"{type(failure.error).__name__}: {explain(failure.error)}"
    )


def _tell(failure: Failure) -> None:
    typer.echo(failed(failure), err=True)


def look_once(settings: Settings) -> int:
    """Work everything that was rated since; give how many alerts were stored.

    Where the raters disagree, what the setting says follows.

    Raises:
        LaneTaken: If another process runs the controls of this home.
        StoreError: If the store cannot be had.
    """
    home = Home(settings.home)
    with lock(home.root / "locks" / NAME, f"the controls of {home.root}"):
        follower = follower_of(settings)
        with opened(settings.store_url, home.store, database=settings.database) as client:
            found = follower.look(client, at_once=True)
            follower.keep(client)
    for text in Answerer(settings).look():
        typer.echo(text)
    return found
