"""Usage rated in order, each event under the catalogue that is wanted for it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import polars as pl

from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Outcome, Rater, Row, outcome_of
from tallywire.rating.events import CATALOG, KEPT

Catalogs = Callable[[str], tuple[Rater, Snapshot]]
"""Rater and snapshot of a catalogue by its hash."""

USAGE = list(UsageEvent.model_fields)
_SHORT = 64
"""Fewer events in a row go one by one: a batch costs as much as that many."""


@dataclass
class _Made:
    """What was rated so far, in order: frames, and rows that wait to become one."""

    rated: list[pl.DataFrame] = field(default_factory=list)
    refused: list[pl.DataFrame] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    refusals: list[Row] = field(default_factory=list)

    def one(self, made: tuple[list[Row], list[Row]]) -> None:
        """Add what one event gave."""
        self.rows += made[0]
        self.refusals += made[1]

    def many(self, outcome: Outcome) -> None:
        """Add what a batch gave."""
        self.flush()
        self.rated.append(outcome.rated)
        self.refused.append(outcome.refused)

    def flush(self) -> None:
        """Put waiting rows into columns."""
        if self.rows or self.refusals or not self.rated:
            made = outcome_of(self.rows, self.refusals)
            self.rated.append(made.rated)
            self.refused.append(made.refused)
        self.rows, self.refusals = [], []

    def outcome(self) -> Outcome:
        """Give everything."""
        self.flush()
        refused = [frame.select(self.refused[0].columns) for frame in self.refused]
        return Outcome(pl.concat(self.rated), pl.concat(refused))


def rate_in_order(catalogs: Catalogs, usage: pl.DataFrame, counters: Counters) -> Outcome:
    """Rate usage in its order.

    Args:
        catalogs: Raters by catalogue hash.
        usage: Rows of UsageEvent with the columns of CATALOG and KEPT; more are left out.
        counters: Read and written.
    """
    made = _Made()
    for name, kept, part in _stretches(usage):
        rater = catalogs(name)[0]
        if kept:
            for event in part.iter_rows(named=True):
                made.one(_rate_apart(catalogs, (name, kept), event, counters))
        elif part.height >= _SHORT:
            made.many(rater.rate(part, counters))
        else:
            for event in part.iter_rows(named=True):
                made.one(rater.rate_one(event, counters))
    return made.outcome()


def _rate_apart(
    catalogs: Catalogs, names: tuple[str, str], event: Row, counters: Counters
) -> tuple[list[Row], list[Row]]:
    """Rate an event, and then some of its legs under the catalogue that they stay with.

    Where the leg that the customer pays is refused, nothing is charged.
    """
    name, kept = names[0], kept_legs(names[1])
    apart = {name: [run for run in catalogs(name)[0].runs(event) if run not in kept]}
    for run, other in kept.items():
        apart.setdefault(other, []).append(run)
    amounts: dict[str, tuple[int, str]] = {}
    rows: list[Row] = []
    refused: list[Row] = []
    for other, runs in apart.items():
        if not runs:
            continue
        usage = {**event, "runs": "+".join(runs)}
        charged, without = catalogs(other)[0].rate_one(usage, counters, amounts)
        rows += [{**row, "runs": event["runs"]} for row in charged]
        refused += without
        if any(row["run"] == "" for row in without):
            break
    return rows, refused


def kept_legs(kept: str) -> dict[str, str]:
    """Read the column KEPT: run to catalogue hash."""
    pairs = (one.rpartition("=") for one in kept.split("+") if one)
    return {run: name for run, _, name in pairs}


def _stretches(usage: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Cut rows where the catalogue changes, or what is kept of another one."""
    start = 0
    lengths = usage.select(pl.struct(CATALOG, KEPT).rle().alias("_")).unnest("_")
    for length, names in lengths.iter_rows():
        yield names[CATALOG], names[KEPT], usage.slice(start, length).select(USAGE)
        start += length
