"""The process of the controls while a run follows; `python -m cli.controls.follow`."""

import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Annotated

import typer

from cli.actions.disagreements import Answerer
from cli.common import HomeOption, plain_errors, settings_of
from cli.controls.work import NAME, follower_of
from cli.following import Around, alone, follow, running_store
from cli.rerate.world import Way
from dataflows.beside import Beside
from dataflows.exporter import serve as serve_metrics
from dataflows.files import lock
from dataflows.settings import Home, Settings
from warehouse.client import opened

_LOOK_S = 0.2
CONTROLS = Beside(NAME, "cli.controls.follow", lambda _snapshot: True)


def _prepare(settings: Settings, around: Around) -> tuple[Callable[[], str], float]:
    home = Home(settings.home)
    held = lock(home.root / "locks" / NAME, f"the controls of {home.root}")
    follower = follower_of(settings, around.progress)
    way = Way(running_store, lambda _settings: around.pause(_LOOK_S))
    answerer = Answerer(settings, way)

    def look() -> str:
        assert not held.closed  # noqa: S101  held for as long as the process lives
        with opened(settings.store_url, home.store, database=settings.database) as client:
            found = follower.look(client)
        told = [f"{found} alerts of controls"] if found else []
        return "; ".join([*told, *answerer.look()])

    return look, settings.controls_s


_FAILED = "what was rated could not be looked at"


def serve(
    *,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Serve metrics, too; without a supervisor.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Follow what was rated until stopped: where lanes are run by `work`, one process does this.

    It keeps how far it is in the home, and goes on from there after any crash. SIGTERM ends it.
    """
    settings = settings_of(home)
    with plain_errors(), ExitStack() as beside:
        if metrics:
            exporter = serve_metrics(Home(settings.home), settings, store=False)
            beside.enter_context(closing(exporter))
        alone(settings, NAME, _FAILED, _prepare)


if __name__ == "__main__":
    follow(sys.argv[1:], _FAILED, _prepare)
