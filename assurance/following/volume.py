"""C4: feeds that fell silent, or bring much less than they usually do at that hour of the week."""

from collections.abc import Sequence
from typing import ClassVar

import polars as pl

from assurance.alerts import Control, Worth, alert
from assurance.following.control import World
from assurance.following.rows import HOUR_US, hour_of
from assurance.following.totals import BUCKET, SIGN, History, Key, TotalsControl
from assurance.money import worth_of
from schemas.alerts import Alert

SILENT = Control(
    "C4", "feed_silent", "completeness", "critical", "under",
    "ask the sender for the usage of that time; look whether the element works",
)  # fmt: skip
LESS = Control(
    "C4", "volume_drop", "completeness", "warning", "under",
    "ask the sender whether usage of that time is missing; look for a lost file or a lost route",
)  # fmt: skip

_DAY, _WEEK = 24, 168
_WEEKS, _LEAST_WEEKS, _LEAST_DAYS = 4, 2, 3
_GRACE = 2
"""Hours beyond the usual delay of a series that must have passed before an hour is judged."""
_MOST_DELAY = 14 * _DAY
"""Usage that usually comes later than this is not judged."""
_ENOUGH = 400
_SILENT_ENOUGH = 30
_MOST_HOURS = 14 * _DAY
_EPOCH_MONDAY = 4 * _DAY
"""Hours from 1970 to its first Monday."""


class Volume(TotalsControl):
    """Records of each feed and service by hour of their time; the usual is the median of weeks."""

    declared: ClassVar = (SILENT, LESS)
    keys: ClassVar = ("tenant_id", "feed_id", "service", "currency")
    sums: ClassVar = ("records", "nano")
    keep: ClassVar = 35 * _DAY

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._arrived: dict[str, int] = {}
        self._judged_to: dict[Key, int] = {}
        self._delays: dict[Key, list[int]] = {}

    def totals(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Count records and their charges."""
        kept = rows.filter(pl.col("run") == "retail", pl.col("op") != "true_up")
        hours = kept.group_by("tenant_id", maintain_order=True).agg(hour_of("collected_at").max())
        for tenant, hour in hours.iter_rows():
            self._arrived[tenant] = max(self._arrived.get(tenant, 0), hour)
        self._add_delays(kept)
        return kept.group_by(
            *self.keys, hour_of("start_time").alias(BUCKET), maintain_order=True
        ).agg(
            SIGN.sum().cast(pl.Int64).alias("records"),
            pl.col("amount_nano").sum().alias("nano"),
        )

    def _add_delays(self, rows: pl.DataFrame) -> None:
        """Count how many hours after its own the usage of each series comes."""
        late = (hour_of("collected_at") - hour_of("start_time")).clip(0, _MOST_DELAY).alias("late")
        counts = rows.group_by(*self.keys, late, maintain_order=True).len()
        for *key, hours, count in counts.iter_rows():
            self._delays.setdefault(tuple(key), [0] * (_MOST_DELAY + 1))[hours] += count

    def take(self, rows: pl.DataFrame) -> Sequence[Alert]:
        """Add rows up; judge hours whose usage should have come, and changed ones."""
        if rows.is_empty():
            return []
        at = int(str(rows["collected_at"].max()))
        touched = self._add(self.totals(rows))
        found: list[Alert] = []
        for key, history in self._sums.items():
            delay = _usual_delay(self._delays[key])
            if delay >= _MOST_DELAY:
                continue  # usage of long ago, loaded now: nobody can tell when more of it is due
            due = self._arrived[key[0]] - delay - _GRACE
            until = max(due, self._judged_to.get(key, due + 1) - 1)
            since = min(self._judged_to.get(key, min(history)), touched.get(key, until + 1))
            if since > until:
                continue
            self._judged_to[key] = until + 1
            for hour in range(max(since, until - _MOST_HOURS), until + 1):
                found += [one for one in self.judge(key, hour, history, at) if self._changes(one)]
        return found

    def judge(self, key: Key, bucket: int, history: History, at: int) -> Sequence[Alert]:
        """Hold an hour, and the hour before it, against what is usual then."""
        usual = _usual(history, bucket)
        here = history.get(bucket, [0, 0])[0]
        silent = usual is not None and usual >= _SILENT_ENOUGH and here <= 0
        last = _usual(history, bucket - 1)
        less = False
        if usual is not None and last is not None and not silent:
            there = history.get(bucket - 1, [0, 0])[0]
            less = (
                usual + last >= _ENOUGH
                and _fewer(here, usual) and _fewer(there, last)
                and _beyond_chance(here + there, usual + last)
            )  # fmt: skip
        return [
            _finding(SILENT, key, bucket, at, (here, usual or 0), history, is_open=silent),
            _finding(LESS, key, bucket, at, (here, usual or 0), history, is_open=less),
        ]

    def more(self) -> dict[str, object]:
        """Give how far each series is judged."""
        judged = {"\x1f".join(key): hour for key, hour in self._judged_to.items()}
        delays = {"\x1f".join(key): counts for key, counts in self._delays.items()}
        return {"arrived": self._arrived, "judged": judged, "delays": delays}

    def load_more(self, found: dict[str, object]) -> None:
        """Take it back."""
        self._arrived = dict(found["arrived"])  # type: ignore[call-overload]  # what `more` gave
        judged: dict[str, int] = dict(found["judged"])  # type: ignore[call-overload]  # as above
        self._judged_to = {tuple(key.split("\x1f")): hour for key, hour in judged.items()}
        delays: dict[str, list[int]] = dict(found["delays"])  # type: ignore[call-overload]  # as above
        self._delays = {tuple(key.split("\x1f")): counts for key, counts in delays.items()}


def _usual_delay(counts: Sequence[int]) -> int:
    """Give the hours within which all but a hundredth of a series' usage has come.

    >>> _usual_delay([10, 89, 1, 0]), _usual_delay([0, 98, 2])
    (1, 2)
    """
    left = sum(counts)
    total = left
    for hours, count in enumerate(counts):
        left -= count
        if left * 100 <= total:
            return hours
    return len(counts) - 1


def _like(history: History, hour: int) -> list[int]:
    """Name the same hours of earlier weeks, else of earlier days of the same kind; none if few."""
    first = min(history)
    weeks = [hour - _WEEK * number for number in range(1, _WEEKS + 1)]
    found = [one for one in weeks if one >= first]
    if len(found) >= _LEAST_WEEKS:
        return found
    days = [hour - _DAY * number for number in range(1, 15)]
    found = [one for one in days if one >= first and _weekend(one) == _weekend(hour)]
    return found if len(found) >= _LEAST_DAYS else []


def _usual(history: History, hour: int) -> int | None:
    """Give the median of hours like this one."""
    counts = sorted(history.get(one, [0, 0])[0] for one in _like(history, hour))
    return counts[len(counts) // 2] if counts else None


def _weekend(hour: int) -> bool:
    return (hour - _EPOCH_MONDAY) % _WEEK >= 5 * _DAY


def _fewer(here: int, usual: int) -> bool:
    """Tell a fifth less; of nothing nothing can be less."""
    return usual > 0 and 5 * here <= 4 * usual


def _beyond_chance(here: int, usual: int) -> bool:
    """Tell whether the roots of two counts lie two apart: four times what chance does.

    >>> _beyond_chance(640, 800), _beyond_chance(80, 100)
    (True, False)
    """
    both = here + usual - 4
    return here < usual and both >= 0 and both * both >= 4 * here * usual


def _finding(
    control: Control, key: Key, bucket: int, at: int, counts: tuple[int, int], history: History,
    *, is_open: bool,
) -> Alert:  # fmt: skip
    tenant, feed, service, currency = key
    here, usual = counts
    missing = max(0, usual - here)
    told = (
        f"{feed} brought no {service} usage in this hour; usual are {usual} records."
        if control is SILENT
        else f"{feed} brought {here} records of {service} in this hour, and few in the hour "
        f"before; usual are {usual}."
    )
    return alert(
        control, tenant_id=tenant, feed_id=feed, entity=("feed", f"{feed}/{service}"),
        episode=f"{currency} {bucket}", at=at,
        explanation=told if is_open else "The usage of that hour has come.",
        expected=usual, observed=here if is_open else 0, unit="records",
        worth=_worth(history, bucket, missing, currency) if is_open else Worth(),
        state="open" if is_open else "auto_closed",
        window=(bucket * HOUR_US, (bucket + 1) * HOUR_US),
    )  # fmt: skip


def _worth(history: History, hour: int, missing: int, currency: str) -> Worth:
    """Value records by what a record brought in hours like this one; half as much either way."""
    hours = [history[one] for one in _like(history, hour) if one in history]
    records, nano = (sum(column) for column in zip(*hours, strict=True))
    if records <= 0:
        return Worth()
    lost = nano * missing // records
    worth = worth_of(lost, currency, "usual_hour_of_week")
    low, high = (worth_of(one, currency, "").amount for one in (lost // 2, lost + lost // 2))
    return Worth(worth.amount, currency, worth.method, low, high, 90)
