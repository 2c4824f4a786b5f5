"""Closing a period with every value: rows, steps, counters, and what is derived again."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
import xxhash

from schemas.columns import micros_from_text
from schemas.reasons import Reason
from tallywire.catalog.snapshot import (
    FOREVER_US,
    Group,
    Override,
    Price,
    Rounding,
    Snapshot,
    Variant,
)
from tallywire.catalog.terms import Condition, Spend, Tier, Tiers
from tallywire.rating.counters import Counters
from tallywire.rating.rulebook import Closer, Closing, Refusal, Step, Tally, rated_id
from tallywire.rating.rulebook.due import Counting, counting
from tallywire.rating.rulebook.tally import CARRIED
from tests.priced import one_tariff, with_offer, with_tariff

NANO = 10**9
HOLDING = {
    "tenant_id": "t", "account_id": "a", "subscription_id": "s", "offer_id": "offer",
    "routing_id": "r",
}  # fmt: skip
USE = ("data", "mo")
FREE = one_tariff(Group(0, 1, (Fraction(0),)), service="data")


def us(text: str) -> int:
    found = micros_from_text(text)
    assert isinstance(found, int)
    return found


JULY, AUGUST = us("2026-07-15T00:00:00Z"), us("2026-08-01T00:00:00Z")
HOUR = 3_600_000_000


def flat(name: str, price: int = 2, **fields: Any) -> Tiers:
    return Tiers(name, "graduated", (Tier(0, Fraction(price), Fraction(0)),), **fields)


def lasting(name: str, **fields: Any) -> Tiers:
    """One a unit and hour, half of that beyond ten unit hours."""
    steps = (
        Tier(0, Fraction(0), Fraction(1, 3_600)),
        Tier(36_000, Fraction(0), Fraction(1, 7_200)),
    )
    return Tiers(name, "graduated", steps, "time_weighted", **fields)


def prices(*tiers: Tiers | None, **fields: Any) -> tuple[Price, ...]:
    piece = (Group(0, 1, (Fraction(0),)),)
    return tuple(Price(Fraction(0), Fraction(0), piece, tiers=one, **fields) for one in tiers)


def zones(*spans: tuple[int, int]) -> Any:
    """Prefixes of so many prices, each in force for some time."""
    rows = [(str(number), f"z{number}", number, 1, *span) for number, span in enumerate(spans)]
    return one_tariff(prefixes=tuple(rows)).tariffs["tariff"].prefixes


def tiered(*tiers: Tiers, **fields: Any) -> Snapshot:
    """One zone for each of the tiers."""
    spans = [(0, FOREVER_US)] * len(tiers)
    return with_tariff(FREE, prices=prices(*tiers), prefixes=zones(*spans), **fields)


def close(
    snapshot: Snapshot, counters: Counters | None = None, kind: str = "month", moment: int = JULY,
    **holding: str,
) -> tuple[list[Closing], Tally]:  # fmt: skip
    held = Counters() if counters is None else counters
    tally = Tally(held.used, held.series)
    return Closer(snapshot).close({**HOLDING, **holding}, kind, moment, tally), tally


def due(made: list[Closing]) -> list[tuple[str, str, Fraction]]:
    """What is charged, how it is called, how much."""
    return [
        (one.row["session_id"], one.row["usage_type"],
         Fraction(int(one.row["amount_numerator"]), int(one.row["amount_denominator"])))
        for one in made
    ]  # fmt: skip


def holding(counter: tuple[str, ...], value: int) -> Counters:
    counters = Counters()
    counters.set(counter, value)
    return counters


def event_id(*parts: str) -> bytes:
    return xxhash.xxh3_128_digest("\x1f".join(("true_up", *parts)).encode())


PROMISE = Spend("bill", "SEK", minimum=Fraction(5), committed=Fraction(8, 3), scope="account",
                period="week")  # fmt: skip
WEEK = "2026-W29"


def test_a_minimum_that_was_not_reached_is_a_row_of_its_own() -> None:
    """It is about no tariff: its currency and nine decimals are the commitment's."""
    snapshot = with_offer(FREE, spends=(PROMISE,))
    third = NANO // 3
    counters = holding(("spend", "account", "a", "bill", WEEK), third)
    (made,), tally = close(snapshot, counters, "week")
    name = event_id("account", "a", "minimum", "bill", WEEK)
    amount = 5 - Fraction(third, NANO)
    assert made.row == {
        **HOLDING,
        "event_id": name,
        "restatement_no": 0,
        "rated_id": rated_id(name, 0, 0, "true_up"),
        "service": "commitment",
        "usage_type": "minimum",
        "kind": "aggregate",
        "session_id": "bill",
        "start_time": us("2026-07-20T00:00:00Z") - 1,
        "quantity": 0,
        "unit": "count",
        "op": "true_up",
        "tariff_id": "bill",
        "tariff_revision": 0,
        "rated_quantity": 0,
        "cumulative_before": -1,
        "cumulative_after": -1,
        "amount_numerator": amount.numerator,
        "amount_denominator": amount.denominator,
        "amount": Decimal("4.666666667"),
        "rounding_mode": "half_up",
        "rounding_scale": 9,
        "rounding_difference": 0,
        "currency": "SEK",
        "counters": f"{third} 0",
        "tax_category": "",
        "legal_entity": "Entity",
        "gl_code": "",
        "bill_period": "2026-07",
        "fate_change": 0,
        "rater": "rulebook",
        "catalog_hash": "hash",
        "engine_version": "1",
    }
    assert made.steps == (
        Step("true_up", {
            "kind": "minimum", "of": "bill", "period": WEEK, "read": [third, 0], "settled": 0,
            "amount": amount, "currency": "SEK",
        }),
        Step("rounding", {
            "exact": amount, "mode": "half_up", "scale": 9, "charge": amount, "currency": "SEK",
        }),
    )  # fmt: skip
    name_of = ("account", "a", "bill", WEEK)
    closed = {("closed", *name_of): 1, ("settled", *name_of): 4_666_666_667}
    assert (made.writes, made.points, tally.writes) == (closed, {}, closed)


TAXED = {
    "tax_category": "S", "legal_entity": "Unit", "gl_code": "4711",
    "rounding": Rounding("up", 0), "currency": "NOK",
}  # fmt: skip


def test_a_first_tier_without_usage_is_charged_as_its_tariff_says() -> None:
    steps = (Tier(0, Fraction(1, 3), Fraction(1)), Tier(10, Fraction(7), Fraction(1)))
    tiers = Tiers("units", "volume", steps, scope="hierarchy")
    (made,), _ = close(tiered(tiers, **TAXED))
    name = event_id("hierarchy", "r", "flat", "units", "2026-07")
    assert made.row == {
        **HOLDING,
        "event_id": name,
        "restatement_no": 0,
        "rated_id": rated_id(name, 0, 0, "true_up"),
        "service": "data",
        "usage_type": "flat",
        "kind": "aggregate",
        "session_id": "units",
        "start_time": AUGUST - 1,
        "quantity": 0,
        "unit": "octet",
        "op": "true_up",
        "tariff_id": "tariff",
        "tariff_revision": 0,
        "rated_quantity": 0,
        "cumulative_before": -1,
        "cumulative_after": -1,
        "amount_numerator": 1,
        "amount_denominator": 3,
        "amount": 1,
        "rounding_mode": "up",
        "rounding_scale": 0,
        "rounding_difference": Decimal("0.666666667"),
        "currency": "NOK",
        "counters": "0 0",
        "tax_category": "S",
        "legal_entity": "Unit",
        "gl_code": "4711",
        "bill_period": "2026-07",
        "fate_change": 0,
        "rater": "rulebook",
        "catalog_hash": "hash",
        "engine_version": "1",
    }
    name_of = ("hierarchy", "r", "tiers:units", "2026-07")
    assert made.writes == {("closed", *name_of): 1, ("settled", *name_of): NANO}
    assert made.steps[0].facts["read"] == [0, 0]


@pytest.mark.parametrize("mode", ["graduated", "volume"])
def test_what_lasts_is_ended_and_begins_the_next_period(mode: str) -> None:
    """Six units for two hours, three for two more: six unit hours to the end, at half the price."""
    key = ("tiers", "subscription", "s", "gbh", "2026-07")
    counters = holding(key, 12 * 3_600)
    counters.add(key, (AUGUST - 4 * HOUR, 0, 6))
    counters.add(key, (AUGUST - 2 * HOUR, 1, 3))
    tiers = replace(lasting("gbh"), mode=mode)
    (made,), tally = close(tiered(tiers, **TAXED), counters)
    row = made.row
    assert due([made]) == [("gbh", "time_weighted", 3)]
    assert (row["cumulative_before"], row["cumulative_after"]) == (12 * 3_600, 18 * 3_600)
    assert (row["counters"], row["service"], row["tariff_id"]) == (
        "43200 64800 0", "data", "tariff",
    )  # fmt: skip
    assert (row["currency"], row["tax_category"], row["rounding_mode"]) == ("NOK", "S", "up")
    following = ("tiers", "subscription", "s", "gbh", "2026-08")
    points = {following: [(AUGUST, CARRIED, 3)]}
    name_of = ("subscription", "s", "tiers:gbh", "2026-07")
    closed = {("closed", *name_of): 1, ("settled", *name_of): 3 * NANO}
    assert (made.points, tally.points, tally.writes) == (points, points, closed)
    assert made.steps[0].facts["read"] == [12 * 3_600, 18 * 3_600, 0]


@pytest.mark.parametrize("levels", [(), (5, 0)])
def test_where_nothing_lasts_at_the_end_nothing_goes_on(levels: tuple[int, ...]) -> None:
    key = ("tiers", "subscription", "s", "gbh", "2026-07")
    counters = holding(key, sum(levels) * 3_600)
    for number, level in enumerate(levels):
        counters.add(key, (AUGUST - (9 - number) * HOUR, number, level))
    made, tally = close(tiered(lasting("gbh")), counters)
    assert (made, tally.points) == ([], {})
    assert tally.writes == {("closed", "subscription", "s", "tiers:gbh", "2026-07"): 1}


@pytest.mark.parametrize(
    ("minimum", "committed", "spent", "expected"),
    [
        (5, 8, 2, [("bill", "committed", 6)]),
        (8, 5, 2, [("bill", "minimum", 6)]),
        (5, 5, 2, [("bill", "minimum", 3)]),
        (None, Fraction(1, 2), 0, [("bill", "committed", Fraction(1, 2))]),
        (Fraction(1, 2), None, 0, [("bill", "minimum", Fraction(1, 2))]),
        (5, 8, 8, []),
        (5, 8, 9, []),
        (None, None, 0, []),
    ],
)
def test_the_greater_promise_is_charged(
    minimum: Fraction | None, committed: Fraction | None, spent: int, expected: list[Any]
) -> None:
    spend = Spend("bill", "EUR", minimum=minimum, committed=committed)
    counters = holding(("spend", "subscription", "s", "bill", "2026-07"), spent * NANO)
    made, tally = close(with_offer(FREE, spends=(spend,)), counters)
    assert due(made) == expected
    name_of = ("subscription", "s", "bill", "2026-07")
    settled = {("settled", *name_of): expected[0][2] * NANO} if expected else {}
    assert tally.writes == {("closed", *name_of): 1, **settled}


def test_everything_of_one_kind_of_period_is_closed_and_nothing_else() -> None:
    """In the order of the offer's terms; what was charged before is taken off."""
    spends = tuple(Spend(name, "EUR", minimum=Fraction(1), period=period)
                   for name, period in (("day", "day"), ("one", "month"), ("two", "month")))  # fmt: skip
    tiers = (flat("a"), flat("b", period="day"), flat("c"))
    snapshot = with_offer(tiered(*tiers), spends=spends)
    assert due(close(snapshot)[0]) == [
        ("one", "minimum", 1), ("two", "minimum", 1), ("a", "flat", 2), ("c", "flat", 2),
    ]  # fmt: skip
    assert due(close(snapshot, kind="day")[0]) == [("day", "minimum", 1), ("b", "flat", 2)]
    counters = holding(("settled", "subscription", "s", "one", "2026-07"), NANO)
    counters.set(("closed", "subscription", "s", "one", "2026-07"), 1)
    counters.set(("settled", "subscription", "s", "tiers:a", "2026-07"), 3 * NANO)
    counters.set(("closed", "subscription", "s", "tiers:a", "2026-07"), 4)
    made, tally = close(snapshot, counters)
    assert due(made) == [("two", "minimum", 1), ("a", "flat", -1), ("c", "flat", 2)]
    assert [one.row["restatement_no"] for one in made] == [0, 4, 0]
    found = {(kind, name): value for (kind, _, _, name, _), value in tally.writes.items()}
    assert found == {
        ("closed", "one"): 2, ("closed", "two"): 1, ("closed", "tiers:a"): 5,
        ("closed", "tiers:c"): 1, ("settled", "two"): NANO, ("settled", "tiers:a"): 2 * NANO,
        ("settled", "tiers:c"): 2 * NANO,
    }  # fmt: skip


def test_what_was_counted_needs_no_first_tier() -> None:
    """Units, or values of a percentile."""
    key = ("tiers", "subscription", "s", "units", "2026-07")
    assert close(tiered(flat("units")), holding(key, 1))[0] == []
    counters = Counters()
    counters.add(key, (0, 0, 0))
    ranked = flat("units", measure="percentile", percentile=95)
    assert close(tiered(ranked), counters)[0] == []
    assert due(close(tiered(ranked))[0]) == [("units", "flat", 2)]


def test_a_period_ends_by_the_clock_of_the_offer() -> None:
    spend = Spend("bill", "EUR", minimum=Fraction(1))
    snapshot = with_offer(FREE, spends=(spend,), time_zone="Europe/Oslo")
    (made,), _ = close(snapshot, moment=us("2026-07-31T22:30:00Z"))
    assert made.row["bill_period"] == "2026-08"
    assert made.row["start_time"] == us("2026-08-31T22:00:00Z") - 1


def test_tiers_of_the_last_instant_of_a_period_are_closed() -> None:
    """Each counter once; those of a variant too."""
    spans = [
        (0, AUGUST - 1),
        (AUGUST - 1, AUGUST),
        (AUGUST, FOREVER_US),
        (0, FOREVER_US),
        (0, FOREVER_US),
    ]
    names = ("ended", "last", "later", "last", "always")
    snapshot = with_tariff(FREE, prices=prices(*map(flat, names)), prefixes=zones(*spans))
    assert [name for name, _, _ in due(close(snapshot)[0])] == ["last", "always"]


def test_the_tiers_in_force_and_whose_they_are() -> None:
    when = (Condition("apn", frozenset({"x"})),)
    none, first, second = prices(None, flat("first"), flat("second"))
    base = replace(none, variants=(Variant(when, 1), Variant(when, 2)))
    snapshot = with_tariff(FREE, prices=(base, first, second), prefixes=zones((100, 200)))
    tariff = snapshot.tariffs["tariff"]
    other = replace(tariff, tariff_id="other", prices=prices(flat("first"), flat("third")),
                    prefixes=zones((0, 900), (0, 900)))  # fmt: skip
    snapshot = replace(snapshot, tariffs={"tariff": tariff, "other": other})
    found = {at: list(counting(snapshot, ["tariff", "other"], at)) for at in (99, 100, 199, 200)}
    of_other = [Counting(other, flat("first")), Counting(other, flat("third"))]
    both = [Counting(tariff, flat("first")), Counting(tariff, flat("second")), of_other[1]]
    assert found == {99: of_other, 100: both, 199: both, 200: of_other}


def owned(own: Tiers, since: int, until: int = FOREVER_US, **fields: Any) -> Snapshot:
    """The offer's tariff has what lasts and a first tier; the account has a tariff of its own."""
    snapshot = tiered(lasting("gbh"), flat("units"), **fields)
    tariff = replace(snapshot.tariffs["tariff"], tariff_id="own", prices=prices(own),
                     prefixes=zones((0, FOREVER_US)))  # fmt: skip
    return replace(
        snapshot, tariffs={**snapshot.tariffs, "own": tariff},
        overrides={("account", "a"): {USE: (Override("own", since, until),)}},
    )  # fmt: skip


def test_a_tariff_of_ones_own_is_closed_if_it_holds_at_the_end() -> None:
    """Its first tier stands for the offer's; what lasts under that ends all the same."""
    key = ("tiers", "subscription", "s", "gbh", "2026-07")
    for since, until, name in (
        (AUGUST - 1, FOREVER_US, "own"), (AUGUST, FOREVER_US, "units"), (0, AUGUST - 1, "units"),
        (0, AUGUST, "own"),
    ):  # fmt: skip
        counters = Counters()
        counters.add(key, (AUGUST - HOUR, 0, 4))
        made, _ = close(owned(flat("own"), since, until), counters)
        assert sorted(due(made)) == sorted([("gbh", "time_weighted", 4), (name, "flat", 2)])
        made, _ = close(owned(flat("own"), since, until), account_id="other")
        assert due(made) == [("units", "flat", 2)]


def test_the_kinds_of_period_a_holding_has() -> None:
    spends = (Spend("bill", "EUR", period="year"), Spend("other", "EUR", period="year"))
    snapshot = with_offer(owned(flat("own", period="day"), 5, 6), spends=spends)
    closer = Closer(snapshot)
    assert closer.kinds(HOLDING) == {"month", "year", "day"}
    assert closer.kinds({**HOLDING, "account_id": "other"}) == {"month", "year"}
    assert closer.kinds({**HOLDING, "offer_id": "other"}) == frozenset()
    assert Closer(FREE).kinds(HOLDING) == frozenset()


def test_an_offer_that_is_not_there_any_more_is_not_closed() -> None:
    snapshot = with_offer(FREE, spends=(Spend("bill", "EUR", minimum=Fraction(1)),))
    made, tally = close(snapshot, offer_id="gone")
    assert (made, tally.writes) == ([], {})


def test_every_closing_charge_is_derived_again_from_its_row() -> None:
    """Which of many it is, its own columns tell; counters are written only when it is made."""
    spends = (Spend("first", "EUR", minimum=Fraction(1)), Spend("gbh", "EUR", minimum=Fraction(2)))
    snapshot = with_offer(tiered(lasting("first"), lasting("gbh"), flat("units")), spends=spends)
    counters = Counters()
    for name, level in (("first", 4), ("gbh", 12)):
        key = ("tiers", "subscription", "s", name, "2026-07")
        counters.set(key, level * 3_600)
        counters.add(key, (AUGUST - 2 * HOUR, 0, level))
        counters.add(key, (AUGUST - HOUR, 1, level))
    made, _ = close(snapshot, counters)
    assert due(made) == [
        ("first", "minimum", 1), ("gbh", "minimum", 2), ("first", "time_weighted", 4),
        ("gbh", "time_weighted", 6), ("units", "flat", 2),
    ]  # fmt: skip
    for one in made:
        again = Closer(snapshot).derived(one.row)
        assert isinstance(again, Closing)
        assert (again.row, again.steps) == (one.row, one.steps)
        assert (again.writes, again.points) == ({}, {})


def test_tiers_are_derived_as_they_were_at_the_end_of_the_period() -> None:
    """The account had its own tariff for the last instant of it alone."""
    snapshot = owned(flat("own"), AUGUST - 1, AUGUST)
    (made,), _ = close(snapshot)
    assert due([made]) == [("own", "flat", 2)]
    again = Closer(snapshot).derived(made.row)
    assert isinstance(again, Closing)
    assert (again.row, again.steps) == (made.row, made.steps)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"offer_id": "gone"}, "the offer gone has no minimum bill"),
        ({"session_id": "else"}, "the offer offer has no minimum else"),
        ({"service": "data"}, "the offer offer has no minimum bill"),
        ({"usage_type": "flat", "session_id": "x"}, "the offer offer has no flat x"),
    ],
)
def test_a_closing_charge_of_what_the_offer_has_not_is_refused(
    change: dict[str, str], detail: str
) -> None:
    snapshot = with_offer(
        tiered(flat("units")), spends=(Spend("bill", "EUR", minimum=Fraction(5)),)
    )
    made, _ = close(snapshot)
    row = {**made[0].row, **change}
    assert Closer(snapshot).derived(row) == Refusal(
        Reason.TARIFF_MISSING, detail, row["session_id"]
    )
