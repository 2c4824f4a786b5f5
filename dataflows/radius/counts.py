"""What the RADIUS listener counts, in a small file that others read; never part of a result."""

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from dataflows.files import write_atomic
from tallywire.mediation.radius.packet import Refusal

ACCEPTED, REPEATED, STATUS = "accepted", "repeated", "status"
QUEUE_FULL, UNAVAILABLE, DROPPED = "queue_full", "log_unavailable", "kernel_dropped"
RECEIVED = (REPEATED, QUEUE_FULL, *(refusal.value for refusal in Refusal))
SETTLED = (ACCEPTED, STATUS, UNAVAILABLE)


def _none(outcomes: tuple[str, ...]) -> Callable[[], dict[str, int]]:
    return lambda: dict.fromkeys(outcomes, 0)


@dataclass
class Counts:
    """Counts since the listener started.

    Attributes:
        queue_limit_bytes: Bytes of packets that may wait.
        received: Packets that were done with when they came, by outcome; written by the thread
            that receives, and by no other.
        settled: Packets that waited to be durable, by outcome; written by the thread that commits.
        taken_bytes, given_bytes: Bytes that began and ended to wait, by the same threads.
        kernel_dropped: Packets that came faster than they were received.
        commit_s, commits: How long group commits took, in all, and how many there were.
        problems: Things a person should know, as of now.
    """

    path: Path
    queue_limit_bytes: int
    started: float = field(default_factory=time.time)
    received: dict[str, int] = field(default_factory=_none(RECEIVED))
    settled: dict[str, int] = field(default_factory=_none(SETTLED))
    taken_bytes: int = 0
    given_bytes: int = 0
    kernel_dropped: int = 0
    commit_s: float = 0.0
    commits: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def queue_bytes(self) -> int:
        """Bytes that wait now."""
        return self.taken_bytes - self.given_bytes

    def content(self, *, done: bool) -> dict[str, Any]:
        """Give everything as the file says it."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "process": "radius",
            "pid": os.getpid(),
            "started": self.started,
            "ended": done,
            "problems": self.problems,
            "cpu_s": used.ru_utime + used.ru_stime,
            "peak_rss_bytes": used.ru_maxrss * 1024,
            "radius": {
                "packets": {**self.received, **self.settled, DROPPED: self.kernel_dropped},
                "queue_bytes": self.queue_bytes,
                "queue_limit_bytes": self.queue_limit_bytes,
                "commit_seconds": self.commit_s,
                "commits": self.commits,
            },
        }

    def write(self, *, done: bool = False) -> None:
        """Write the file.

        Raises:
            OSError: If the disk is full or gone.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, orjson.dumps(self.content(done=done)))
