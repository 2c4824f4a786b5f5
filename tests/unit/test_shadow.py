"""Charges that are rated again by the rulebook: which are chosen, and what a difference does."""

from decimal import Decimal

import polars as pl
import pytest

from assurance.following.control import World
from assurance.following.rows import ROWS
from assurance.following.shadow import Shadow
from assurance.planted import event_ids
from schemas.alerts import Alert
from schemas.columns import rows_to_frame
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tests.alerts import open_of
from tests.priced import group, one_tariff

_START = 1_767_600_000_000_000


def rated(snapshot: Snapshot, count: int, salt: int = 1) -> pl.DataFrame:
    events = [
        UsageEvent(
            tenant_id="t", feed_id="f", file_name="a.csv", record_no=number, service="voice",
            account_id="a", offer_id="offer", routing_id="a", b_number="4790010001",
            start_time=_START + number * 1_000_000, quantity=(number % 90 + 1) * 1_000_000,
            unit="microsecond", duration_us=(number % 90 + 1) * 1_000_000,
        )
        for number in range(count)
    ]  # fmt: skip
    usage = rows_to_frame(events, UsageEvent).with_columns(
        pl.Series("event_id", event_ids(count, salt), dtype=pl.Binary)
    )
    outcome = Rater(snapshot).rate(usage, Counters())
    assert outcome.refused.is_empty()
    return outcome.rated


def as_seen(rows: pl.DataFrame) -> pl.DataFrame:
    nano = pl.Series("amount_nano", [int(one * 10**9) for one in rows["amount"]])
    rounding = pl.Series("rounding_nano", [int(one * 10**9) for one in rows["rounding_difference"]])
    return rows.with_columns(nano, rounding).select(
        pl.col(name).cast(kind) for name, kind in ROWS.items()
    )


def shadowed(shadow: Shadow, rows: pl.DataFrame) -> tuple[int, list[Alert]]:
    """Give how many rows were chosen, and what was found."""
    seen = as_seen(rows)
    chosen = shadow.wanted(seen)
    whole = rows.filter(pl.col("rated_id").is_in(chosen["rated_id"].to_list()))
    shadow.take_whole(whole.to_dicts())
    return chosen.height, list(shadow.take(seen))


@pytest.fixture
def snapshot() -> Snapshot:
    return one_tariff(group(0, 1, "0.12"))


@pytest.fixture
def shadow(snapshot: Snapshot) -> Shadow:
    return Shadow(World(lambda _name: snapshot))


def test_a_hundredth_and_the_first_are_chosen_and_agree(snapshot: Snapshot, shadow: Shadow) -> None:
    chosen, alerts = shadowed(shadow, rated(snapshot, 20_000))
    assert 150 < chosen < 260
    assert alerts == []


def test_a_charge_that_differs_is_told_and_all_that_follow_are_rated_again(
    snapshot: Snapshot, shadow: Shadow
) -> None:
    wrong = rated(snapshot, 400).with_columns(
        (pl.col("amount") + Decimal("0.01")).cast(pl.Decimal(38, 9)).alias("amount")
    )
    chosen, alerts = shadowed(shadow, wrong)
    [found] = open_of(alerts).values()
    assert found[0] == "charged_above_rulebook"
    assert found[2] == chosen
    assert found[3] == Decimal("0.01") * chosen
    again, more = shadowed(shadow, rated(snapshot, 50, salt=9))
    assert (again, more) == (50, [])
    assert alerts[-1].explanation.startswith(
        f"{chosen * 0.01:.2f} EUR above the rulebook: {chosen} charges of tariff"
    )


def test_a_charge_below_the_rulebook_is_another_pattern_and_closes_when_taken_back(
    snapshot: Snapshot, shadow: Shadow
) -> None:
    wrong = rated(snapshot, 3).with_columns(
        pl.lit(Decimal("0.000000001")).cast(pl.Decimal(38, 9)).alias("amount")
    )
    _, alerts = shadowed(shadow, wrong)
    assert [one[0] for one in open_of(alerts).values()] == ["charged_below_rulebook"]
    alerts += shadow.take(as_seen(wrong).with_columns(pl.lit("reversal").alias("op")))
    assert open_of(alerts) == {}


def test_charges_of_nothing_and_rare_large_ones_are_chosen(
    snapshot: Snapshot, shadow: Shadow
) -> None:
    seen = as_seen(rated(snapshot, 5_000))
    shadow.wanted(seen)
    large = seen.with_columns(
        pl.when(pl.col("record_no") == 4_321)
        .then(10**13)
        .otherwise(pl.col("amount_nano"))
        .alias("amount_nano")
    )
    assert 4_321 in shadow.wanted(large)["record_no"]
    free = seen.with_columns(pl.lit(0, dtype=pl.Int64()).alias("amount_nano"))
    assert shadow.wanted(free).height >= 1_000
    covered = free.with_columns(pl.col("rated_quantity").alias("included_quantity"))
    assert shadow.wanted(covered).height < 100


def test_what_the_rulebook_made_proves_nothing(snapshot: Snapshot, shadow: Shadow) -> None:
    own = as_seen(rated(snapshot, 100)).with_columns(pl.lit("rulebook").alias("rater"))
    assert shadow.wanted(own).is_empty()


def test_its_memory_goes_on(snapshot: Snapshot, shadow: Shadow) -> None:
    shadowed(shadow, rated(snapshot, 100))
    other = Shadow(World(lambda _name: snapshot))
    other.load(shadow.dump())
    assert other.dump() == shadow.dump()
