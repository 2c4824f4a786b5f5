"""What is counted: steps of usage, included units, tiers; and the counters that keep it."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from schemas.columns import micros_from_text
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import (
    FOREVER_US,
    Group,
    Offer,
    Partner,
    Snapshot,
)
from tallywire.catalog.terms import (
    Allowance,
    Condition,
    Conversion,
    Grant,
    Rollover,
    Tier,
    Tiers,
)
from tallywire.rating.counters import Counters
from tallywire.rating.rulebook import Charge, Rulebook, Tally
from tallywire.rating.rulebook.allowance import Bucket, Draw
from tallywire.rating.rulebook.holders import Holders
from tallywire.rating.rulebook.increments import UNTIMED, Stretch, charged_groups, stretches
from tallywire.rating.rulebook.recorded import RecordedAmounts, RecordedTally
from tallywire.rating.rulebook.tiers import Climb, area, between, nearest_rank, price_of, reached
from tests.priced import (
    SECOND,
    charges,
    exact,
    group,
    keep,
    one_tariff,
    peak_calendar,
    rate,
    row_of,
    usage,
    with_offer,
    with_price,
    with_tariff,
)

EACH = one_tariff(Group(0, 1, (Fraction(1),)), service="api")
FREE = one_tariff(Group(0, 1, (Fraction(0),)), service="api")
NOON = "2026-01-15T12:00:00Z"
NANO = 10**9


def us(text: str) -> int:
    found = micros_from_text(text)
    assert isinstance(found, int)
    return found


def api(*sizes: int, **fields: Any) -> list[UsageEvent]:
    return [usage(size, service="api", **fields) for size in sizes]


def draws(charge: Charge) -> tuple[Draw, ...]:
    return charge.working.priced.drawn.draws


UNITS = Allowance("units", frozenset({"api"}), frozenset(), "count", 10)
FEBRUARY = us("2026-02-01T00:00:00Z")


def included(*allowances: Allowance, **grants: tuple[Grant, ...]) -> Snapshot:
    """An offer with allowances, and top-ups of the subscription by allowance."""
    places = {("subscription", "s", name): some for name, some in grants.items()}
    return replace(with_offer(EACH, allowances=allowances), grants=places)


def test_a_month_of_an_allowance() -> None:
    charge = rate(included(UNITS), api(3)[0], used=4)
    counter = ("s", "units", "2026-01")
    bucket = Bucket(UNITS, counter, 10, 0, "2026-01", FEBRUARY)
    assert draws(charge) == (Draw(bucket, 6, 3),)
    assert (draws(charge)[0].after, draws(charge)[0].amount) == (3, 0)
    assert not bucket.granted
    assert charge.writes == {counter: 7}
    assert charge.working.priced.drawn.free == (3,)


def test_what_others_share_has_a_counter_of_its_own_kind() -> None:
    pool = replace(UNITS, scope="account", period="week")
    event = usage(3, service="api", account_id="a")
    charge = rate(included(pool), event)
    counter = ("allowance", "account", "a", "units", "2026-W03")
    ends = us("2026-01-19T00:00:00Z")
    assert draws(charge) == (Draw(Bucket(pool, counter, 10, 0, "2026-W03", ends), 10, 3),)
    assert charge.writes == {counter: 3}


def test_an_allowance_that_stops_within_its_period_ends_then() -> None:
    ends = us("2026-01-20T00:00:00Z")
    charge = rate(included(replace(UNITS, valid_to_us=ends)), api(1)[0])
    assert [one.bucket.expires_us for one in draws(charge)] == [ends]


@pytest.mark.parametrize(
    ("terms", "pays"),
    [
        ({"services": frozenset({"sms"})}, False),
        ({"services": frozenset({"sms", "api"})}, True),
        ({"zones": frozenset({"world"})}, True),
        ({"zones": frozenset({"norway"})}, False),
        ({"valid_from_us": us(NOON)}, True),
        ({"valid_from_us": us(NOON) + 1}, False),
        ({"valid_to_us": us(NOON) + 1}, True),
        ({"valid_to_us": us(NOON)}, False),
        ({"when": (Condition("origin_zone", frozenset({"norway"})),)}, True),
        ({"when": (Condition("origin_zone", frozenset({"sweden"})),)}, False),
    ],
)
def test_what_an_allowance_pays_for(terms: dict[str, Any], pays: bool) -> None:
    snapshot = with_tariff(included(replace(UNITS, **terms)), origins={"47": "norway"})
    charge = rate(snapshot, api(3, a_number="4790")[0])
    assert exact(charge) == (0 if pays else 3)


def test_an_allowance_of_some_bands_leaves_the_others_their_price() -> None:
    """Ten minutes from 11:58, peak from noon to 12:05: four of the five are paid for."""
    minutes = Allowance("peak", frozenset({"voice"}), frozenset(), "microsecond", 240 * SECOND,
                        bands=frozenset({"peak"}))  # fmt: skip
    snapshot = one_tariff(
        group(0, 60, "1", "100"), calendar=peak_calendar("UTC", 720, 725), allowances=(minutes,)
    )
    charge = rate(snapshot, usage(600 * SECOND, "2026-01-15T11:58:00Z"))
    drawn = charge.working.priced.drawn
    assert drawn.free == (0, 240 * SECOND, 0)
    assert (drawn.covered, drawn.beyond) == (240 * SECOND, 0)
    assert exact(charge) == 2 + 100 + 3
    off = rate(snapshot, usage(60 * SECOND, "2026-01-15T11:58:00Z"))
    assert draws(off) == (Draw(draws(charge)[0].bucket, 240 * SECOND, 0),)


def test_allowances_are_drawn_by_priority_then_by_what_ends_first() -> None:
    """One that is not needed any more is not asked; the first one always is."""
    late = replace(UNITS, allowance_id="late", priority=1, period="year")
    soon = replace(UNITS, allowance_id="soon", priority=1)
    first = replace(UNITS, allowance_id="first", period="once")
    snapshot = included(late, soon, first)
    expected = {
        0: [("first", 10, 0)],
        10: [("first", 10, 10)],
        15: [("first", 10, 10), ("soon", 10, 5)],
        99: [("first", 10, 10), ("soon", 10, 10), ("late", 10, 10)],
    }
    for units, names in expected.items():
        charge = rate(snapshot, api(units)[0])
        found = [
            (one.bucket.allowance.allowance_id, one.before, one.covered) for one in draws(charge)
        ]
        assert found == names


def test_a_top_up_has_a_counter_and_a_name_of_its_own() -> None:
    topped = replace(UNITS, quantity=0, topped_up=True)
    grant = Grant("more", 20, 100, FOREVER_US - 1)
    charge = rate(included(topped, units=(grant,)), api(3)[0], used=4)
    counter = ("grant", "subscription", "s", "units", "more")
    bucket = Bucket(topped, counter, 20, 0, "more", FOREVER_US - 1, granted=True)
    assert draws(charge) == (Draw(bucket, 16, 3),)
    assert charge.writes == {counter: 7}
    assert rate(included(topped), api(3)[0]).working.priced.drawn.draws == ()


def test_a_top_up_holds_from_its_first_instant_until_its_last() -> None:
    topped = replace(UNITS, quantity=0, topped_up=True)
    snapshot = included(topped, units=(Grant("more", 20, 100, 200),))
    found = [exact(rate(snapshot, api(3, start_time=at)[0])) for at in (99, 100, 199, 200)]
    assert found == [3, 0, 0, 3]


def test_a_top_up_comes_on_top_of_what_a_month_includes() -> None:
    """What ends first is used first; an allowance that takes no top-ups leaves them alone."""
    topped = replace(UNITS, topped_up=True)
    soon, late = Grant("soon", 5, 0, FEBRUARY - 1), Grant("late", 5)
    grants = (late, soon)
    names = [one.bucket.period for one in draws(rate(included(topped, units=grants), api(99)[0]))]
    assert names == ["soon", "2026-01", "late"]
    names = [one.bucket.period for one in draws(rate(included(UNITS, units=grants), api(99)[0]))]
    assert names == ["2026-01"]


def test_an_allowance_of_nothing_is_still_told() -> None:
    nothing = replace(UNITS, quantity=0)
    charge = rate(included(nothing), api(3)[0])
    assert [(one.before, one.covered) for one in draws(charge)] == [(0, 0)]
    assert exact(charge) == 3


def test_the_price_beyond_fair_use_is_that_of_the_last_bucket() -> None:
    fair = replace(UNITS, overage=Fraction(1, 50))
    other = replace(UNITS, allowance_id="other", priority=1)
    charge = rate(included(fair, other), api(30)[0])
    assert [(one.covered, one.beyond, one.amount) for one in draws(charge)] == [
        (10, 20, Fraction(2, 5))
    ]
    assert charge.working.priced.drawn.free == (30,)
    plain = rate(included(replace(fair, priority=2), other), api(30)[0])
    assert [(one.covered, one.beyond, one.amount) for one in draws(plain)] == [
        (10, 0, 0), (10, 10, Fraction(1, 5)),
    ]  # fmt: skip
    assert exact(plain) == Fraction(1, 5)


def holders(*rows: tuple[str, str, str, str, int]) -> pl.DataFrame:
    """Subscription, account, top of the hierarchy, offer, since."""
    full = [("msisdn", str(number), *row, FOREVER_US) for number, row in enumerate(rows)]
    return pl.DataFrame(full, schema=EACH.identifiers.schema, orient="row")


def months(snapshot: Snapshot, **fields: Any) -> list[int]:
    """What January to April of 2026 hold where every month 4 units were used."""
    book = Rulebook(snapshot)
    found = []
    for month in range(1, 5):
        event = usage(1, f"2026-0{month}-15T12:00:00Z", service="api", account_id="a",
                      routing_id="r", **fields)  # fmt: skip
        (charge,) = book.rate(row_of(event), lambda key: 4 if key[-1] >= "2026-01" else 0).charges
        found.append(draws(charge)[0].before)
    return found


@pytest.mark.parametrize(
    ("rollover", "expected"),
    [
        (None, [6, 6, 6, 6]),
        (Rollover(1, 100), [6, 12, 12, 12]),
        (Rollover(2, 100), [6, 12, 18, 18]),
        (Rollover(12, 100), [6, 12, 18, 24]),
        (Rollover(12, 8), [6, 12, 14, 14]),
        (Rollover(12, 0), [6, 6, 6, 6]),
    ],
)
def test_unused_units_live_on_for_so_many_periods_up_to_a_cap(
    rollover: Rollover | None, expected: list[int]
) -> None:
    """The allowance begins with the subscription, in the middle of January."""
    since = us("2026-01-10T00:00:00Z")
    snapshot = replace(
        included(replace(UNITS, rollover=rollover)),
        identifiers=holders(("s", "a", "r", "offer", since)),
    )
    assert months(snapshot) == expected


@pytest.mark.parametrize("scope", ["subscription", "account", "hierarchy"])
def test_units_live_on_since_the_first_who_shares_them(scope: str) -> None:
    """Somebody else's, other offers and other allowances of that name count for nothing."""
    pool = replace(UNITS, scope=scope, rollover=Rollover(12, 100))
    name = {"subscription": "account"}.get(scope, "subscription")
    decoy = Offer("decoy", {}, (replace(pool, scope=name),))
    snapshot = included(pool)
    snapshot = replace(snapshot, offers={**snapshot.offers, "decoy": decoy})
    february, march = us("2026-02-20T00:00:00Z"), us("2026-03-20T00:00:00Z")
    snapshot = replace(
        snapshot,
        identifiers=holders(
            ("s", "a", "r", "offer", march),
            ("s", "a", "r", "offer", february),
            ("s", "a", "r", "decoy", 0),
            ("x", "y", "z", "offer", 0),
        ),
    )
    assert months(snapshot) == [6, 6, 12, 18]


def test_units_live_on_since_the_allowance_is_valid_and_of_whom_nothing_is_known() -> None:
    """Where nobody is known the allowance has always been: nothing was used before January."""
    pool = replace(UNITS, rollover=Rollover(2, 100))
    assert months(included(pool)) == [26, 22, 18, 18]
    begun = replace(pool, valid_from_us=us("2025-12-31T00:00:00Z"))
    assert months(included(begun)) == [16, 22, 18, 18]


def test_of_whom_nothing_is_known_always_had_an_allowance() -> None:
    """Nor is anything known of an allowance that no offer has."""
    identifiers = holders(("s", "a", "r", "offer", 77), ("s", "a", "r", "offer", 55))
    known = Holders(replace(included(UNITS), identifiers=identifiers))
    assert [known.since(UNITS, owner) for owner in ("s", "x")] == [55, 0]
    assert known.since(replace(UNITS, allowance_id="other"), "s") == 0


MINUTES = (
    Group(0, 60, (Fraction(0),)),
    Group(90, 20, (Fraction(0),)),
    Group(150, 7, (Fraction(0),)),
)


@pytest.mark.parametrize(
    ("quantity", "charged"),
    [
        (0, []),
        (1, [(0, 0, 1)]),
        (60, [(0, 0, 1)]),
        (61, [(0, 0, 2)]),
        (90, [(0, 0, 2)]),
        (120, [(0, 0, 2)]),
        (121, [(0, 0, 2), (1, 120, 1)]),
        (150, [(0, 0, 2), (1, 120, 2)]),
        (160, [(0, 0, 2), (1, 120, 2)]),
        (161, [(0, 0, 2), (1, 120, 2), (2, 160, 1)]),
        (168, [(0, 0, 2), (1, 120, 2), (2, 160, 2)]),
    ],
)
def test_steps_of_each_group(quantity: int, charged: list[tuple[int, int, int]]) -> None:
    assert list(charged_groups(MINUTES, quantity)) == charged


MINUTE = 60 * SECOND
NOON_US = us(NOON)


@pytest.mark.parametrize(
    ("policy", "laid"),
    [
        ("start_band", [(0, 0, 0, 2), (0, 1, 2, 4)]),
        ("end_band", [(0, 1, 0, 6)]),
        ("prorate", [(0, 0, 0, 1), (0, 1, 1, 5)]),
        (UNTIMED, [(0, 0, 0, 6)]),
    ],
)
def test_steps_of_two_minutes_over_the_edge_of_a_band(
    policy: str, laid: list[tuple[int, int, int, int]]
) -> None:
    """Five minutes from 11:59, peak from noon on: three steps, the first of them over the edge."""
    groups = (group(0, 120, "0", "0"),)
    calendar = peak_calendar("UTC", 720, 780)
    found = stretches(groups, 5 * MINUTE, calendar, NOON_US - MINUTE, policy)
    expected = [
        Stretch(step, band, first * MINUTE, size * MINUTE) for step, band, first, size in laid
    ]
    assert list(found) == expected


@pytest.mark.parametrize("policy", ["start_band", "end_band", "prorate"])
def test_a_step_that_begins_or_ends_with_its_band_lies_in_it(policy: str) -> None:
    groups = (group(0, 60, "0", "0"),)
    calendar = peak_calendar("UTC", 720, 722)
    found = stretches(groups, 4 * MINUTE, calendar, NOON_US - MINUTE, policy)
    assert list(found) == [
        Stretch(0, 0, 0, MINUTE), Stretch(0, 1, MINUTE, 2 * MINUTE), Stretch(0, 0, 3 * MINUTE, MINUTE),
    ]  # fmt: skip


def test_a_band_of_a_step_is_decided_to_the_microsecond() -> None:
    """By the last one it has, or by each of them."""
    groups, calendar = (group(0, 60, "0", "0"),), peak_calendar("UTC", 720, 780)

    def laid(begins: int, policy: str) -> list[Stretch]:
        return list(stretches(groups, MINUTE, calendar, NOON_US + begins, policy))

    assert laid(1 - MINUTE, "end_band") == [Stretch(0, 1, 0, MINUTE)]
    assert laid(-MINUTE, "end_band") == [Stretch(0, 0, 0, MINUTE)]
    assert laid(-1, "start_band") == [Stretch(0, 0, 0, MINUTE)]
    assert laid(-1, "prorate") == [Stretch(0, 0, 0, 1), Stretch(0, 1, 1, MINUTE - 1)]


OWN = (
    Group(0, 60 * SECOND, (Fraction(0),) * 2, (0,)),
    Group(120 * SECOND, 30 * SECOND, (Fraction(0),) * 2, (0,)),
    Group(0, 10 * SECOND, (Fraction(0),) * 2, (1,)),
    Group(100 * SECOND, SECOND, (Fraction(0),) * 2, (1,)),
)


@pytest.mark.parametrize(
    ("policy", "begins", "used", "laid"),
    [
        ("start_band", -60, 0, []),
        ("start_band", -60, 1, [(0, 0, 0, 60)]),
        ("start_band", -60, 60, [(0, 0, 0, 60)]),
        ("start_band", -60, 61, [(0, 0, 0, 60), (2, 1, 60, 10)]),
        ("start_band", -60, 95, [(0, 0, 0, 60), (2, 1, 60, 40)]),
        ("start_band", -60, 105, [(0, 0, 0, 60), (2, 1, 60, 40), (3, 1, 100, 5)]),
        ("start_band", -60, 200, [(0, 0, 0, 60), (2, 1, 60, 40), (3, 1, 100, 80), (1, 0, 180, 30)]),
        ("start_band", -30, 70, [(0, 0, 0, 60), (2, 1, 60, 10)]),
        ("start_band", 119, 12, [(2, 1, 0, 10), (0, 0, 10, 60)]),
        (UNTIMED, -60, 200, [(0, 0, 0, 120), (1, 0, 120, 90)]),
        (UNTIMED, 0, 200, [(2, 1, 0, 100), (3, 1, 100, 100)]),
    ],
)
def test_bands_with_groups_of_their_own(
    policy: str, begins: int, used: int, laid: list[tuple[int, int, int, int]]
) -> None:
    """Seconds before or after noon, when a band of two minutes begins; a step has its first band."""
    calendar = peak_calendar("UTC", 720, 722)
    found = stretches(OWN, used * SECOND, calendar, NOON_US + begins * SECOND, policy)
    assert list(found) == [
        Stretch(step, band, first * SECOND, size * SECOND) for step, band, first, size in laid
    ]


def parts(snapshot: Snapshot, event: UsageEvent) -> list[tuple[str, int, Fraction]]:
    """Way, units and rate of each stretch."""
    charge = rate(snapshot, event)
    return [(one.way, one.stretch.length, one.rate) for one in charge.working.counted.parts]


def test_octets_are_counted_apart_by_their_way() -> None:
    """Those received first; more of them than were told, where the sum says so."""
    down, up = Group(0, 10, (Fraction(1),)), Group(0, 100, (Fraction(5),))
    snapshot = with_price(one_tariff(down, service="data"), uplink=(up,))
    event = usage(20, service="data", down_octets=11, up_octets=3)
    assert parts(snapshot, event) == [("down_octets", 20, 1), ("up_octets", 100, 5)]
    event = usage(14, service="data", down_octets=14, up_octets=3)
    charge = rate(snapshot, event)
    assert parts(snapshot, event) == [("down_octets", 20, 1), ("up_octets", 100, 5)]
    assert (charge.working.counted.used, charge.working.counted.quantity) == (17, 120)
    plain = one_tariff(down, service="data")
    assert parts(plain, event) == [("quantity", 20, 1)]


@pytest.mark.parametrize(
    ("mode", "counted"), [("up", 4), ("down", 3), ("half_up", 4), ("half_even", 4)]
)
def test_units_are_converted_before_they_are_counted_in_steps(mode: str, counted: int) -> None:
    """Seven halves: 3.5 units, and steps of ten of them."""
    snapshot = one_tariff(Group(0, 10, (Fraction(1),)), service="api")
    snapshot = with_tariff(snapshot, conversion=Conversion(1, 2, mode))
    found = rate(snapshot, api(7)[0]).working.counted
    assert (found.used, found.quantity, found.timed) == (counted, 10, False)


def test_only_time_in_a_calendar_of_several_bands_has_instants() -> None:
    calendar = peak_calendar("UTC", 720, 725)
    call = one_tariff(group(0, 60, "1", "2"), calendar=calendar)
    assert rate(call, usage(60 * SECOND)).working.counted.timed
    assert not rate(one_tariff(group(0, 60, "1")), usage(60 * SECOND)).working.counted.timed
    texts = one_tariff(Group(0, 1, (Fraction(1),) * 2), calendar=calendar, service="sms")
    assert not rate(texts, usage(1, service="sms")).working.counted.timed
    converted = with_tariff(call, conversion=Conversion(1, 60 * SECOND, "up"))
    assert not rate(converted, usage(60 * SECOND)).working.counted.timed


def tier(start: int, flat: int, rate_: int, block: int = 1) -> Tier:
    return Tier(start, Fraction(flat), Fraction(rate_), block)


STEPS = (tier(0, 2, 10, 4), tier(10, 3, 5), tier(20, 7, 1, 3))


def test_the_tier_that_a_count_lies_in() -> None:
    found = [reached(STEPS, counted).start for counted in (-5, 0, 1, 10, 11, 20, 21, 99)]
    assert found == [0, 0, 0, 0, 10, 10, 20, 20]


PRICES = {
    "graduated": {
        -3: 0, 0: 0, 1: 42, 4: 42, 5: 82, 10: 122, 11: 130, 20: 175, 21: 185, 23: 185, 24: 188,
    },
    "volume": {
        -3: 0, 0: 0, 1: 42, 4: 42, 5: 82, 10: 122, 11: 58, 20: 103, 21: 28, 23: 31, 24: 31,
    },
}  # fmt: skip


@pytest.mark.parametrize("mode", PRICES)
def test_the_price_of_everything_counted(mode: str) -> None:
    assert {count: price_of(STEPS, mode, count) for count in PRICES[mode]} == PRICES[mode]


def test_the_price_between_two_counts_is_the_difference_of_theirs() -> None:
    for before, low in PRICES["graduated"].items():
        for after, high in PRICES["graduated"].items():
            assert between(STEPS, before, after) == high - low


TIER_KEY = ("tiers", "subscription", "s", "t", "2026-01")


def counted(measure: str, *events: UsageEvent, **more: Any) -> list[tuple[Charge, dict[Any, int]]]:
    """Charges by one tier of 2 a unit, each with the counters it wrote."""
    tiers = Tiers("t", "graduated", (tier(0, 0, 2),), measure, **more)
    made = charges(with_price(FREE, tiers=tiers), events)
    return [(one, dict(one.writes)) for one in made]


@pytest.mark.parametrize(
    ("measure", "sizes", "counts"),
    [
        ("sum", (5, 0, 7), [(0, 5), (5, 5), (5, 12)]),
        ("count", (5, 0, 7), [(0, 1), (1, 2), (2, 3)]),
        ("max", (5, 7, 6), [(0, 5), (5, 7), (7, 7)]),
    ],
)
def test_a_counter_of_tiers(
    measure: str, sizes: tuple[int, ...], counts: list[tuple[int, int]]
) -> None:
    found = counted(measure, *api(*sizes))
    for (charge, writes), (before, after) in zip(found, counts, strict=True):
        climb = charge.working.priced.climb
        assert climb is not None
        assert climb[1:] == ("2026-01", before, after, 2 * (after - before), 0)
        assert writes == {TIER_KEY: after}


def test_the_latest_event_is_the_one_that_began_last() -> None:
    """Of two at one instant it is the later one; one before changes nothing and writes nothing."""
    events = [usage(size, service="api", start_time=NOON_US + at)
              for size, at in ((5, 10), (7, 10), (9, 9), (2, 11))]  # fmt: skip
    found = counted("latest", *events)
    counts = [(one.row["cumulative_before"], one.row["cumulative_after"]) for one, _ in found]
    assert counts == [(0, 5), (5, 7), (7, 7), (7, 2)]
    at = (*TIER_KEY, "at")
    assert [writes for _, writes in found] == [
        {at: NOON_US + 10, TIER_KEY: 5}, {at: NOON_US + 10, TIER_KEY: 7}, {},
        {at: NOON_US + 11, TIER_KEY: 2},
    ]  # fmt: skip
    assert [exact(one) for one, _ in found] == [10, 4, 0, -10]
    last = found[-1][0].working.priced.climb
    assert last is not None
    assert (last.amount, last.repriced) == (-10, -10), "all of it changes what was charged before"


def test_each_distinct_value_is_counted_once() -> None:
    events = [usage(1, service="api", apn=apn) for apn in ("one", "one", "two")]
    found = counted("unique", *events, of="apn")
    value = (*TIER_KEY, "value")
    assert [writes for _, writes in found] == [
        {(*value, "one"): 1, TIER_KEY: 1}, {TIER_KEY: 1}, {(*value, "two"): 1, TIER_KEY: 2},
    ]  # fmt: skip


def test_an_exchanged_amount_is_counted_half_up() -> None:
    tiers = Tiers("t", "graduated", (tier(0, 0, 1),), "amount")
    snapshot = replace(with_price(FREE, tiers=tiers), fx_days=100_000,
                       fx={("USD", "EUR"): ((0, Fraction(1, 2)),)})  # fmt: skip
    amounts = {"0.000000001": 1, "0.000000003": 2, "-0.000000001": -1, "3": 3 * NANO // 2}
    for text, nano in amounts.items():
        event = usage(1, service="api", source_amount=text, source_currency="USD")
        assert rate(snapshot, event).writes == {TIER_KEY: nano}


def test_what_lasts_is_a_series_of_levels() -> None:
    """Whole seconds count; an event between two others changes what lasted up to the later one."""
    times = (("12:00:00.9", 3), ("12:00:10.1", 0), ("12:00:04", 5))
    events = [usage(size, f"2026-01-15T{time}Z", service="api") for time, size in times]
    tiers = Tiers("t", "graduated", (tier(0, 0, 2),), "time_weighted")
    book, counters = Rulebook(with_price(FREE, tiers=tiers)), Counters()
    found = []
    for number, event in enumerate(events):
        made = book.rate(row_of(event), counters.used, counters.series)
        keep(made, counters)
        (charge,) = made.charges
        found.append(charge.working.reads)
        assert charge.points == {TIER_KEY: [(event.start_time, number, event.quantity)]}
        assert charge.row["counters"] == " ".join(map(str, charge.working.reads))
        assert charge.writes == {TIER_KEY: charge.working.reads[1]}
    assert found == [(0, 0), (0, 30), (30, 12 + 30)]
    assert area(()) == 0


def test_a_percentile_is_a_series_of_values() -> None:
    tiers = Tiers("t", "graduated", (tier(0, 0, 2),), "percentile", percentile=50)
    snapshot = with_price(FREE, tiers=tiers)
    found = charges(snapshot, api(5, 9, 7))
    assert [one.working.reads for one in found] == [(0, 5), (5, 5), (5, 7)]
    assert [one.points for one in found] == [
        {TIER_KEY: [(5, 0, 0)]}, {TIER_KEY: [(9, 1, 0)]}, {TIER_KEY: [(7, 2, 0)]},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("count", "percentile", "rank"),
    [(1, 1, 1), (1, 99, 1), (2, 50, 1), (2, 51, 2), (100, 99, 99), (100, 50, 50), (99, 99, 99), (10, 91, 10)],
)  # fmt: skip
def test_the_nearest_rank(count: int, percentile: int, rank: int) -> None:
    assert nearest_rank([(value, 0, 0) for value in range(1, count + 1)], percentile) == rank


def test_no_value_has_no_rank() -> None:
    assert nearest_rank((), 95) == 0


def test_a_partners_leg_counts_in_the_operators_zone_and_under_its_run() -> None:
    """Half an hour before February begins in UTC it has begun in Kolkata, and not in New York."""
    tiers = Tiers("t", "graduated", (tier(0, 0, 2),))
    snapshot = with_price(FREE, tiers=tiers)
    carrier = Partner(
        "c", "wholesale", "cost", "trunk_out", frozenset({"t"}), {("api", "mo"): "tariff"}
    )
    snapshot = replace(
        with_offer(snapshot, time_zone="America/New_York"),
        time_zone="Asia/Kolkata",
        partners=(carrier,),
    )
    event = usage(3, "2026-01-31T23:30:00Z", service="api", trunk_out="t")
    retail, leg = charges(snapshot, [event])
    assert retail.writes == {("tiers", "subscription", "s", "t", "2026-01"): 3}
    assert leg.writes == {("tiers:wholesale", "subscription", "s", "t", "2026-02"): 3}
    assert [one.row["bill_period"] for one in (retail, leg)] == ["2026-01", "2026-02"]
    assert [one.row["fate_change"] for one in (retail, leg)] == [1, 0]


def test_partners_tiers_are_provisional() -> None:
    steps = (tier(0, 5, 2, 10), tier(100, 7, 1))
    tiers = Tiers("t", "graduated", steps, scope="partner")
    charge = rate(with_price(FREE, tiers=tiers), api(3)[0], used=50)
    assert charge.working.priced.climb == Climb(tiers, "2026-01", 0, 3, Fraction(6), Fraction(0))
    assert (charge.writes, charge.working.reads) == ({}, ())


def test_volume_tiers_change_the_price_of_what_was_counted_before() -> None:
    """Beyond 10 each costs 5 and the flat price is 3: before it was 2 and blocks of four at 10."""
    tiers = Tiers("t", "volume", STEPS)
    snapshot = with_price(FREE, tiers=tiers)
    found = {}
    for used, units in ((0, 12), (1, 11), (8, 4), (12, 4), (8, 0)):
        climb = rate(snapshot, api(units)[0], used=used).working.priced.climb
        assert climb is not None
        found[used, units] = (climb.amount, climb.repriced)
    assert found == {
        (0, 12): (63, 0), (1, 11): (63 - 42, 8 - 42), (8, 4): (63 - 82, 43 - 82), (12, 4): (20, 0),
        (8, 0): (0, 0),
    }  # fmt: skip


def test_what_is_read_is_kept_in_the_order_of_reading() -> None:
    """A counter is read once; what was written of it is what it holds."""
    asked: list[tuple[str, ...]] = []

    def used(key: tuple[str, ...]) -> int:
        asked.append(key)
        return len(asked)

    tally = Tally(used)
    assert [tally.used(key) for key in (("b",), ("a",), ("b",))] == [1, 2, 1]
    tally.write(("b",), 9)
    assert tally.used(("b",)) == 9
    assert tally.measured(("c",), lambda: 5) == 5
    assert tally.reads == {("b",): 1, ("a",): 2, ("c", "measured"): 5}
    assert asked == [("b",), ("a",)]
    tally.add(("s",), (2, 0, 0))
    tally.take({("a",): 4}, {("s",): [(1, 1, 1)]})
    assert tally.writes == {("b",): 9, ("a",): 4}
    assert tally.series(("s",)) == ((1, 1, 1), (2, 0, 0))
    assert tally.series(("none",)) == ()


def recorded() -> Iterator[int]:
    return iter([7, 8, 9])


def test_what_was_recorded_is_given_in_its_order_and_then_nothing() -> None:
    tally = RecordedTally(recorded())
    assert [tally.used(("a",)), tally.measured(("b",), lambda: 0)] == [7, 8]
    assert [tally.measured(("b",), lambda: 0), tally.used(("c",))] == [9, 0]
    assert tally.measured(("d",), lambda: 1) == 0
    assert tally.series(("b",)) == ()


def test_amounts_that_were_recorded_are_in_the_currency_of_the_leg() -> None:
    """Which runs there were is not known: whichever is asked for has the next amount."""
    amounts = RecordedAmounts(recorded(), "EUR")
    assert [amounts["retail"], amounts.get("wholesale"), amounts["x"]] == [
        (7, "EUR"), (8, "EUR"), (9, "EUR"),
    ]  # fmt: skip
    with pytest.raises(KeyError, match="retail"):
        amounts["retail"]
    assert amounts.get("retail") is None
    assert (list(amounts), len(amounts)) == ([], 0)
