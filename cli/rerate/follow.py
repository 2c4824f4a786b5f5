"""The process that looks for late usage while a run follows; `python -m cli.rerate.follow`.

A request that it had put when it is killed is worked by its lane, what it had not is found the next
time.
"""

import sys
from collections.abc import Callable

from cli.following import Around, follow, running_store
from cli.rerate.late import in_money, late_corrected, timed
from cli.rerate.world import Way, world_of
from dataflows.beside import Beside
from dataflows.settings import Settings

FOLLOWER = Beside("late_usage", "cli.rerate.follow", lambda snapshot: bool(timed(snapshot)))
_LOOK_S = 0.2


def _prepare(settings: Settings, around: Around) -> tuple[Callable[[], str], float]:
    world = world_of(settings, Way(running_store, lambda _settings: around.pause(_LOOK_S)))
    return lambda: in_money(world, late_corrected(world)), settings.late_usage_s


if __name__ == "__main__":
    follow(sys.argv[1:], "late usage could not be put into order", _prepare)
