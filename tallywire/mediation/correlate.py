"""Correlation, in row order: which records become usage, which are merged, which stay open."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from schemas.reasons import Reason
from tallywire.mediation.cumulative import advance, close_server, expire
from tallywire.mediation.dedup import DAY_US
from tallywire.mediation.partials import Chain, Patience, hold, joined, next_deadline, settle
from tallywire.mediation.sessions import Sessions

COUNTED_KINDS = ("start", "interim", "stop", "control")
PARTIAL = "partial"
ORDER = "_order"
_DEFAULT_RATE = 10**10
_DEFAULT_IDLE = 240
_DEFAULT_OPEN = 1_440
_ROOM = 1_000_000  # events that one row may settle, for the order of rows


@dataclass
class Correlated:
    """What correlation made of rows.

    Attributes:
        events: Rows that are usage, with their order.
        merged: Rows counted with another event, with `reason` and `joined_into` (hex event id).
        incomplete: Parts that will never be a whole.
        opened: `collected_at` of parts that now wait.
        closed: `collected_at` of parts that waited and are settled.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    merged: list[dict[str, Any]] = field(default_factory=list)
    incomplete: list[dict[str, Any]] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)


def needed(frame: pl.DataFrame, sessions: Sessions) -> bool:
    """Tell whether anything in these rows, or waiting, needs more than to be passed on."""
    return bool(sessions.open) or not bool((frame["kind"] == "complete").all())


class Correlator:
    """Works the rows of one batch against the lane's sessions."""

    def __init__(
        self, sessions: Sessions, options: Mapping[str, Any], watermark: int, window_days: int
    ) -> None:
        self._sessions = sessions
        self._rate = int(options.get("max_rate_bits_per_s") or _DEFAULT_RATE)
        self._patience = Patience(
            int(options.get("idle_minutes") or _DEFAULT_IDLE),
            int(options.get("max_open_minutes") or _DEFAULT_OPEN),
        )
        self._window_us = window_days * DAY_US
        expire(sessions, watermark - self._window_us)
        self._watermark = watermark
        self._deadline = next_deadline(sessions, self._patience)
        self._order = 0
        self.found = Correlated()

    def run(self, frame: pl.DataFrame, watermarks: np.ndarray) -> Correlated:
        """Work rows in order; `watermarks` is the feed's event time as of each row."""
        for number, (row, watermark) in enumerate(
            zip(frame.iter_rows(named=True), watermarks.tolist(), strict=True)
        ):
            self._order = number * _ROOM
            self._settle(watermark)
            if row["kind"] in COUNTED_KINDS:
                self._count(row, watermark)
            elif row["kind"] == PARTIAL:
                self._hold(row)
            else:
                self._emit(row)
        return self.found

    def _settle(self, watermark: int) -> None:
        if self._deadline is None or watermark <= self._deadline:
            return
        for chain in settle(self._sessions, watermark, self._patience):
            self._close(chain)
            if chain.complete:
                self._join(chain)
            else:
                self.found.incomplete += chain.parts
        self._deadline = next_deadline(self._sessions, self._patience)

    def _emit(self, event: dict[str, Any]) -> None:
        self.found.events.append({**event, ORDER: self._order})
        self._order += 1

    def _merge(self, row: dict[str, Any], reason: Reason, into: str = "") -> None:
        self.found.merged.append({**row, "reason": reason.value, "joined_into": into})

    def _count(self, row: dict[str, Any], watermark: int) -> None:
        if row["kind"] == "control":
            close_server(self._sessions, row["linked_id"])
            self._merge(row, Reason.CONTROL_RECORD)
            return
        delta = advance(
            self._sessions, row, max_rate=self._rate, horizon=watermark - self._window_us
        )
        if delta.up + delta.down == 0:
            opened = row["kind"] == "start"
            self._merge(row, Reason.SESSION_OPENED if opened else Reason.PARTIAL_JOINED)
            return
        flags = {*row["quality_flags"].split(","), *delta.flags} - {""}
        self._emit({
            **row, "up_octets": delta.up, "down_octets": delta.down,
            "quantity": delta.up + delta.down, "quality_flags": ",".join(sorted(flags)),
        })  # fmt: skip

    def _hold(self, row: dict[str, Any]) -> None:
        part = {**row, "event_id": row["event_id"].hex()}
        if part["source_amount"] is not None:
            part["source_amount"] = str(part["source_amount"])
        chain = hold(self._sessions, part)
        if chain is None:
            self.found.opened.append(row["collected_at"])
            self._deadline = next_deadline(self._sessions, self._patience)
            return
        waited = [item["collected_at"] for item in chain.parts]
        waited.remove(part["collected_at"])
        self.found.closed += waited
        self._join(chain)
        self._deadline = next_deadline(self._sessions, self._patience)

    def _close(self, chain: Chain) -> None:
        self.found.closed += [part["collected_at"] for part in chain.parts]

    def _join(self, chain: Chain) -> None:
        event = joined(chain)
        self._emit(event)
        for part in chain.parts[1:]:
            self._merge(part, Reason.PARTIAL_JOINED, event["event_id"])
