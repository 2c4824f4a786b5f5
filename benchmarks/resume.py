"""How long a restart takes to have its state again: windows of seen keys, counters.

Each measure is a process of its own: `python -m benchmarks.resume write|read STATE FOLDER KEYS`
prints one JSON object. Journals are written as a run writes them, a commit for each batch; they are
read as they grew, and after a compaction.
"""

import gc
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
import polars as pl

from benchmarks.report import Row, print_sections
from dataflows import journal
from dataflows.journal import Cut, Journal
from tallywire.mediation.lane import LaneState
from tallywire.rating.counters import Counters

OUT = Path("benchmarks/out/resume")
_BATCH = 32_768
_START_US = 1_772_366_400_000_000
_NEVER = 2**62
_STATES = {"window": LaneState, "counters": Counters}
_WORDS = {"window": "seen keys of a feed", "counters": "counters of accounts"}
_TIMES = 3

Figures = dict[str, float]


def _fill(state: LaneState | Counters, first: int, count: int) -> None:
    if isinstance(state, Counters):
        names = pl.select(pl.int_range(first, first + count)).to_series().cast(pl.String)
        slots, _ = state.claim(names)
        state.write(slots, np.arange(first, first + count))
        return
    chance = np.random.default_rng(first)
    hi, lo, payload = (chance.integers(0, 2**64, count, np.uint64) for _ in range(3))
    time_us = np.full(count, _START_US + first, np.int64)
    state.dedup.judge(hi, lo, payload, time_us, window_days=35, backfill=False)


def _write(name: str, folder: Path, keys: int, *, compacted: bool) -> Cut:
    """Write a journal of a state; compacted as its last act, or never."""
    state = _STATES[name]()
    with mock.patch.object(journal, "_COMPACT_ABOVE", _NEVER):
        written = Journal(folder, state, None)
        for first in range(0, keys, _BATCH):
            _fill(state, first, min(_BATCH, keys - first))
            cut = written.commit()
    if compacted:
        with mock.patch.object(journal, "_COMPACT_ABOVE", 0):
            written._base = 0  # noqa: SLF001  as if it had grown
            cut = written.commit()
    written.close()
    return cut


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _read(name: str, folder: Path, cut: Cut) -> Figures:
    gc.collect()
    gc.disable()  # as in a worker
    state = _STATES[name]()
    before, wall, cpu = _peak(), time.perf_counter(), time.process_time()
    Journal(folder, state, cut).close()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    count = len(state.dedup) if isinstance(state, LaneState) else len(state)
    return {
        "keys": count, "wall_s": wall, "cpu_s": cpu, "peak_mib": _peak() - before,
        "journal_mib": cut.length / 2**20,
    }  # fmt: skip


def _measure(*arguments: object) -> Figures:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.resume", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        msg = f"the measure {arguments} failed:\n{done.stderr[-2_000:]}"
        raise SystemExit(msg)
    made: Figures = json.loads(done.stdout)
    return made


def _rows(name: str, kind: str, keys: int) -> list[Row]:
    folder = OUT / f"{name}-{kind}"
    shutil.rmtree(folder, ignore_errors=True)
    _measure("write", name, folder, keys, kind)
    made = [_measure("read", name, folder, keys, kind) for _ in range(_TIMES)]
    one = sorted(made, key=lambda figures: figures["wall_s"])[_TIMES // 2]
    shutil.rmtree(folder)
    print(name, kind, json.dumps(one), flush=True)
    title = f"{one['keys']:,} {_WORDS[name]}, {kind}"
    return [
        Row(f"{title}: resume", "s", one["wall_s"], f"{one['journal_mib']:,.0f} MiB of journal"),
        Row(f"{title}: resume", "CPU s", one["cpu_s"]),
        Row(f"{title}: peak memory", "MiB", one["peak_mib"], "above the process before"),
    ]


def main(keys: int = 10_000_000) -> None:
    """Measure all of them, and print a table."""
    OUT.mkdir(parents=True, exist_ok=True)
    rows = [
        row
        for name in _STATES
        for kind in ("grown", "compacted")
        for row in _rows(name, kind, keys)
    ]
    print_sections({"Resume": rows})
    content = [{"what": row.what, "unit": row.unit, "value": row.value} for row in rows]
    (OUT / "resume.json").write_text(json.dumps(content, indent=2))


def _one(arguments: list[str]) -> None:
    what, name, place, keys, kind = arguments
    noted = Path(place) / "cut.json"
    if what == "write":
        cut = _write(name, Path(place), int(keys), compacted=kind == "compacted")
        noted.write_text(json.dumps(vars(cut)))
        print("{}")
    else:
        print(json.dumps(_read(name, Path(place), Cut(**json.loads(noted.read_text())))))


if __name__ == "__main__":
    _one(sys.argv[1:])
