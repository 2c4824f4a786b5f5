"""What the store is asked for: usage that stands behind usage which began later."""

import dataclasses
import time
from collections.abc import Mapping, Sequence

import polars as pl
import pytest

from cli.rerate.late import late_usage
from schemas.columns import conform, micros_from_text, rows_to_frame, to_arrow
from schemas.rated import RatedEvent
from schemas.requests import LaneRequest, RequestKind, RequestStatus
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.counters import Counters
from tests.conftest import Store
from tests.corrected import again, catalogs_of, charge, stored
from tests.priced import SECOND, group, one_tariff, usage
from warehouse.insert import insert

pytestmark = [pytest.mark.live, pytest.mark.store]

NOW_US = int(time.time()) // 3600 * 3_600_000_000
LANE = "usage-0000"


def _snapshot(rate: str = "0.60", name: str = "a", zone: str = "UTC") -> Snapshot:
    made = one_tariff(group(0, 60, rate), time_zone=zone)
    timed = dataclasses.replace(made.tariffs["tariff"], order="event_time")
    return dataclasses.replace(made, hash=name, tariffs={"tariff": timed})


SNAPSHOT = _snapshot()
CATALOGS = catalogs_of({"a": SNAPSHOT, "b": _snapshot("0.90", "b")})


def _call(number: int, start: str, routing_id: str = "r") -> UsageEvent:
    return usage(
        60 * SECOND, start, event_id=f"00000000-0000-0000-0000-{number:012d}", routing_id=routing_id
    )


def _put(store: Store, rows: pl.DataFrame, position: int) -> pl.DataFrame:
    """Store rows as those of a ledger position of the lane."""
    rows = stored(rows, position)
    dated = rows.with_columns(pl.lit(NOW_US + position, dtype=pl.Int64).alias("ledgered_at"))
    made = to_arrow(conform(dated, RatedEvent), RatedEvent)
    insert(store.client(), "rated_events", made, f"{LANE}:{position}:0:9")
    return rows


def _rate(store: Store, position: int, *calls: UsageEvent) -> pl.DataFrame:
    return _put(store, charge(CATALOGS, "a", calls, Counters(), position), position)


def _ask(store: Store, kind: RequestKind, period: str, position: int, routing_id: str = "") -> None:
    row = LaneRequest(
        request_id=f"00000000-0000-0000-0000-{position:012d}", kind=kind.value, lane=LANE,
        period=period, routing_id=routing_id, status=RequestStatus.APPLIED.value,
        ledgered_at=NOW_US, batch_token=f"{LANE}:{position}:0:0",
    )  # fmt: skip
    made = to_arrow(rows_to_frame([row], LaneRequest), LaneRequest)
    insert(store.client(), "lane_requests", made, f"{LANE}:{position}:0:0")


def _late(
    store: Store, looked: int | None = None, tariffs: Sequence[str] = ("tariff",),
    snapshot: Snapshot = SNAPSHOT, until: int = 99,
) -> Mapping[str, int]:  # fmt: skip
    stretch = {LANE: (-1 if looked is None else looked, until)}
    return late_usage(store.client("reader"), snapshot, tariffs, stretch)


def test_usage_in_order_is_not_late_and_the_same_instant_neither(store: Store) -> None:
    _rate(store, 0, _call(1, "2026-01-15T12:00:00Z"), _call(2, "2026-01-15T12:00:00Z"))
    _rate(store, 1, _call(3, "2026-01-15T13:00:00Z"))
    _rate(store, 2, _call(4, "2026-01-15T11:00:00Z", "other"))
    assert _late(store) == {}


def test_late_usage_is_found_by_place_not_by_time_of_storing(store: Store) -> None:
    _rate(
        store, 0, _call(1, "2026-01-15T12:00:00Z"), _call(2, "2026-01-15T11:30:00Z"),
        _call(3, "2026-01-15T12:00:00Z", "in_order"),
    )  # fmt: skip
    _rate(store, 1, _call(4, "2026-01-15T11:00:00Z"))
    assert _late(store) == {"r": micros_from_text("2026-01-15T11:00:00Z")}
    assert _late(store, tariffs=["another"]) == {}


def test_what_was_looked_through_is_not_late_again(store: Store) -> None:
    _rate(store, 0, _call(1, "2026-01-15T12:00:00Z"))
    _rate(store, 1, _call(2, "2026-01-15T11:00:00Z"))
    assert set(_late(store, looked=0)) == {"r"}
    _rate(store, 2, _call(3, "2026-01-15T13:00:00Z"))
    assert _late(store, looked=1) == {}
    assert _late(store, looked=-1, until=0) == {}
    _rate(store, 3, _call(4, "2026-01-15T12:30:00Z"))
    assert _late(store, looked=2) == {"r": micros_from_text("2026-01-15T12:30:00Z")}


def test_a_correction_keeps_the_place_of_its_charge(store: Store) -> None:
    history = _rate(store, 0, _call(1, "2026-01-15T12:00:00Z"), _call(2, "2026-01-15T13:00:00Z"))
    first = pl.col("event_id") == history["event_id"][0]
    _put(store, again(CATALOGS, history, "b", selected=first).rows, 1)
    assert _late(store) == {}
    _rate(store, 2, _call(3, "2026-01-15T12:30:00Z"))
    assert _late(store, looked=1) == {"r": micros_from_text("2026-01-15T12:30:00Z")}


def test_usage_that_is_told_to_begin_later_stands_where_it_was_charged(store: Store) -> None:
    history = _rate(store, 0, _call(1, "2026-01-15T10:00:00Z"))
    _rate(store, 1, _call(2, "2026-01-15T12:00:00Z"))
    restated = rows_to_frame([_call(1, "2026-01-15T13:00:00Z")], UsageEvent)
    _put(store, again(CATALOGS, history, "a", replaced=restated).rows, 2)
    assert _late(store, looked=0) == {"r": micros_from_text("2026-01-15T12:00:00Z")}


def test_closed_months_are_left_alone_until_they_are_reopened(store: Store) -> None:
    _rate(store, 0, _call(1, "2026-01-15T12:00:00Z"), _call(2, "2026-01-15T12:00:00Z", "s"))
    _ask(store, RequestKind.SOFT_CLOSE, "2026-01", 1)
    _rate(store, 2, _call(3, "2026-01-15T11:00:00Z"), _call(4, "2026-01-15T11:00:00Z", "s"))
    assert set(_late(store)) == {"r", "s"}
    _ask(store, RequestKind.CLOSE, "2026-01", 3)
    assert _late(store) == {}
    _ask(store, RequestKind.REOPEN, "2026-01", 4, "s")
    assert set(_late(store)) == {"s"}
    assert set(_late(store, looked=3)) == {"s"}
    assert _late(store, looked=4) == {}
    _ask(store, RequestKind.CLOSE, "2026-01", 5)
    assert _late(store, looked=3) == {}


def test_a_month_is_that_of_the_offer(store: Store) -> None:
    """23:30 UTC is in February in Oslo, which is open."""
    _rate(store, 0, _call(1, "2026-01-31T23:40:00Z"), _call(2, "2026-01-31T23:30:00Z"))
    _ask(store, RequestKind.CLOSE, "2026-01", 1)
    assert _late(store) == {}
    oslo = _snapshot(zone="Europe/Oslo")
    assert set(_late(store, snapshot=dataclasses.replace(oslo, time_zone="UTC"))) == {"r"}
    assert set(_late(store, snapshot=oslo)) == {"r"}
