"""A control run again over what the store has, with several values of a threshold; nothing kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from assurance.backtest import Backtest, Kept, judged
from assurance.feedback import ACKNOWLEDGED, CONFIRMED
from assurance.following.control import StreamControl, World
from assurance.following.fold import Failure, Fold
from assurance.following.rows import ROWS
from assurance.following.thresholds import knobs
from dataflows.controls.follower import MOST_RECORDS, parts
from schemas.decisions import FeedbackEvent
from warehouse.client import Client
from warehouse.decisions import chunks, feedback_of, judged_of
from warehouse.following import Cursor, ranges, rated_rows

_MOST_RANGES = 256


@dataclass(frozen=True)
class Wanted:
    """What is tried.

    Attributes:
        name: Of the threshold, such as `charges.times`.
        kind: The control that it is of.
        values: That are tried, the present one among them.
    """

    name: str
    kind: type[StreamControl]
    values: Sequence[int]


@dataclass(frozen=True)
class Tried:
    """What came of it.

    Attributes:
        rows: Rows that were read.
        first_us, last_us: Bounds of when they were collected; 0 where there are none.
        failures: Of any value.
    """

    backtest: Backtest
    rows: int
    first_us: int
    last_us: int
    failures: Sequence[Failure]


class _Runs:
    """A fold a value, all given the same rows."""

    def __init__(self, world: World, wanted: Wanted) -> None:
        self.folds = {
            value: Fold(
                replace(world, thresholds=world.thresholds.with_value(wanted.name, value)),
                [wanted.kind],
            )
            for value in wanted.values
        }
        self.kept = {value: Kept() for value in wanted.values}
        self.rows = self.first = self.last = 0

    def take(self, rows: pl.DataFrame) -> None:
        """Give rows of one lane to all of them."""
        if rows.is_empty():
            return
        self.rows += rows.height
        first = int(str(rows["collected_at"].min()))
        self.first = min(self.first or first, first)
        self.last = max(self.last, int(str(rows["collected_at"].max())))
        for value, fold in self.folds.items():
            self.kept[value].take(fold.take(rows, lambda _wanted: []))


def run_again(client: Client, world: World, wanted: Wanted) -> Tried:
    """Read what lanes have stored from the oldest range on, as the controls do.

    Args:
        world: With the present thresholds.

    Raises:
        StoreUnavailable: If the store does not answer.
        pydantic.ValidationError: If a value is out of its bounds.
    """
    runs, cursors = _Runs(world, wanted), dict[str, Cursor]()
    while found := ranges(client, cursors, _MOST_RANGES):
        for part in parts(found, MOST_RECORDS):
            for rows in rated_rows(client, part, ROWS):
                runs.take(rows)
        for one in found:
            cursors[one.lane] = Cursor(one.position + 1, one.ledgered_at)
    backtest = judged(
        runs.kept, _verdicts(client, runs.kept), _confirmed(client, wanted),
        knobs()[wanted.name], runs.last - runs.first,
    )  # fmt: skip
    failures = [one for fold in runs.folds.values() for one in fold.failures]
    return Tried(backtest, runs.rows, runs.first, runs.last, failures)


def _verdicts(client: Client, kept: Mapping[int, Kept]) -> dict[str, str]:
    """Give the newest verdict of each finding that a person judged."""
    ids = sorted({name for one in kept.values() for name in one.open})
    events: list[FeedbackEvent] = [
        event for some in chunks(ids) for event in feedback_of(client, some)
    ]
    ordered = sorted(events, key=lambda event: event.at)
    return {one.alert_id: one.verdict for one in ordered if one.verdict != ACKNOWLEDGED}


def _confirmed(client: Client, wanted: Wanted) -> list[str]:
    """Name findings of the control that people confirmed, as the store knows them."""
    return [
        name
        for control in wanted.kind.declared
        for name, verdict, _ in judged_of(client, control.control_id, control.pattern)
        if verdict == CONFIRMED
    ]
