"""The process that looks for late usage while a run follows; `python -m cli.rerate.follow`.

It may be killed at any instant: a request that it had put is worked by its lane, what it had not is
found the next time. So a stop does not wait for it, and it ends when the run that started it does.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.rerate.late import in_money, late_corrected, timed
from cli.rerate.world import Way, World, world_of
from dataflows.beside import Beside
from dataflows.exits import Exit, explain
from dataflows.jobs import Job
from dataflows.logs import log_of
from dataflows.progress import Progress
from dataflows.settings import Home, Settings
from warehouse.client import Client, opened

FOLLOWER = Beside("late_usage", "cli.rerate.follow", lambda snapshot: bool(timed(snapshot)))
_LOOK_S = 0.2


@contextmanager
def running_store(settings: Settings) -> Iterator[Client]:
    """Open the store that the run has; none is started here.

    Raises:
        StoreUnavailable: If it does not answer.
    """
    home = Home(settings.home)
    with opened(
        settings.store_url, home.store, database=settings.database, role="reader"
    ) as client:
        yield client


@dataclass
class Watch:
    """Looks again and again.

    Attributes:
        pause: Waits some seconds; ends the process with the run.
        away: The last look failed, and this was told.
    """

    world: World
    progress: Progress
    log: Any
    pause: Callable[[float], None]
    away: bool = False

    def follow(self) -> None:
        """Look, and wait, for as long as the run follows."""
        while True:
            self.look()
            self.pause(self.world.settings.late_usage_s)

    def look(self) -> None:
        """Look once; what goes wrong is told once, and tried again the next time."""
        try:
            late = late_corrected(self.world)
            text = in_money(self.world, late)
        except Exception as error:
            if not self.away:
                told = f"late usage could not be put into order, tried again: {explain(error)}"
                self.log.exception("no look", reason=told)
                self.progress.problem(told)
            self.away = True
            return
        self.away = False
        if text:
            self.log.info("corrected", text=text)
            self.progress.news = text
        self.progress.write(force=True)


def pausing(parent: int) -> Callable[[float], None]:
    """Wait, but not longer than the run lives.

    Args:
        parent: Its process id.
    """

    def pause(seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            if os.getppid() != parent:
                sys.exit(Exit.DONE)
            if (left := until - time.monotonic()) <= 0:
                return
            time.sleep(min(left, _LOOK_S))

    return pause


def main(arguments: list[str]) -> None:
    """Run `ROLE JOB_FILE` until it is ended."""
    role, job_file = arguments
    pause = pausing(os.getppid())
    log = log_of(role)
    settings = Job.model_validate_json(Path(job_file).read_bytes()).settings
    progress = Progress(Home(settings.home).progress / f"{role}.json", role)
    way = Way(running_store, lambda _settings: pause(_LOOK_S))
    log.info("looks for late usage", every_s=settings.late_usage_s)
    Watch(world_of(settings, way), progress, log, pause).follow()


if __name__ == "__main__":
    main(sys.argv[1:])
