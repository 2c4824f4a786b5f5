"""The process of the controls: reads what was rated, folds it, stores what was found.

It reads the store only, so it never slows rating; while it is behind or away nothing waits for it,
and it catches up. An alert's id depends on what it is about, so what is found twice is one alert.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from assurance.alerts import latest
from assurance.following.control import StreamControl, World
from assurance.following.fold import Failure, Fold
from assurance.following.rows import ROWS
from assurance.reconciling.control import Reconciliation
from dataflows.controls.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from dataflows.controls.comparer import Comparer
from dataflows.controls.evidence import Stretch, of_store, of_stream
from dataflows.controls.put import put
from dataflows.reports import Controls
from schemas.alerts import Alert
from schemas.columns import Record
from schemas.controls import ControlRun
from schemas.usage import UsageEvent
from warehouse.client import Client
from warehouse.following import Cursor, Range, ranges, rated_rows, whole_rows

MOST_RECORDS = 262_144
"""Records that are read at once."""
_MOST_RANGES = 256
_CHECKPOINT_S = 20.0
_IDLE_S = 3_600.0
"""Runs that had nothing to look at are written down so often."""
_WHOLE = (
    *UsageEvent.model_fields, "rated_id", "run", "op", "party_id", "tariff_id", "tariff_revision",
    "zone_id", "counters", "allowance_id", "allowance_before", "cumulative_before", "amount",
    "currency", "catalog_hash",
)  # fmt: skip
Tell = Callable[[Failure], None]


@dataclass
class Follower:
    """The controls of a home.

    Args:
        path: File in which they are kept.
        world: What controls may know.
        kinds: The controls that follow what was rated.
        compared: The controls that compare what the store holds.
        now_us: The wall clock, for the ledger time of alerts.
        tell: Told of a control that failed.
        tenant_id: Of the catalogue in use.
        figures: What was done since the process started.
        said: Called when figures have changed.
    """

    path: Path
    world: World
    kinds: Sequence[type[StreamControl]]
    compared: Sequence[type[Reconciliation]]
    now_us: Callable[[], int]
    tell: Tell
    tenant_id: str = "default"
    figures: Controls = field(default_factory=Controls)
    said: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        kept = read_checkpoint(self.path)
        self._cursors = dict(kept.cursors)
        self._fold = Fold(self.world, self.kinds, dict(kept.memories))
        self._comparer = Comparer(
            self.compared, kept.memories, self.now_us, self.tenant_id, self.world
        )
        self._number = kept.number
        self._written = time.monotonic()
        self._stretch = Stretch(self.now_us())
        self._said: set[str] = set()
        self._faults: dict[str, str] = {}

    def look(self, client: Client, *, at_once: bool = False) -> int:
        """Work what the store has by now; give how many alerts were stored.

        Args:
            at_once: Compare what the store holds, too, whether it is time for it or not.

        Raises:
            StoreUnavailable: If the store does not answer; what was worked is kept.
            StoreRefused: If it refuses.
        """
        before = self.figures.alerts
        self._compare(client, at_once=at_once)
        while found := ranges(client, self._cursors, _MOST_RANGES):
            for part in parts(found, MOST_RECORDS):
                self.figures.behind_s = max(0.0, (self.now_us() - part[0].ledgered_at) / 1e6)
                self.said()
                self._work(client, part)
            self._keep_now_and_then(client)
        self.figures.behind_s = 0.0
        self.said()
        self._keep_now_and_then(client)
        return self.figures.alerts - before

    def _compare(self, client: Client, *, at_once: bool) -> None:
        """Run the reconciliations that are due: before catching up, to tell what was missed."""
        for run in self._comparer.due(client, at_once=at_once):
            self._tell([run.failure] if run.failure else [])
            self._store(client, list(run.alerts))
            self._insert(client, "control_runs", [of_store(run)] if run.told else [], ControlRun)

    def _work(self, client: Client, part: Sequence[Range]) -> None:
        """Fold ranges and store what was found, then count them as read."""
        alerts: list[Alert] = []
        count = 0
        for one, rows in zip(part, rated_rows(client, part, ROWS), strict=True):
            alerts += self._fold.take(rows, partial(_whole, client, one)) if rows.height else []
            count += rows.height
        failures, self._fold.failures = self._fold.failures, []
        self._tell(failures)
        self._store(client, latest(alerts))
        for one in part:
            self._cursors[one.lane] = Cursor(one.position + 1, one.ledgered_at)
        self._stretch.add(part, count)
        self.figures.rows += count

    def _tell(self, failures: Sequence[Failure]) -> None:
        """Tell of failures, each kind of them once."""
        for failure in failures:
            self.figures.failures += 1
            said = repr(failure.error)
            self._faults[failure.name] = said
            if (named := f"{failure.name} {said}") not in self._said:
                self._said.add(named)
                self.tell(failure)

    def _store(self, client: Client, alerts: Sequence[Alert]) -> None:
        self._insert(client, "alerts", alerts, Alert)
        self.figures.alerts += len(alerts)

    def _insert(
        self, client: Client, table: str, rows: Sequence[Record], record: type[Record]
    ) -> None:
        if rows:
            at = self.now_us()
            self._number += 1
            put(client, table, rows, record, f"controls:{self._number}:{at}", at)

    def _keep_now_and_then(self, client: Client) -> None:
        wait_s = _CHECKPOINT_S if self._stretch.last else _IDLE_S
        if time.monotonic() - self._written >= wait_s:
            self.keep(client)

    def keep(self, client: Client) -> None:
        """Write down what the controls have done, and make durable where they stand.

        Raises:
            StoreUnavailable: If the store does not answer.
            OSError: If the file cannot be written.
        """
        at, counted = self.now_us(), self._fold.counted
        runs = [
            of_stream(
                kind, self._stretch, at, self._cursors, counted[kind.__name__],
                self._faults.get(kind.__name__, ""), self.world.thresholds.hash,
            )
            for kind in self.kinds
        ]  # fmt: skip
        self._insert(client, "control_runs", runs, ControlRun)
        memories = {**self._fold.dump(), **self._comparer.dump()}
        write_checkpoint(self.path, Checkpoint(dict(self._cursors), memories, self._number))
        counted.clear()
        self._faults.clear()
        self._stretch, self._written = Stretch(at), time.monotonic()


def parts(found: Sequence[Range], most: int) -> list[list[Range]]:
    """Cut ranges into parts that are read at once: of not too many records."""
    cut: list[list[Range]] = []
    records = 0
    for one in found:
        if not cut or records + one.records > most:
            cut.append([])
            records = 0
        cut[-1].append(one)
        records += one.records
    return cut


def _whole(client: Client, one: Range, wanted: pl.DataFrame) -> Sequence[Mapping[str, Any]]:
    return whole_rows(client, one, wanted["rated_id"].to_list(), _WHOLE)
