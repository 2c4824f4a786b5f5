"""Steps of a charge with every value, and the columns of its row."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from schemas.columns import micros_from_text
from tallywire.catalog.snapshot import FOREVER_US, Group, Partner, Rounding, Snapshot, Variant
from tallywire.catalog.terms import (
    Allowance,
    Balance,
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
from tallywire.rating.rulebook import Charge, Rulebook, Step
from tests.priced import (
    SECOND,
    charges,
    exact,
    group,
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
NANO = 10**9
MINUTE = 60 * SECOND
START = micros_from_text("2026-01-15T12:00:00Z")
assert isinstance(START, int)


def steps(charge: Charge, *names: str) -> list[Step]:
    """The steps of some names, in their order; of no name all."""
    return [step for step in charge.steps if not names or step.name in names]


def named(charge: Charge) -> list[str]:
    return [step.name for step in charge.steps]


def test_every_step_of_a_plain_charge() -> None:
    rows = (("47", "norway", 0, 3, 0, FOREVER_US),)
    snapshot = one_tariff(
        Group(0, 2, (Fraction(1, 3),)), service="api", prefixes=rows, rounding=Rounding("up", 2)
    )
    charge = rate(snapshot, usage(3, service="api"))
    assert steps(charge) == [
        Step("usage", {
            "service": "api", "quantity": 3, "unit": "count", "start_us": START, "time_zone": "UTC",
        }),
        Step("tariff", {
            "offer": "offer", "run": "retail", "service": "api", "direction": "mo",
            "tariff": "tariff", "revision": 3, "choice": 0,
        }),
        Step("prefix", {
            "field": "b_number", "number": "4790012345", "prefix": "47", "zone": "norway",
            "price_no": 0,
        }),
        Step("increments", {
            "used": 3, "counted": 4, "unit": "count", "converted": False,
            "groups": [{"from": 0, "step": 2}],
        }),
        Step("price", {
            "band": "all", "bands": 1, "way": "quantity", "quantity": 4, "free": 0,
            "unit": "count", "rate": Fraction(1, 3), "amount": Fraction(4, 3), "priced": True,
            "currency": "EUR", "time_zone": "UTC",
        }),
        Step("rounding", {
            "exact": Fraction(4, 3), "mode": "up", "scale": 2, "charge": Fraction(134, 100),
            "currency": "EUR",
        }),
    ]  # fmt: skip


def test_the_stretches_of_a_call_have_instants() -> None:
    """Eight minutes from 11:58 in bands of their own groups: those of the first band are told."""
    groups = (
        Group(0, MINUTE, (Fraction(1), Fraction(2)), (0,)),
        Group(0, 2 * MINUTE, (Fraction(1), Fraction(2)), (1,)),
    )
    calendar = peak_calendar("UTC", 720, 724)
    snapshot = one_tariff(*groups, calendar=calendar)
    charge = rate(snapshot, usage(8 * MINUTE, "2026-01-15T11:58:00Z"))
    (increments,) = steps(charge, "increments")
    assert increments.facts["groups"] == [{"from": 0, "step": MINUTE}]
    found = steps(charge, "price")
    begin = START - 2 * MINUTE
    assert [(one.facts["band"], one.facts["quantity"], one.facts["from_us"], one.facts["until_us"])
            for one in found] == [
        ("off", 2 * MINUTE, begin, START),
        ("peak", 4 * MINUTE, START, START + 4 * MINUTE),
        ("off", 2 * MINUTE, START + 4 * MINUTE, START + 6 * MINUTE),
    ]  # fmt: skip
    assert [one.facts["bands"] for one in found] == [2, 2, 2]
    peak = rate(snapshot, usage(MINUTE))
    (increments,) = steps(peak, "increments")
    assert increments.facts["groups"] == [{"from": 0, "step": 2 * MINUTE}]


def test_what_is_converted_has_no_unit_of_usage() -> None:
    minutes = Allowance(
        "min", frozenset({"voice"}), frozenset(), "microsecond", 1, overage=Fraction(5)
    )
    tiers = Tiers("t", "graduated", (Tier(0, Fraction(0), Fraction(1)),))
    snapshot = with_price(one_tariff(group(0, 1, "60"), allowances=(minutes,)), tiers=tiers)
    for conversion, unit in ((None, "microsecond"), (Conversion(1, MINUTE, "up"), "count")):
        charge = rate(with_tariff(snapshot, conversion=conversion), usage(3 * MINUTE))
        told = steps(charge, "increments", "allowance", "price", "fair_use", "tiers")
        assert [one.name for one in told] == [
            "increments",
            "allowance",
            "price",
            "fair_use",
            "tiers",
        ]
        assert [one.facts["unit"] for one in told] == [unit] * 5
        assert told[0].facts["converted"] is (conversion is not None)
        assert charge.steps[0].facts["unit"] == "microsecond"


def test_the_attributes_that_decided_a_price() -> None:
    """Of the first variant that fits, by what the usage has; without one there is no such step."""
    price = EACH.tariffs["tariff"].prices[0]
    when = (
        Condition("origin_zone", frozenset({"norway", "sweden"})),
        Condition("attributes.class", frozenset({"gold"})),
        Condition("apn", frozenset({"internet"})),
    )
    never = (Condition("apn", frozenset({"never"})),)
    first = replace(price, variants=(Variant(never, 1), Variant(when, 2)))
    snapshot = with_tariff(EACH, prices=(first, price, price), origins={"47": "norway"})
    event = usage(1, service="api", a_number="4790", apn="internet", attributes={"class": "gold"})
    charge = rate(snapshot, event)
    assert named(charge)[2:5] == ["prefix", "attributes", "increments"]
    matched = [("origin_zone", "norway"), ("attributes.class", "gold"), ("apn", "internet")]
    assert steps(charge, "attributes") == [Step("attributes", {"matched": matched})]
    assert steps(charge, "prefix")[0].facts["price_no"] == 2
    assert "attributes" not in named(rate(snapshot, usage(1, service="api")))


def test_a_partners_leg_says_whose_it_is() -> None:
    carrier = Partner(
        "c", "wholesale", "cost", "trunk_out", frozenset({"t"}), {("api", "mo"): "tariff"}
    )
    _, leg = charges(replace(EACH, partners=(carrier,)), [usage(1, service="api", trunk_out="t")])
    assert leg.steps[1] == Step("leg", {"run": "wholesale", "side": "cost", "party": "c"})
    assert (leg.steps[2].facts["offer"], leg.steps[2].facts["run"]) == ("", "wholesale")


def test_an_allowance_with_what_was_carried_over_and_fair_use() -> None:
    pool = Allowance("pool", frozenset({"api"}), frozenset(), "count", 10, scope="account",
                     period="week", rollover=Rollover(1, 5), overage=Fraction(1, 50))  # fmt: skip
    snapshot = with_offer(EACH, allowances=(pool,), time_zone="Europe/Oslo")
    charge = rate(snapshot, usage(30, service="api"), used=2)
    assert named(charge)[3:] == ["increments", "allowance", "price", "fair_use", "rounding"]
    assert steps(charge, "allowance", "fair_use") == [
        Step("allowance", {
            "allowance": "pool", "period": "2026-W03", "scope": "account", "carried": 5,
            "time_zone": "Europe/Oslo", "unit": "count", "before": 13, "covered": 13, "after": 0,
            "beyond": 17,
        }),
        Step("fair_use", {
            "allowance": "pool", "quantity": 17, "unit": "count", "rate": Fraction(1, 50),
            "amount": Fraction(17, 50), "currency": "EUR",
        }),
    ]  # fmt: skip
    (price,) = steps(charge, "price")
    assert (price.facts["quantity"], price.facts["free"], price.facts["amount"]) == (30, 30, 0)


TIERS = Tiers("t", "volume", (Tier(0, Fraction(0), Fraction(2)), Tier(10, Fraction(0), Fraction(1))),
              scope="account")  # fmt: skip


def test_what_is_added_to_the_price_of_the_steps() -> None:
    """A fee, tiers and a share; a rate of nothing is not told where these say what it costs."""
    snapshot = with_price(FREE, connect_fee=Fraction(3), tiers=TIERS, share=Fraction(1, 4))
    event = usage(6, service="api", source_amount="8")
    charge = rate(snapshot, event, used=8)
    assert named(charge)[4:] == ["connect_fee", "tiers", "share", "rounding"]
    assert steps(charge)[4:7] == [
        Step("connect_fee", {"amount": Fraction(3), "currency": "EUR"}),
        Step("tiers", {
            "counter": "t", "mode": "volume", "measure": "sum", "scope": "account",
            "provisional": False, "period": "2026-01", "unit": "count", "before": 8, "after": 14,
            "repriced": Fraction(-8), "amount": Fraction(-2), "currency": "EUR",
        }),
        Step("share", {
            "of": "source_amount", "base": Fraction(8), "share": Fraction(1, 4),
            "amount": Fraction(2), "currency": "EUR",
        }),
    ]  # fmt: skip
    assert exact(charge) == 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, [True]),
        ({"tiers": TIERS}, []),
        ({"share": Fraction(1)}, []),
        ({"tiers": TIERS, "share": Fraction(1)}, []),
    ],
)
def test_a_rate_of_nothing_is_told_where_there_is_no_other_price(
    change: dict[str, Any], told: list[bool]
) -> None:
    event = usage(6, service="api", source_amount="8")
    found = steps(rate(with_price(FREE, **change), event), "price")
    assert [one.facts["priced"] for one in found] == told
    priced = steps(rate(with_price(EACH, **change), event), "price")
    assert [one.facts["priced"] for one in priced] == [True]
    units = Allowance("units", frozenset({"api"}), frozenset(), "count", 4)
    covered = with_offer(with_price(FREE, **change), allowances=(units,))
    found = steps(rate(covered, event), "price")
    assert [(one.facts["priced"], one.facts["free"]) for one in found] == [(not change, 4)]


def test_what_takes_off_and_puts_on_follows_in_its_order() -> None:
    """10, a fifth off, a voucher of 3 with 2 left, at most 5; then of 1 at least 4."""
    fifth = Discount("fifth", (DiscountStep(0, Fraction(20)),))
    voucher = Discount("voucher", amount=Fraction(3), currency="EUR")
    snapshot = with_offer(EACH, discounts=(fifth, voucher))
    snapshot = with_price(snapshot, maximum_charge=Fraction(5), minimum_charge=Fraction(4))
    charge = rate(snapshot, usage(10, service="api"), used=NANO)
    assert steps(charge)[5:-1] == [
        Step("discount", {
            "discount": "fifth", "before": Fraction(10), "amount": Fraction(-2),
            "percent": Fraction(20), "period": "", "currency": "EUR",
        }),
        Step("discount", {
            "discount": "voucher", "before": Fraction(8), "amount": Fraction(-2),
            "percent": Fraction(25), "period": "2026-01", "currency": "EUR",
        }),
        Step("maximum", {
            "before": Fraction(6), "most": Fraction(5), "amount": Fraction(-1), "currency": "EUR",
        }),
    ]  # fmt: skip
    charge = rate(snapshot, usage(1, service="api"), used=2 * NANO)
    assert steps(charge)[6:-1] == [
        Step("discount", {
            "discount": "voucher", "before": Fraction(4, 5), "amount": Fraction(-4, 5),
            "percent": Fraction(100), "period": "2026-01", "currency": "EUR",
        }),
        Step("minimum", {
            "before": Fraction(0), "least": Fraction(4), "amount": Fraction(4), "currency": "EUR",
        }),
    ]  # fmt: skip
    row = rate(snapshot, usage(1, service="api")).row
    assert (row["minimum_applied"], row["maximum_applied"]) == (1, 0)
    assert row["discount"] == 1


def test_a_discount_that_has_counted_nothing_yet_still_has_its_period() -> None:
    """Off nothing it is nothing per cent."""
    voucher = Discount("voucher", amount=Fraction(3), currency="EUR")
    charge = rate(with_offer(FREE, discounts=(voucher,)), usage(1, service="api"))
    (step,) = steps(charge, "discount")
    assert (step.facts["period"], step.facts["percent"], step.facts["amount"]) == ("2026-01", 0, 0)


def test_another_currency_the_commitment_and_the_limit_of_a_period() -> None:
    """10 EUR are 100 SEK; 60 lie beyond the commitment and count double; 130 are left of 150."""
    promise = Spend("promise", "SEK", committed=Fraction(60), overage=Fraction(2))
    cap = Spend("cap", "SEK", maximum=Fraction(150), period="year")
    money = Balance("money", "SEK")
    snapshot = with_offer(EACH, spends=(promise, cap), currency="SEK", balances=(money,))
    snapshot = replace(
        snapshot, fx={("EUR", "SEK"): ((0, Fraction(10)),)}, fx_days=100_000,
        grants={("subscription", "s", "money"): (Grant("top", 50 * NANO),)},
    )  # fmt: skip
    charge = rate(snapshot, usage(10, service="api"), used=20 * NANO)
    assert steps(charge)[5:] == [
        Step("exchange", {
            "fx_rate": Fraction(10), "from": "EUR", "before": Fraction(10),
            "amount": Fraction(90), "after": Fraction(100), "currency": "SEK",
        }),
        Step("overage", {
            "spend": "promise", "committed": Fraction(60), "factor": Fraction(2),
            "amount": Fraction(60), "currency": "SEK", "period": "2026-01",
        }),
        Step("limit", {
            "spend": "cap", "most": Fraction(150), "charged": Fraction(20),
            "amount": Fraction(-30), "currency": "SEK", "period": "2026",
        }),
        Step("rounding", {
            "exact": Fraction(130), "mode": "half_up", "scale": 6, "charge": Fraction(130),
            "currency": "SEK",
        }),
        Step("balance", {
            "balance": "money", "grant": "top", "before": Fraction(30), "paid": Fraction(30),
            "after": Fraction(0), "currency": "SEK",
        }),
    ]  # fmt: skip
    row = charge.row
    assert (row["amount"], row["currency"], row["fx_rate"]) == (130, "SEK", "10")
    assert (row["spend_change"], row["balance_paid"]) == (30, 30)
    plain = with_offer(snapshot, spends=())
    (step,) = steps(rate(plain, usage(10, service="api")), "exchange")
    assert (step.facts["before"], step.facts["after"]) == (10, 100)


def test_the_amounts_of_the_steps_add_up_to_the_exact_charge() -> None:
    """Where a balance pays a part, what is left of it is told too."""
    money = Balance("money", "EUR")
    fifth = Discount("fifth", (DiscountStep(0, Fraction(20)),))
    snapshot = with_price(EACH, tiers=TIERS, connect_fee=Fraction(3), maximum_charge=Fraction(20))
    snapshot = with_offer(snapshot, balances=(money,), discounts=(fifth,))
    grants = {("subscription", "s", "money"): (Grant("top", 50 * NANO),)}
    charge = rate(replace(snapshot, grants=grants), usage(10, service="api"))
    parts = [step.facts["amount"] for step in charge.steps if "amount" in step.facts]
    assert parts == [10, 3, 20, Fraction("-6.6"), Fraction("-6.4")]
    (balance,) = steps(charge, "balance")
    assert [balance.facts[name] for name in ("before", "paid", "after")] == [50, 20, 30]


def test_a_row_of_a_call_with_everything() -> None:
    """All columns that rating adds to the event, where every one of them has something to say."""
    pool = Allowance("pool", frozenset({"voice"}), frozenset(), "microsecond", 60 * SECOND,
                     topped_up=True)  # fmt: skip
    snapshot = one_tariff(
        group(0, 60, "1", "2"), calendar=peak_calendar("Europe/Oslo", 780, 781), fee="0.5",
        rounding=Rounding("down", 1), allowances=(pool,), time_zone="Asia/Kolkata",
        prefixes=(("47", "norway", 0, 3, 0, FOREVER_US),),
    )  # fmt: skip
    snapshot = with_tariff(snapshot, tax_category="S", legal_entity="Unit", gl_code="4711")
    tiers = Tiers("t", "volume", (Tier(0, Fraction(0), Fraction(1, 10**8)),
                                  Tier(60 * SECOND, Fraction(0), Fraction(1, 10**9))))  # fmt: skip
    snapshot = with_price(snapshot, tiers=tiers, maximum_charge=Fraction("3.25"))
    grants = {("subscription", "s", "pool"): (Grant("more", 30 * SECOND, 0, START + 1),)}
    snapshot = replace(snapshot, grants=grants)
    event = row_of(usage(200 * SECOND, "2026-01-15T11:59:00Z", account_id="a"))
    (charge,) = Rulebook(snapshot).rate(event, lambda _: 20 * SECOND).charges
    row = dict(charge.row)
    assert {name: row.pop(name) for name in event} == event
    assert row.pop("rated_id") == charge.row["rated_id"]
    assert row == {
        "run": "retail", "side": "revenue", "party_id": "", "op": "charge", "version": 1,
        "tariff_id": "tariff", "tariff_revision": 3, "zone_id": "norway", "matched_prefix": "47",
        "price_no": 0, "bands": "off+peak", "time_zone": "Europe/Oslo",
        "rated_quantity": 240 * SECOND, "included_quantity": 50 * SECOND, "allowance_id": "pool",
        "allowance_before": 40 * SECOND, "allowance_after": 0,
        "cumulative_before": 20 * SECOND, "cumulative_after": 210 * SECOND,
        "counters": "20000000 20000000 20000000", "usage_rating_tag": "mixed",
        "connect_fee": Decimal("0.5"), "minimum_applied": 0, "maximum_applied": 1,
        "repriced": Decimal("-0.18"), "discount": 0, "spend_change": 0,
        "amount_numerator": 307, "amount_denominator": 100, "amount": 3,
        "rounding_mode": "down", "rounding_scale": 1, "rounding_difference": Decimal("-0.07"),
        "currency": "EUR", "fx_rate": "", "balance_paid": 0, "tax_category": "S",
        "legal_entity": "Unit", "gl_code": "4711", "bill_period": "2026-01", "fate_change": 1,
        "rater": "rulebook", "catalog_hash": "hash", "engine_version": "1",
    }  # fmt: skip


UNITS = Allowance("units", frozenset({"api"}), frozenset(), "count", 10)
MORE = replace(UNITS, allowance_id="more")
SUM = Tiers("t", "graduated", (Tier(0, Fraction(0), Fraction(1)),))


@pytest.mark.parametrize(
    ("snapshot", "told"),
    [
        (EACH, ""),
        (with_offer(EACH, allowances=(UNITS,)), ""),
        (with_price(EACH, tiers=SUM), ""),
        (with_offer(with_price(EACH, tiers=SUM), allowances=(UNITS,)), ""),
        (with_offer(EACH, allowances=(UNITS, MORE)), "7 7"),
        (with_offer(EACH, allowances=(replace(UNITS, rollover=Rollover(1, 5)),)), "7 7"),
        (with_price(EACH, tiers=replace(SUM, scope="partner")), ""),
        (with_offer(with_price(EACH, tiers=replace(SUM, scope="partner")), allowances=(UNITS,)), ""),
        (with_offer(EACH, spends=(Spend("p", "EUR", minimum=Fraction(9)),)), "7"),
        (with_price(EACH, tiers=replace(SUM, measure="latest")), "7 7"),
        (replace(with_offer(EACH, allowances=(replace(UNITS, quantity=0, topped_up=True),)),
                 grants={("subscription", "s", "units"): (Grant("more", 9),)}), "7"),
    ],
)  # fmt: skip
def test_counters_are_kept_where_no_other_column_tells_them(snapshot: Snapshot, told: str) -> None:
    assert rate(snapshot, usage(5, service="api"), used=7).row["counters"] == told


def test_columns_of_allowances_are_those_of_the_last_that_was_asked() -> None:
    row = rate(with_offer(EACH, allowances=(UNITS, MORE)), usage(15, service="api")).row
    assert (row["allowance_id"], row["allowance_before"], row["allowance_after"]) == ("more", 10, 5)
    assert (row["included_quantity"], row["usage_rating_tag"]) == (15, "included")
    row = rate(EACH, usage(15, service="api")).row
    assert (row["cumulative_before"], row["cumulative_after"], row["repriced"]) == (-1, -1, 0)
    assert (row["connect_fee"], row["discount"], row["spend_change"]) == (0, 0, 0)
    assert (row["rounding_difference"], row["tax_category"], row["gl_code"]) == (0, "", "")


def test_what_takes_off_and_puts_on_is_summed_in_its_columns() -> None:
    half, tenth = (Discount(name, (DiscountStep(0, Fraction(percent)),))
                   for name, percent in (("half", 50), ("tenth", 10)))  # fmt: skip
    promise = Spend("p", "EUR", committed=Fraction(1), overage=Fraction(3))
    caps = tuple(Spend(f"cap{most}", "EUR", maximum=Fraction(most)) for most in (9, 8))
    snapshot = with_offer(EACH, discounts=(half, tenth), spends=(promise, *caps))
    row = rate(snapshot, usage(10, service="api")).row
    assert (row["discount"], row["spend_change"], row["amount"]) == (
        Decimal("5.5"),
        Decimal("3.5"),
        8,
    )


def test_a_tariff_may_name_its_legal_entity_and_an_offer_its_currency() -> None:
    """Else it is the operator's, and the tariff's; what is in one currency is not exchanged."""
    own = with_tariff(EACH, legal_entity="Unit", tax_category="S", gl_code="4711")
    row = rate(own, usage(1, service="api")).row
    assert (row["legal_entity"], row["tax_category"], row["gl_code"]) == ("Unit", "S", "4711")
    same = rate(with_offer(EACH, currency="EUR"), usage(1, service="api"))
    assert (same.row["currency"], same.row["fx_rate"], "exchange" in named(same)) == (
        "EUR",
        "",
        False,
    )


def test_bounds_of_an_event() -> None:
    """Usage that an allowance pays in full has no least charge; a bound that is met changes nothing."""
    bounded = with_price(EACH, minimum_charge=Fraction(4), maximum_charge=Fraction(6))
    bounded = with_price(bounded, connect_fee=Fraction(1))
    found = {}
    for units in (0, 1, 3, 4, 5, 6):
        row = rate(bounded, usage(units, service="api")).row
        found[units] = (int(row["amount"]), row["minimum_applied"], row["maximum_applied"])
    assert found == {
        0: (0, 0, 0), 1: (4, 1, 0), 3: (4, 0, 0), 4: (5, 0, 0), 5: (6, 0, 0), 6: (6, 0, 1),
    }  # fmt: skip
    included = with_offer(bounded, allowances=(UNITS,))
    assert [
        int(rate(included, usage(units, service="api")).row["amount"]) for units in (10, 11)
    ] == [0, 4]


def test_bounds_leave_alone_what_earlier_usage_costs_less_now() -> None:
    """12 would cost 12; that the first 10 cost 10 less is no charge of the event's own.

    A discount of a half halves both.
    """
    volume = replace(TIERS, scope="subscription")
    snapshot = with_price(
        FREE, tiers=volume, minimum_charge=Fraction(4), maximum_charge=Fraction(100)
    )
    assert exact(rate(snapshot, usage(2, service="api"), used=10)) == 4 - 10
    half = Discount("half", (DiscountStep(0, Fraction(50)),))
    assert (
        exact(rate(with_offer(snapshot, discounts=(half,)), usage(2, service="api"), used=10)) == -1
    )
    capped = with_price(snapshot, maximum_charge=Fraction(5), minimum_charge=Fraction(0))
    assert exact(rate(capped, usage(20, service="api"), used=10)) == 5 - 10
    assert exact(rate(capped, usage(10, service="api"), used=10)) == 5 - 10, "all of it comes to 0"


@pytest.mark.parametrize(
    ("terms", "units", "amount"),
    [({}, (2, 7), 5), ({"overage": Fraction(1, 10)}, (2, 2), Fraction(1, 2))],
)
def test_tiers_count_what_no_allowance_pays_or_prices(
    terms: dict[str, Any], units: tuple[int, int], amount: Fraction
) -> None:
    """15 units: 10 are included, the others are counted or have the price beyond fair use."""
    snapshot = with_offer(with_price(FREE, tiers=SUM), allowances=(replace(UNITS, **terms),))
    (charge,) = (
        Rulebook(snapshot)
        .rate(row_of(usage(15, service="api")), lambda key: 2 if key[0] == "tiers" else 0)
        .charges
    )
    row = charge.row
    assert (row["cumulative_before"], row["cumulative_after"]) == units
    assert exact(charge) == amount


def test_a_connection_fee_is_charged_where_some_usage_is_not_included() -> None:
    snapshot = with_offer(with_price(FREE, connect_fee=Fraction(3)), allowances=(UNITS,))
    fees = [rate(snapshot, usage(units, service="api")).row["connect_fee"] for units in (0, 10, 11)]
    assert fees == [0, 0, 3]
