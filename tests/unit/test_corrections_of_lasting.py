"""Re-rating usage that lasts over the end of a period."""

import dataclasses
from decimal import Decimal
from fractions import Fraction

import polars as pl

from schemas.columns import micros_from_text
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Group, Snapshot
from tallywire.catalog.terms import Tier, Tiers
from tallywire.rating.counters import Counters
from tallywire.rating.rulebook import Closer, Tally
from tests.corrected import again, catalogs_of, charge, now, stored, take
from tests.priced import one_tariff, usage, with_price, with_tariff

JULY = micros_from_text("2026-07-15T00:00:00Z")
HOLDING = {
    "tenant_id": "t", "account_id": "a", "subscription_id": "s", "offer_id": "offer",
    "routing_id": "r",
}  # fmt: skip


def by_the_hour(price: int, name: str) -> Snapshot:
    """Pieces at a price an hour; the catalogue is named."""
    tiers = Tiers(
        "hours", "graduated", (Tier(0, Fraction(0), Fraction(price, 3600)),), "time_weighted"
    )
    snapshot = one_tariff(Group(0, 1, (Fraction(0),)), service="iot")
    made = with_price(with_tariff(snapshot, order="sequential"), tiers=tiers)
    return dataclasses.replace(made, hash=name)


def level(units: int, start: str, number: int) -> UsageEvent:
    return usage(
        units, start, service="iot", account_id="a", routing_id="r",
        event_id=number.to_bytes(16, "big"),
    )  # fmt: skip


def close(snapshot: Snapshot, lane: Counters) -> list[Decimal]:
    assert isinstance(JULY, int)
    tally = Tally(lane.used, lane.series)
    made = Closer(snapshot).close(HOLDING, "month", JULY, tally)
    lane.keep(tally.writes, ((key, one) for key, some in tally.points.items() for one in some))
    return [one.row["amount"] for one in made]


def amounts(history: pl.DataFrame) -> list[Decimal]:
    return now(history).sort("start_time")["amount"].to_list()


def test_what_went_on_into_a_month_is_kept_by_a_re_rating() -> None:
    """2 from the last noon of July on, 5 from the third hour of August, nothing from the sixth."""
    one, two = by_the_hour(1, "one"), by_the_hour(2, "two")
    catalogs, lane = catalogs_of({"one": one, "two": two}), Counters()
    parts = [charge(catalogs, "one", [level(2, "2026-07-31T12:00:00Z", 1)], lane, 0)]
    assert close(one, lane) == [24]
    later = [level(5, "2026-08-01T03:00:00Z", 2), level(0, "2026-08-01T06:00:00Z", 3)]
    history = pl.concat([*parts, charge(catalogs, "one", later, lane, 1)])
    assert amounts(history) == [0, 6, 15]
    assert again(catalogs, history, "one", lane).rows.is_empty()
    made = again(catalogs, history, "two", lane)
    take(lane, made)
    history = pl.concat([history, stored(made.rows, 2)])
    assert amounts(history) == [0, 12, 30]
    assert again(catalogs, history, "two", lane).rows.is_empty()
    assert close(two, lane) == [24], "July at the new price is 48, 24 are charged"
    assert close(two, lane) == []
    back = again(catalogs, history, "one", lane)
    assert amounts(pl.concat([history, stored(back.rows, 3)])) == [0, 6, 15]
