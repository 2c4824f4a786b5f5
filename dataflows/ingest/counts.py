"""What the gateway counts, in a small file that others read; never part of a result."""

import os
import resource
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from dataflows.files import write_atomic

ACCEPTED = "accepted"


@dataclass
class Counts:
    """Counts since the gateway started. The event loop writes them, and nobody else.

    Attributes:
        requests: By status.
        events: Records by feed, then by outcome: `accepted`, or the reason of their refusal.
        body_bytes: Bytes of bodies as they were received.
        queue_bytes: Bytes that wait now.
        commit_s: Seconds that group commits took, in all.
        commits: Group commits.
        problems: Things a person should know, as of now.
    """

    path: Path
    started: float = field(default_factory=time.time)
    requests: Counter[int] = field(default_factory=Counter)
    events: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    body_bytes: int = 0
    queue_bytes: int = 0
    commit_s: float = 0.0
    commits: int = 0
    problems: list[str] = field(default_factory=list)

    def committed(self, seconds: float) -> None:
        """Count a group commit."""
        self.commits += 1
        self.commit_s += seconds

    def content(self, *, done: bool) -> dict[str, Any]:
        """Give everything as the file says it."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "process": "ingest",
            "pid": os.getpid(),
            "started": self.started,
            "ended": done,
            "problems": self.problems,
            "cpu_s": used.ru_utime + used.ru_stime,
            "peak_rss_bytes": used.ru_maxrss * 1024,
            "ingest": {
                "requests": {str(status): n for status, n in sorted(self.requests.items())},
                "accepted": {feed: found[ACCEPTED] for feed, found in self.events.items()},
                "refused": {
                    feed: found.total() - found[ACCEPTED] for feed, found in self.events.items()
                },
                "reasons": {
                    feed: {reason: n for reason, n in found.items() if reason != ACCEPTED}
                    for feed, found in self.events.items()
                },
                "body_bytes": self.body_bytes,
                "queue_bytes": self.queue_bytes,
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
