"""Measured figures as a table on screen, as Markdown, as CSV and as a plot."""

import csv
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from rich.console import Console
from rich.table import Table

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "tallywire"  # the same figures give the same file


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        value: As measured; never typed.
        note: What it was measured on.
    """

    what: str
    unit: str
    value: float
    note: str = ""

    @property
    def text(self) -> str:
        size = abs(self.value)
        return f"{self.value:,.0f}" if size >= 100 else f"{self.value:,.3g}"


def _machine(runs: int) -> str:
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; "
        f"Python {platform.python_version()}; medians of at least 3 runs ({runs} batches of 131,072 "
        "events); ratios within one run."
    )


def _markdown(sections: Mapping[str, Sequence[Row]], machine: str) -> str:
    lines = ["# Rating, measured", "", machine, "", "Made by `python -m benchmarks rating`.", ""]
    for title, rows in sections.items():
        lines += [f"## {title}", "", "| what | value | unit | on |", "|---|---:|---|---|"]
        lines += [f"| {row.what} | {row.text} | {row.unit} | {row.note} |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def print_sections(sections: Mapping[str, Sequence[Row]]) -> None:
    """Print the tables."""
    screen = Console(width=120)
    for title, rows in sections.items():
        table = Table(title=title)
        for name in ("what", "value", "unit"):
            table.add_column(name, justify="right" if name == "value" else "left")
        for row in rows:
            table.add_row(row.what, row.text, row.unit)
        screen.print(table)


def _plot(path: Path, curve: Mapping[int, float]) -> None:
    """Cost per event by plans, beside twice that of the fewest."""
    figure, axes = plt.subplots(figsize=(7, 4))
    plans = sorted(curve)
    axes.plot(plans, [curve[count] for count in plans], marker="o", label="columnar rating")
    axes.axhline(2 * curve[plans[0]], linestyle="--", color="grey", label="twice the fewest plans")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("plans, each with tariffs and allowances of its own")
    axes.set_ylabel("ns per event, one core")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def write_report(
    folder: Path, sections: Mapping[str, Sequence[Row]], curve: Mapping[int, float], runs: int
) -> None:
    """Write rating.md and rating.csv, and rating.svg where there is a curve.

    Args:
        folder: Where to; made if it is not there.
        sections: Title to figures.
        curve: Plans to ns per event.
        runs: Batches measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    machine = _machine(runs)
    picture = "![Cost per event by plans](rating.svg)\n" if curve else ""
    (folder / "rating.md").write_text(_markdown(sections, machine) + picture)
    with (folder / "rating.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("section", "what", "unit", "value", "on"))
        for title, found in sections.items():
            rows.writerows((title, row.what, row.unit, repr(row.value), row.note) for row in found)
    if curve:
        _plot(folder / "rating.svg", curve)
