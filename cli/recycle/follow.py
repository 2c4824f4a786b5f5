"""The process that recycles cured suspense while a run follows; `python -m cli.recycle.follow`.

What it put before a lane when it is killed is worked by that lane, what it had not is found the
next time.
"""

import sys
from collections.abc import Callable

from cli.following import Around, follow, running_store
from cli.recycle.again import Recycler
from cli.rerate.world import Way, world_of
from dataflows.beside import Beside
from dataflows.settings import Settings

RECYCLER = Beside("recycle", "cli.recycle.follow", lambda _snapshot: True)


def _prepare(settings: Settings, _around: Around) -> tuple[Callable[[], str], float]:
    return Recycler(world_of(settings, Way(running_store))).look, settings.recycle_s


if __name__ == "__main__":
    follow(sys.argv[1:], "cured suspense could not be looked for", _prepare)
