"""Processes beside the workers of a run: each looks for something again and again.

Such a process may be killed at any instant, so a stop does not wait for it, and it ends when the
run that started it does.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataflows import stop
from dataflows.exits import Exit, explain
from dataflows.jobs import Job
from dataflows.logs import log_of
from dataflows.progress import Progress
from dataflows.settings import Home, Settings
from warehouse.client import Client, opened

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
        look: Looks once; gives what a person should be told, or nothing.
        every_s: Seconds between two looks.
        failed: Begins what is told when a look fails.
        pause: Waits some seconds; ends the process with the run.
        away: The last look failed, and this was told.
    """

    look: Callable[[], str]
    every_s: float
    failed: str
    progress: Progress
    log: Any
    pause: Callable[[float], None]
    away: bool = False

    def follow(self) -> None:
        """Look, and wait, for as long as the run follows."""
        while True:
            self.once()
            self.pause(self.every_s)

    def once(self) -> None:
        """Look once; what goes wrong is told once, and tried again the next time."""
        try:
            text = self.look()
        except Exception as error:
            if not self.away:
                told = f"{self.failed}, tried again: {explain(error)}"
                self.log.exception("no look", reason=told)
                self.progress.problem(told)
            self.away = True
            return
        self.away = False
        if text:
            self.log.info("done", text=text)
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


@dataclass(frozen=True)
class Around:
    """What a process that looks may use.

    Attributes:
        pause: Waits some seconds; ends the process with the run.
        progress: Tells of itself.
    """

    pause: Callable[[float], None]
    progress: Progress


Prepare = Callable[[Settings, Around], tuple[Callable[[], str], float]]
"""Gives the look, and the seconds between two looks."""


def alone(settings: Settings, role: str, failed: str, prepare: Prepare) -> None:
    """Look again and again in a process of its own, until it is asked to stop."""
    stop.listen()
    log = log_of(role)
    progress = Progress(Home(settings.home).progress / f"{role}.json", role)

    def pause(seconds: float) -> None:
        stop.wait(seconds)

    look, every_s = prepare(settings, Around(pause, progress))
    log.info("looks", every_s=every_s)
    watch = Watch(look, every_s, failed, progress, log, lambda _seconds: None)
    while not stop.stopping():
        watch.once()
        stop.wait(max(every_s, _LOOK_S))
    progress.ended = True
    progress.write(force=True)


def follow(arguments: list[str], failed: str, prepare: Prepare) -> None:
    """Run `ROLE JOB_FILE` until it is ended.

    Args:
        failed: Begins what is told when a look fails.
    """
    role, job_file = arguments
    pause = pausing(os.getppid())
    log = log_of(role)
    settings = Job.model_validate_json(Path(job_file).read_bytes()).settings
    progress = Progress(Home(settings.home).progress / f"{role}.json", role)
    look, every_s = prepare(settings, Around(pause, progress))
    log.info("looks", every_s=every_s)
    Watch(look, every_s, failed, progress, log, pause).follow()
