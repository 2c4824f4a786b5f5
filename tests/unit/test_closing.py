"""Period close: what commitments, minimums and tiers still charge."""

import dataclasses
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from schemas.columns import conform, micros_from_text, polars_schema
from schemas.rated import RatedEvent
from tallywire.catalog.snapshot import FOREVER_US, Group, Offer, Override, Price, Snapshot
from tallywire.catalog.terms import Condition, Spend, Tier, Tiers, Variant
from tallywire.rating.counters import Counters
from tallywire.rating.explain import words
from tallywire.rating.replay import replay
from tallywire.rating.rulebook import Closer, Closing, Rulebook, Tally
from tests.priced import group, one_tariff, row_of, usage, with_tariff

JULY = micros_from_text("2026-07-15T00:00:00Z")
assert isinstance(JULY, int)
HOURLY = (Tier(0, Fraction(0), Fraction(1, 3600)),)
HOLDING = {
    "tenant_id": "t", "account_id": "a", "subscription_id": "s", "offer_id": "offer",
    "routing_id": "r",
}  # fmt: skip


def offer(snapshot: Snapshot, **terms: Any) -> Snapshot:
    changed = dataclasses.replace(snapshot.offers["offer"], **terms)
    return dataclasses.replace(snapshot, offers={"offer": changed})


def tiered(tiers: Tiers, **fields: Any) -> Snapshot:
    piece = Group(0, 1, (Fraction(0),))
    snapshot = one_tariff(piece, service="sms", **fields)
    tariff = snapshot.tariffs["tariff"]
    price = dataclasses.replace(tariff.prices[0], tiers=tiers)
    return dataclasses.replace(
        snapshot, tariffs={"tariff": dataclasses.replace(tariff, prices=(price,))}
    )


def varied(*counted: Tiers) -> Snapshot:
    """One price for each access point, `first`, `second`: the zone has none for other usage."""
    piece = Group(0, 1, (Fraction(0),))
    prices = [Price(Fraction(0), Fraction(0), (piece,), tiers=tiers) for tiers in counted]
    classes = [Condition("apn", frozenset([name])) for name in ("first", "second")]
    variants = tuple(Variant((one,), number) for number, one in enumerate(classes, start=1))
    base = dataclasses.replace(prices[0], variants=variants, only_variants=True)
    return with_tariff(one_tariff(piece, service="sms"), prices=(base, *prices))


def close(snapshot: Snapshot, counters: Counters, kind: str = "month") -> list[Closing]:
    tally = Tally(counters.used, counters.series)
    made = Closer(snapshot).close(HOLDING, kind, JULY, tally)
    for key, value in tally.writes.items():
        counters.set(key, value)
    for key, points in tally.points.items():
        for point in points:
            counters.add(key, point)
    return made


def charge(
    snapshot: Snapshot, counters: Counters, quantity: int, start: str, **fields: Any
) -> Fraction:
    service = snapshot.tariffs["tariff"].service
    event = row_of(
        usage(quantity, start, account_id="a", routing_id="r", service=service, **fields)
    )
    made = Rulebook(snapshot).rate(event, counters.used, counters.series)
    for key, value in made.writes.items():
        counters.set(key, value)
    for key, point in made.points:
        counters.add(key, point)
    return made.charges[0].working.exact


def stored(made: list[Closing]) -> pl.DataFrame:
    rows = [dict(one.row) for one in made]
    schema = {name: polars_schema(RatedEvent)[name] for name in rows[0]}
    return conform(pl.DataFrame(rows, schema=schema, orient="row"), RatedEvent)


@pytest.mark.parametrize(
    ("terms", "charged", "amount", "kind"),
    [
        ({"minimum": Fraction(5)}, 2, "3.000000000", "minimum"),
        ({"minimum": Fraction(5), "committed": Fraction(8)}, 2, "6.000000000", "committed"),
        ({"minimum": Fraction(5)}, 5, None, ""),
        ({"maximum": Fraction(5)}, 2, None, ""),
    ],
)
def test_what_was_promised_is_trued_up(
    terms: dict[str, Fraction], charged: int, amount: str | None, kind: str
) -> None:
    spend = Spend("bill", "EUR", **terms)
    snapshot = offer(one_tariff(group(0, 60, "1")), spends=(spend,))
    counters = Counters()
    for _ in range(charged):
        charge(snapshot, counters, 60_000_000, "2026-07-10T12:00:00Z")
    made = close(snapshot, counters)
    assert [(str(one.row["amount"]), one.row["usage_type"]) for one in made] == (
        [(amount, kind)] if amount else []
    )
    assert close(snapshot, counters) == [], "closed twice, charged once"


def test_graduated_tiers_with_nothing_counted_cost_the_flat_of_the_first() -> None:
    """The published vector: 0 units cost 2.00."""
    steps = (Tier(0, Fraction(2), Fraction(1, 10)), Tier(10, Fraction(3), Fraction(1, 20)))
    snapshot, counters = tiered(Tiers("units", "graduated", steps)), Counters()
    (made,) = close(snapshot, counters)
    assert str(made.row["amount"]) == "2.000000000"
    assert words(made.steps)[0] == (
        "July 2026 is over: nothing was counted for units, the price of its first tier is charged, "
        "EUR 2.00."
    )
    used = Counters()
    assert charge(snapshot, used, 12, "2026-07-10T12:00:00Z") == Fraction("6.10")
    assert close(snapshot, used) == []


def test_what_lasts_is_charged_to_the_end_and_goes_on() -> None:
    """Two units from the last day's noon on: twelve hours in July, then on into August."""
    tiers = Tiers("gbh", "graduated", (Tier(0, Fraction(0), Fraction(1, 3600)),), "time_weighted")
    snapshot, counters = tiered(tiers), Counters()
    assert charge(snapshot, counters, 2, "2026-07-31T12:00:00Z") == 0
    (made,) = close(snapshot, counters)
    assert (str(made.row["amount"]), made.row["bill_period"]) == ("24.000000000", "2026-07")
    assert charge(snapshot, counters, 5, "2026-08-01T03:00:00Z") == 6
    assert close(snapshot, counters) == []


def test_a_month_closed_again_charges_what_is_due_by_then() -> None:
    """Late usage counts for the promise: 5 are due, 2 + 3 first, then 4 + 1, then 7."""
    spend = Spend("bill", "EUR", minimum=Fraction(5))
    snapshot = offer(one_tariff(group(0, 60, "1")), spends=(spend,))
    counters, made = Counters(), []
    for calls in (2, 2, 3):
        for _ in range(calls):
            charge(snapshot, counters, 60_000_000, "2026-07-10T12:00:00Z")
        made += close(snapshot, counters)
    assert [str(one.row["amount"]) for one in made] == [
        "3.000000000", "-2.000000000", "-1.000000000",
    ]  # fmt: skip
    assert [one.row["counters"] for one in made] == [
        "2000000000 0", "4000000000 3000000000", "7000000000 1000000000",
    ]  # fmt: skip
    assert len({one.row["event_id"] for one in made}) == 1
    assert len({one.row["rated_id"] for one in made}) == 3
    assert replay(Rulebook(snapshot), stored(made)) == []


def test_what_rounding_left_of_a_closing_charge_is_not_charged_later() -> None:
    spend = Spend("bill", "EUR", minimum=Fraction(1, 3))
    snapshot, counters = offer(one_tariff(group(0, 60, "1")), spends=(spend,)), Counters()
    assert [str(one.row["amount"]) for one in close(snapshot, counters)] == ["0.333333333"]
    assert close(snapshot, counters) == []


def test_the_flat_of_a_first_tier_is_taken_back_where_usage_comes_late() -> None:
    steps = (Tier(0, Fraction(2), Fraction(1, 10)),)
    snapshot, counters = tiered(Tiers("units", "graduated", steps)), Counters()
    close(snapshot, counters)
    assert charge(snapshot, counters, 10, "2026-07-10T12:00:00Z") == 3
    (made,) = close(snapshot, counters)
    assert str(made.row["amount"]) == "-2.000000000"
    assert words(made.steps)[0] == (
        "July 2026 was closed again: for units EUR 0.00 is due, EUR 2.00 was charged when it was "
        "closed before; the rest is EUR -2.00."
    )
    assert replay(Rulebook(snapshot), stored([made])) == []


def test_what_accounts_share_is_closed_once() -> None:
    """The second subscription's offer promises more under the same name; the first decides."""
    spend = Spend("bill", "EUR", minimum=Fraction(5), scope="account")
    snapshot = offer(one_tariff(group(0, 60, "1")), spends=(spend,))
    second = dataclasses.replace(
        snapshot.offers["offer"], offer_id="more",
        spends=(dataclasses.replace(spend, minimum=Fraction(8)),),
    )  # fmt: skip
    snapshot = dataclasses.replace(snapshot, offers={**snapshot.offers, "more": second})
    closer, tally = Closer(snapshot), Tally(Counters().used)
    other = {**HOLDING, "subscription_id": "s2", "offer_id": "more"}
    made = [one for who in (HOLDING, other) for one in closer.close(who, "month", JULY, tally)]
    assert [str(one.row["amount"]) for one in made] == ["5.000000000"]


@pytest.mark.parametrize(
    ("kind", "month"), [("day", "2026-07"), ("week", "2026-07"), ("year", "2026-12")]
)
def test_a_closing_charge_is_billed_in_the_month_its_period_ends(kind: str, month: str) -> None:
    spend = Spend("bill", "EUR", minimum=Fraction(5), period=kind)
    snapshot = offer(one_tariff(group(0, 60, "1")), spends=(spend,))
    made = close(snapshot, Counters(), kind)
    assert [one.row["bill_period"] for one in made] == [month]
    assert replay(Rulebook(snapshot), stored(made)) == []


def test_what_lasts_costs_in_the_next_month_whenever_the_first_is_closed() -> None:
    """The month is closed when the next has usage: its first three hours come with the next event."""
    snapshot, counters = tiered(Tiers("gbh", "graduated", HOURLY, "time_weighted")), Counters()
    charge(snapshot, counters, 2, "2026-07-31T12:00:00Z")
    assert charge(snapshot, counters, 5, "2026-08-01T03:00:00Z") == 0
    (made,) = close(snapshot, counters)
    assert str(made.row["amount"]) == "24.000000000"
    assert charge(snapshot, counters, 5, "2026-08-01T05:00:00Z") == 2 * 3 + 5 * 2


def test_a_level_that_comes_late_is_charged_when_the_month_is_closed_again() -> None:
    """2 from noon, and 10 from 18 h: 12 + 60 of July, of which 24 and 12 are charged already."""
    snapshot, counters = tiered(Tiers("gbh", "graduated", HOURLY, "time_weighted")), Counters()
    charge(snapshot, counters, 2, "2026-07-31T12:00:00Z")
    close(snapshot, counters)
    assert charge(snapshot, counters, 10, "2026-07-31T18:00:00Z") == 12
    (made,) = close(snapshot, counters)
    assert str(made.row["amount"]) == "36.000000000"
    assert replay(Rulebook(snapshot), stored([made])) == []
    assert charge(snapshot, counters, 0, "2026-08-01T03:00:00Z") == 30, "the new level went on"
    assert close(snapshot, counters) == []


def test_what_lasts_without_an_event_is_charged_month_by_month() -> None:
    snapshot, counters = tiered(Tiers("gbh", "graduated", HOURLY, "time_weighted")), Counters()
    charge(snapshot, counters, 2, "2026-07-31T12:00:00Z")
    close(snapshot, counters)
    tally = Tally(counters.used, counters.series)
    august = micros_from_text("2026-08-15T00:00:00Z")
    assert isinstance(august, int)
    (made,) = Closer(snapshot).close(HOLDING, "month", august, tally)
    assert str(made.row["amount"]) == f"{2 * 24 * 31}.000000000"


def test_every_variant_of_a_price_is_closed() -> None:
    first, second = (Tiers(name, "graduated", HOURLY, "time_weighted") for name in ("one", "two"))
    snapshot, counters = varied(first, second), Counters()
    charge(snapshot, counters, 1, "2026-07-31T12:00:00Z", apn="first")
    charge(snapshot, counters, 2, "2026-07-31T18:00:00Z", apn="second")
    made = close(snapshot, counters)
    assert [(one.row["session_id"], str(one.row["amount"])) for one in made] == [
        ("one", "12.000000000"), ("two", "12.000000000"),
    ]  # fmt: skip
    assert replay(Rulebook(snapshot), stored(made)) == []
    later = charge(snapshot, counters, 0, "2026-08-01T03:00:00Z", apn="second")
    assert later == 6, "it goes on into August"


def test_a_customers_own_tariff_is_closed_instead_of_the_offers() -> None:
    """Its first tier stands for the offer's; what lasts under the offer's tariff still ends."""
    flat = Tiers("own", "graduated", (Tier(0, Fraction(2), Fraction(0)),))
    snapshot = tiered(Tiers("lasting", "graduated", HOURLY, "time_weighted"))
    offers, counters = snapshot.tariffs["tariff"], Counters()
    charge(snapshot, counters, 1, "2026-07-31T12:00:00Z")
    price = dataclasses.replace(offers.prices[0], tiers=flat)
    own = dataclasses.replace(offers, tariff_id="own", prices=(price,))
    use = ("sms", "mo")
    snapshot = dataclasses.replace(
        snapshot, tariffs={"tariff": offers, "own": own}, parents={"a": "above"},
        overrides={("account", "above"): {use: (Override("own", JULY, FOREVER_US),)}},
    )  # fmt: skip
    made = close(snapshot, counters)
    assert [(one.row["tariff_id"], str(one.row["amount"])) for one in made] == [
        ("own", "2.000000000"), ("tariff", "12.000000000"),
    ]  # fmt: skip
    assert replay(Rulebook(snapshot), stored(made)) == []


def test_the_first_tier_of_a_fallback_is_not_charged_where_nothing_was_counted() -> None:
    snapshot = tiered(Tiers("units", "graduated", (Tier(0, Fraction(2), Fraction(0)),)))
    further = dataclasses.replace(snapshot.tariffs["tariff"], tariff_id="further")
    plain = one_tariff(Group(0, 1, (Fraction(1),)), service="sms")
    both = {"tariff": plain.tariffs["tariff"], "further": further}
    snapshot = offer(
        dataclasses.replace(plain, tariffs=both), fallbacks={("sms", "mo"): ("further",)}
    )
    assert close(snapshot, Counters()) == []
    assert Closer(snapshot).kinds(HOLDING) == {"month"}


@pytest.mark.parametrize("kind", ["minimum", "flat", "time_weighted"])
def test_a_closing_charge_is_derived_again(kind: str) -> None:
    counters = Counters()
    if kind == "minimum":
        spend = Spend("bill", "EUR", minimum=Fraction(1, 3))
        snapshot = offer(one_tariff(group(0, 60, "1")), spends=(spend,))
    elif kind == "flat":
        snapshot = tiered(Tiers("c", "volume", (Tier(0, Fraction(2), Fraction(0)),)))
    else:
        step = Tier(0, Fraction(0), Fraction(1, 7))
        snapshot = tiered(Tiers("c", "graduated", (step,), "time_weighted"))
        charge(snapshot, counters, 3, "2026-07-31T23:00:00Z")
    rows = stored(close(snapshot, counters))
    assert rows["usage_type"].to_list() == [kind]
    assert rows["fate_change"].to_list() == [0]
    assert replay(Rulebook(snapshot), rows) == []
    assert replay(Rulebook(snapshot), rows.with_columns(pl.lit("1 2").alias("counters"))) != []


def test_another_period_and_an_unknown_offer_are_left_alone() -> None:
    spend = Spend("bill", "EUR", minimum=Fraction(5), period="year")
    snapshot = offer(one_tariff(group(0, 60, "1")), spends=(spend,))
    assert close(snapshot, Counters()) == []
    assert (
        Closer(snapshot).close({**HOLDING, "offer_id": "none"}, "year", JULY, Tally(lambda _: 0))
        == []
    )
    assert isinstance(snapshot.offers["offer"], Offer)
    assert isinstance(snapshot.tariffs["tariff"].prices[0], Price)
