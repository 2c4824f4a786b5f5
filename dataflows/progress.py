"""How far a worker is, in a small file that others read; never part of a result."""

import os
import resource
import threading
import time
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

import orjson

from dataflows.files import write_atomic
from dataflows.lane_progress import COLLECTION, FATES, LaneProgress
from dataflows.sources.streams import feed_of

_EVERY_S = 0.5
_OWN = {"path", "more", "_written", "_writing"}


@dataclass
class Progress:
    """Counts of one worker since it started.

    Attributes:
        done: All its input was worked.
        ended: It came to its end, or was asked to and has ended cleanly.
        bytes_total: Bytes of all inputs known, for the estimate of the end.
        problems: Things a person should know, each once: an unreadable file, a store away.
        news: The latest thing that was done beside the work itself.
        lanes: Figures of each lane, by its name.
        more: Figures of one kind of process, by their name in its report.
    """

    path: Path
    process: str
    started: float = field(default_factory=time.time)
    collected: int = 0
    rated: int = 0
    bytes_total: int = 0
    bytes_read: int = 0
    log_bytes: int = 0
    batches: int = 0
    retries: int = 0
    done: bool = False
    ended: bool = False
    problems: list[str] = field(default_factory=list)
    news: str = ""
    lanes: dict[str, LaneProgress] = field(default_factory=dict)
    more: dict[str, object] = field(default_factory=dict)
    _written: float = 0.0
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def lane(self, name: str, kind: str = COLLECTION) -> LaneProgress:
        """Give the figures of a lane, to be added to; call it first in the flow's own thread."""
        if name not in self.lanes:
            feed = feed_of(name) if kind == COLLECTION else ""
            fates = dict.fromkeys(FATES[kind], 0)
            self.lanes[name] = LaneProgress(kind=kind, feed=feed, fates=fates)
        return self.lanes[name]

    def problem(self, text: str) -> None:
        """Note something a person should know."""
        if text not in self.problems:
            self.problems.append(text)
            self.write(force=True)

    def write(self, *, force: bool = False) -> None:
        """Write the file, at most twice a second unless forced."""
        now = time.monotonic()
        if not force and now - self._written < _EVERY_S:
            return
        with self._writing:  # the insert thread writes, too, while the store is away
            self._written = now
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self.path, orjson.dumps(self._content()))

    def _content(self) -> dict[str, object]:
        content = {one.name: getattr(self, one.name) for one in fields(self)}
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            **{name: value for name, value in content.items() if name not in _OWN},
            **self.more,
            "pid": os.getpid(),
            "cpu_s": used.ru_utime + used.ru_stime,
            "peak_rss_bytes": used.ru_maxrss * 1024,
        }


@dataclass
class Supervised:
    """A process, as its supervisor sees it.

    Attributes:
        state: `running`; `backing_off`: it ended and is started again later; `stopped`: it was
            asked to end; `failed`: it is not started again.
        pid: Its process id; 0 while it has none.
        restarts: How often it was started again.
        since: When this state began, seconds since 1970.
        problem: Why it does not run, for a person.
    """

    state: Literal["running", "backing_off", "stopped", "failed"]
    pid: int = 0
    restarts: int = 0
    since: float = field(default_factory=time.time)
    problem: str = ""


SUPERVISOR = "supervisor"


@dataclass
class Supervision:
    """All processes of a supervisor, by name; written to `HOME/progress/supervisor.json`.

    Attributes:
        pid: The supervisor's own process id: what a supervisor wrote that is gone says nothing.
    """

    processes: dict[str, Supervised] = field(default_factory=dict)
    pid: int = field(default_factory=os.getpid)

    def write(self, folder: Path) -> None:
        """Write the file, whenever something has changed.

        Args:
            folder: `Home.progress`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / f"{SUPERVISOR}.json", orjson.dumps(self))


def read(path: Path) -> dict[str, object]:
    """Read a worker's progress; empty where it has not begun."""
    try:
        content: dict[str, object] = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return content
