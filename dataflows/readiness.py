"""Is everything there that the work needs? What is missing is said in sentences."""

import threading
import time
from collections.abc import Iterator

from dataflows.exits import explain
from dataflows.reports import Reports
from dataflows.settings import Home, Settings
from warehouse.client import StoreError, opened

_EVERY_S = 5.0
_FIRST_S = 3.0
_TRUSTED_S = 20.0
_END_S = 1.0
_STATES = {
    "backing_off": "ended and is started again soon",
    "stopped": "was stopped",
    "failed": "does not run",
}


class StoreProbe:
    """Asks the store again and again, in a thread: nobody waits for a store that hangs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ending = threading.Event()
        self._asked = threading.Event()
        self._problem = ""
        self._began = time.monotonic()
        self._at = -_TRUSTED_S
        self._thread = threading.Thread(target=self._run, name="store-probe", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        home = Home(self._settings.home).store
        while not self._ending.is_set():
            try:
                with opened(
                    self._settings.store_url, home, database=self._settings.database, role="reader"
                ):
                    self._problem = ""
            except (StoreError, OSError) as error:
                self._problem = explain(error)
            self._at = time.monotonic()
            self._asked.set()
            self._ending.wait(_EVERY_S)

    def problem(self) -> str:
        """Say why the store is not there, or nothing; only the first answer is waited for."""
        self._asked.wait(max(0.0, self._began + _FIRST_S - time.monotonic()))
        if time.monotonic() - self._at > _TRUSTED_S:
            return f"the store has not answered for {_TRUSTED_S:.0f} s"
        return self._problem

    def up(self) -> bool:
        """Tell whether the store answers."""
        return not self.problem()

    def close(self) -> None:
        """End the thread; one that waits for a store that hangs ends with the process."""
        self._ending.set()
        self._thread.join(_END_S)


def missing(found: Reports, store_problem: str) -> Iterator[str]:
    """Say what is missing, a sentence each; nothing when everything is there.

    Args:
        found: What the processes say.
        store_problem: Why the store is not there, or nothing.
    """
    if not found.processes:
        yield "no process runs: start them with `tallywire up`"
    for name, process in found.processes.items():
        if process.state != "running":
            reason = f": {process.problem}" if process.problem else ""
            yield f"process {name} {_STATES[process.state]}{reason}"
    for report in found.reports.values():
        for lane, figures in report.lanes.items():
            if figures.quarantined:
                yield (
                    f"lane {lane} is quarantined at {figures.quarantined_range}: after the cure, "
                    f"`tallywire lanes release {lane}`"
                )
    for text in found.unreadable:
        yield f"progress cannot be read: {text}"
    if store_problem:
        yield store_problem
