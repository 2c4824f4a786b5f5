"""The threads that fetch: one for each place, and one that sweeps what lanes have read.

They run beside the flow of a collection process and never in it: lanes read plain local files only.
What they cannot cure themselves ends the process, as any other fault of the machine does.
"""

import gc
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dataflows import stop
from dataflows.fetching.bringing import Stopped
from dataflows.fetching.inbox import Ready
from dataflows.fetching.place import Look, Place, Tell
from dataflows.fetching.source import Away, Source
from dataflows.fetching.status import PlaceStatus
from dataflows.fetching.swept import gone_by, read_by
from dataflows.files import write_atomic
from dataflows.ledger import read_ledger
from dataflows.wall_clock import now_us

_BACK_OFF_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 300.0)
_TRIES_ONCE = 3
_SETTLE_S = 5.0
_LOOKS_ONCE = 3
_SWEEP_S = 30.0
_TIDY_S = 60.0
_ENDED = "ended"
_LEAST_KEPT_US = 60_000_000
_DAY_US = 86_400_000_000
_SECOND_US = 1_000_000


@dataclass
class Watched:
    """A place, and how often to look.

    Attributes:
        folder: Its inbox.
        name: The feed, or `inputs`.
        poll_us: From one look to the next, microseconds.
        open: Opens the place: its inbox is worked by one process at a time, so that may take long.
    """

    folder: Path
    name: str
    address: str
    poll_us: int
    open: Callable[[Tell], tuple[Source, Place]]


@dataclass
class Swept:
    """What one lane reads of an inbox.

    Attributes:
        committed: Position of its ledger that every restart lies at or behind.
    """

    feed: str
    ledger: Path
    ready: Ready
    committed: int = 0


@dataclass
class Collector:
    """All threads of a process.

    Attributes:
        run: Name of the run: that a place was looked at to its end is reported under it.
        keep_us: How long files stay after they were read.
        problem: Told of what a person should know.
    """

    run: str
    follow: bool
    keep_us: int
    problem: Tell
    swept: list[Swept] = field(default_factory=list)
    _error: BaseException | None = None
    _ended: set[Path] = field(default_factory=set)

    def start(self, watched: Mapping[Path, Watched]) -> None:
        """Start a thread for each place, and one that sweeps; no lane reads yet."""
        for one in self.swept:
            self.tidy(one)
        loops: list[tuple[str, Callable[[], None]]] = [("sweep", self._sweep)]
        loops += [(one.name, lambda one=one: self._watch(one)) for one in watched.values()]  # type: ignore[misc]
        for name, loop in loops:
            threading.Thread(
                target=self._guarded, args=(loop,), name=f"fetch {name}", daemon=True
            ).start()

    def awaited(self, folder: Path) -> bool:
        """Tell whether a run that ends must wait for a place.

        Raises:
            BaseException: What ended a thread: the process ends, too.
        """
        if self._error is not None:
            raise self._error
        if self.follow or folder in self._ended:
            return False
        try:
            ended = (folder / _ENDED).read_text() == self.run
        except FileNotFoundError:
            return True
        if ended:
            self._ended.add(folder)
        return not ended

    def _guarded(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001  told by the flow's own thread
            self._error = error

    def _watch(self, one: Watched) -> None:
        """Look at a place, again and again or until everything there was fetched."""
        status = PlaceStatus.of(one.folder, one.name, one.address)

        def tell(text: str) -> None:
            status.tell(text)
            self.problem(text)

        source, place = one.open(tell)
        failures = looks = 0
        tidied = time.monotonic()
        while not stop.stopping():
            look = self._look(source, place, status, one.folder)
            failures = failures + 1 if look is None else 0
            looks += 1
            if not self.follow and self._enough(one, look, status, failures, looks):
                write_atomic(one.folder / _ENDED, self.run.encode())
                source.close()
                return
            if time.monotonic() - tidied > _TIDY_S:
                gc.collect()  # clients leave cycles, and the flow's process collects none itself
                tidied = time.monotonic()
            stop.wait(self._pause(one, look, failures))

    def _look(self, source: Source, place: Place, status: PlaceStatus, folder: Path) -> Look | None:
        status.looked_us = now_us()
        look = None
        try:
            look = place.look()
        except Away as error:
            source.close()
            status.failures += 1
            status.error, status.lasting = str(error), error.lasting
        else:
            status.reached_us, status.failures, status.error = now_us(), 0, ""
            status.waiting = look.waiting[:_LOOKS_ONCE]
        status.fetched, status.refused = place.counts()
        status.write(folder)
        return look

    def _enough(
        self, one: Watched, look: Look | None, status: PlaceStatus, failures: int, looks: int
    ) -> bool:
        """Tell whether a run that ends has everything there is, and what it has not."""
        if look is None:
            if failures <= _TRIES_ONCE and not status.lasting:
                return False
            self.problem(f"{one.address} cannot be read: {status.error}")
            return True
        if look.waiting and looks < _LOOKS_ONCE:
            return False
        for name in look.waiting:
            self.problem(f"{name} of {one.address} is still being written: left for the next run")
        return True

    def _pause(self, one: Watched, look: Look | None, failures: int) -> float:
        poll_s = one.poll_us // _SECOND_US
        if look is None:
            back_off_s = _BACK_OFF_S[min(failures, len(_BACK_OFF_S)) - 1]
            if self.follow and failures == _TRIES_ONCE:
                self.problem(f"{one.address} is away, and looked for again and again")
            return back_off_s
        if not self.follow or look.waiting:
            return min(poll_s, _SETTLE_S)
        return poll_s

    def _sweep(self) -> None:
        """Forget what lanes have read, once no restart reads it again."""
        while not stop.wait(_SWEEP_S):
            for one in self.swept:
                self.tidy(one)

    def tidy(self, one: Swept) -> None:
        """Delete what a lane never reads again, then note what it has read since."""
        held = read_ledger(one.ledger)
        before_us = now_us() - max(self.keep_us, _LEAST_KEPT_US)
        one.ready.sweep(one.feed, gone_by(held, one.committed, before_us))
        one.ready.read(one.feed, read_by(held))

    def ended(self) -> None:
        """Tidy up once the flow has ended: short runs have no other time for it."""
        for one in self.swept:
            self.tidy(one)


def kept_us(log_days: int) -> int:
    """Give how long files stay after they were read, microseconds."""
    return log_days * _DAY_US
