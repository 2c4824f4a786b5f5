"""Two processes against one on the rating stage: the usage log read, usage rated, each account in one.

Each process is `python -m benchmarks.shares FOLDER SHARE...`: it loads the catalogue and its shares of
the log, waits for a line, and rates. The store is not part of it: two processes would wait for it.
"""

import gc
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, cast

import polars as pl

from benchmarks.pipeline import COLLECT_ROWS, RATE_ROWS, Stage, mediated
from benchmarks.report import Row, print_sections
from benchmarks.section import ONE_THREAD
from benchmarks.workload import write_catalog, write_usage
from dataflows.catalogs import CatalogStore
from dataflows.run import compile_into
from dataflows.settings import Home
from dataflows.usage_log.blocks import encode
from dataflows.usage_log.reading import tables_of
from schemas.columns import lean
from schemas.usage import UsageEvent
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater

OUT = Path("benchmarks/out/shares")
_SHARES = 2
_TIMES = 3
_BLOCKS = RATE_ROWS // COLLECT_ROWS


def _prepare(events: int, subscribers: int) -> int:
    """Write a catalogue and the usage log of each share; give how many events are in them."""
    shutil.rmtree(OUT, ignore_errors=True)
    chance = random.Random(1)
    prefixes = write_catalog(OUT / "catalog", subscribers, chance)
    write_usage(OUT / "usage", events, subscribers, prefixes, chance)
    snapshot = compile_into(Home(OUT), OUT / "catalog")
    (OUT / "hash").write_text(snapshot.hash)
    logged = 0
    for feed_id, position, _, usage in mediated(snapshot, OUT / "usage", Stage()):
        place = pl.col("routing_id").hash() % _SHARES
        for share in range(_SHARES):
            rows = usage.filter(place == share)
            logged += rows.height
            with (OUT / f"share-{share}").open("ab") as log:
                block = encode(feed_id, position, {"usage_events": lean(rows, UsageEvent)})
                log.write(len(block).to_bytes(8, "big") + block)
    return logged


def _blocks(share: str) -> list[bytes]:
    found = []
    with (OUT / f"share-{share}").open("rb") as log:
        while size := log.read(8):
            found.append(log.read(int.from_bytes(size, "big")))
    return found


def _work(shares: list[str]) -> None:
    """Rate some shares, each with counters of its own, when told to."""
    store = CatalogStore(Home(OUT).catalogs)
    rater = Rater(store.load((OUT / "hash").read_text()))
    logs = {share: _blocks(share) for share in shares}
    gc.freeze()
    gc.disable()
    print("ready", flush=True)
    sys.stdin.readline()
    rows = 0
    for blocks in logs.values():
        counters = Counters()
        for first in range(0, len(blocks), _BLOCKS * _SHARES):
            data = b"".join(blocks[first : first + _BLOCKS * _SHARES])
            rows += rater.rate(tables_of(memoryview(data))["usage_events"], counters).rated.height
    print(json.dumps({"rows": rows, "cpu_s": time.process_time()}), flush=True)


class _Process:
    """A process that rates some shares when it is told to."""

    def __init__(self, shares: list[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.shares", *shares], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **ONE_THREAD},
        )  # fmt: skip
        self._in = cast("IO[str]", self._process.stdin)
        self._out = cast("IO[str]", self._process.stdout)
        self._out.readline()  # it has its state

    def go(self) -> None:
        self._in.write("go\n")
        self._in.flush()

    def rows(self) -> int:
        return int(json.loads(self._out.readline())["rows"])

    def end(self) -> None:
        self._process.communicate()


def _together(groups: list[list[str]]) -> tuple[float, int]:
    """Let processes rate at once; give the seconds until the last is done, and the rows."""
    processes = [_Process(group) for group in groups]
    began = time.perf_counter()
    for process in processes:
        process.go()
    rows = sum(process.rows() for process in processes)
    seconds = time.perf_counter() - began
    for process in processes:
        process.end()
    return seconds, rows


def main(events: int = 3_000_000, subscribers: int = 100_000) -> None:
    """Measure one process and two in turn, and print the medians."""
    logged = _prepare(events, subscribers)
    names = [str(share) for share in range(_SHARES)]
    ones, twos = [], []
    for _ in range(_TIMES):
        ones.append(_together([names]))
        twos.append(_together([[name] for name in names]))
    if len({rows for _, rows in [*ones, *twos]}) != 1:
        msg = "one process and two did not make as many rows"
        raise SystemExit(msg)
    one, two = (sorted(made)[_TIMES // 2][0] for made in (ones, twos))
    rows = [
        Row("one process", "events/s", logged / one, f"{logged:,} events, {os.cpu_count()} cores"),
        Row("two processes", "events/s", logged / two),
        Row("two against one", "times", one / two),
    ]
    print_sections({"The rating stage, in one process and in two": rows})
    content = [{"what": row.what, "unit": row.unit, "value": row.value} for row in rows]
    (OUT / "shares.json").write_text(json.dumps(content, indent=2))


if __name__ == "__main__":
    _work(sys.argv[1:])
