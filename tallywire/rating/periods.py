"""Billing periods: open, softly closed, closed; and where usage of a closed one goes."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import orjson
import polars as pl

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Snapshot


class PeriodState(StrEnum):
    """What may still happen to a period. Published: add, never rename."""

    OPEN = "open"
    SOFT_CLOSED = "soft_closed"
    CLOSED = "closed"


class LateUsage(StrEnum):
    """What becomes of usage that comes when its period is not open any more.

    `correct`: it is charged in its period. `next_period`: it is charged at the prices and from the
    allowances of its period, and booked in the next open one. `suspend`: it waits.
    """

    CORRECT = "correct"
    NEXT_PERIOD = "next_period"
    SUSPEND = "suspend"


_Key = tuple[str, str]


class Periods:
    """States of periods by routing id, and for all accounts of a lane (routing id empty).

    Of the two the one that was set later holds.
    """

    def __init__(self) -> None:
        self._states: dict[_Key, tuple[int, str]] = {}
        self._changed: list[_Key] = []

    def __len__(self) -> int:
        return len(self._states)

    def put(self, routing_id: str, period: str, state: PeriodState, at: int) -> None:
        """Set a state; `at` is the place in the lane's ledger, ascending."""
        self._states[routing_id, period] = (at, state.value)
        self._changed.append((routing_id, period))

    def state(self, routing_id: str, period: str) -> PeriodState:
        """Tell the state of a period."""
        own, all_ = (
            self._states.get((name, period), (-1, PeriodState.OPEN.value))
            for name in (routing_id, "")
        )
        return PeriodState(max(own, all_, key=lambda found: found[0])[1])

    def touched(self) -> set[str]:
        """Name the periods that may not be open."""
        return {period for _, period in self._states}

    def changes(self) -> bytes:
        """Give what was set since the last call."""
        changed, self._changed = self._changed, []
        return self._written(dict.fromkeys(changed))

    def apply(self, changes: bytes) -> None:
        """Take what was set before."""
        for line in changes.splitlines():
            routing_id, period, at, state = orjson.loads(line)
            self._states[routing_id, period] = (at, state)

    def dump(self) -> Iterator[bytes]:
        """Give everything."""
        yield self._written(self._states)

    def _written(self, keys: Iterable[_Key]) -> bytes:
        return b"".join(orjson.dumps([*key, *self._states[key]]) + b"\n" for key in keys)


def following(period: str) -> str:
    """Name the month after one.

    >>> following("2026-12"), following("2026-01")
    ('2027-01', '2026-02')
    """
    year, month = map(int, period.split("-"))
    return f"{year + month // 12:04d}-{month % 12 + 1:02d}"


def open_period(periods: Periods, routing_id: str, period: str, policy: Mapping[str, str]) -> str:
    """Name the first period from this one on that takes charges."""
    while policy.get(periods.state(routing_id, period).value) == LateUsage.NEXT_PERIOD:
        period = following(period)
    return period


def booked(rated: pl.DataFrame, periods: Periods, policy: Mapping[str, str]) -> pl.DataFrame:
    """Book charges of closed periods in the next open one.

    Args:
        rated: Rows of RatedEvent.
        periods: States.
        policy: What to do by state: values of LateUsage; what is not named is charged as it is.
    """
    pairs = rated.select("routing_id", "bill_period").unique(maintain_order=True)
    pairs = pairs.filter(pl.col("bill_period").is_in(sorted(periods.touched())))
    moved = [
        (routing_id, period, open_period(periods, routing_id, period, policy))
        for routing_id, period in pairs.iter_rows()
    ]
    if all(period == new for _, period, new in moved):
        return rated
    columns = {"routing_id": pl.String(), "bill_period": pl.String(), "_booked": pl.String()}
    places = pl.DataFrame(moved, schema=columns, orient="row")
    found = rated.join(places, on=["routing_id", "bill_period"], how="left", maintain_order="left")[
        "_booked"
    ]
    return rated.with_columns(found.fill_null(rated["bill_period"]).alias("bill_period"))


def withheld(
    usage: pl.DataFrame, snapshot: Snapshot, periods: Periods
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take out usage of periods whose state says that it shall wait.

    Returns:
        The usage to rate, and the rest with reason, detail and missing_ref.
    """
    months = usage_months(usage, snapshot)
    pairs = usage.select("routing_id", months).unique(maintain_order=True)
    waiting = [
        (routing_id, month)
        for routing_id, month in pairs.filter(
            pl.col("month").is_in(sorted(periods.touched()))
        ).iter_rows()
        if snapshot.late_usage.get(periods.state(routing_id, month)) == LateUsage.SUSPEND
    ]
    if not waiting:
        return usage, refused(usage.clear(), pl.Series([], dtype=pl.String))
    keys = pl.DataFrame(waiting, schema={"routing_id": pl.String, "month": pl.String}, orient="row")
    dated = usage.with_columns(months)
    held = dated.join(keys, on=["routing_id", "month"], how="semi", maintain_order="left")
    rest = dated.join(keys, on=["routing_id", "month"], how="anti", maintain_order="left")
    return rest.drop("month"), refused(held.drop("month"), held["month"])


def refused(usage: pl.DataFrame, months: pl.Series) -> pl.DataFrame:
    """Say of usage that its period is closed, in the columns of an Outcome's refusals."""
    return usage.with_columns(
        pl.lit(Reason.PERIOD_CLOSED.value).alias("reason"),
        pl.format("the period {} is closed", months).alias("detail"),
        months.alias("missing_ref"),
        pl.lit("").alias("run"),
        pl.lit(1, dtype=pl.Int64).alias("records"),
    )


def usage_months(usage: pl.DataFrame, snapshot: Snapshot) -> pl.Series:
    """Name the calendar month of each event in the time zone of its offer, as rating does.

    Args:
        usage: Has `offer_id` and `start_time` (microseconds UTC).
        snapshot: Offers; the operator's zone stands in for one that is not there.
    """
    zones = {key: offer.time_zone for key, offer in snapshot.offers.items()}
    moment = pl.from_epoch("start_time", time_unit="us").dt.replace_time_zone("UTC")
    default = snapshot.time_zone
    zone = pl.col("offer_id").replace_strict(zones, default=default, return_dtype=pl.String)
    month = pl.lit("")
    for name in sorted({*zones.values(), default}):
        local = moment.dt.convert_time_zone(name).dt.strftime("%Y-%m")
        month = pl.when(zone == name).then(local).otherwise(month)
    return usage.select(month.alias("month"))["month"]
