"""How far a worker is, in a small file that others read; never part of a result."""

import resource
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from dataflows.files import write_atomic

_EVERY_S = 0.5


@dataclass
class Progress:
    """Counts of one worker since it started.

    Attributes:
        bytes_total: Bytes of all inputs known, for the estimate of the end.
        problems: Things a person should know, each once: an unreadable file, a store away.
        news: The latest thing that was done beside the work itself.
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
    problems: list[str] = field(default_factory=list)
    news: str = ""
    _written: float = 0.0

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
        self._written = now
        content = asdict(self)
        del content["path"], content["_written"]
        used = resource.getrusage(resource.RUSAGE_SELF)
        content["cpu_s"] = used.ru_utime + used.ru_stime
        content["peak_rss_bytes"] = used.ru_maxrss * 1024
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, orjson.dumps(content))


def read(path: Path) -> dict[str, object]:
    """Read a worker's progress; empty where it has not begun."""
    try:
        content: dict[str, object] = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return content
