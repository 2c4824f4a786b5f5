"""Terms of prices and offers where they meet each other, and what could go wrong there."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest

from schemas.columns import micros_from_text, rows_to_frame
from schemas.reasons import Reason
from schemas.usage import UsageEvent
from tallywire.calendar import period_end, period_of, periods_before
from tallywire.catalog.snapshot import FOREVER_US, Group, Offer, Partner, Rounding, Snapshot
from tallywire.catalog.terms import (
    Allowance,
    Condition,
    Conversion,
    Discount,
    DiscountStep,
    Grant,
    Rollover,
    Spend,
    Tier,
    Tiers,
)
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Outcome, Rater
from tallywire.rating.explain import words
from tallywire.rating.rulebook import Rulebook
from tests.priced import (
    SECOND,
    charges,
    exact,
    group,
    one_tariff,
    peak_calendar,
    rate,
    refuse,
    row_of,
    usage,
    with_offer,
    with_price,
    with_tariff,
)

EACH = one_tariff(Group(0, 1, (Fraction(1),)), service="api")
FREE = one_tariff(Group(0, 1, (Fraction(0),)), service="data")


def api(*sizes: int) -> list[UsageEvent]:
    return [usage(size, service="api") for size in sizes]


def costs(snapshot: Snapshot, events: list[UsageEvent]) -> list[Fraction]:
    return [exact(charge) for charge in charges(snapshot, events)]


def outcome(snapshot: Snapshot, *events: UsageEvent) -> Outcome:
    return Rater(snapshot).rate(rows_to_frame(list(events), UsageEvent), Counters())


def steps(*starts: int) -> tuple[Tier, ...]:
    return tuple(Tier(start, Fraction(0), Fraction(1)) for start in starts)


def with_partner(snapshot: Snapshot, *partners: Partner) -> Snapshot:
    return replace(snapshot, partners=partners)


CARRIER = Partner(
    "carrier", "wholesale", "cost", "trunk_out", frozenset({"t1"}), {("api", "mo"): "tariff"}
)


@pytest.mark.parametrize("order", ["scan", "sequential"])
def test_each_leg_counts_its_tiers_apart(order: str) -> None:
    tiers = Tiers("t", "graduated", (Tier(0, Fraction(0), Fraction(1)),
                                     Tier(10, Fraction(0), Fraction(3))))  # fmt: skip
    snapshot = with_partner(with_price(with_tariff(EACH, order=order), tiers=tiers), CARRIER)
    events = [usage(8, service="api", trunk_out="t1") for _ in range(2)]
    rows = outcome(snapshot, *events).rated.select("run", "cumulative_before", "cumulative_after")
    assert rows.rows() == [
        ("retail", 0, 8), ("wholesale", 0, 8), ("retail", 8, 16), ("wholesale", 8, 16),
    ]  # fmt: skip


@pytest.mark.parametrize("order", ["scan", "sequential"])
def test_partners_of_one_run_may_have_either_side(order: str) -> None:
    payer = replace(CARRIER, partner_id="payer", side="revenue", values=frozenset({"t2"}))
    snapshot = with_partner(with_tariff(EACH, order=order), CARRIER, payer)
    events = [usage(1, service="api", trunk_out=trunk) for trunk in ("t1", "t2", "t3")]
    legs = outcome(snapshot, *events).rated.select("party_id", "side").rows()
    assert legs == [("", "revenue"), ("carrier", "cost"), ("", "revenue"), ("payer", "revenue"),
                    ("", "revenue")]  # fmt: skip


def test_a_leg_that_is_asked_for_and_does_not_exist_is_told() -> None:
    asking = [usage(1, service="api", runs=runs, trunk_out="t2") for runs in ("x", "wholesale")]
    found = outcome(with_partner(EACH, CARRIER), *asking)
    assert found.rated.height == 0
    assert found.refused.select("reason", "missing_ref", "run", "records").rows() == [
        (Reason.TARIFF_MISSING, "x", "x", 0),
        (Reason.TARIFF_MISSING, "wholesale", "wholesale", 0),
    ]


@pytest.mark.parametrize("order", ["scan", "sequential"])
def test_rounding_none_keeps_nine_decimals(order: str) -> None:
    snapshot = one_tariff(group(0, 1, "0.10"), rounding=Rounding("none", 2))
    snapshot = with_tariff(snapshot, order=order)
    row = outcome(snapshot, usage(SECOND)).rated.row(0, named=True)
    assert row["amount"] == Decimal("0.001666667")
    assert row["rater"] == ("columnar" if order == "scan" else "rulebook")
    told = words(rate(snapshot, usage(SECOND)).steps)[-1]
    assert "rounded to 9 decimals (to the nearest" in told


@pytest.mark.parametrize("order", ["scan", "sequential"])
def test_converted_units_are_no_time(order: str) -> None:
    """A call of 100 seconds, priced by the begun minute, has the band that it began in."""
    calendar = peak_calendar("UTC", 720, 721)
    snapshot = one_tariff(Group(0, 1, (Fraction(1), Fraction(5))), calendar=calendar)
    snapshot = with_tariff(
        snapshot, conversion=Conversion(1, 60 * SECOND, "up"), straddle="prorate", order=order
    )
    events = [usage(100 * SECOND, f"2026-01-15T{time}Z") for time in ("11:59:59", "12:00:59")]
    rows = outcome(snapshot, *events).rated.select("rated_quantity", "bands", "amount").rows()
    assert rows == [(2, "off", 2), (2, "peak", 10)]
    told = " ".join(words(rate(snapshot, events[0]).steps))
    assert "Counted: 2 after conversion." in told
    assert "In the band off: 2 at EUR 1.00 each is EUR 2.00." in told


def test_a_conversion_to_more_than_anything_may_be_is_refused() -> None:
    calendar = peak_calendar("UTC", 720, 721)
    snapshot = one_tariff(group(0, 1, "1", "2"), calendar=calendar)
    snapshot = with_tariff(snapshot, conversion=Conversion(10**12, 1, "up"))
    assert refuse(snapshot, usage(10**12)).reason == Reason.QUANTITY_OUT_OF_RANGE


def test_a_batch_that_only_the_rulebook_sees_and_refuses() -> None:
    found = outcome(with_offer(EACH, spends=(Spend("s", "EUR"),)), usage(1, service="sms"))
    assert found.rated.height == 0
    assert found.rated.schema == outcome(EACH, *api(1)).rated.schema
    assert found.refused["reason"].to_list() == [Reason.TARIFF_MISSING]


def test_a_limit_is_not_passed_by_rounding_up() -> None:
    snapshot = with_offer(
        one_tariff(Group(0, 1, (Fraction(3, 10),)), service="api", rounding=Rounding("up", 0)),
        spends=(Spend("cap", "EUR", maximum=Fraction(5, 2)),),
    )
    amounts = [charge.row["amount"] for charge in charges(snapshot, api(1, 1, 1, 1))]
    assert amounts == [1, 1, 0, 0]


def test_limits_come_after_all_commitments() -> None:
    cap = Spend("cap", "EUR", maximum=Fraction(20))
    dear = Spend("dear", "EUR", committed=Fraction(5), overage=Fraction(10))
    for spends in ((cap, dear), (dear, cap)):
        assert costs(with_offer(EACH, spends=spends), api(6, 6)) == [15, 5]


HALVED = Tiers("t", "volume", (Tier(0, Fraction(0), Fraction(2)),
                               Tier(100, Fraction(0), Fraction(1))))  # fmt: skip


def test_what_a_limit_took_off_is_not_given_back_twice() -> None:
    """200 would have been charged, the cap made it 150; all of it again at 1 is 101."""
    tiered = with_price(one_tariff(Group(0, 1, (Fraction(0),)), service="api"), tiers=HALVED)
    capped = with_offer(tiered, spends=(Spend("cap", "EUR", maximum=Fraction(150)),))
    assert costs(capped, api(100, 1)) == [150, -49]
    low = with_offer(tiered, spends=(Spend("cap", "EUR", maximum=Fraction(50)),))
    assert costs(low, api(100, 1, 20)) == [50, 0, 0]


def test_what_lay_beyond_a_commitment_is_given_back_at_its_price() -> None:
    tiered = with_price(one_tariff(Group(0, 1, (Fraction(0),)), service="api"), tiers=HALVED)
    spend = Spend("c", "EUR", committed=Fraction(50), overage=Fraction(3))
    made = costs(with_offer(tiered, spends=(spend,)), api(100, 1))
    assert made == [50 + 3 * 150, 50 + 3 * 51 - 500]


def test_a_discount_by_spend_counts_in_the_currency_of_its_steps() -> None:
    discount = Discount(
        "d", (DiscountStep(0, Fraction(0)), DiscountStep(10 * 10**9, Fraction(50))), "spend",
        currency="EUR",
    )  # fmt: skip
    rates = {("EUR", "SEK"): ((0, Fraction(10)),)}
    snapshot = with_offer(EACH, discounts=(discount,), currency="SEK")
    snapshot = replace(snapshot, fx=rates, fx_days=100_000)
    assert costs(snapshot, api(8, 8, 4)) == [80, 50, 20]


POOL = Allowance("pool", frozenset({"api"}), frozenset(), "count", 10, scope="account",
                 rollover=Rollover(12, 100))  # fmt: skip


def test_a_pool_carries_over_since_the_account_has_had_it_whoever_asks() -> None:
    snapshot = with_offer(EACH, allowances=(POOL,))
    january, march = (micros_from_text(f"2026-0{month}-01T00:00:00Z") for month in (1, 3))
    rows = [
        ("msisdn", name, name, "a", "a", "offer", since, FOREVER_US)
        for name, since in (("old", january), ("new", march))
    ]
    holders = pl.DataFrame(rows, schema=snapshot.identifiers.schema, orient="row")
    snapshot = replace(snapshot, identifiers=holders)
    event = usage(1, "2026-03-15T00:00:00Z", service="api", account_id="a")
    for name in ("old", "new"):
        row = rate(snapshot, event.model_copy(update={"subscription_id": name})).row
        assert row["allowance_before"] == 30


def test_another_offer_without_the_allowance_gave_nothing_to_carry_over() -> None:
    snapshot = with_offer(EACH, allowances=(POOL,))
    snapshot = replace(snapshot, offers={**snapshot.offers, "before": Offer("before", {})})
    january, march = (micros_from_text(f"2026-0{month}-01T00:00:00Z") for month in (1, 3))
    rows = [
        ("msisdn", "1", "s", "a", "a", "before", january, march),
        ("msisdn", "1", "s", "a", "a", "offer", march, FOREVER_US),
    ]
    holders = pl.DataFrame(rows, schema=snapshot.identifiers.schema, orient="row")
    event = usage(1, "2026-03-15T00:00:00Z", service="api", account_id="a")
    assert rate(replace(snapshot, identifiers=holders), event).row["allowance_before"] == 10


def test_what_is_had_once_carries_nothing_over() -> None:
    once = replace(POOL, period="once", quantity=5)
    charge = rate(with_offer(EACH, allowances=(once,)), api(7)[0])
    assert (charge.row["included_quantity"], exact(charge)) == (5, 2)
    moment = usage(0).start_time
    assert period_of(moment, "UTC", "once") == "once"
    assert period_end(moment, "UTC", "once") == FOREVER_US
    assert periods_before(moment, "UTC", "once", 3) == []


def test_a_measure_over_63_bits_is_refused() -> None:
    tiers = Tiers("t", "graduated", steps(0), "time_weighted")
    book = Rulebook(with_price(FREE, tiers=tiers))
    late = usage(10**15, "2026-01-01T00:00:00Z", service="data")
    counters = Counters()
    for event in (late, usage(0, "2026-01-31T00:00:00Z", service="data")):
        made = book.rate(row_of(event), counters.used, counters.series)
        for key, point in made.points:
            counters.add(key, point)
    assert [one.reason for one in made.refusals] == [Reason.QUANTITY_OUT_OF_RANGE]
    assert list(made.points) == []


def test_negative_amounts_are_charged_as_they_are() -> None:
    """A refund that usage carries is given back in full: there is no least charge by itself."""
    snapshot = with_price(FREE, share=Fraction(1))
    event = usage(1, service="data", source_amount="-5")
    assert exact(rate(snapshot, event)) == -5
    counted = with_price(FREE, tiers=Tiers("t", "graduated", steps(0), "amount"))
    assert costs(counted, [event, usage(1, service="data", source_amount="7")]) == [0, 2 * 10**9]


def test_grants_of_others_and_of_other_times_are_left_alone() -> None:
    allowance = Allowance("units", frozenset({"api"}), frozenset(), "count", 0, topped_up=True)
    grants = {
        ("subscription", "s", "units"): (Grant("past", 5, 0, 1), Grant("now", 3)),
        ("subscription", "other", "units"): (Grant("theirs", 100),),
        ("account", "s", "units"): (Grant("scope", 100),),
    }
    snapshot = replace(with_offer(EACH, allowances=(allowance,)), grants=grants)
    assert costs(snapshot, api(10, 10)) == [7, 10]


def test_conditions_on_terms() -> None:
    gold = (Condition("attributes.class", frozenset({"gold"})),)
    allowance = Allowance("units", frozenset({"api"}), frozenset(), "count", 100, when=gold)
    discount = Discount("half", (DiscountStep(0, Fraction(50)),), when=gold)
    events = [usage(10, service="api", attributes=one) for one in ({"class": "gold"}, {})]
    assert costs(with_offer(EACH, allowances=(allowance,)), events) == [0, 10]
    assert costs(with_offer(EACH, discounts=(discount,)), events) == [5, 10]


def test_tenure_counts_whole_months() -> None:
    discount = Discount("new", (DiscountStep(0, Fraction(100)),), tenure_from=1, tenure_to=3)
    row = ("msisdn", "1", "s", "a", "r", "offer", micros_from_text("2026-01-15T12:00:00Z"), 2**62)
    holders = pl.DataFrame([row], schema=EACH.identifiers.schema, orient="row")
    snapshot = replace(with_offer(EACH, discounts=(discount,)), identifiers=holders)
    times = ["2026-02-15T11:59:59Z", "2026-02-15T12:00:00Z", "2026-04-15T11:59:59Z",
             "2026-04-15T12:00:00Z"]  # fmt: skip
    events = [usage(1, time, service="api") for time in times]
    assert costs(snapshot, events) == [1, 0, 0, 1]


def test_a_discount_may_require_another_product() -> None:
    discount = Discount("bundle", (DiscountStep(0, Fraction(20)),), requires=frozenset({"fibre"}))
    since = micros_from_text("2026-02-01T00:00:00Z")
    rows = [("msisdn", "1", "s", "a", "r", "offer", 0, 2**62),
            ("line", "9", "f", "a", "r", "fibre", since, 2**62)]  # fmt: skip
    holders = pl.DataFrame(rows, schema=EACH.identifiers.schema, orient="row")
    snapshot = replace(with_offer(EACH, discounts=(discount,)), identifiers=holders)
    events = [usage(10, f"2026-0{month}-15T00:00:00Z", service="api", account_id="a")
              for month in (1, 2)]  # fmt: skip
    assert costs(snapshot, events) == [10, 8]


HUGE = 10**30


@pytest.mark.parametrize(
    "snapshot",
    [
        one_tariff(Group(0, HUGE, (Fraction(1),)), service="data"),
        one_tariff(Group(0, 1, (Fraction(1),)), Group(HUGE, 1, (Fraction(1),)), service="data"),
        with_price(FREE, tiers=Tiers("t", "graduated", steps(0, HUGE))),
        with_price(FREE, tiers=Tiers("t", "graduated", (Tier(0, Fraction(0), Fraction(0), HUGE),))),
        with_offer(FREE, allowances=(Allowance("a", frozenset({"data"}), frozenset(), "octet", HUGE),)),
        with_tariff(FREE, conversion=Conversion(HUGE, HUGE, "up")),
        one_tariff(Group(0, 1, (Fraction(10**40),)), service="data"),
        one_tariff(Group(0, 1, (Fraction(1),)), service="data", fee=str(HUGE), most=str(HUGE)),
    ],
)  # fmt: skip
def test_a_catalogue_of_absurd_sizes_stops_no_lane(snapshot: Snapshot) -> None:
    """Such usage is charged or refused, one way or the other; the rater goes on."""
    found = outcome(snapshot, usage(5, service="data"), usage(6, service="data"))
    assert found.rated.height + found.refused.height == 2
