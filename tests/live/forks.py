"""Workers started quickly: forked off a process that has imported everything and done nothing.

A start then takes a tenth of a second instead of some seconds, so hundreds of kills fit into a
minute. What runs is the worker's own main function, in a process of its own.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.live.plugs import apply

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.live.forks", "dataflows.worker"])


def _work(role: str, job: str, log: str, environment: Mapping[str, str]) -> None:
    from dataflows.worker import main  # noqa: PLC0415  the tests' own process does not need it

    os.environ.update(environment)
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    apply()
    sys.exit(main([role, job]))


class Forked:
    """A worker's process, used like one of `subprocess`."""

    def __init__(self, role: str, job: Path, log: Path, environment: Mapping[str, str]) -> None:
        self._process = _CONTEXT.Process(
            target=_work, args=(role, str(job), str(log), dict(environment)), daemon=True
        )
        self._process.start()
        self.pid = self._process.pid or 0

    def poll(self) -> int | None:
        """Give the exit code; `None` while it runs."""
        return self._process.exitcode

    @property
    def returncode(self) -> int | None:
        """Give the exit code; `None` while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            TimeoutExpired: If it does not end in time.
        """
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it at once."""
        self.send_signal(signal.SIGKILL)


def executed(
    role: str, job: Path, log: Path, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Start a worker as a program of its own."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "dataflows.worker", role, str(job)],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            env={**os.environ, **environment},
        )  # fmt: skip
