"""Workers and commands started quickly: forked off a process that has imported everything.

A start then takes a tenth of a second instead of some seconds, so hundreds of kills fit into a
minute. What runs is the main function of the worker or the command, in a process of its own, with
its own files, environment and folder. The process it is forked off has done nothing but import.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.live.plugs import apply

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.live.forks", "tests.live.imported", "dataflows.worker"])

_FILES = ("in", "out", "err")


def _work(role: str, job: str, log: str, environment: Mapping[str, str]) -> None:
    from dataflows.worker import main  # noqa: PLC0415  the tests' own process does not need it

    os.environ.clear()
    os.environ.update(environment)
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    apply()
    sys.exit(main([role, job]))


def _type(arguments: Sequence[str], files: str, environment: Mapping[str, str], cwd: str) -> None:
    from cli.main import main  # noqa: PLC0415  as above

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    for number, name in enumerate(_FILES):
        os.dup2(os.open(f"{files}/{name}", os.O_RDONLY if number == 0 else os.O_WRONLY), number)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.argv = ["tallywire", *arguments]
    main()


def typed(
    arguments: Sequence[str], text: str, environment: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in a forked process.

    Raises:
        TimeoutExpired: If it does not end in time.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / name for name in _FILES}
        for path in files.values():
            path.write_text(text if path.name == "in" else "")
        process = _CONTEXT.Process(
            target=_type, args=(list(arguments), folder, dict(environment), str(Path.cwd()))
        )
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), seconds)
        return subprocess.CompletedProcess(
            list(arguments), process.exitcode, files["out"].read_text(), files["err"].read_text()
        )


class Forked:
    """A worker's process, used like one of `subprocess`."""

    def __init__(self, role: str, job: Path, log: Path, environment: Mapping[str, str]) -> None:
        self._process = _CONTEXT.Process(
            target=_work,
            args=(role, str(job), str(log), {**os.environ, **environment}),
            daemon=True,
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
