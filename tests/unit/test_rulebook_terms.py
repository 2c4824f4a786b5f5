"""Discounts, commitments and limits, balances, amounts: when they apply, and what they keep."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from schemas.columns import micros_from_text
from schemas.reasons import Reason
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import FOREVER_US, Group, Partner, Rounding, Snapshot
from tallywire.catalog.terms import (
    Allowance,
    Balance,
    Condition,
    Discount,
    DiscountStep,
    Grant,
    Spend,
    Tier,
    Tiers,
)
from tallywire.rating.counters import Counters
from tallywire.rating.rulebook import Charge, Refusal, Rulebook
from tallywire.rating.rulebook.amounts import Shared, exchange, nano_of
from tallywire.rating.rulebook.balances import Paid
from tallywire.rating.rulebook.discounts import Taken
from tallywire.rating.rulebook.spend import Spent
from tests.priced import (
    charges,
    exact,
    one_tariff,
    rate,
    refuse,
    row_of,
    usage,
    with_offer,
    with_price,
    with_tariff,
)

EACH = one_tariff(Group(0, 1, (Fraction(1),)), service="api")
FREE = one_tariff(Group(0, 1, (Fraction(0),)), service="api")
NANO = 10**9
DAY_US = 86_400_000_000
NOON = "2026-01-15T12:00:00Z"


def us(text: str) -> int:
    found = micros_from_text(text)
    assert isinstance(found, int)
    return found


def api(*sizes: int, **fields: Any) -> list[UsageEvent]:
    return [usage(size, service="api", **fields) for size in sizes]


def costs(snapshot: Snapshot, events: list[UsageEvent]) -> list[Fraction]:
    return [exact(charge) for charge in charges(snapshot, events)]


def held(*rows: tuple[str, str, str, int, int]) -> pl.DataFrame:
    """Identifiers: subscription, account, offer, since, until."""
    full = [("msisdn", str(number), line, account, "r", offer, since, until)
            for number, (line, account, offer, since, until) in enumerate(rows)]  # fmt: skip
    return pl.DataFrame(full, schema=EACH.identifiers.schema, orient="row")


def percents(*steps: tuple[int, int]) -> tuple[DiscountStep, ...]:
    return tuple(DiscountStep(start, Fraction(percent)) for start, percent in steps)


HALF = Discount("half", percents((0, 50)))


def origin(zone: str) -> tuple[Condition, ...]:
    return (Condition("origin_zone", frozenset({zone})),)


@pytest.mark.parametrize(
    ("terms", "applies"),
    [
        ({}, True),
        ({"services": frozenset({"api", "sms"})}, True),
        ({"services": frozenset({"sms"})}, False),
        ({"zones": frozenset({"world"})}, True),
        ({"zones": frozenset({"norway"})}, False),
        ({"currency": "EUR"}, True),
        ({"currency": "NOK"}, False),
        ({"valid_from_us": us(NOON)}, True),
        ({"valid_from_us": us(NOON) + 1}, False),
        ({"valid_to_us": us(NOON) + 1}, True),
        ({"valid_to_us": us(NOON)}, False),
        ({"when": origin("norway")}, True),
        ({"when": origin("sweden")}, False),
        ({"requires": frozenset({"fibre"})}, True),
        ({"requires": frozenset({"fibre", "tv"})}, True),
        ({"requires": frozenset({"tv"})}, False),
        ({"tenure_from": 12}, True),
        ({"tenure_from": 13}, False),
        ({"tenure_to": 13}, True),
        ({"tenure_to": 12}, False),
        ({"tenure_from": 12, "tenure_to": 13}, True),
        ({"tenure_from": 11, "tenure_to": 12}, False),
    ],
)
def test_whether_a_discount_applies(terms: dict[str, Any], applies: bool) -> None:
    since = us("2025-01-15T12:00:00Z")
    snapshot = replace(
        with_tariff(EACH, origins={"47": "norway"}),
        identifiers=held(
            ("s", "a", "offer", since, FOREVER_US), ("f", "a", "fibre", 0, FOREVER_US)
        ),
    )
    snapshot = with_offer(snapshot, discounts=(replace(HALF, **terms),))
    (event,) = api(10, account_id="a", a_number="4790")
    charge = rate(snapshot, event)
    assert exact(charge) == (5 if applies else 10)
    assert len(charge.working.taken) == applies


def test_another_product_is_had_from_its_first_instant_until_its_last() -> None:
    """Of somebody nobody knows no product is known."""
    bundle = with_offer(EACH, discounts=(replace(HALF, requires=frozenset({"fibre"})),))
    snapshot = replace(bundle, identifiers=held(("f", "a", "fibre", 100, 200)))
    found = [
        costs(snapshot, api(10, account_id="a", start_time=moment))[0]
        for moment in (99, 100, 199, 200)
    ]
    assert found == [10, 5, 5, 10]
    assert costs(snapshot, api(10, account_id="b", start_time=150)) == [10]


def test_a_subscription_that_nobody_knows_has_always_been() -> None:
    """From 1970 to the first of 2026 there are 672 months."""
    old = with_offer(EACH, discounts=(replace(HALF, tenure_from=672, tenure_to=673),))
    times = ("2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
    assert [costs(old, api(10, start_time=us(time)))[0] for time in times] == [10, 5, 10]


def test_tenure_counts_from_the_first_identifier_of_a_subscription() -> None:
    identifiers = held(
        ("s", "a", "offer", us("2026-01-10T00:00:00Z"), FOREVER_US),
        ("s", "a", "before", us("2025-01-10T00:00:00Z"), us("2026-01-10T00:00:00Z")),
        ("t", "a", "offer", us("2026-01-10T00:00:00Z"), FOREVER_US),
    )
    snapshot = with_offer(EACH, discounts=(replace(HALF, tenure_from=12),))
    snapshot = replace(snapshot, identifiers=identifiers)
    assert costs(snapshot, [*api(10), *api(10, subscription_id="t")]) == [5, 10]


def taken(charge: Charge) -> Taken:
    (found,) = charge.working.taken
    return found


def key(name: str, period: str = "2026-01", kind: str = "discount") -> tuple[str, ...]:
    return (kind, "subscription", "s", name, period)


def test_a_plain_percentage_counts_nothing() -> None:
    charge = rate(with_offer(EACH, discounts=(HALF,)), api(10)[0], used=7)
    assert taken(charge) == Taken(HALF, key("half"), Fraction(10), Fraction(5), -1, "2026-01")
    assert charge.writes == {}


def test_a_voucher_keeps_what_was_taken_of_it() -> None:
    """It takes at most the charge and at most what is left; what is given back it leaves alone."""
    voucher = Discount("voucher", amount=Fraction(5, 2), currency="EUR", period="year")
    snapshot = with_offer(EACH, discounts=(voucher,))
    place = key("voucher", "2026")
    charge = rate(snapshot, api(10)[0], used=NANO)
    left = Fraction(3, 2)
    assert taken(charge) == Taken(voucher, place, Fraction(10), left, NANO, "2026")
    assert charge.writes == {place: 5 * NANO // 2}
    charge = rate(snapshot, api(1)[0], used=NANO)
    assert (taken(charge).amount, charge.writes) == (1, {place: 2 * NANO})
    refund = with_price(with_offer(FREE, discounts=(voucher,)), share=Fraction(1))
    charge = rate(refund, usage(1, service="api", source_amount="-5"), used=NANO)
    assert taken(charge) == Taken(voucher, place, Fraction(-5), Fraction(0), NANO, "2026")
    assert charge.writes == {place: NANO}
    assert exact(charge) == -5


def test_a_voucher_takes_all_of_a_charge_and_counts_what_can_be_counted() -> None:
    third = one_tariff(Group(0, 1, (Fraction(1, 3),)), service="api")
    voucher = Discount("voucher", amount=Fraction(1), currency="EUR")
    first, second = charges(with_offer(third, discounts=(voucher,)), api(1, 1))
    assert taken(first).amount == Fraction(1, 3)
    assert exact(first) == 0
    assert taken(second).counted == 333_333_333


STAIRS = percents((0, 0), (10, 20), (20, 50))


@pytest.mark.parametrize(
    ("used", "units", "off"),
    [
        (0, 5, 0), (0, 10, 0), (0, 15, 1), (5, 10, 1), (10, 10, 2), (15, 10, Fraction("3.5")),
        (0, 40, 12), (5, 20, Fraction("4.5")), (19, 1, Fraction("0.2")), (20, 10, 5), (25, 1, Fraction("0.5")),
    ],
)  # fmt: skip
def test_a_discount_by_usage_over_its_steps(used: int, units: int, off: Fraction) -> None:
    """Each unit has the percentage of the step it lies in; the charge the average of them."""
    discount = Discount("more", STAIRS, "usage")
    charge = rate(with_offer(EACH, discounts=(discount,)), api(units)[0], used=used)
    assert taken(charge) == Taken(discount, key("more"), Fraction(units), off, used, "2026-01")
    assert charge.writes == {key("more"): used + units}


def test_a_discount_counts_for_its_scope_and_period_what_no_allowance_pays_for() -> None:
    discount = Discount("more", STAIRS, "usage", scope="account", period="day")
    units = Allowance("units", frozenset({"api"}), frozenset(), "count", 4)
    snapshot = with_offer(EACH, discounts=(discount,), allowances=(units,))
    charge = rate(snapshot, usage(7, service="api", account_id="a"))
    assert charge.writes == {
        ("s", "units", "2026-01"): 4, ("discount", "account", "a", "more", "2026-01-15"): 3,
    }  # fmt: skip


def by_spend(*steps: tuple[int, int]) -> Discount:
    """Steps from so many euros on."""
    scaled = tuple((euros * NANO, percent) for euros, percent in steps)
    return Discount("loyal", percents(*scaled), "spend", currency="EUR")


@pytest.mark.parametrize(
    ("spent", "charge", "off"),
    [
        (0, 5, 0), (0, 15, 1), (9, 2, Fraction("0.2")), (10, 10, 2), (19, 2, Fraction("0.7")), (20, 2, 1),
        (30, -4, -2), (20, -4, -2), (10, -4, Fraction("-0.8")), (0, -4, 0),
    ],
)  # fmt: skip
def test_a_discount_by_spend_over_its_steps(spent: int, charge: int, off: Fraction) -> None:
    """What is given back is less by the percentage of the step that was reached."""
    discount = by_spend((0, 0), (10, 20), (20, 50))
    snapshot = with_price(with_offer(FREE, discounts=(discount,)), share=Fraction(1))
    made = rate(snapshot, usage(1, service="api", source_amount=str(charge)), spent * NANO)
    before = Fraction(charge)
    assert taken(made) == Taken(discount, key("loyal"), before, off, spent * NANO, "2026-01")
    assert exact(made) == charge - off
    assert made.writes == {key("loyal"): (spent + charge) * NANO - off * NANO}


@pytest.mark.parametrize(
    ("kroner", "amount", "nano"), [(7, "1.17", 167_142_857), (2, "0.34", 170_000_000)]
)
def test_spend_is_counted_after_rounding_in_whole_nanos(
    kroner: int, amount: str, nano: int
) -> None:
    """Half of a third of a euro is charged in kroner; what is counted is euros again."""
    third = one_tariff(Group(0, 1, (Fraction(1, 3),)), service="api", rounding=Rounding("up", 2))
    snapshot = with_offer(third, discounts=(by_spend((0, 0)), HALF), currency="SEK")
    snapshot = replace(snapshot, fx={("EUR", "SEK"): ((0, Fraction(kroner)),)}, fx_days=100_000)
    charge = rate(snapshot, api(1)[0])
    assert (charge.row["amount"], charge.row["fx_rate"]) == (Fraction(amount), str(kroner))
    assert charge.writes == {key("loyal"): nano}


def test_discounts_are_the_customers_alone() -> None:
    carrier = Partner(
        "c", "wholesale", "cost", "trunk_out", frozenset({"t"}), {("api", "mo"): "tariff"}
    )
    snapshot = replace(with_offer(EACH, discounts=(HALF,)), partners=(carrier,))
    assert costs(snapshot, api(10, trunk_out="t")) == [5, 10]


def spent(charge: Charge) -> Spent:
    (found,) = charge.working.spent
    return found


def test_a_commitment_makes_dearer_what_lies_beyond_it() -> None:
    promise = Spend("p", "EUR", committed=Fraction(100), overage=Fraction(3), scope="account",
                    period="week")  # fmt: skip
    snapshot = with_offer(EACH, spends=(promise,))
    place = ("spend", "account", "a", "p", "2026-W03")
    event = usage(10, service="api", account_id="a")
    found = {}
    for used in (0, 89, 90, 95, 100, 120):
        charge = rate(snapshot, event, used * NANO)
        added = spent(charge).added
        expected = Spent(promise, place, "2026-W03", Fraction(10), added, Fraction(0), used * NANO)
        assert spent(charge) == expected
        assert charge.writes == {place: (used + 10) * NANO + added * NANO}
        found[used] = added
    assert found == {0: 0, 89: 0, 90: 0, 95: 10, 100: 20, 120: 20}


def refund(snapshot: Snapshot, amount: str, used: int) -> Charge:
    """An amount that usage carries, charged as it is, after so many euros."""
    event = usage(1, service="api", source_amount=amount)
    return rate(with_price(snapshot, share=Fraction(1)), event, used * NANO)


@pytest.mark.parametrize(
    ("overage", "used", "given", "charged"),
    [
        (3, 130, "-5", -15), (3, 130, "-10", -30), (3, 130, "-20", -40), (3, 100, "-20", -20),
        (3, 40, "-20", -20), (0, 130, "-20", -20), (3, 130, "0", 0), (3, 99, "0.5", Fraction(1, 2)),
    ],
)  # fmt: skip
def test_what_is_given_back_counts_as_it_was_charged(
    overage: int, used: int, given: str, charged: Fraction
) -> None:
    """Beyond the commitment of 100 each euro counted three times: 130 were 100 and ten of these."""
    promise = Spend("p", "EUR", committed=Fraction(100), overage=Fraction(overage))
    assert exact(refund(with_offer(FREE, spends=(promise,)), given, used)) == charged


def test_only_charges_of_its_currency_and_services_count() -> None:
    """Those after one that does not count are still counted."""
    other = Spend("other", "NOK", maximum=Fraction(1))
    texts = Spend("texts", "EUR", maximum=Fraction(1), services=frozenset({"sms"}))
    calls = Spend("calls", "EUR", maximum=Fraction(3), services=frozenset({"api", "sms"}))
    snapshot = with_offer(EACH, spends=(other, texts, calls))
    charge = rate(snapshot, api(10)[0])
    assert exact(charge) == 3
    assert charge.writes == {
        key("calls", kind="spend"): 3 * NANO, key("calls", kind="uncut"): 10 * NANO,
    }  # fmt: skip


def test_a_limit_keeps_what_was_charged_and_what_would_have_been() -> None:
    cap = Spend("cap", "EUR", maximum=Fraction(10))
    snapshot = with_offer(EACH, spends=(cap,))
    book, counters = Rulebook(snapshot), Counters()
    place, uncut = key("cap", kind="spend"), key("cap", kind="uncut")
    found = []
    for event in api(8, 8, 8):
        made = book.rate(row_of(event), counters.used)
        for name, value in made.writes.items():
            counters.set(name, value)
        (one,) = made.charges
        found.append((spent(one).before, spent(one).cut, spent(one).held))
        assert set(one.writes) == {place, uncut}
    assert found == [(8, 0, 0), (8, 6, 8 * NANO), (8, 8, 10 * NANO)]
    assert (counters.used(place), counters.used(uncut)) == (10 * NANO, 24 * NANO)


def test_a_limit_reached_exactly_takes_nothing_off() -> None:
    snapshot = with_offer(EACH, spends=(Spend("cap", "EUR", maximum=Fraction(10)),))
    charge = rate(snapshot, api(10)[0])
    assert (spent(charge).cut, exact(charge)) == (0, 10)
    assert rate(snapshot, api(0)[0], used=20 * NANO).working.exact == 0


def test_the_room_below_a_limit_is_of_whole_decimals() -> None:
    """Two decimals of rounding leave 0.33 of a limit of a third; none leaves nine of them."""
    for mode, scale, left in (("up", 2, "0.33"), ("none", 2, "0.333333333"), ("down", 0, "0")):
        snapshot = one_tariff(
            Group(0, 1, (Fraction(1),)), service="api", rounding=Rounding(mode, scale)
        )
        cap = Spend("cap", "EUR", maximum=Fraction(1, 3))
        charge = rate(with_offer(snapshot, spends=(cap,)), api(1)[0])
        assert exact(charge) == Fraction(left)
        assert charge.writes[key("cap", kind="uncut")] == NANO


def test_what_a_limit_would_have_charged_is_counted_to_the_nearest_nano() -> None:
    """Two thirds are more than the limit: nine decimals are kept of them, whatever the tariff's."""
    snapshot = one_tariff(
        Group(0, 1, (Fraction(2, 3),)), service="api", rounding=Rounding("down", 1)
    )
    snapshot = with_offer(snapshot, spends=(Spend("cap", "EUR", maximum=Fraction(1, 2)),))
    charge = rate(snapshot, api(1)[0])
    assert charge.writes == {
        key("cap", kind="spend"): NANO // 2, key("cap", kind="uncut"): 666_666_667,
    }  # fmt: skip


MONEY = Balance("money", "EUR")
TOP_UP = Grant("top", 4 * NANO)


def prepaid(*balances: Balance, grants: dict[str, tuple[Grant, ...]] | None = None) -> Snapshot:
    found = grants or {"money": (TOP_UP,)}
    places = {("subscription", "s", name): some for name, some in found.items()}
    return replace(with_offer(EACH, balances=balances), grants=places)


def test_a_top_up_keeps_what_it_has_paid() -> None:
    charge = rate(prepaid(MONEY), api(10)[0], used=NANO)
    assert charge.working.paid == (Paid(MONEY, TOP_UP, 3 * NANO, 3 * NANO),)
    assert charge.writes == {("balance", "subscription", "s", "money", "top"): 4 * NANO}
    assert charge.row["balance_paid"] == 3
    charge = rate(prepaid(MONEY), api(2)[0], used=NANO)
    assert charge.working.paid == (Paid(MONEY, TOP_UP, 3 * NANO, 2 * NANO),)
    assert charge.writes == {("balance", "subscription", "s", "money", "top"): 3 * NANO}
    charge = rate(prepaid(MONEY), api(2)[0], used=9 * NANO)
    assert charge.working.paid == (Paid(MONEY, TOP_UP, 0, 0),)


@pytest.mark.parametrize(
    ("balance", "pays"),
    [
        (Balance("money", "NOK"), False),
        (Balance("money", "EUR", services=frozenset({"sms"})), False),
        (Balance("money", "EUR", services=frozenset({"sms", "api"})), True),
        (Balance("money", "EUR", scope="account"), False),
        (Balance("other", "EUR"), False),
    ],
)
def test_a_balance_pays_charges_in_its_currency_of_its_services(
    balance: Balance,
    pays: bool,
) -> None:
    """One that does not leaves the charge to those after it."""
    last = Balance("last", "EUR")
    grants = {"money": (TOP_UP,), "last": (Grant("more", 100 * NANO),)}
    charge = rate(prepaid(balance, last, grants=grants), api(6)[0])
    assert [(one.balance.balance_id, one.paid) for one in charge.working.paid] == (
        [("money", 4 * NANO), ("last", 2 * NANO)] if pays else [("last", 6 * NANO)]
    )


def test_a_balance_of_higher_priority_pays_first_whatever_expires() -> None:
    first, second = Balance("first", "EUR", priority=1), Balance("second", "EUR", priority=2)
    soon, late = (
        Grant(name, NANO, 0, us(NOON) + ahead) for name, ahead in (("soon", 1), ("late", 2))
    )
    grants = {"first": (late,), "second": (soon,)}
    charge = rate(prepaid(second, first, grants=grants), api(1)[0])
    assert [one.grant.grant_id for one in charge.working.paid] == ["late"], "and no more is asked"


def test_a_top_up_pays_from_its_first_instant_until_its_last() -> None:
    snapshot = prepaid(MONEY, grants={"money": (Grant("top", 4 * NANO, 100, 200),)})
    found = [
        rate(snapshot, api(1, start_time=moment)[0]).row["balance_paid"]
        for moment in (99, 100, 199, 200)
    ]
    assert found == [0, 1, 1, 0]


def test_what_is_given_back_is_paid_to_no_balance() -> None:
    snapshot = replace(prepaid(MONEY), tariffs=with_price(FREE, share=Fraction(1)).tariffs)
    charge = rate(snapshot, usage(1, service="api", source_amount="-5"), used=NANO)
    assert charge.working.paid == (Paid(MONEY, TOP_UP, 3 * NANO, 0),)
    assert charge.row["balance_paid"] == 0


RATES = {
    ("USD", "EUR"): ((DAY_US, Fraction(9, 10)), (2 * DAY_US, Fraction(8, 10))),
    ("EUR", "SEK"): ((DAY_US, Fraction(10)),),
}


def test_a_rate_holds_for_its_days_and_a_later_one_replaces_it() -> None:
    snapshot = replace(EACH, fx=RATES)
    moments = (DAY_US - 1, DAY_US, 2 * DAY_US - 1, 2 * DAY_US, 3 * DAY_US - 1)
    found = [exchange(snapshot, "USD", "EUR", moment) for moment in moments]
    assert found == [None, *map(Fraction, ("0.9", "0.9", "0.8", "0.8"))]
    after = 3 * DAY_US
    assert exchange(snapshot, "USD", "EUR", after) is None
    assert exchange(replace(snapshot, fx_days=2), "USD", "EUR", after) == Fraction(8, 10)


def test_a_table_serves_the_other_way_round_and_no_further() -> None:
    snapshot = replace(EACH, fx=RATES)
    assert exchange(snapshot, "SEK", "EUR", DAY_US) == Fraction(1, 10)
    assert exchange(snapshot, "EUR", "SEK", DAY_US) == 10
    assert exchange(snapshot, "SEK", "EUR", 2 * DAY_US) is None
    assert exchange(snapshot, "USD", "SEK", DAY_US) is None
    assert exchange(snapshot, "XYZ", "XYZ", 0) == 1


def test_money_is_counted_in_whole_nanos() -> None:
    assert [nano_of(Fraction(text)) for text in ("1", "-1.25", "0.000000001")] == [
        NANO, -1_250_000_000, 1,
    ]  # fmt: skip


def no_rate(source: str, target: str) -> Refusal:
    detail = f"there is no exchange rate from {source} to {target} for that day"
    return Refusal(Reason.FX_RATE_MISSING, detail, f"{source}/{target}")


def no_amount(missing: str) -> Refusal:
    detail = "the usage carries no amount, and its price depends on one"
    return Refusal(Reason.AMOUNT_MISSING, detail, missing)


def test_an_amount_or_a_rate_that_is_missing_is_told() -> None:
    share = with_price(FREE, share=Fraction(1))
    counted = Tiers("t", "graduated", (Tier(0, Fraction(0), Fraction(1)),), "amount")
    for snapshot in (share, with_price(FREE, tiers=counted)):
        assert refuse(snapshot, api(1)[0]) == no_amount("tariff")
        dollars = usage(1, service="api", source_amount="5", source_currency="USD")
        assert refuse(snapshot, dollars) == no_rate("USD", "EUR")
    assert refuse(with_offer(EACH, currency="SEK"), api(1)[0]) == no_rate("EUR", "SEK")


def test_a_share_of_what_usage_carries() -> None:
    """An amount without a currency is in the tariff's; the others are exchanged first."""
    snapshot = with_price(FREE, share=Fraction(1, 4))
    snapshot = replace(snapshot, fx={("USD", "EUR"): ((0, Fraction(9, 10)),)}, fx_days=100_000)
    for currency, base in (("", 10), ("EUR", 10), ("USD", 9)):
        event = usage(1, service="api", source_amount="10", source_currency=currency)
        charge = rate(snapshot, event)
        shared = Shared("source_amount", Fraction(base), Fraction(base, 4))
        assert charge.working.priced.shared == shared
        assert charge.working.reads == ()


AGENT = Partner(
    "agent", "commission", "cost", "trunk_out", frozenset({"t"}), {("api", "mo"): "fee"}
)


def shared_leg(**fields: Any) -> Snapshot:
    """An agent has a tenth of what the customer pays."""
    tariff = with_price(FREE, share=Fraction(1, 10), share_of="retail").tariffs["tariff"]
    fee = replace(tariff, tariff_id="fee", **fields)
    return replace(EACH, tariffs={**EACH.tariffs, "fee": fee}, partners=(AGENT,))


def test_a_share_of_an_earlier_leg_is_read_from_it() -> None:
    _, leg = charges(shared_leg(), api(7, trunk_out="t"))
    assert leg.working.priced.shared == Shared("retail", Fraction(7), Fraction(7, 10))
    assert leg.working.reads == (7 * NANO,)
    assert leg.row["counters"] == "7000000000"


def test_a_share_of_a_leg_in_another_currency_or_of_none_is_refused() -> None:
    dollars = shared_leg(currency="USD")
    made = Rulebook(dollars).rate(row_of(api(1, trunk_out="t")[0]), lambda _: 0)
    detail = "the leg retail has no charge in {} to take a share of"
    missing = Refusal(Reason.AMOUNT_MISSING, detail.format("USD"), "retail", "commission")
    assert made.refusals == (missing,)
    alone = row_of(api(1, trunk_out="t", runs="commission")[0])
    made = Rulebook(shared_leg()).rate(alone, lambda _: 0)
    assert made.refusals == (replace(missing, detail=detail.format("EUR")),)
    made = Rulebook(shared_leg()).rate(alone, lambda _: 0, amounts={"retail": (30 * NANO, "EUR")})
    assert [exact(one) for one in made.charges] == [3]


def test_what_the_legs_came_to_is_told_to_the_caller() -> None:
    amounts: dict[str, tuple[int, str]] = {}
    Rulebook(shared_leg()).rate(row_of(api(7, trunk_out="t")[0]), lambda _: 0, amounts=amounts)
    assert amounts == {"retail": (7 * NANO, "EUR"), "commission": (700_000_000, "EUR")}
