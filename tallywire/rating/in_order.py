"""Usage rated in order, each event under the catalogue that is wanted for it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import polars as pl

from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Outcome, Rater, Row, outcome_of

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


def rate_in_order(
    catalogs: Catalogs, usage: pl.DataFrame, names: pl.Series, counters: Counters
) -> Outcome:
    """Rate usage in its order.

    Args:
        catalogs: Raters by catalogue hash.
        usage: Rows of UsageEvent; more columns are left out.
        names: Catalogue hash of each row.
        counters: Read and written.
    """
    made = _Made()
    for name, part in _runs(usage.select(USAGE), names):
        rater = catalogs(name)[0]
        if part.height >= _SHORT:
            made.many(rater.rate(part, counters))
        else:
            for event in part.iter_rows(named=True):
                made.one(rater.rate_one(event, counters))
    return made.outcome()


def _runs(usage: pl.DataFrame, names: pl.Series) -> Iterator[tuple[str, pl.DataFrame]]:
    """Cut rows where the catalogue changes."""
    start = 0
    for length, name in names.rle().struct.unnest().iter_rows():
        yield name, usage.slice(start, length)
        start += length
