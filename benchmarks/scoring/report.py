"""Scores as tables: recall with its bound, false alarms, time to detect, money."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from scipy.stats import beta

from benchmarks.scoring.families import FAMILIES
from benchmarks.scoring.match import DAY_US, Fault, Matched

_HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Score:
    """A family at one difficulty, over all runs.

    Attributes:
        least: One-sided bound of the recall, with 95 % certainty (Clopper and Pearson).
        hours: Median event time from a fault's first record to its first alert.
    """

    family: str
    difficulty: str
    faults: int
    found: int
    least: float
    money: Decimal
    money_found: Decimal
    hours: float | None


def scores(runs: Iterable[tuple[Sequence[Fault], Matched]]) -> list[Score]:
    """Add up the runs."""
    cells: dict[tuple[str, str], list[tuple[Fault, Sequence[Any]]]] = {}
    for faults, matched in runs:
        for fault in faults:
            cell = str(fault["family"]), str(fault["difficulty"])
            cells.setdefault(cell, []).append((fault, matched.by[str(fault["id"])]))
    order = list(FAMILIES)
    return [
        _score(*cell, cells[cell])
        for cell in sorted(cells, key=lambda one: (order.index(one[0]), one[1]))
    ]


def _score(family: str, difficulty: str, held: Sequence[tuple[Fault, Sequence[Any]]]) -> Score:
    hits = [(fault, alerts[0]) for fault, alerts in held if alerts]
    waits = [alert.detected_us - int(fault["first_us"]) for fault, alert in hits]
    return Score(
        family, difficulty, len(held), len(hits), least(len(hits), len(held)),
        sum((Decimal(fault["money"]) for fault, _ in held), Decimal(0)),
        sum((Decimal(fault["money"]) for fault, _ in hits), Decimal(0)),
        median(waits) / _HOUR_US if waits else None,
    )  # fmt: skip


def least(found: int, count: int) -> float:
    """Give the recall that the true one exceeds with 95 % certainty.

    >>> round(least(50, 50), 3), least(0, 9)
    (0.942, 0.0)
    """
    return float(beta.ppf(0.05, found, count - found + 1)) if found else 0.0


def show(rows: Sequence[Score], false: Mapping[str, int], days: int, seeds: Sequence[int]) -> None:
    """Print everything."""
    table = Table(
        "fault", "difficulty", "n", "recall", "at least", "money", "of it found", "hours",
        title=f"Faults and whether they were found, seeds {', '.join(map(str, seeds))}",
    )  # fmt: skip
    for row in rows:
        table.add_row(
            row.family, row.difficulty, str(row.faults), f"{row.found / row.faults:.3f}",
            f"{row.least:.3f}", f"{row.money:.2f}", f"{row.money_found:.2f}",
            "-" if row.hours is None else f"{row.hours:.1f}",
        )  # fmt: skip
    console = Console(width=140)
    console.print(table)
    loud = Table("pattern", "false alerts", "a day", title="Alerts that tell of no fault")
    for pattern, count in sorted(false.items(), key=lambda one: -one[1]):
        loud.add_row(pattern, str(count), f"{count / days:.2f}")
    console.print(loud)
    without = [name for name, patterns in FAMILIES.items() if not patterns]
    console.print(f"no control looks for: {', '.join(without)}")


__all__ = ["DAY_US", "Score", "least", "scores", "show"]
