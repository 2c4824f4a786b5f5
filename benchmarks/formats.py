"""What decoding costs: files of every kind to rows on one core, beside the least that reading costs.

A file is read, cut and decoded in the ranges that a collection lane makes of it, by one thread.
Rates are of processor time, which other processes do not take away; wall time is told beside. Each
measure has a process of its own. Memory is the peak of the process over a file of a gigabyte, or of
ten with `--full`.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from benchmarks.files import KINDS
from benchmarks.report import Row, print_sections
from dataflows.settings import Settings
from dataflows.sources.manifest import FileState
from dataflows.sources.openings import Opening
from dataflows.sources.ranges import next_range, prologue_of
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoders import DECODERS

OUT = Path("benchmarks/out/formats")
WANTED_MB = 500
PEER_TIMES = 5
"""So many times as fast as pycrate the commonest records of BER should be."""
_PEERS = ("tap call", "tap data", "pgw", "mo call")
_BIG = ("delimited", "tap", "xml")
_GB = 10**9
_ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}


def collected(path: Path, feed: Feed) -> tuple[int, int]:
    """Read a file to its end as a lane does, and keep nothing.

    Returns:
        Records, and rows that are usable.
    """
    form = DECODERS[feed.format]
    framing, settings = form.framing(feed), Settings.model_fields
    rows, limit = settings["collection_rows"].default, settings["collection_bytes"].default
    state = FileState("bench", path.name)
    opening = Opening(path.name, path, "bench", "complete", path.stat().st_size, "", 0, b"")
    usable = 0
    while state.offset < opening.size:
        found = next_range(opening, state, framing, rows=rows, limit=limit)
        if found is None or found.frames is None:
            msg = f"{path} is no file of {feed.format} at octet {state.offset}"
            raise SystemExit(msg)
        frames = replace(found.frames, prologue=prologue_of(path, framing))
        usable += form.decode(frames, feed).frame["reason"].null_count()
        state.offset += len(found.data)
        state.records += found.records
    return state.records, usable


def _timed(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Give processor and wall seconds, each of its fastest round."""
    cpu = wall = float("inf")
    for _ in range(rounds):
        began, used = time.perf_counter(), time.process_time()
        work()
        wall = min(wall, time.perf_counter() - began)
        cpu = min(cpu, time.process_time() - used)
    return cpu, wall


def speed(name: str, path: Path, rounds: int) -> dict[str, Any]:
    """Measure records a second, and the floor in the same process."""
    kind = KINDS[name]
    written = kind.write(path)
    records, usable = collected(path, kind.feed)
    if usable < written:
        msg = f"{name}: {usable} rows of {written} records are usable"
        raise SystemExit(msg)
    cpu, wall = _timed(lambda: collected(path, kind.feed), rounds)
    data = path.read_bytes()
    floor, _ = _timed(lambda: kind.floor[1](data), rounds)
    return {
        "octets": len(data) // records, "per_s": written / cpu, "wall_per_s": written / wall,
        "floor_per_s": written / floor, "times_floor": cpu / floor,
    }  # fmt: skip


def memory(name: str, path: Path, octets: int) -> dict[str, Any]:
    """Measure the peak of memory over a large file."""
    kind = KINDS[name]
    written = kind.write(path, records=20_000, octets=octets)
    before = psutil.Process().memory_info().rss
    began = time.process_time()
    _, usable = collected(path, kind.feed)
    return {
        "records": written, "usable": usable, "gb": path.stat().st_size / _GB,
        "before_mb": before / 2**20, "cpu_s": time.process_time() - began,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def peer(name: str) -> dict[str, Any]:
    """Measure BER beside pycrate."""
    from benchmarks.ber import measure  # noqa: PLC0415  seconds of import

    return measure(name, oracle=400)


def _apart(what: str, name: str, *more: str) -> dict[str, Any]:
    """Measure in a process of its own, with one thread."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.formats", what, name, *more],
        env={**os.environ, **_ONE_THREAD}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        msg = f"the measure {what} {name} failed:\n{done.stderr[-2_000:]}"
        raise SystemExit(msg)
    made: dict[str, Any] = json.loads(done.stdout)
    print(what, name, json.dumps(made), flush=True)
    return made


def _speed_rows(rounds: int) -> list[Row]:
    rows: list[Row] = []
    for name, kind in KINDS.items():
        made = _apart("speed", name, f"--rounds={rounds}")
        each = "records/s per core"
        note = f"{made['octets']} octets each; wanted: {kind.wanted:,}"
        rows += [
            Row(name, each, made["per_s"], note),
            Row(f"{name}, by the clock", "records/s", made["wall_per_s"]),
            Row(f"floor: {kind.floor[0]}", each, made["floor_per_s"]),
            Row(f"{name}, to its floor", "times", made["times_floor"]),
        ]
    return rows


def _peer_rows() -> list[Row]:
    rows: list[Row] = []
    for name in _PEERS:
        made = _apart("peer", name)
        rows += [
            Row(name, "records/s per core", made["rows"], f"{made['octets']} octets each"),
            Row(f"{name}, by pycrate", "records/s per core", made["pycrate"]),
            Row(
                f"{name}, to pycrate",
                "times",
                made["rows"] / made["pycrate"],
                f"wanted: {PEER_TIMES}",
            ),
        ]
    return rows


def _memory_rows(octets: int) -> list[Row]:
    rows: list[Row] = []
    for name in _BIG:
        made = _apart("memory", name, f"--octets={octets}")
        rows += [
            Row(
                f"{name}: peak", "MB", made["peak_mb"], f"{made['gb']:.2f} GB; wanted: {WANTED_MB}"
            ),
            Row(f"{name}: before", "MB", made["before_mb"]),
            Row(f"{name}: records", "", made["records"]),
        ]
    return rows


def main(octets: int = _GB, rounds: int = 5) -> None:
    """Measure, print, keep."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    sections = {
        "Files to rows": _speed_rows(rounds),
        "BER beside pycrate": _peer_rows(),
        "Memory over a large file": _memory_rows(octets),
    }
    print_sections(sections)
    content = [
        {"section": title, "what": row.what, "unit": row.unit, "value": row.value, "on": row.note}
        for title, rows in sections.items() for row in rows
    ]  # fmt: skip
    (OUT / "formats.json").write_text(json.dumps(content, indent=2))


def _one() -> None:
    """Take one measure, and print it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formats", description=__doc__)
    parser.add_argument("what", choices=("speed", "memory", "peer"))
    parser.add_argument("name")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--octets", type=int, default=_GB)
    wanted = parser.parse_args()
    with TemporaryDirectory(prefix="formats-") as folder:
        path = Path(folder) / "usage"
        if shutil.disk_usage(folder).free < 2 * wanted.octets:
            msg = f"{folder} has no room for a file of {wanted.octets:,} octets"
            raise SystemExit(msg)
        made = {
            "speed": lambda: speed(wanted.name, path, wanted.rounds),
            "memory": lambda: memory(wanted.name, path, wanted.octets),
            "peer": lambda: peer(wanted.name),
        }[wanted.what]()
    print(json.dumps(made))


if __name__ == "__main__":
    _one()
