"""A command that is killed at a place of its own choosing: before or behind rows of a decision."""

import os
import signal
import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import os, signal, sys
from dataflows.desk import Desk

when, table, word, *arguments = sys.argv[1:]
keep = Desk.keep

def until_then(self, name, rows, at, token):
    meant = name == table and word in {"", getattr(rows[0], "action", "")}
    if meant and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    keep(self, name, rows, at, token)
    if meant:
        os.kill(os.getpid(), signal.SIGKILL)

Desk.keep = until_then
sys.argv = ["tallywire", *arguments]
from cli.main import main
main()
"""


def killed(when: str, table: str, word: str, *arguments: object, **environment: str) -> None:
    """Type a command, and kill it with -9 `before` or `behind` the rows that it stores.

    Args:
        table: Where the rows are stored.
        word: What the first of them has for `action`; any where it is empty.
    """
    command = [sys.executable, "-c", _SCRIPT, when, table, word, *map(str, arguments)]
    made = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=240,
        env={**os.environ, **environment}, cwd=Path.cwd(),
    )  # fmt: skip
    assert made.returncode == -signal.SIGKILL, made.stderr + made.stdout
