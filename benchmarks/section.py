"""The rating section of the bench: every measure in a process of its own, then tables and a plot."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.catalogue import Shape, write_catalogue
from benchmarks.rating import READ_PLANS
from benchmarks.report import Row, print_sections, write_report

OUT = Path("benchmarks/out/rating")
RESULTS = Path("benchmarks/results")
MILLION = Shape(carriers=30, prefixes=33_334, plans=40, accounts=0, subscribers=0)
"""A million prefixes over thirty carriers."""

Figures = dict[str, Any]
ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _measure(name: str, shape: Shape, *more: str, threads: dict[str, str] | None = None) -> Figures:
    options = [f"--{key.replace('_', '-')}={value}" for key, value in vars(shape).items()]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.rating", name, *options, *more],
        env={**os.environ, **(threads or {})}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        msg = f"the measure {name} failed:\n{done.stderr[-2_000:]}"
        raise SystemExit(msg)
    made: Figures = json.loads(done.stdout)
    print(name, *more, json.dumps(made), flush=True)
    return made


def _median(figures: list[Figures]) -> Figures:
    """Give the run whose time is the median."""
    return sorted(figures, key=lambda one: float(one["wall_s"]))[len(figures) // 2]


def _speed_rows(shape: Shape, runs: int) -> list[Row]:
    made = _measure("speed", shape, f"--runs={runs}", threads=ONE_THREAD)
    what = (
        f"{shape.plans} plans, {shape.carriers} decks of {shape.prefixes:,} prefixes, "
        f"{shape.subscribers:,} subscribers in {shape.accounts:,} accounts, two legs, "
        "5 allowances and 3 tier counters each"
    )
    slow = f"{shape.sequential_accounts / 10:g} % of accounts on a sequential offer"
    per_core = "events/s per core"
    return [
        Row("rating", per_core, made["whole_per_s"], f"{what}; {slow}"),
        Row("rating, slowest batch", per_core, made["whole_least_per_s"]),
        Row("rating, fastest batch", per_core, made["whole_most_per_s"]),
        Row("rating", "rows/s per core", made["whole_rows_per_s"]),
        Row("rating", "ns/event", made["whole_ns"]),
        Row("share of events the rulebook rated", "of 1", made["rulebook_share"]),
        Row("rows of an event", "", made["rows_per_event"]),
        Row("rating, columnar alone", per_core, made["columnar_per_s"], "no sequential offers"),
        Row("rating, rulebook alone", per_core, made["rulebook_per_s"]),
        Row("floor: prefix search alone", "ns/event", made["floor_search_ns"], "numpy, one deck"),
        Row("floor: multiply and round alone", "ns/event", made["floor_round_ns"], "numpy"),
        Row("rating, to both floors", "times", made["times_floor"]),
    ]


def _growth_rows(shape: Shape, runs: int, plans: str) -> tuple[list[Row], dict[int, float]]:
    made = _measure(
        "growth", replace(shape, carriers=1, prefixes=5_000, sequential_accounts=0), f"--runs={runs}", f"--growth={plans}",
        threads=ONE_THREAD,
    )  # fmt: skip
    rows, curve = [], {}
    for count, one in made.items():
        curve[int(count)] = one["ns"]
        name = f"{int(count):,} plans"
        rows += [
            Row(f"{name}: rating, columnar", "ns/event", one["ns"]),
            Row(f"{name}: to the fewest plans", "times", one["times_first"]),
            Row(
                f"{name}: read, lint, compile",
                "CPU s",
                one["read_cpu_s"],
                f"{min(int(count), READ_PLANS)} plans from files, the others are copies",
            ),
            Row(f"{name}: build the rater", "CPU s", one["rater_cpu_s"]),
        ]
    return rows, curve


def _compiling_rows() -> list[Row]:
    folder = OUT / "million"
    write_catalogue(folder, MILLION)
    made = _median([_measure("compiling", MILLION, f"--folder={folder}") for _ in range(3)])
    what = f"{made['prefixes']:,} prefixes, {MILLION.carriers} carriers' decks"
    return [
        Row("compile: read, lint, compile", "s", made["compile_wall_s"], what),
        Row("compile: build the rater", "s", made["rater_wall_s"]),
        Row("compile: all", "s", made["wall_s"]),
        Row("compile: all", "CPU s", made["cpu_s"]),
        Row("compile: peak memory above the files", "MB", made["peak_mb"]),
        Row("compile: memory kept", "MB", made["kept_mb"]),
    ]


def _counter_rows(shape: Shape) -> list[Row]:
    rows = []
    for which, words in (
        ("accounts", "5 allowances and 3 tiers of each account"),
        (
            "subscribers",
            "3 allowances of each subscriber, one and 3 tiers of each account, one of each hierarchy",
        ),
    ):
        folder = OUT / f"counters-{which}"
        folder.mkdir(parents=True)
        _measure("dump-counters", shape, f"--folder={folder}", f"--which={which}")
        made = _median([_measure("load-counters", shape, f"--folder={folder}") for _ in range(3)])
        name = f"{made['counters']:,} counters"
        rows += [
            Row(f"{name}: load", "s", made["wall_s"], words),
            Row(f"{name}: load", "CPU s", made["cpu_s"]),
            Row(f"{name}: memory kept", "MB", made["kept_mb"]),
            Row(f"{name}: peak memory while loading", "MB", made["peak_mb"]),
        ]
        shutil.rmtree(folder)
    return rows


def _account_rows(shape: Shape) -> list[Row]:
    made = _median([_measure("accounts", shape) for _ in range(3)])
    what = f"{shape.subscribers:,} rows of CSV, {shape.accounts:,} accounts"
    return [
        Row("accounts: read, lint, compile", "s", made["compile_wall_s"], what),
        Row("accounts: all", "CPU s", made["cpu_s"]),
        Row("accounts: peak memory above the files", "MB", made["peak_mb"]),
    ]


def run(shape: Shape, runs: int, plans: str) -> None:
    """Measure rating and write `benchmarks/results`, section by section."""
    shutil.rmtree(OUT, ignore_errors=True)
    measures: dict[str, Callable[[], list[Row]]] = {
        "Speed of one core": lambda: _speed_rows(shape, runs),
        "A million prefixes": _compiling_rows,
        "Counters": lambda: _counter_rows(shape),
        "Accounts": lambda: _account_rows(shape),
    }
    sections: dict[str, list[Row]] = {}
    for title, measure in measures.items():
        sections[title] = measure()
        write_report(RESULTS, sections, {}, runs)
    sections["Growth with plans"], curve = _growth_rows(shape, runs, plans)
    write_report(RESULTS, sections, curve, runs)
    print_sections(sections)
    shutil.rmtree(OUT, ignore_errors=True)
