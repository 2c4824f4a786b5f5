"""A month of another system's bill held against its usage: records a second, and memory.

Usage is delimited records over a deck of 36,000 prefixes; the bill is what this product would have
charged, with two lines of a hundred missing, doubled or wrong. The comparison itself runs in a
process of its own: decoding, mediation, pricing, matching, causes and files of findings.
"""

import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from assurance.overlay.judging import Age
from benchmarks.report import Row, print_sections
from benchmarks.workload import write_catalog
from dataflows.catalogs import read_folder
from dataflows.overlay.bill import Bill
from dataflows.overlay.usage import Collected, Pricer, collected
from dataflows.overlay.work import Comparison, compare
from tallywire.catalog import Snapshot, read
from tallywire.hashes import hash64
from tallywire.mediation.decoders import DECODERS

OUT = Path("benchmarks/out/overlay")
_MONTH_S = 30 * 86_400
_BEGIN = 1_790_812_800  # 2026-10-01T00:00:00Z
_PIECE = 500_000


def _snapshot() -> Snapshot:
    snapshot = read(read_folder(OUT / "catalog"), DECODERS).snapshot
    assert snapshot is not None, "the bench's own catalogue compiles"  # noqa: S101
    return snapshot


def _write_usage(records: int, subscribers: int, prefixes: list[str]) -> None:
    """Write usage as delimited records, in the order of time, piece by piece."""
    (OUT / "usage").mkdir(parents=True)
    chance = np.random.default_rng(7)
    called = pl.Series([f"{prefix}{'5550100'[: max(4, 11 - len(prefix))]}" for prefix in prefixes])
    with (OUT / "usage/lines-1.csv").open("wb") as file:
        for first in range(0, records, _PIECE):
            many = min(_PIECE, records - first)
            number = np.arange(first, first + many)
            start = pl.Series(_BEGIN + number * _MONTH_S // records) * 1_000_000
            pl.DataFrame(
                {
                    "key": pl.Series(number).cast(pl.String),
                    "a": "+" + pl.Series(4_790_000_000 + chance.integers(0, subscribers, many)).cast(pl.String),
                    "b": "+" + called.gather(chance.integers(0, len(called), many)),
                    "start": pl.from_epoch(start, "us").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "seconds": chance.integers(1, 900, many),
                    "trunk": pl.Series(["T1"]).new_from_index(0, many),
                    "rest": pl.Series([""]).new_from_index(0, many),
                }
            ).write_csv(file, separator=";", include_header=False)  # fmt: skip


def _write_bill(snapshot: Snapshot) -> None:
    """Write the bill of that usage, two lines of a hundred missing, doubled or wrong."""
    pricer = Pricer(snapshot, "account", "")
    files = {"lines": [OUT / "usage/lines-1.csv"]}
    held = pl.concat(list(collected(files, snapshot, Collected())))
    with (OUT / "bill.csv").open("wb") as file:
        for place, rows in enumerate(_pieces_of(held)):
            priced = pricer.price(rows)
            number = pl.int_range(pl.len()) % 200
            amount = pl.col("ours")
            lines = priced.select(
                pl.col("account_id").alias("account"), pl.col("called"), pl.lit("voice").alias("service"),
                pl.from_epoch("start_time", "us").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("start"),
                (pl.col("quantity") // 1_000_000).alias("quantity"), pl.lit("s").alias("unit"),
                pl.when(number == 1).then(amount.round(2)).when(number == 2).then(amount * 2)
                .otherwise(amount).alias("amount"),
                pl.lit("EUR").alias("currency"), number.alias("number"),
            ).filter(pl.col("number") != 0)  # fmt: skip
            both = pl.concat([lines, lines.filter(pl.col("number") == 3)]).drop("number")
            both.write_csv(file, include_header=place == 0)


def _pieces_of(held: pl.DataFrame) -> list[pl.DataFrame]:
    """Cut usage so that each account is whole in one piece."""
    parts = 1 + held.height // _PIECE
    part = pl.Series("part", hash64(held["routing_id"]) % parts)
    return held.with_columns(part).partition_by("part", include_key=False)


def _peak_mb() -> float:
    """Give the most resident memory since this program began; what the kernel tells of a process is that of its parent, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _work() -> None:
    """Compare, and say how long it took."""
    began = time.perf_counter()
    snapshot = _snapshot()
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        plan = Comparison(
            usage={"lines": [OUT / "usage/lines-1.csv"]},
            bills=[Bill(OUT / "bill.csv", None, snapshot, snapshot.feeds["lines"])],
            snapshot=snapshot, others={}, tolerance_us=5_000_000, age=Age("UTC"),
            folder=Path(folder) / "work",
        )  # fmt: skip
        made = compare(plan)
        (OUT / "findings").mkdir(exist_ok=True)
        made.findings.write(OUT / "findings")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "records": made.collected.records, "lines": made.lines, "parts": plan.parts,
                "findings": made.report.causes["records"].sum(),
                "wall_s": time.perf_counter() - began,
                "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": _peak_mb(),
            }
        )
    )  # fmt: skip


def main(records: int = 300_000) -> None:
    """Measure one comparison, and print the figures."""
    shutil.rmtree(OUT, ignore_errors=True)
    subscribers = max(1_000, records // 100)
    prefixes = write_catalog(OUT / "catalog", subscribers, random.Random(1))
    _write_usage(records, subscribers, prefixes)
    _write_bill(_snapshot())
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.overlay"], capture_output=True, text=True, check=True
    )
    made = json.loads(done.stdout)
    what = f"{made['records']:,} usage records, {made['lines']:,} billed lines, {made['findings']:,} findings"
    rows = [
        Row("billed lines", "lines/s by the clock", made["lines"] / made["wall_s"], what),
        Row("billed lines", "lines/s of processor time", made["lines"] / made["cpu_s"]),
        Row("the whole comparison", "s", made["wall_s"], f"{made['parts']} parts"),
        Row("peak of resident memory", "MB", made["peak_mb"]),
    ]
    print_sections({"Another system's bill": rows})
    shutil.rmtree(OUT, ignore_errors=True)


if __name__ == "__main__":
    _work()
