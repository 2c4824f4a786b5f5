"""What the MQTT subscriber counts, in a small file that others read; never part of a result."""

import os
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from dataflows.files import write_atomic
from dataflows.mqtt.payloads import ACCEPTED, EMPTY, SUSPENDED, TOO_LONG

RETAINED, UNAVAILABLE = "retained", "log_unavailable"
OUTCOMES = (ACCEPTED, SUSPENDED, TOO_LONG, EMPTY, RETAINED, UNAVAILABLE)
NEW, KEPT, LOST = "new", "kept", "lost"


@dataclass
class FeedCounts:
    """Counts of one feed; written by its own thread, and by no other.

    Attributes:
        messages: By outcome.
        connects: Connections made, by what the broker still knew of the session.
        connected: It is subscribed now.
        commit_s, commits: How long group commits took, in all, and how many there were.
        problem: Why it is not subscribed; empty while it is.
    """

    messages: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    connects: dict[str, int] = field(default_factory=lambda: dict.fromkeys((NEW, KEPT, LOST), 0))
    connected: bool = False
    commit_s: float = 0.0
    commits: int = 0
    problem: str = ""

    def settled(self, outcomes: Counter[str], seconds: float) -> None:
        """Count a group commit."""
        for outcome, number in outcomes.items():
            self.messages[outcome] += number
        self.commits += 1
        self.commit_s += seconds


@dataclass
class Counts:
    """Counts since the subscriber started.

    Attributes:
        feeds: By feed.
        problems: Things a person should know, as of now, beside those of feeds.
    """

    path: Path
    started: float = field(default_factory=time.time)
    feeds: dict[str, FeedCounts] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def content(self, *, done: bool) -> dict[str, Any]:
        """Give everything as the file says it."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        feeds = dict(self.feeds)
        return {
            "process": "mqtt",
            "pid": os.getpid(),
            "started": self.started,
            "ended": done,
            "problems": [*self.problems, *(one.problem for one in feeds.values() if one.problem)],
            "cpu_s": used.ru_utime + used.ru_stime,
            "peak_rss_bytes": used.ru_maxrss * 1024,
            "mqtt": {
                "messages": {name: one.messages for name, one in feeds.items()},
                "connects": {name: one.connects for name, one in feeds.items()},
                "connected": {name: int(one.connected) for name, one in feeds.items()},
                "commit_seconds": sum(one.commit_s for one in feeds.values()),
                "commits": sum(one.commits for one in feeds.values()),
            },
        }

    def write(self, *, done: bool = False) -> None:
        """Write the file.

        Raises:
            OSError: If the disk is full or gone.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, orjson.dumps(self.content(done=done)))
