"""The command as people type it, started quickly or as a program of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live.forks import typed
from warehouse.configuration import ServerPlan
from warehouse.server import free_port, start

_PATIENCE_S = 240


def tallywire(
    *arguments: object, text: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Type a command: it runs in a process of its own, which need not import anything first."""
    words = [str(item) for item in arguments]
    made = typed(words, text, {**os.environ, **environment}, _PATIENCE_S)
    assert "Traceback" not in made.stderr, made.stderr
    return made


def started(
    *arguments: object, text: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Type a command, as a program that is started from nothing."""
    command = [sys.executable, "-m", "cli.main", *(str(item) for item in arguments)]
    made = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S, input=text,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert "Traceback" not in made.stderr, made.stderr
    return made


def until(found: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Wait for something that a process does."""
    deadline = time.monotonic() + _PATIENCE_S
    while not found():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


@contextmanager
def following(home: Path, catalog: Path, *inputs: Path) -> Iterator["subprocess.Popen[str]"]:
    """Keep a run that follows its inputs going."""
    command = [sys.executable, "-m", "cli.main", "run", "--follow", "--home", str(home),
               "--catalog", str(catalog), *map(str, inputs)]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=_PATIENCE_S)


@contextmanager
def served(home: Path) -> Iterator[None]:
    """Keep the store of a home running, so that no command starts one for its own time."""
    running = start(ServerPlan((home / "store").resolve(), free_port(), free_port()))
    try:
        yield
    finally:
        running.stop()


def status_of(home: Path) -> dict[str, Any]:
    told = tallywire("status", "--home", home, "--json")
    assert told.returncode == 0, told.stderr
    content: dict[str, Any] = json.loads(told.stdout)
    return content
