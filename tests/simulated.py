"""A small run of the simulator with every fault, and one without, each made once."""

import atexit
import functools
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.simulator import truth_files, usage_files
from benchmarks.simulator.__main__ import main
from benchmarks.simulator.build import build
from benchmarks.simulator.parameters import read

SMALL = """
[run]
days = 7
subscribers = 170
change_day = 3
spike_day = 4
first = "2026-10-20"
[faults]
exact_duplicate = 160
near_duplicate = 18
lost_records = 9
partner_mismatch = 9
subscription_mismatch = 9
missing_interim = 9
missing_stop = 9
silent_node = 3
skewed_node = 3
lost_file = 3
replayed_file = 3
"""
NULL = SMALL.replace("[faults]", "injections = false\n[faults]")


@dataclass(frozen=True)
class Made:
    """A run on disk, and its truth."""

    out: Path
    records: list[dict[str, Any]]
    injections: list[dict[str, Any]]
    hard_negatives: list[dict[str, Any]]

    def usage(self, feed: str) -> list[Path]:
        return sorted((self.out / "usage" / feed).iterdir())


def written(out: Path, parameters: str, seed: int, *what: str) -> None:
    """Write a run's usage, its truth, or both."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "params.toml").write_text(parameters)
    for one in what:
        options = ["--seed", str(seed), "--params", str(out / "params.toml"), "--out", str(out)]
        assert main([one, *options]) == 0


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@functools.cache
def made(parameters: str, seed: int = 7) -> Made:
    out = Path(tempfile.mkdtemp(prefix="simulated-"))
    atexit.register(shutil.rmtree, out, ignore_errors=True)
    (out / "params.toml").write_text(parameters)
    world = build(seed, read(out / "params.toml"))
    usage_files.write(world, out)
    truth_files.write(world, out)
    truth = (
        _lines(out / f"truth/{name}.jsonl") for name in ("records", "injections", "hard_negatives")
    )
    return Made(out, *truth)
