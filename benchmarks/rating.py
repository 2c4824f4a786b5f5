"""Rating measured, each measure in a process of its own: `python -m benchmarks.rating NAME`.

A measure prints one JSON object. Times are CPU of the process unless a name says wall; polars and
numpy have one thread where a figure is per core.
"""

import argparse
import gc
import io
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import psutil

from benchmarks.catalogue import (
    Shape,
    catalogue_files,
    deck_prefixes,
    read_catalogue,
    retail_offer,
    write_catalogue,
)
from benchmarks.counted import used_counters
from benchmarks.usage import usage
from tallywire.catalog import Snapshot, read
from tallywire.mediation.decoders import DECODERS
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.rulebook import Rulebook

BATCH = 131_072
MB = 1_000_000
READ_PLANS = 250
"""Plans that the growth is measured with come from files up to here; the others are copies."""
Figures = dict[str, float]


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _settle(work: Callable[[], object]) -> None:
    """Warm caches, and leave memory to reference counts, as the rating process does."""
    work()
    gc.collect()
    gc.freeze()
    gc.disable()


def _snapshot(shape: Shape) -> Snapshot:
    """Read the catalogue's files; usage names its account already, so accounts are left out."""
    files = {name: text.encode() for name, text in catalogue_files(replace(shape, subscribers=0))}
    made = read(files, DECODERS)
    assert made.snapshot is not None, made.problems[:5]  # noqa: S101  a bench of a broken catalogue is none
    return made.snapshot


def _batch(shape: Shape, seed: int) -> pl.DataFrame:
    """Make a batch as a lane reads it from its log: every column in memory, value by value."""
    block = io.BytesIO()
    usage(shape, BATCH, seed=seed).write_ipc(block)
    block.seek(0)
    return pl.read_ipc(block)


def _batches(shape: Shape, count: int, seed: int) -> list[pl.DataFrame]:
    return [_batch(shape, seed + number) for number in range(count)]


def _search_floor(prefixes: list[str], seed: int) -> float:
    """Seconds to find as many numbers as a batch has among one deck's sorted prefixes."""
    starts = np.array([int(prefix.ljust(12, "0")) for prefix in prefixes], np.int64)
    numbers = np.random.default_rng(seed).integers(10**11, 10**12, BATCH)
    return _cpu(lambda: np.searchsorted(starts, np.sort(numbers), "right"))


def _round_floor(seed: int) -> float:
    """Seconds to multiply as many quantities by rates and round them half up to a scale."""
    chance = np.random.default_rng(seed)
    quantity = chance.integers(1, 600_000_000, BATCH)
    rate = chance.integers(1, 2_000, BATCH)
    per: npt.NDArray[np.int64] = np.full(BATCH, 60_000_000)
    return _cpu(lambda: (2 * quantity * rate + per) // (2 * per))


def speed(shape: Shape, runs: int) -> Figures:
    """Events a second of one core, beside floors measured in turn with it."""
    snapshot = _snapshot(shape)
    rater = Rater(snapshot)
    counters = used_counters(shape)
    prefixes = deck_prefixes(shape.prefixes)
    rate_s, search_s, round_s, events, rows, by_book = [], [], [], 0, 0, 0
    _settle(lambda: rater.rate(_batch(shape, 1), counters))
    for number, batch in enumerate(_batches(shape, runs, seed=2)):
        began = time.process_time()
        outcome = rater.rate(batch, counters)
        rate_s.append(time.process_time() - began)
        assert not outcome.refused.height  # noqa: S101  every event of the bench has a price
        rated = outcome.rated.filter(pl.col("rater") == "rulebook")
        by_book += rated["event_id"].n_unique()
        events, rows = events + batch.height, rows + outcome.rated.height
        counters.changes()
        search_s.append(_search_floor(prefixes, number))
        round_s.append(_round_floor(number))
    return {
        **_columns_only(shape, rater, counters, runs),
        "whole_per_s": BATCH / statistics.median(rate_s),
        "whole_least_per_s": BATCH / max(rate_s),
        "whole_most_per_s": BATCH / min(rate_s),
        "whole_rows_per_s": rows / events * BATCH / statistics.median(rate_s),
        "whole_ns": statistics.median(rate_s) / BATCH * 1e9,
        "floor_search_ns": statistics.median(search_s) / BATCH * 1e9,
        "floor_round_ns": statistics.median(round_s) / BATCH * 1e9,
        "times_floor": statistics.median(
            one / (search + rounded)
            for one, search, rounded in zip(rate_s, search_s, round_s, strict=True)
        ),
        "rulebook_per_s": _book_speed(shape, snapshot, counters),
        "rulebook_share": by_book / events,
        "rows_per_event": rows / events,
    }


def _columns_only(shape: Shape, rater: Rater, counters: Counters, runs: int) -> Figures:
    """Events a second where no account is rated one by one."""
    batches = _batches(replace(shape, sequential_accounts=0), runs, seed=20)
    taken = [_cpu(lambda batch=batch: rater.rate(batch, counters)) for batch in batches]  # type: ignore[misc]  # bound now
    return {"columnar_per_s": BATCH / statistics.median(taken)}


def _book_speed(shape: Shape, snapshot: Snapshot, counters: Counters) -> float:
    """Events a second of the rulebook alone, of the same usage."""
    book, rows = Rulebook(snapshot), list(usage(shape, 6_000, seed=7).iter_rows(named=True))
    book.rate(rows[0], counters.used)
    seconds = [_cpu(lambda: [book.rate(row, counters.used) for row in rows]) for _ in range(3)]
    return len(rows) / statistics.median(seconds)


def _multiplied(snapshot: Snapshot, plans: int, wanted: int) -> Snapshot:
    """Give every further plan copies of the tariffs, prices and allowances of one that was read."""
    tariffs, offers = dict(snapshot.tariffs), dict(snapshot.offers)
    for plan in range(plans, wanted):
        source = offers[retail_offer(plan % plans)]
        own = {}
        for use, name in source.tariffs.items():
            tariff = tariffs[name]
            own[use] = f"{name.rpartition('_')[0]}_{plan:05d}"
            prices = tuple(replace(price) for price in tariff.prices)
            tariffs[own[use]] = replace(tariff, tariff_id=own[use], prices=prices)
        allowances = tuple(replace(one) for one in source.allowances)
        name = retail_offer(plan)
        offers[name] = replace(source, offer_id=name, tariffs=own, allowances=allowances)
    return replace(snapshot, tariffs=tariffs, offers=offers)


def growth(shape: Shape, runs: int, plans: list[int]) -> dict[str, Figures]:
    """CPU per event by the number of plans, all rated in turn in one process."""
    raters, read_s, build_s = {}, {}, {}
    for count in plans:
        began = time.process_time()
        read = min(count, READ_PLANS)
        snapshot = _snapshot(replace(shape, plans=read))
        read_s[count] = time.process_time() - began
        snapshot = _multiplied(snapshot, read, count)
        began = time.process_time()
        raters[count] = Rater(snapshot)
        build_s[count] = time.process_time() - began
    counters = used_counters(shape)
    seconds: dict[int, list[float]] = {count: [] for count in plans}
    _settle(lambda: None)
    for turn in range(runs + 1):
        for count in plans:
            batch = _batch(replace(shape, plans=count), turn)
            taken = _cpu(lambda count=count, batch=batch: raters[count].rate(batch, counters))  # type: ignore[misc]  # bound now
            counters.changes()
            if turn:  # the first warms caches
                seconds[count].append(taken)
    first = seconds[plans[0]]
    return {
        str(count): {
            "ns": statistics.median(seconds[count]) / BATCH * 1e9,
            "times_first": statistics.median(
                one / other for one, other in zip(seconds[count], first, strict=True)
            ),
            "read_cpu_s": read_s[count],
            "rater_cpu_s": build_s[count],
        }
        for count in plans
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def compiling(folder: Path) -> Figures:
    """Read, lint and compile a catalogue's files and build its rater: wall time and memory."""
    files = read_catalogue(folder)
    before = max(_peak(), psutil.Process().memory_info().rss)
    began = time.perf_counter()
    cpu = time.process_time()
    made = read(files, DECODERS)
    assert made.snapshot is not None, made.problems[:5]  # noqa: S101  as above
    compiled = time.perf_counter()
    rater = Rater(made.snapshot)
    ended = time.perf_counter()
    return {
        "prefixes": sum(tariff.prefixes.height for tariff in made.snapshot.tariffs.values()),
        "compile_wall_s": compiled - began,
        "rater_wall_s": ended - compiled,
        "wall_s": ended - began,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": (_peak() - before) / MB,
        "kept_mb": (psutil.Process().memory_info().rss - before) / MB * (rater is not None),
    }


def dump_counters(shape: Shape, folder: Path, which: str) -> Figures:
    """Write the pieces of a dump into a folder."""
    counters = used_counters(shape, each=which == "accounts")
    for number, piece in enumerate(counters.dump()):
        (folder / f"{number:04d}").write_bytes(piece)
    return {"counters": len(counters)}


def load_counters(folder: Path) -> Figures:
    """Load a dump piece by piece, reading the files outside the count."""
    counters, seconds, cpu = Counters(), 0.0, 0.0
    counters.claim(pl.Series(["warm"]))
    before = psutil.Process().memory_info().rss
    top = max(before, _peak())
    for path in sorted(folder.iterdir()):
        piece = path.read_bytes()
        began, busy = time.perf_counter(), time.process_time()
        counters.apply(piece)
        seconds += time.perf_counter() - began
        cpu += time.process_time() - busy
    return {
        "counters": len(counters) - 1,
        "wall_s": seconds,
        "cpu_s": cpu,
        "kept_mb": (psutil.Process().memory_info().rss - before) / MB,
        "peak_mb": (_peak() - top) / MB,
    }


def accounts(shape: Shape) -> Figures:
    """Read and lint the accounts of all subscribers, one CSV file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_catalogue(folder, replace(shape, carriers=1, prefixes=100))
        return compiling(folder) | {"subscribers": shape.subscribers}


def shape_arguments(parser: argparse.ArgumentParser) -> None:
    for name, value in vars(Shape()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--growth", default="10,100,1000,10000")


def shape_of(wanted: argparse.Namespace) -> Shape:
    return Shape(**{name: getattr(wanted, name) for name in vars(Shape())})


def main() -> None:
    """Measure one thing and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measure")
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--which", default="accounts")
    shape_arguments(parser)
    wanted = parser.parse_args()
    shape = shape_of(wanted)
    plans = [int(part) for part in wanted.growth.split(",")]
    measures: Mapping[str, Callable[[], object]] = {
        "speed": lambda: speed(shape, wanted.runs),
        "growth": lambda: growth(shape, wanted.runs, plans),
        "compiling": lambda: compiling(wanted.folder),
        "accounts": lambda: accounts(shape),
        "dump-counters": lambda: dump_counters(shape, wanted.folder, wanted.which),
        "load-counters": lambda: load_counters(wanted.folder),
    }
    print(json.dumps(measures[wanted.measure]()))


if __name__ == "__main__":
    main()
