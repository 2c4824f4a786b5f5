"""What the controls have done, for whoever must prove that they ran."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

import orjson

from assurance.following.control import StreamControl
from assurance.reconciling.control import Reconciliation
from assurance.trial import Tried
from dataflows.controls.comparer import Compared
from dataflows.controls.put import put
from schemas.controls import ControlRun
from warehouse.client import Client
from warehouse.following import Cursor, Range


@cache
def _version() -> str:
    return version("tallywire")


@dataclass
class Stretch:
    """What the controls that follow have looked at since their last entry.

    Attributes:
        first, last: Bounds of its ledger time.
    """

    began_at: int
    rows: int = 0
    first: int = 0
    last: int = 0

    def add(self, ranges: Iterable[Range], rows: int) -> None:
        """Add ranges that were read."""
        for one in ranges:
            self.first = min(self.first or one.ledgered_at, one.ledgered_at)
            self.last = max(self.last, one.ledgered_at)
        self.rows += rows


def _patterns(kind: type[StreamControl] | type[Reconciliation]) -> str:
    return "+".join(one.pattern for one in kind.declared)


def of_stream(
    kind: type[StreamControl], stretch: Stretch, ended_at: int, cursors: Mapping[str, Cursor],
    alerts: int, fault: str, thresholds: str,
) -> ControlRun:  # fmt: skip
    """Write down a stretch of a control that follows.

    Args:
        alerts: How many it found.
        fault: Why it failed on some of it; empty where it did not.
        thresholds: Names the values that it worked by; behind a `+` of the version.
    """
    positions = {lane: cursor.position for lane, cursor in sorted(cursors.items())}
    return ControlRun(
        control=kind.__name__, patterns=_patterns(kind), version=f"{_version()}+{thresholds}",
        began_at=stretch.began_at, ended_at=ended_at,
        first_ledgered_at=stretch.first or None, last_ledgered_at=stretch.last or None,
        inputs=stretch.rows, positions=orjson.dumps(positions).decode(), alerts=alerts,
        result="failed" if fault else "done", detail=fault,
    )  # fmt: skip


def of_store(one: Compared) -> ControlRun:
    """Write down a run of a reconciliation."""
    return ControlRun(
        control=one.kind.__name__, patterns=_patterns(one.kind), version=_version(),
        began_at=one.began_at, ended_at=one.ended_at, inputs=one.rows, alerts=len(one.alerts),
        result="failed" if one.failure else "done",
        detail=repr(one.failure.error) if one.failure else "",
    )  # fmt: skip


def of_check(
    name: str, times: tuple[int, int], rows: int, alerts: int, fault: str
) -> ControlRun:  # fmt: skip
    """Write down a run of a check that is written.

    Args:
        times: When it began and ended, microseconds UTC.
        rows: Rows of both sides.
        fault: Why it could not run; empty where it could.
    """
    return ControlRun(
        control=f"check:{name}", patterns="check_only_left+check_only_right+check_differs",
        version=_version(), began_at=times[0], ended_at=times[1], inputs=rows, alerts=alerts,
        result="failed" if fault else "done", detail=fault,
    )  # fmt: skip


def of_list(
    patterns: Sequence[str], began_at: int, ended_at: int, inputs: int, alerts: int
) -> ControlRun:
    """Write down that usage was held against a list of somebody else.

    Its result is `listed`: it runs when there is a list, so that nobody misses it on a day without.
    """
    return ControlRun(
        control="list", patterns="+".join(patterns), version=_version(), began_at=began_at,
        ended_at=ended_at, inputs=inputs, alerts=alerts, result="listed",
    )  # fmt: skip


def tried(one: Tried, began_at: int, ended_at: int) -> ControlRun:
    """Write down what a control made of the fault that was planted for it."""
    good = one.fired and one.quiet
    return ControlRun(
        control="trial", patterns=one.control.pattern, version=_version(), began_at=began_at,
        ended_at=ended_at, inputs=1, alerts=int(one.fired),
        result="fired" if good else "silent" if one.quiet else "false",
    )  # fmt: skip


def record(client: Client, runs: Sequence[ControlRun], at: int) -> None:
    """Store runs that happened beside the follower.

    Args:
        at: Ledger time, microseconds UTC.
    """
    put(client, "control_runs", runs, ControlRun, f"controls:beside:{at}", at)
