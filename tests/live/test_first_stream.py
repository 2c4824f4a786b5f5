"""The newcomer's page, typed line by line: what it shows is what happens."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from warehouse.server import free_port

pytestmark = [pytest.mark.live, pytest.mark.store]

PAGE = Path(__file__).resolve().parents[2] / "docs/guides/first-stream.md"
PATIENCE_S = 240


@dataclass(frozen=True)
class Step:
    """A block of the page.

    Attributes:
        begins: How it begins.
        shows: What its output holds, as a pattern.
        looks: It only looks: done again until it shows that, for a busy machine takes longer.
    """

    begins: str
    shows: str = ""
    looks: bool = False


UP, POST = "tallywire up", "post() {"
STEPS = (
    Step("tallywire catalog init", "wrote the example"),
    Step(UP),
    Step("until curl", "ready"),
    Step(POST),
    Step("post 1", '{"accepted":1}'),
    Step("sleep 2", r"zone nordics[\s\S]*The charge is EUR 0\.08", looks=True),
    Step("tallywire status --live", r"rating\s+│ running", looks=True),
    Step("pid=", r'(\{"accepted":1\}){10}'),
    Step(
        "sleep 8",
        r"rated\s+│\s+10 │\n│ duplicate\s+│\s+1 │[\s\S]*collected\s+│\s+11 │\n│ difference\s+│\s+0 │",
        looks=True,
    ),
)


def _blocks() -> list[str]:
    return re.findall(r"```\n(.*?)```", PAGE.read_text(), re.DOTALL)


def _shell(folder: Path) -> dict[str, str]:
    """Give an environment in which `tallywire` is this one, on ports of its own."""
    command = folder / "bin" / "tallywire"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cli.main "$@"\n')
    command.chmod(0o700)
    return {
        **os.environ,
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(PAGE.parents[2]),
        "TALLYWIRE_INGEST_PORT": str(free_port()),
        "TALLYWIRE_METRICS_PORT": str(free_port()),
    }


@contextmanager
def _terminal(block: str, folder: Path, shell: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A terminal of its own for what runs until it is stopped."""
    process = subprocess.Popen(
        ["bash", "-c", block], cwd=folder, env=shell, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=PATIENCE_S)


def _typed(block: str, folder: Path, shell: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", block], cwd=folder, env=shell, text=True,
        capture_output=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip


def test_the_page_has_the_blocks_that_are_typed_here() -> None:
    blocks = _blocks()
    assert len(blocks) == len(STEPS)
    for block, step in zip(blocks, STEPS, strict=True):
        assert block.startswith(step.begins)


def test_what_the_page_shows_is_what_happens(tmp_path: Path) -> None:
    pytest.importorskip("chdb", reason="the embedded engine (chdb-core) is not installed")
    folder = tmp_path / "here"
    folder.mkdir()
    shell = _shell(tmp_path)
    first, up, *rest = _blocks()
    made = _typed(first, folder, shell)
    assert re.search(STEPS[0].shows, made.stdout + made.stderr), made
    with _terminal(up, folder, shell) as process:
        known = ""
        for block, step in zip(rest, STEPS[2:], strict=True):
            known += block if step.begins == POST else ""
            deadline = time.monotonic() + PATIENCE_S
            while True:
                made = _typed(block if step.begins == POST else known + block, folder, shell)
                if re.search(step.shows, made.stdout) and made.returncode == 0:
                    break
                assert process.poll() is None, process.communicate()
                assert step.looks, (block, made.stdout, made.stderr)
                assert time.monotonic() < deadline, (block, made.stdout, made.stderr)
        os.killpg(process.pid, signal.SIGINT)
        told, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, told
        assert "rating ended and is started again in 0.5 s: it was ended by SIGKILL" in told
    assert (folder / ".tallywire").is_dir()
