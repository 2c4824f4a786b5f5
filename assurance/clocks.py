"""Clocks of network elements: how late each one's records come, held against the others' and zero.

A fold over ledger hours. Of every node it keeps a histogram of the hour under way (whole seconds
between the end of usage and its collection) and the skews of the hours before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from assurance.alerts import Control, alert
from schemas.alerts import Alert

CLOCK_SKEW = Control(
    "C15", "clock_skew", "latency", "warning", "over",
    "set the element's clock, and write its `clock_offset_ms` for the time it was wrong",
)  # fmt: skip
JUMP_S = 30
"""A skew that moves by more than this is a clock that was changed, or that fails."""
KEPT_HOURS = 24
MOST_NODES = 1_000
FEWEST_RECORDS = 5
_HOUR_US = 3_600_000_000
_SECOND_US = 1_000_000
_COARSER = ((300, 10), (3_600, 60), (86_400, 3_600))
"""Lateness from so many seconds on is counted in steps of so many."""

Histogram = dict[str, int]


@dataclass
class ClockMemory:
    """What the fold remembers of a lane.

    Attributes:
        hour: Ledger hour under way, counted from 1970; -1 before the first.
        late: Node to histogram of its lateness in that hour: seconds, as text, to records.
        skews: Node to its skews of the hours before, seconds, the newest last.
        wrong: Nodes whose finding is open: the skew from before, and the hour since when.
    """

    hour: int = -1
    late: dict[str, Histogram] = field(default_factory=dict)
    skews: dict[str, list[int]] = field(default_factory=dict)
    wrong: dict[str, list[int]] = field(default_factory=dict)


def clocks(
    memory: ClockMemory, decoded: pl.DataFrame, *, tenant_id: str, feed_id: str, collected_at: int
) -> Iterator[Alert]:
    """Take the records of a batch; at the end of a ledger hour tell which clocks have moved.

    Args:
        memory: Of this lane; it is changed.
        decoded: Rows with node, reason, start_us, end_us.
        tenant_id, feed_id: Of the lane's feed.
        collected_at: Ledger time of the batch, microseconds UTC.
    """
    hour = collected_at // _HOUR_US
    if hour != memory.hour:
        yield from _closed(memory, tenant_id, feed_id, collected_at)
        memory.hour, memory.late = hour, {}
    named = decoded.filter((pl.col("node") != "") & pl.col("reason").is_null())
    if named.is_empty():
        return
    ended = pl.coalesce("end_us", "start_us")
    late = (pl.lit(collected_at) - ended).floordiv(_SECOND_US)
    counted = named.group_by("node", _step(late).alias("late")).len().sort("node", "late")
    for node, seconds, number in counted.iter_rows():
        if node in memory.late or len(memory.late) < MOST_NODES:
            held = memory.late.setdefault(node, {})
            held[str(seconds)] = held.get(str(seconds), 0) + number


def _step(late: pl.Expr) -> pl.Expr:
    step = late
    for least, size in _COARSER:
        step = pl.when(late.abs() >= least).then(late.floordiv(size) * size).otherwise(step)
    return step


def _median(held: Histogram) -> int:
    """Give the lower median of a histogram."""
    half = (sum(held.values()) + 1) // 2
    for seconds, number in sorted((int(text), number) for text, number in held.items()):
        half -= number
        if half <= 0:
            return seconds
    return 0


def _closed(memory: ClockMemory, tenant_id: str, feed_id: str, at: int) -> Iterator[Alert]:
    """Judge the hour that is over: each node's median less the floor, the lower median of all."""
    medians = {
        node: _median(held)
        for node, held in sorted(memory.late.items())
        if sum(held.values()) >= FEWEST_RECORDS
    }
    if not medians:
        return
    floor = sorted(medians.values())[(len(medians) - 1) // 2]
    for node, median in medians.items():
        skew = floor - median  # a clock that is ahead ends usage later, so that it is less late
        ahead = -median if median < -JUMP_S else 0  # collected before it ended: no other reason
        before = _usual(memory.skews.get(node, []))
        moved = skew - before if before is not None and len(medians) > 1 else 0
        where = {"tenant_id": tenant_id, "feed_id": feed_id, "node": node}
        if ahead or abs(moved) > JUMP_S:
            since = memory.wrong.setdefault(node, [before or 0, memory.hour])
            yield _finding(where, at, since, max(skew, ahead) if ahead else skew, "open")
            continue
        if node in memory.wrong:
            yield _finding(where, at, memory.wrong.pop(node), skew, "auto_closed")
        memory.skews[node] = [*memory.skews.get(node, []), skew][-KEPT_HOURS:]


def _usual(skews: list[int]) -> int | None:
    return sorted(skews)[(len(skews) - 1) // 2] if skews else None


def _finding(where: Mapping[str, str], at: int, since: list[int], skew: int, state: str) -> Alert:
    node, (usual, hour) = where["node"], since
    words = f"is {abs(skew - usual)} s {'ahead of' if skew > usual else 'behind'} what it was"
    return alert(
        CLOCK_SKEW, tenant_id=where["tenant_id"], feed_id=where["feed_id"],
        entity=("node", f"{where['feed_id']}/{node}"), episode=f"hour-{hour}", at=at,
        expected=usual, observed=skew, unit="seconds", state=state,
        explanation=f"The clock of {node} {words}, by how late its records come."
        if state == "open" else f"The clock of {node} is as it was.",
    )  # fmt: skip
