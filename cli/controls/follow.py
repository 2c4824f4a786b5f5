"""The process of the controls while a run follows; `python -m cli.controls.follow`."""

import sys
from collections.abc import Callable

from cli.actions.disagreements import Answerer
from cli.controls.work import NAME, follower_of
from cli.following import Pause, follow, running_store
from cli.rerate.world import Way
from dataflows.beside import Beside
from dataflows.files import lock
from dataflows.settings import Home, Settings
from warehouse.client import opened

_LOOK_S = 0.2
CONTROLS = Beside(NAME, "cli.controls.follow", lambda _snapshot: True)


def _prepare(settings: Settings, pause: Pause) -> tuple[Callable[[], str], float]:
    home = Home(settings.home)
    held = lock(home.root / "locks" / NAME, f"the controls of {home.root}")
    follower = follower_of(settings)
    answerer = Answerer(settings, Way(running_store, lambda _settings: pause(_LOOK_S)))

    def look() -> str:
        assert not held.closed  # noqa: S101  held for as long as the process lives
        with opened(settings.store_url, home.store, database=settings.database) as client:
            found = follower.look(client)
        told = [f"{found} alerts of controls"] if found else []
        return "; ".join([*told, *answerer.look()])

    return look, settings.controls_s


if __name__ == "__main__":
    follow(sys.argv[1:], "what was rated could not be looked at", _prepare)
