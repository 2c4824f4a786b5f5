"""Correlation, in row order: which records become usage, which are merged, which stay open.

Whatever is usage by itself passes in columns; of the records of counters only the columns that
count are looked at one by one, and only parts of sessions are rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import polars as pl

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.cumulative import advance, close_server, expire
from tallywire.mediation.dedup import DAY_US
from tallywire.mediation.findings import Fault, Finding, median, spans_of
from tallywire.mediation.following import NUMBERED_COLUMNS, OWN, TIMED, follow
from tallywire.mediation.numbered import Ints
from tallywire.mediation.partials import Chain, Held, due, hold, joined, settled
from tallywire.mediation.patience import patience_of
from tallywire.mediation.reports import Reports, before
from tallywire.mediation.sessions import Sessions
from tallywire.mediation.worked import ORDER, frame_of, lean, place_of

COUNTED_KINDS = ("start", "interim", "stop", "control")
PARTIAL, DELTA = "partial", "delta"
COUNTER_COLUMNS = (
    "kind", "session_key", "linked_id", "up_octets", "down_octets", "session_time_us", "start_us",
    "quality_flags",
)  # fmt: skip
"""What `cumulative.advance` looks at."""
_DEFAULT_RATE = 10**10
_ROOM = 1_000_000  # events that one row may settle, for the order of rows
_OWN = _ROOM // 2  # what a row settles stands before what it is itself

Row = dict[str, Any]


@dataclass
class Correlated:
    """What correlation made of rows.

    Attributes:
        events: Rows that are usage, in order.
        merged: Rows counted with another event, with `reason` and `joined_into` (hex event id).
        incomplete: Parts that will never be a whole, with `reason` and `detail`, and themselves as
            JSON in `usage`: a recycle puts them in again.
        opened: Parts that now wait.
        closed: Parts that waited and are settled.
        findings: What is wrong with the numbers of sessions.
    """

    events: pl.DataFrame
    merged: pl.DataFrame = field(default_factory=lambda: frame_of([]))
    incomplete: pl.DataFrame = field(default_factory=lambda: frame_of([]))
    opened: list[Held] = field(default_factory=list)
    closed: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def correlate(
    sessions: Sessions, frame: pl.DataFrame, watermarks: Ints, before: int, feed: Feed
) -> Correlated:
    """Work rows in order.

    Args:
        sessions: The lane's sessions; changed.
        frame: Worked rows that are usable.
        watermarks: The feed's event time as of each row.
        before: The feed's event time before them.
        feed: Its options say how long sessions may be silent.
    """
    if not len(sessions) and bool((frame["kind"] == "complete").all()):
        return Correlated(frame)
    return _Correlator(sessions, frame, watermarks, before, feed).run()


class _Correlator:
    """Works the rows of one batch against the lane's sessions."""

    def __init__(
        self, sessions: Sessions, frame: pl.DataFrame, watermarks: Ints, before: int, feed: Feed
    ) -> None:
        self._sessions, self._frame, self._watermarks = sessions, frame, watermarks
        options: Mapping[str, Any] = feed.options
        self._rate = int(options.get("max_rate_bits_per_s") or _DEFAULT_RATE)
        self._patience = patience_of(feed.options)
        self._window_us = feed.window_days * DAY_US
        expire(sessions, before - self._window_us)
        self._settled_until = 0
        self._order = 0
        self._joined: list[Row] = []
        self._merged: list[Row] = []
        self._incomplete: list[tuple[Row, str]] = []
        self._counted: list[tuple[int, int, int, str]] = []
        self._uncounted: list[tuple[int, str]] = []
        self._faults: list[tuple[int, int, Finding]] = []
        self._reports = Reports(sessions, self._patience)
        self._found = Correlated(frame)

    def run(self) -> Correlated:
        """Work all rows."""
        kind = self._frame["kind"]
        counted, part, delta = (
            kind.is_in(kinds).to_numpy() for kinds in (COUNTED_KINDS, (PARTIAL,), (DELTA,))
        )
        for row, content in self._looked_at(counted, part):
            self._settle(row)
            self._order = row * _ROOM + _OWN
            if part[row]:
                self._hold(content, row)
            else:
                self._count(content, row)
        if self._frame.height:
            self._settle(self._frame.height - 1)
        self._follow(np.flatnonzero(delta))
        found = self._found
        found.events = self._events(np.flatnonzero(~(counted | part)))
        found.merged = self._all_merged()
        found.incomplete = frame_of([row for row, _ in self._incomplete]).with_columns(
            pl.Series("usage", [text for _, text in self._incomplete], pl.String)
        )
        return found

    def _looked_at(self, counted: np.ndarray, part: np.ndarray) -> Iterator[tuple[int, Row]]:
        """Give the rows that are worked one by one, each with the columns that matter."""
        counters = self._frame.filter(pl.Series(counted)).select(COUNTER_COLUMNS)
        parts = self._frame.filter(pl.Series(part))
        rows = {True: parts.iter_rows(named=True), False: counters.iter_rows(named=True)}
        for row in np.flatnonzero(counted | part).tolist():
            yield row, next(rows[bool(part[row])])

    def _settle(self, row: int) -> None:
        """Settle what is due when a row is worked, at the first row that found it due."""
        found = []
        for one in due(self._sessions, int(self._watermarks[row]), self._patience):
            first = int(np.searchsorted(self._watermarks, one.instant, side="right"))
            found.append((max(first, self._settled_until), one.opened, one))
        self._settled_until = row + 1
        for at, _, one in sorted(found, key=lambda entry: entry[:2]):
            self._order = max(self._order, at * _ROOM)
            chain = settled(one, int(self._watermarks[at]), self._patience)
            self._found.closed += chain.parts
            self._end(chain)
            if chain.missing:
                self._faults.append((at, TIMED, _lacking(chain)))

    def _end(self, chain: Chain) -> None:
        """Make a chain one event, or give it up."""
        if chain.reason is not None:
            told = {"reason": chain.reason.value, "detail": chain.detail}
            for part in chain.parts:
                worth = {"quantity": chain.open_us} if chain.open_us and part["is_first"] else {}
                self._incomplete.append(({**part, **told, **worth}, _written(part)))
            return
        event = joined(chain)
        self._joined.append({**event, ORDER: self._next()})
        for part in chain.parts[1:]:
            self._merge(part, Reason.PARTIAL_JOINED, event["event_id"])

    def _next(self) -> int:
        self._order += 1
        return self._order

    def _merge(self, row: Row, reason: Reason, into: str) -> None:
        merged = {**row, "reason": reason.value, "joined_into": into, ORDER: self._next()}
        self._merged.append(merged)

    def _count(self, record: Row, row: int) -> None:
        if record["kind"] == "control":
            close_server(self._sessions, record["linked_id"])
            self._uncounted.append((row, Reason.CONTROL_RECORD.value))
            return
        horizon = int(self._watermarks[row]) - self._window_us
        was = before(self._sessions, record["session_key"])
        delta = advance(self._sessions, record, max_rate=self._rate, horizon=horizon)
        found = self._reports.take(record, was, delta.flags)
        self._faults += [(row, OWN, one) for one in found]
        if delta.up + delta.down == 0:
            opened = record["kind"] == "start"
            reason = Reason.SESSION_OPENED if opened else Reason.PARTIAL_JOINED
            self._uncounted.append((row, reason.value))
            return
        flags = {*record["quality_flags"].split(","), *delta.flags} - {""}
        self._counted.append((row, delta.up, delta.down, ",".join(sorted(flags))))

    def _hold(self, record: Row, row: int) -> None:
        made = hold(self._sessions, record, int(self._watermarks[row]), self._patience)
        if isinstance(made, Held):
            self._found.opened.append(made)
            return
        place = place_of(record)
        self._found.closed += [part for part in made.parts if place_of(part) != place]
        self._end(made)

    def _follow(self, rows: Ints) -> None:
        """Hold the numbers of records that are usage by themselves against those seen."""
        if len(rows) or len(self._sessions.numbered):
            numbered = self._frame[rows].select(NUMBERED_COLUMNS)
            self._faults += follow(
                self._sessions.numbered, numbered, rows, self._watermarks, self._patience
            )
        in_order = sorted(self._faults, key=lambda fault: fault[:2])
        self._found.findings = [finding for *_, finding in in_order]

    def _events(self, passing: Ints) -> pl.DataFrame:
        """Put together what passes, what counters added, and what was joined."""
        if len(passing) == self._frame.height and not self._joined:
            return self._frame
        passed = self._frame[passing].with_columns(pl.Series(ORDER, passing * _ROOM + _OWN))
        found = pl.concat([passed, self._added(), frame_of(self._joined)], how="diagonal")
        return found.sort(ORDER)

    def _added(self) -> pl.DataFrame:
        """Give the records of counters that added something, as usage of what they added."""
        rows, up, down, flags = (
            zip(*self._counted, strict=True) if self._counted else ((), (), (), ())
        )
        place = np.array(rows, np.int64)
        return self._frame[place].with_columns(
            pl.Series("up_octets", up, pl.Int64),
            pl.Series("down_octets", down, pl.Int64),
            (pl.Series("up", up, pl.Int64) + pl.Series("down", down, pl.Int64)).alias("quantity"),
            pl.Series("quality_flags", flags, pl.String),
            pl.Series(ORDER, place * _ROOM + _OWN),
        )

    def _all_merged(self) -> pl.DataFrame:
        rows, reasons = zip(*self._uncounted, strict=True) if self._uncounted else ((), ())
        place = np.array(rows, np.int64)
        uncounted = self._frame[place].with_columns(
            pl.Series("reason", reasons, pl.String),
            pl.lit("").alias("joined_into"),
            pl.Series(ORDER, place * _ROOM + _OWN),
        )
        return pl.concat([uncounted, frame_of(self._merged)], how="diagonal").sort(ORDER)


def _written(part: Row) -> str:
    return orjson.dumps(lean(part)).decode()


def _lacking(chain: Chain) -> Finding:
    """Report parts that never came of a chain that was joined without them."""
    parts = {part["partial_no"]: part["quantity"] or 0 for part in chain.parts}
    spans = spans_of(chain.missing)
    quantity = sum(
        (last - first + 1) * median([parts[first - 1], parts[last + 1]]) for first, last in spans
    )
    session, service = chain.parts[0]["session_key"], chain.parts[0]["service"]
    return Finding(Fault.MISSING, session, service, spans, len(chain.missing), quantity)
