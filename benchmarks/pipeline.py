"""The pipeline from files to priced rows; prints tables; leaves benchmarks/out/bench.json."""

import gc
import json
import random
import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.workload import write_catalog, write_usage
from dataflows.outcomes import LaneWork
from dataflows.run import (
    RunPlan,
    RunResult,
    compile_into,
    progress_of,
    run,
)
from dataflows.settings import Home, Settings
from dataflows.stores import prepare_store, store_of
from dataflows.usage_log.blocks import encode
from dataflows.usage_log.reading import tables_of
from schemas.columns import lean, to_arrow
from schemas.rated import RatedEvent
from schemas.usage import UsageEvent
from tallywire.catalog import Snapshot
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import LINES, Framing, frame
from tallywire.mediation.lane import BatchContext, mediate
from tallywire.mediation.resolve import IdentifierIndex
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.rulebook import Rulebook
from warehouse.client import Client, opened
from warehouse.insert import insert

CORES = 2
PROCESSES = ("collection", "rating", "store")
COLLECT_ROWS, RATE_ROWS = 32_768, 131_072
OUT = Path("benchmarks/out")
NESTED_EVENT = pl.Schema(
    {
        **dict.fromkeys(("specversion", "id", "source", "type", "subject", "time"), pl.String()),
        "data": pl.Struct(
            {
                "parties": pl.Struct({"from": pl.String, "to": pl.String}),
                "usage": pl.Struct({"seconds": pl.String}),
                "session": pl.Struct({"id": pl.String}),
                "place": pl.Struct({"cell": pl.String}),
            }
        ),
    }
)
"""What the feed reads of an event."""


class Stage:
    """CPU of this process, by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, name: str, began: float) -> float:
        now = time.process_time()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - began
        return now


def _pieces(path: Path, framing: Framing) -> list[Any]:
    data, found, base, number = path.read_bytes(), [], 0, 0
    size = 12_000_000
    while base < len(data):
        part = data[base : base + size]
        frames, used = frame(
            part,
            framing,
            at_end=base + len(part) >= len(data),
            first_record_no=number,
            base_offset=base,
        )
        for first in range(0, len(frames), COLLECT_ROWS):
            kept = type(frames)(
                frames.data,
                frames.starts[first : first + COLLECT_ROWS],
                frames.lengths[first : first + COLLECT_ROWS],
                number + first,
                base,
            )
            found.append(kept)
        number += len(frames)
        base += used
    return found


def mediated(
    snapshot: Snapshot, usage: Path, stage: Stage
) -> Iterator[tuple[str, int, int, pl.DataFrame]]:
    """Decode and mediate everything; give feed, position, records and usage of each batch."""
    index = IdentifierIndex(snapshot.identifiers)
    for feed_id, name in (("events", "events-1.jsonl"), ("lines", "lines-1.csv")):
        feed, work = snapshot.feeds[feed_id], LaneWork(feed_id, 1)
        began = time.process_time()
        pieces = _pieces(usage / name, LINES)
        stage.time("read and frame", began)
        for position, frames in enumerate(pieces):
            began = time.process_time()
            decoded = DECODERS[feed.format].decode(frames, feed)
            began = stage.time(f"decode {feed.format}", began)
            context = BatchContext(
                feed, snapshot, index, feed_id, "f", name, 1_793_000_000_000_000, frames
            )
            made = mediate(work.state, decoded.frame, context)
            stage.time("deduplicate, normalise, resolve", began)
            yield feed_id, position, len(frames), made.usage


def stages(snapshot: Snapshot, usage: Path, kept: Path) -> tuple[dict[str, float], int]:
    """Work everything in this process, one stage after the other; give CPU and events.

    Rated batches are written to a folder, outside the count: a process that keeps them all would
    measure its own memory.
    """
    kept.mkdir(parents=True)
    stage = Stage()
    logged: list[bytes] = []
    events = 0
    for feed_id, position, records, made in mediated(snapshot, usage, stage):
        began = time.process_time()
        logged.append(encode(feed_id, position, {"usage_events": lean(made, UsageEvent)}))
        stage.time("usage log: write", began)
        events += records
    rater, counters = Rater(snapshot), Counters()
    began = time.process_time()
    for first in range(0, len(logged), RATE_ROWS // COLLECT_ROWS):
        blocks = b"".join(logged[first : first + RATE_ROWS // COLLECT_ROWS])
        batch = tables_of(memoryview(blocks))["usage_events"]
        began = stage.time("usage log: read", began)
        rated = rater.rate(batch, counters).rated
        stage.time("rate, columnar", began)
        rated.write_ipc(kept / f"{first:09d}.arrow")
        began = time.process_time()
    return stage.seconds, events


def floors(usage: Path) -> float:
    """CPU of decoding alone, by the plain library: the same fields, nothing else."""
    began = time.process_time()
    for frames in _pieces(usage / "events-1.jsonl", LINES):
        data = frames.data[int(frames.starts[0]) : int(frames.starts[-1] + frames.lengths[-1])]
        pl.read_ndjson(data, schema=NESTED_EVENT)
    for frames in _pieces(usage / "lines-1.csv", LINES):
        data = frames.data[int(frames.starts[0]) : int(frames.starts[-1] + frames.lengths[-1])]
        pl.read_csv(data, has_header=False, separator=";", infer_schema=False)
    return time.process_time() - began


def _store_cpu(pid: int) -> float:
    used = psutil.Process(pid).cpu_times()
    return used.user + used.system


def settle(client: Client) -> None:
    """Wait until the store has no merges under way."""
    quiet = 0
    while quiet < 6:
        quiet = (
            0 if client.query("SELECT count() FROM system.merges").result_rows[0][0] else quiet + 1
        )
        time.sleep(0.5)


def insert_floor(settings: Settings, rated: list[Path]) -> tuple[float, float]:
    """CPU per row of inserting the same rows, client and store, merges included."""
    home = Home(settings.home)
    with store_of(settings) as running:
        prepare_store(settings)
        with (
            opened("", home.store, database=settings.database) as client,
            opened("", home.store, role="owner") as owner,
        ):
            pid = running.state.pid if running else 0
            before = _store_cpu(pid)
            rows, mine = 0, 0.0
            for number, path in enumerate(rated):
                batch = pl.read_ipc(path)
                began = time.process_time()
                stamped = batch.with_columns(
                    pl.lit(1_793_000_000_000_000).alias("ledgered_at"),
                    pl.lit(f"t{number}").alias("batch_token"),
                )
                insert(client, "rated_events", to_arrow(stamped, RatedEvent), f"t{number}")
                mine += time.process_time() - began
                rows += batch.height
            settle(owner)
            return mine / rows, (_store_cpu(pid) - before) / rows


def whole(settings: Settings, usage: Path) -> dict[str, float]:
    """The product's own run: collection process, rating process, embedded store."""
    home = Home(settings.home)
    with store_of(settings) as running:
        prepare_store(settings)
        pid = running.state.pid if running else 0
        before = _store_cpu(pid)
        peak = [0]

        def tell(_workers: object) -> None:
            peak[0] = max(peak[0], psutil.Process(pid).memory_info().rss)

        result: RunResult = run(RunPlan(settings, None, [usage], follow=False), tell)
        with opened("", home.store, role="owner") as owner:
            settle(owner)
            owner.database = settings.database
            rows = owner.query("SELECT count() FROM rated_events").result_rows[0][0]
        store = _store_cpu(pid) - before
    workers = progress_of(home, ["collection", "rating"])
    collected = int(str(workers["collection"]["collected"]))
    return {
        "code": result.code, "seconds": result.seconds, "events": collected, "rated": rows,
        "events_per_s": collected / result.seconds,
        "collection_cpu": float(str(workers["collection"]["cpu_s"])) / collected,
        "rating_cpu": float(str(workers["rating"]["cpu_s"])) / collected,
        "store_cpu": store / collected,
        "collection_rss": float(str(workers["collection"]["peak_rss_bytes"])),
        "rating_rss": float(str(workers["rating"]["peak_rss_bytes"])),
        "store_rss": float(peak[0]),
    }  # fmt: skip


def rulebook_speed(snapshot: Snapshot, rated: Path) -> float:
    """Events a second of the rulebook alone."""
    book, counters = Rulebook(snapshot), Counters()
    rows = list(pl.read_ipc(rated).head(8_000).iter_rows(named=True))
    book.rate(rows[0], counters.used)
    began = time.process_time()
    for row in rows:
        book.rate(row, counters.used)
    return len(rows) / (time.process_time() - began)


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f}; {min(values):,.0f}..{max(values):,.0f}"


def report(
    seconds: dict[str, float],
    events: int,
    runs: list[dict[str, float]],
    floor: dict[str, float],
    rulebook: float,
) -> dict[str, Any]:
    """Print the tables; give the figures."""
    screen = Console(width=110)
    table = Table(title=f"CPU per event by stage, {events:,} events in one process")
    for name in ("stage", "ns/event", "share"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    total = sum(seconds.values())
    for name, value in seconds.items():
        table.add_row(name, f"{value / events * 1e9:,.0f}", f"{value / total:.0%}")
    screen.print(table)
    median = statistics.median([made["events_per_s"] for made in runs])
    made = min(runs, key=lambda item: abs(item["events_per_s"] - median))
    ceiling = CORES / (floor["decode"] + floor["insert_client"] + floor["insert_store"])
    table = Table(title="The whole: files to priced rows in the embedded store")
    table.add_column("what")
    table.add_column("median; least..most", justify="right")
    used = sum(made[f"{name}_cpu"] for name in PROCESSES)
    for name in PROCESSES:
        own = made[f"{name}_cpu"]
        cpu = _spread([item[f"{name}_cpu"] * 1e9 for item in runs])
        table.add_row(f"{name}: CPU ns/event; share", f"{cpu}; {own / used:.0%}")
        table.add_row(f"{name}: peak RSS MB", _spread([item[f"{name}_rss"] / 1e6 for item in runs]))
    table.add_row("events/s", _spread([item["events_per_s"] for item in runs]))
    table.add_row("floor: decode alone, CPU ns/event", f"{floor['decode'] * 1e9:,.0f}")
    table.add_row(
        "floor: insert, client + store with merges, CPU ns/event",
        f"{floor['insert_client'] * 1e9:,.0f} + {floor['insert_store'] * 1e9:,.0f}",
    )
    table.add_row("floor on two cores, events/s", f"{ceiling:,.0f}")
    table.add_row("ratio to floor", f"{median / ceiling:.0%}")
    table.add_row("columnar rating alone, events/s", f"{events / seconds['rate, columnar']:,.0f}")
    table.add_row("rulebook alone, events/s", f"{rulebook:,.0f}")
    screen.print(table)
    return {
        "stages_ns": {name: value / events * 1e9 for name, value in seconds.items()},
        "runs": runs,
        "floor": floor,
        "floor_events_per_s": ceiling,
        "events_per_s": median,
        "ratio": median / ceiling,
        "columnar_per_s": events / seconds["rate, columnar"],
        "rulebook_per_s": rulebook,
    }


def main(events: int, subscribers: int, runs: int) -> None:
    """Measure the pipeline."""
    shutil.rmtree(OUT, ignore_errors=True)
    chance = random.Random(1)
    prefixes = write_catalog(OUT / "catalog", subscribers, chance)
    write_usage(OUT / "usage", events, subscribers, prefixes, chance)
    whole_runs = []
    for number in range(runs):
        settings = Settings(home=OUT / f"home-{number}")
        snapshot = compile_into(Home(settings.home), OUT / "catalog")
        whole_runs.append(whole(settings, OUT / "usage"))
        shutil.rmtree(settings.home, ignore_errors=True)  # the store may still be letting go of it
    gc.freeze()
    gc.disable()
    seconds, worked = stages(snapshot, OUT / "usage", OUT / "rated")
    rated = sorted((OUT / "rated").iterdir())
    decode_s = floors(OUT / "usage")
    mine, store = insert_floor(Settings(home=OUT / "floor"), rated)
    floor = {"decode": decode_s / worked, "insert_client": mine, "insert_store": store}
    content = report(seconds, worked, whole_runs, floor, rulebook_speed(snapshot, rated[0]))
    shutil.rmtree(OUT / "rated")
    (OUT / "bench.json").write_text(json.dumps(content, indent=2))
