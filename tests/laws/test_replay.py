"""What was charged can be derived again from its row alone, and a changed row is found out."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from schemas.columns import from_arrow, rows_to_frame, to_arrow
from schemas.rated import RatedEvent
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Allowance, Snapshot
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.replay import replay
from tallywire.rating.rulebook import Rulebook
from tests.priced import SECOND, group, one_tariff, usage
from tests.strategies import snapshots, usage_events

SLOW = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(snapshots(), usage_events())
def test_every_charge_is_derived_again(snapshot: Snapshot, events: list[UsageEvent]) -> None:
    """Through the store's own types and back."""
    rated = Rater(snapshot).rate(rows_to_frame(events, UsageEvent), Counters()).rated
    stored = from_arrow(to_arrow(rated, RatedEvent), RatedEvent)
    assert replay(Rulebook(snapshot), stored) == []


CHANGES = {
    "amount": pl.lit(Decimal("9.99"), pl.Decimal(38, 9)),
    "quantity": pl.col("quantity") + 60_000_000,
    "included_quantity": pl.lit(0, pl.Int64),
    "allowance_before": pl.col("allowance_before") + 1,
    "bill_period": pl.lit("2020-01"),
    "rated_id": pl.lit(b"0" * 16),
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_column_is_found_out(column: str) -> None:
    minute = Allowance("min", frozenset({"voice"}), frozenset(), "microsecond", 60 * SECOND)
    snapshot = one_tariff(group(0, 60, "0.60"), allowances=(minute,))
    events = [usage(90_000_000), usage(30_000_000)]
    rated = Rater(snapshot).rate(rows_to_frame(events, UsageEvent), Counters()).rated
    assert replay(Rulebook(snapshot), rated) == []
    found = replay(Rulebook(snapshot), rated.with_columns(CHANGES[column].alias(column)))
    assert found
    assert {one.event_id for one in found} <= set(rated["event_id"])


def test_a_charge_without_a_price_is_told() -> None:
    snapshot = one_tariff(group(0, 60, "0.60"))
    rated = Rater(snapshot).rate(rows_to_frame([usage(1)], UsageEvent), Counters()).rated
    (found,) = replay(Rulebook(snapshot), rated.with_columns(pl.lit("none").alias("offer_id")))
    assert found.column == "price"
    assert found.derived.startswith("tariff_missing: no tariff for none/voice/mo")
