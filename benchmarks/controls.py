"""The controls: each fold on one core, the whole process beside a real store, hourly comparisons.

Usage is that which controls are tried with (`assurance/planted.py`), a charge and a cost for each
event, over more hours and callers. The floor of the process is reading the same rows and nothing
else, in the same run.
"""

import gc
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from assurance.following.control import World
from assurance.following.rows import DAY_US, ROWS
from assurance.planted import usage, with_costs
from assurance.registry import reconciliations, stream_controls
from benchmarks.report import Row, print_sections
from benchmarks.section import ONE_THREAD
from dataflows.controls.comparer import Comparer
from dataflows.controls.follower import Follower
from schemas.columns import conform, rows_to_frame, to_arrow
from schemas.feeds import LedgerEntry
from schemas.rated import RatedEvent
from warehouse.client import Client, connect
from warehouse.configuration import ServerPlan
from warehouse.following import ranges, rated_rows
from warehouse.insert import insert
from warehouse.migrate import migrate
from warehouse.server import free_port, start

OUT = Path("benchmarks/out/controls")
_BATCH = 65_536
_LANES = 4


def made(events: int, subscribers: int, seed: int = 3) -> pl.DataFrame:
    """Make a day of calls of so many callers, each with its cost."""
    rows = usage(days=1, per_hour=-(-events // 24), seed=seed)
    caller = np.random.default_rng(seed).integers(0, subscribers, rows.height)
    numbers = pl.Series("caller", caller).cast(pl.String).str.zfill(8)
    named = rows.with_columns(
        ("47" + numbers).alias("a_number"), ("a" + numbers).alias("account_id"),
        pl.lit("rulebook").alias("rater"),
    )  # fmt: skip
    return with_costs(named)


def _none(name: str) -> Any:  # noqa: ANN401  a catalogue, if there were one
    raise LookupError(name)


def folds(events: int, subscribers: int) -> dict[str, Any]:
    """Measure every fold alone: processor time of a row, bytes of memory of a subscriber."""
    rows = made(events, subscribers)
    parts = list(rows.iter_slices(_BATCH))
    figures: dict[str, Any] = {"rows": rows.height, "subscribers": rows["a_number"].n_unique()}
    gc.collect()
    gc.freeze()
    gc.disable()
    for kind in stream_controls():
        control = kind(World(_none))
        began = time.process_time()
        for part in parts:
            control.wanted(part)
            control.take(part)
        figures[kind.__name__] = (time.process_time() - began) * 1e6 / rows.height
        figures[f"{kind.__name__} kept"] = len(control.dump())
    return figures


def _stored(client: Client, rows: pl.DataFrame, at: int) -> int:
    """Put rows into the store as lanes do; give how many ranges they are."""
    wide = _rated(rows)
    for number, part in enumerate(wide.iter_slices(_BATCH)):
        lane, position = f"usage-{number % _LANES:04d}", number // _LANES
        entry = LedgerEntry(
            lane=lane, position=position, source="usage", first=position, last=position + 1,
            records=part.height, ledgered_at=at + number, catalog_hash="",
            token=f"{lane}:{position}:{position}-{position + 1}",
        )  # fmt: skip
        stamped = part.with_columns(
            pl.lit(entry.ledgered_at, dtype=pl.Int64()).alias("ledgered_at"),
            pl.lit(entry.token).alias("batch_token"),
            pl.int_range(pl.len(), dtype=pl.Int32).alias("batch_row"),
        )
        insert(client, "rated_events", to_arrow(stamped, RatedEvent), entry.token)
        ledger = rows_to_frame([entry], LedgerEntry)
        insert(client, "lane_ledger", to_arrow(ledger, LedgerEntry), entry.token)
    return -(-wide.height // _BATCH)


def _rated(rows: pl.DataFrame) -> pl.DataFrame:
    whole, nine = pl.Decimal(38, 0), pl.Decimal(38, 9)
    money = [
        (pl.col(name).cast(nine) * pl.lit("0.000000001").cast(nine)).alias(to)
        for name, to in (("amount_nano", "amount"), ("rounding_nano", "rounding_difference"))
    ]
    exact = [
        pl.col("amount_nano").cast(whole).alias("amount_numerator"),
        pl.lit(10**9).cast(whole).alias("amount_denominator"),
    ]
    return conform(rows.with_columns(*money, *exact), RatedEvent)


def process(events: int, subscribers: int, folder: str) -> dict[str, Any]:
    """Measure the whole process over a real store, beside reading alone; then the comparisons."""
    home = Path(folder)
    running = start(ServerPlan(home, free_port(), free_port()))
    try:
        migrate(connect("", home, role="owner"), "tallywire")
        client = connect("", home, database="tallywire")
        rows = made(events, subscribers)
        _stored(client, rows, time.time_ns() // 1_000 - DAY_US // 1_000)
        return {
            **_read(client),
            **_followed(client, home),
            **_compared(client),
            "rows": rows.height,
        }
    finally:
        running.stop()


def _read(client: Client) -> dict[str, Any]:
    began, cpu = time.perf_counter(), time.process_time()
    found = ranges(client, {}, 10_000)
    for first in range(0, len(found), 2):
        rated_rows(client, found[first : first + 2], ROWS)
    return {"read_s": time.perf_counter() - began, "read_cpu_s": time.process_time() - cpu}


def _followed(client: Client, home: Path) -> dict[str, Any]:
    follower = Follower(
        home / "kept", World(_none), stream_controls(), (), lambda: time.time_ns() // 1_000, print
    )
    began, cpu = time.perf_counter(), time.process_time()
    follower.look(client)
    used = {"look_s": time.perf_counter() - began, "look_cpu_s": time.process_time() - cpu}
    began = time.perf_counter()
    follower.keep(client)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024
    return {**used, "keep_s": time.perf_counter() - began, "peak_bytes": peak,
            "alerts": follower.figures.alerts}  # fmt: skip


def _compared(client: Client) -> dict[str, Any]:
    comparer = Comparer(reconciliations(), {}, lambda: time.time_ns() // 1_000, "default")
    comparer.due(client, at_once=True)
    runs = comparer.due(client, at_once=True)
    return {f"{one.kind.__name__} ms": (one.ended_at - one.began_at) / 1_000 for one in runs}


def _measure(name: str, *arguments: object) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.controls", name, *map(str, arguments)],
        env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        msg = f"the measure {name} failed:\n{done.stderr[-2_000:]}"
        raise SystemExit(msg)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(name, json.dumps(figures), flush=True)
    return figures


def main(events: int, subscribers: int) -> None:
    """Measure and print."""
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "store").mkdir(parents=True)
    alone = _measure("folds", events, subscribers)
    whole = _measure("process", events, subscribers, (OUT / "store").resolve())
    print_sections(
        {"Controls that follow": _fold_rows(alone), "Their process": _process_rows(whole)}
    )
    shutil.rmtree(OUT, ignore_errors=True)


def _fold_rows(made_of: dict[str, Any]) -> list[Row]:
    names = [kind.__name__ for kind in stream_controls()]
    rows = [Row(name, "us/row of one core", made_of[name]) for name in names]
    total = sum(made_of[name] for name in names)
    kept = sum(made_of[f"{name} kept"] for name in names)
    return [
        *rows, Row("all folds", "us/row of one core", total),
        Row("all folds", "rows/s per core", 1e6 / total),
        Row("memory kept", "bytes of each subscriber", kept / made_of["subscribers"],
            f"{made_of['subscribers']:,} subscribers, {made_of['rows']:,} rows of a day"),
    ]  # fmt: skip


def _process_rows(made_of: dict[str, Any]) -> list[Row]:
    count = made_of["rows"]
    rows = [
        Row("floor: reading alone", "rows/s", count / made_of["read_s"]),
        Row("reading and all controls", "rows/s", count / made_of["look_s"]),
        Row("reading and all controls", "rows/s of a core", count / made_of["look_cpu_s"],
            "processor time of the process, the store's apart"),
        Row("to the floor", "times", made_of["look_s"] / made_of["read_s"]),
        Row("keeping what is remembered", "s", made_of["keep_s"]),
        Row("peak memory", "MB", made_of["peak_bytes"] / 1e6),
    ]  # fmt: skip
    compared = [name for name in made_of if name.endswith(" ms")]
    return rows + [Row(name.removesuffix(" ms"), "ms", made_of[name]) for name in compared]


def _one(arguments: Sequence[str]) -> None:
    name, events, subscribers, *more = arguments
    measure = {"folds": folds, "process": process}[name]
    print(json.dumps(measure(int(events), int(subscribers), *more)))


if __name__ == "__main__":
    _one(sys.argv[1:])
