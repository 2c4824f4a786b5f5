"""One log of many processes: a JSON object a line, each with its role; the file is rotated."""

import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import orjson

_MOST_BYTES = 64 * 1024 * 1024
_KEPT = 4


class OneLog:
    """Takes lines of several processes, in the order in which they come.

    Args:
        path: The file; `None` for standard error.
        most_bytes: Size at which the file is set aside; the last few are kept.
    """

    def __init__(self, path: Path | None, most_bytes: int = _MOST_BYTES) -> None:
        self._path, self._most_bytes = path, most_bytes
        self._lock = threading.Lock()
        self._file = self._open()

    def _open(self) -> BinaryIO:
        if self._path is None:
            return sys.stderr.buffer
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self._path.open("ab")

    def take(self, role: str, line: str) -> None:
        """Write a line of a process; one that is no JSON is wrapped."""
        with suppress(orjson.JSONDecodeError):
            content = orjson.loads(line)
            if isinstance(content, dict):
                self._write({"role": role, **content})
                return
        if line.strip():
            self.say(role, line)

    def say(self, role: str, event: str, **more: object) -> None:
        """Write a line of our own about a process."""
        moment = datetime.fromtimestamp(time.time(), UTC).isoformat()
        self._write({"role": role, "event": event, **more, "timestamp": moment})

    def _write(self, content: dict[str, object]) -> None:
        with self._lock, suppress(OSError):  # a full disk must not end what still works
            self._file.write(orjson.dumps(content, default=str) + b"\n")
            self._file.flush()
            if self._path is not None and self._file.tell() > self._most_bytes:
                self._rotate(self._path)

    def _rotate(self, path: Path) -> None:
        self._file.close()
        for number in range(_KEPT - 1, 0, -1):
            with suppress(FileNotFoundError):
                path.with_name(f"{path.name}.{number}").replace(f"{path}.{number + 1}")
        path.replace(f"{path}.1")
        self._file = self._open()

    def close(self) -> None:
        """Close the file."""
        if self._path is not None:
            self._file.close()

    @staticmethod
    def reason(lines: Iterable[str]) -> str:
        """Find what a process said of its end: its last reason, else its last words."""
        kept = list(lines)
        for line in reversed(kept):
            with suppress(orjson.JSONDecodeError):
                content = orjson.loads(line)
                if isinstance(content, dict) and "reason" in content:
                    return str(content["reason"])
                continue
            if line.strip():
                return line.strip()
        return ""
