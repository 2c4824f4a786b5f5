"""Differences within the store: planted, told with their money, closed when they are gone."""

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from assurance.following.rows import DAY_US
from assurance.planted import taken_back, usage
from assurance.registry import reconciliations
from dataflows.controls.comparer import HOUR_US, Comparer
from dataflows.controls.follower import Follower
from schemas.columns import rows_to_frame, to_arrow
from schemas.feeds import LaneCount
from schemas.outcomes import SuspenseEvent
from tests.conftest import Store
from tests.live.stored import store_range
from tests.live.test_controls import Followed
from warehouse.client import Client
from warehouse.insert import insert

pytestmark = [pytest.mark.live, pytest.mark.store]
_NOW = int(time.time()) * 1_000_000
_OLD = _NOW - 40 * DAY_US


class Clock:
    def __init__(self) -> None:
        self.now = _NOW

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def compare(store: Store, clock: Clock) -> Callable[[], list[tuple[object, ...]]]:
    comparer, client = Comparer(reconciliations(), {}, clock, "default"), store.client()

    def once() -> list[tuple[object, ...]]:
        runs = comparer.due(client, at_once=True)
        assert [one.failure for one in runs] == [None] * 4
        alerts = [alert for one in runs for alert in one.alerts]
        return [(one.pattern, one.state, one.observed, one.money_at_risk) for one in alerts]

    return once


def counted(client: Client, records: int, at: int) -> None:
    row = LaneCount(
        lane="f", feed_id="switch-a", term="collected", records=records, collected_at=at
    )
    frame = rows_to_frame([row], LaneCount).with_columns(
        pl.lit(_NOW, dtype=pl.Int64()).alias("ledgered_at"), pl.lit("f:0:0-1").alias("batch_token")
    )
    insert(client, "lane_counts", to_arrow(frame, LaneCount), f"f:{records}:{at}")


def test_an_empty_store_has_no_differences(
    compare: Callable[[], list[tuple[object, ...]]],
) -> None:
    assert compare() == []


def test_records_without_a_fate_are_told_when_they_have_stood_and_close_when_they_come(
    store: Store, clock: Clock, compare: Callable[[], list[tuple[object, ...]]]
) -> None:
    client, at = store.client(), _NOW - 3 * HOUR_US
    rows = usage(1, 2)[:40].with_columns(
        pl.lit(at, dtype=pl.Int64()).alias("collected_at"), pl.lit("switch-a").alias("feed_id")
    )
    counted(client, 40, at)
    store_range(client, rows[:38], "usage-0000", 0, _NOW)
    assert compare() == []
    clock.now += 700_000_000
    assert compare() == [("conservation_difference", "open", 38, None)]
    assert compare() == []
    store_range(client, rows[38:], "usage-0000", 1, _NOW)
    assert compare() == [("conservation_difference", "auto_closed", 0, None)]


def test_an_event_charged_twice_is_told_with_the_money_of_its_second_charge(
    store: Store, compare: Callable[[], list[tuple[object, ...]]]
) -> None:
    client = store.client()
    rows = usage(1, 2)[:10].with_columns(
        pl.lit(15 * 10**8, dtype=pl.Int64()).alias("amount_nano"), pl.lit("f").alias("feed_id")
    )
    store_range(client, rows, "usage-0000", 0, _NOW)
    assert compare() == []
    store_range(client, rows[:3], "usage-0001", 0, _NOW)
    assert compare() == [("charged_twice_in_store", "open", 3, Decimal("4.5"))]
    store_range(client, taken_back(rows[:3], _NOW), "usage-0001", 1, _NOW)
    assert compare() == [("charged_twice_in_store", "auto_closed", 0, None)]


def test_suspense_that_is_too_old_is_told_with_its_worth(
    store: Store, compare: Callable[[], list[tuple[object, ...]]]
) -> None:
    def put(change: int, at: int, token: str) -> None:
        row = SuspenseEvent(
            lane="f", feed_id="f", suspense_id="s1", stage="rate", reason="zone_unknown",
            change=change, records=1, estimated_amount=Decimal("0.25"), estimated_currency="EUR",
            estimate_method="typical",
        )  # fmt: skip
        frame = rows_to_frame([row], SuspenseEvent).with_columns(
            pl.lit(at, dtype=pl.Int64()).alias("ledgered_at"), pl.lit(token).alias("batch_token")
        )
        insert(store.client(), "suspense_events", to_arrow(frame, SuspenseEvent), token)

    put(1, _OLD, "f:0:0-1")
    assert compare() == [("suspense_too_old", "open", 1, Decimal("0.25"))]
    put(-1, _NOW, "f:1:1-2")
    assert compare() == [("suspense_too_old", "auto_closed", 0, None)]


def test_every_run_is_written_down_those_that_found_nothing_too(
    store: Store, tmp_path: Path
) -> None:
    client, followed = store.client(), Followed(tmp_path / "kept")
    made = followed.make()
    follower = Follower(
        made.path, made.world, made.kinds, reconciliations(), made.now_us, made.tell
    )
    store_range(client, usage(1, 2)[:20], "usage-0000", 0, _NOW)
    follower.look(client, at_once=True)
    follower.keep(client)
    rows = client.query(
        "SELECT control, inputs, alerts, result, positions FROM control_runs ORDER BY control"
    ).result_rows
    assert len(rows) == len(made.kinds) + 4
    told = {row[0]: row[1:] for row in rows}
    assert told["NearCopies"] == (20, 0, "done", '{"usage-0000":1}')
