"""What the deliverer says of itself: a small file that metrics and people read."""

import os
import threading
import time
from pathlib import Path

import orjson

from dataflows.files import write_atomic
from dataflows.reports import Deliver


class Figures:
    """Counts of each target, of all threads.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock, self._started = path, threading.Lock(), time.time()
        self._deliver = Deliver()
        self._since: dict[str, float] = {}
        self._problems: dict[str, str] = {}
        self._path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, target: str) -> None:
        """Know a target from its beginning on."""
        with self._lock:
            self._deliver.sent.setdefault(target, 0)
            self._deliver.failed.setdefault(target, 0)

    def sent(self, target: str, findings: int) -> None:
        """Count findings that were taken; whatever was wrong with the target is over."""
        with self._lock:
            self._deliver.sent[target] += findings
            self._since.pop(target, None)
            self._problems.pop(target, None)

    def failed(self, target: str, why: str) -> None:
        """Count an attempt that failed, and remember since when nothing is taken."""
        with self._lock:
            self._deliver.failed[target] += 1
            self._since.setdefault(target, time.monotonic())
            self._problems[target] = f"{target}: {why}"

    def problem(self, target: str) -> str:
        """Say what is wrong with a target; empty where nothing is."""
        with self._lock:
            return self._problems.get(target, "")

    def write(self, *, ended: bool = False) -> None:
        """Write the file."""
        with self._lock:
            now = time.monotonic()
            self._deliver.failing_s = {
                name: now - self._since[name] if name in self._since else 0.0
                for name in self._deliver.sent
            }
            content = {
                "pid": os.getpid(), "started": self._started, "ended": ended,
                "problems": [*self._problems.values()], "deliver": self._deliver,
            }  # fmt: skip
            write_atomic(self._path, orjson.dumps(content))
