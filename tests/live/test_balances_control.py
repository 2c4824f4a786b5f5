"""Prepaid money in the store, against the top-ups of the catalogue."""

import time
from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest

from assurance.following.control import World
from assurance.following.rows import DAY_US
from assurance.planted import usage
from assurance.reconciling.balances import Balances
from dataflows.controls.comparer import Comparer
from schemas.columns import to_arrow
from schemas.rated import RatedEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.catalog.terms import Balance, Grant
from tests.conftest import Store
from tests.live.stored import as_rated
from tests.unit.test_rulebook_terms import prepaid
from warehouse.insert import insert

pytestmark = [pytest.mark.live, pytest.mark.store]
_NANO = 10**9
_NOW = int(time.time()) * 1_000_000
Found = list[tuple[str, str, Decimal | None]]


class World19:
    """A store with payments, a clock, and a catalogue whose top-ups change."""

    def __init__(self, store: Store) -> None:
        self.client, self.now, self.number = store.client(), _NOW, 0
        self.snapshot: Snapshot = prepaid(Balance("money", "EUR", "account"))
        self.comparer = self.made({})

    def made(self, kept: dict[str, bytes]) -> Comparer:
        world = World(lambda _hash: self.snapshot)
        return Comparer((Balances,), kept, lambda: self.now, "default", world)

    def topped_up(self, *euros: int) -> None:
        grants = tuple(Grant(f"g{number}", one * _NANO) for number, one in enumerate(euros))
        self.snapshot = replace(self.snapshot, grants={("account", "a", "money"): grants})

    def paid(self, *euros: str) -> None:
        rows = as_rated(usage(1, 2)[: len(euros)]).with_columns(
            pl.Series("balance_paid", [Decimal(one) for one in euros], pl.Decimal(38, 9)),
            pl.lit("a").alias("account_id"), pl.lit("top").alias("routing_id"),
            pl.lit(self.now, dtype=pl.Int64()).alias("ledgered_at"),
            pl.lit(f"usage-0000:{self.number}:0-1").alias("batch_token"),
        )  # fmt: skip
        self.number += 1
        insert(self.client, "rated_events", to_arrow(rows, RatedEvent), f"{self.number}")

    def look(self) -> Found:
        [run] = self.comparer.due(self.client, at_once=True)
        assert run.failure is None
        return [(one.pattern, one.state, one.money_at_risk) for one in run.alerts]


@pytest.fixture
def world(store: Store) -> World19:
    return World19(store)


def test_money_that_top_ups_gave_may_be_spent_to_the_last_cent(world: World19) -> None:
    world.topped_up(10, 5)
    assert world.look() == []
    world.paid("10", "4.99", "0.01")
    assert world.look() == []


def test_more_than_there_was_is_told_over_days_and_restarts_and_closes_with_a_top_up(
    world: World19,
) -> None:
    world.topped_up(10)
    world.look()
    world.paid("9")
    assert world.look() == []
    world.now += 3 * DAY_US
    assert world.look() == []
    world.comparer = world.made(world.comparer.dump())
    world.paid("1.5")
    assert world.look() == [("balance_overdrawn", "open", Decimal("0.5"))]
    assert world.look() == []
    world.topped_up(10, 1)
    assert world.look() == [("balance_overdrawn", "auto_closed", None)]


def test_top_ups_that_left_the_catalogue_still_count(world: World19) -> None:
    world.topped_up(10)
    world.look()
    world.paid("10")
    assert world.look() == []
    world.topped_up()
    assert world.look() == []


def test_more_given_back_than_paid_is_told(world: World19) -> None:
    world.topped_up(10)
    world.look()
    world.paid("2", "-3")
    assert world.look() == [("balance_paid_back_more", "open", Decimal(1))]
