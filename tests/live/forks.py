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


def _begin(environment: Mapping[str, str], log: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    apply()


def _work(arguments: Sequence[str], log: str, environment: Mapping[str, str]) -> None:
    from dataflows.worker import main  # noqa: PLC0415  the tests' own process does not need it

    _begin(environment, log)
    sys.exit(main(list(arguments)))


def _serve(arguments: Sequence[str], log: str, environment: Mapping[str, str]) -> None:
    from cli.main import main  # noqa: PLC0415  as above

    _begin(environment, log)
    sys.argv = ["tallywire", *arguments]
    main()


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
    """A process that goes on, used like one of `subprocess`: a worker, or a command.

    Args:
        arguments: Of a worker its role and its job; of a command its words.
        log: Where it says what it has to say.
        environment: What it finds in its environment besides.
    """

    def __init__(
        self, arguments: Sequence[object], log: Path, environment: Mapping[str, str],
        *, command: bool = False,
    ) -> None:  # fmt: skip
        words = [str(one) for one in arguments]
        self._process = _CONTEXT.Process(
            target=_serve if command else _work,
            args=(words, str(log), {**os.environ, **environment}),
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
    arguments: Sequence[object], log: Path, environment: Mapping[str, str], *, command: bool = False
) -> "subprocess.Popen[bytes]":
    """Start the same as a program of its own."""
    module = "cli.main" if command else "dataflows.worker"
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", module, *(str(one) for one in arguments)],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            env={**os.environ, **environment},
        )  # fmt: skip
