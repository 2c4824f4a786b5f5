"""C15: feeds whose records come much later than they usually do."""

from collections.abc import Sequence
from typing import ClassVar

import polars as pl

from assurance.alerts import Control, alert
from assurance.following.rows import HOUR_US, hour_of
from assurance.following.totals import BUCKET, History, Key, Sums, TotalsControl, before
from schemas.alerts import Alert

LATE = Control(
    "C15", "feed_late", "latency", "warning", "under",
    "ask the sender why records come late; late usage may miss its bill",
)  # fmt: skip

_STEPS = 34
"""Delays are counted by powers of two of a second: the last step is five hundred years."""
_USUAL_ENOUGH, _USUAL_HOURS = 1_000, 3
_NAMES = tuple(f"step_{number}" for number in range(_STEPS))


class Lateness(TotalsControl):
    """How late the records of each feed were, by hour of their arrival."""

    declared: ClassVar = (LATE,)
    keys: ClassVar = ("tenant_id", "feed_id")
    sums: ClassVar = _NAMES
    keep: ClassVar = 168

    def totals(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Count delays by their step."""
        ended = pl.col("start_time") + pl.col("duration_us")
        seconds = ((pl.col("collected_at") - ended) // 1_000_000).clip(0, 2**_STEPS - 1)
        step = pl.sum_horizontal(
            [(seconds >= 2**number).cast(pl.Int64) for number in range(_STEPS)]
        )
        counted = rows.filter(pl.col("op") == "charge", pl.col("run") == "retail").with_columns(
            step.clip(0, _STEPS - 1).alias("step"), hour_of("collected_at").alias(BUCKET)
        )
        return counted.group_by(*self.keys, BUCKET, maintain_order=True).agg(
            (pl.col("step") == number).sum().cast(pl.Int64).alias(name)
            for number, name in enumerate(_NAMES)
        )

    def judge(self, key: Key, bucket: int, history: History, at: int) -> Sequence[Alert]:
        """Hold the middle delay of an hour against that of the hours before."""
        now, earlier = history[bucket], before(history, bucket)
        known = sum(one < bucket for one in history) >= _USUAL_HOURS
        late, limits = False, self.world.thresholds.lateness
        middle = usual = 0
        if known and sum(now) >= limits.records and sum(earlier) >= _USUAL_ENOUGH:
            middle, usual = _middle(now), _middle(earlier)
            late = middle >= max(_steps(limits.seconds), usual + _steps(limits.times))
        tenant, feed = key
        text = (
            f"Half of the {sum(now)} records of an hour of {feed} came more than "
            f"{_words(middle - 1)} after their end; usual are less than {_words(usual)}."
        )
        return [
            alert(
                LATE, tenant_id=tenant, feed_id=feed, entity=("feed", feed), episode=f"{bucket}",
                at=at, explanation=text if late else "The hour is as usual again.",
                observed=sum(now) if late else 0, unit="records",
                state="open" if late else "auto_closed",
                window=(bucket * HOUR_US, (bucket + 1) * HOUR_US),
            )
        ]  # fmt: skip


def _middle(counts: Sums) -> int:
    """Give the step that the middle record lies in."""
    half, reached = -(-sum(counts) // 2), 0
    for step, count in enumerate(counts):
        reached += count
        if reached >= half:
            return step
    return 0


def _steps(power: int) -> int:
    """Count the doublings that a power of two takes.

    >>> [_steps(power) for power in (1, 8, 1_024)]
    [0, 3, 10]
    """
    return power.bit_length() - 1


def _words(step: int) -> str:
    """Tell 2 ** step seconds.

    >>> [_words(3), _words(7), _words(13)]
    ['8 seconds', '2 minutes', '2 hours']
    """
    seconds = 2 ** max(0, step)
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} seconds"
