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
from dataflows.controls.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from schemas.alerts import Alert
from schemas.columns import rows_to_frame, to_arrow
from schemas.usage import UsageEvent
from warehouse.client import Client
from warehouse.following import Cursor, Range, ranges, rated_rows, whole_rows
from warehouse.insert import insert

MOST_RECORDS = 262_144
"""Records that are read at once."""
_MOST_RANGES = 256
_CHECKPOINT_S = 20.0
_WHOLE = (
    *UsageEvent.model_fields, "rated_id", "run", "op", "party_id", "tariff_id", "tariff_revision",
    "zone_id", "counters", "allowance_id", "allowance_before", "cumulative_before", "amount",
    "currency", "catalog_hash",
)  # fmt: skip
Tell = Callable[[Failure], None]


@dataclass
class Figures:
    """What was done since the process started.

    Attributes:
        behind_us: Between the newest ledger time in the store and what was read, at the last look.
    """

    records: int = 0
    alerts: int = 0
    failures: int = 0
    behind_us: int = 0


@dataclass
class Follower:
    """The controls of a home.

    Args:
        path: File in which they are kept.
        world: What controls may know.
        kinds: The controls.
        now_us: The wall clock, for the ledger time of alerts.
        tell: Told of a control that failed.
    """

    path: Path
    world: World
    kinds: Sequence[type[StreamControl]]
    now_us: Callable[[], int]
    tell: Tell
    figures: Figures = field(default_factory=Figures)

    def __post_init__(self) -> None:
        self._kept: Checkpoint = read_checkpoint(self.path)
        self._cursors = dict(self._kept.cursors)
        self._fold = Fold(self.world, self.kinds, dict(self._kept.memories))
        self._number = self._kept.number
        self._written = time.monotonic()
        self._dirty = False
        self._said: set[str] = set()

    def look(self, client: Client) -> int:
        """Work what the store has by now; give how many alerts were stored.

        Raises:
            StoreUnavailable: If the store does not answer; what was worked is kept.
            StoreRefused: If it refuses.
        """
        before = self.figures.alerts
        while found := ranges(client, self._cursors, _MOST_RANGES):
            for part in _parts(found):
                self._work(client, part)
            if time.monotonic() - self._written >= _CHECKPOINT_S:
                self.keep()
        if self._dirty and time.monotonic() - self._written >= _CHECKPOINT_S:
            self.keep()
        return self.figures.alerts - before

    def _work(self, client: Client, part: Sequence[Range]) -> None:
        """Fold ranges and store what was found, then count them as read."""
        alerts: list[Alert] = []
        for one, rows in zip(part, rated_rows(client, part, ROWS), strict=True):
            alerts += self._fold.take(rows, partial(_whole, client, one)) if rows.height else []
            self.figures.records += rows.height
        self._told()
        self._store(client, latest(alerts))
        for one in part:
            self._cursors[one.lane] = Cursor(one.position + 1, one.ledgered_at)
        self._dirty = True

    def _told(self) -> None:
        failures, self._fold.failures = self._fold.failures, []
        for failure in failures:
            self.figures.failures += 1
            said = f"{failure.name} {failure.error!r}"
            if said not in self._said:
                self._said.add(said)
                self.tell(failure)

    def _store(self, client: Client, alerts: Sequence[Alert]) -> None:
        if not alerts:
            return
        at = self.now_us()
        self._number += 1
        token = f"controls:{self._number}:{at}"
        frame = rows_to_frame(list(alerts), Alert).with_columns(
            pl.lit(at, dtype=pl.Int64()).alias("ledgered_at"), pl.lit(token).alias("batch_token")
        )
        insert(client, "alerts", to_arrow(frame, Alert), token)
        self.figures.alerts += len(alerts)

    def keep(self) -> None:
        """Make durable how far everything was read and what is remembered.

        Raises:
            OSError: If it cannot be written.
        """
        kept = Checkpoint(dict(self._cursors), self._fold.dump(), self._number)
        write_checkpoint(self.path, kept)
        self._kept, self._dirty, self._written = kept, False, time.monotonic()


def _parts(found: Sequence[Range]) -> list[list[Range]]:
    """Cut ranges into parts that are read at once: neither many records nor several days."""
    parts: list[list[Range]] = []
    records = 0
    for one in found:
        if not parts or records + one.records > MOST_RECORDS:
            parts.append([])
            records = 0
        parts[-1].append(one)
        records += one.records
    return parts


def _whole(client: Client, one: Range, wanted: pl.DataFrame) -> Sequence[Mapping[str, Any]]:
    return whole_rows(client, one, wanted["rated_id"].to_list(), _WHOLE)
