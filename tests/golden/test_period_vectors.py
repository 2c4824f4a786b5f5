"""Charges over a period and their terms, worked out by hand."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from schemas.columns import micros_from_text
from schemas.reasons import Reason
from schemas.usage import UsageEvent
from tallywire.catalog.compile_snapshot import typical_rates
from tallywire.catalog.snapshot import Group, Snapshot, Variant
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
from tallywire.rating.rulebook import Rulebook
from tests.priced import (
    charges,
    exact,
    one_tariff,
    rate,
    row_of,
    usage,
    with_offer,
    with_price,
    with_tariff,
)

MB = 10**6
FREE = one_tariff(Group(0, 1, (Fraction(0),)), service="data")
EACH = one_tariff(Group(0, 1, (Fraction(1),)), service="api")


def tier(start: int, flat: str, rate: str, *, block: int = 0, unit: int = 1) -> Tier:
    """A tier priced per unit of so many base units, in blocks of so many units or not."""
    return Tier(start * unit, Fraction(flat), Fraction(rate) / unit, block * unit or 1)


def by_tiers(*steps: Tier, mode: str = "graduated", **how: object) -> Snapshot:
    return with_price(FREE, tiers=Tiers("t", mode, steps, **how))  # type: ignore[arg-type]


def data(megabytes: str, **fields: object) -> UsageEvent:
    return usage(int(Fraction(megabytes) * MB), service="data", **fields)


def costs(snapshot: Snapshot, *events: UsageEvent) -> list[str]:
    """What each event is charged, exactly."""
    return [plain(exact(charge)) for charge in charges(snapshot, events)]


def plain(amount: Fraction) -> str:
    number = Decimal(amount.numerator) / Decimal(amount.denominator)
    return f"{number.normalize():f}"


TWO_TIERS = (tier(0, "2", "0.10", unit=MB), tier(10, "3", "0.05", unit=MB))
PACKAGES = (tier(0, "0", "0.05", block=100, unit=MB),)
AFTER_FREE = (tier(0, "0", "0", unit=MB), tier(100, "0", "0.05", block=100, unit=MB))
BLOCKS = (tier(0, "0", "0.015", block=100, unit=MB), tier(1_000, "0", "0.010", block=100, unit=MB))
STAIRS = (tier(0, "5", "0", unit=MB), tier(10, "20", "0", unit=MB), tier(50, "40", "0", unit=MB))
TOTALS = {
    "graduated": (
        TWO_TIERS, "graduated", {"10": "3", "10.5": "6.025", "12": "6.1", "100": "10.5"},
    ),
    "volume": (TWO_TIERS, "volume", {"10": "3", "10.5": "3.525", "99.5": "7.975"}),
    "package of 100": (PACKAGES, "graduated", {"100": "5", "100.0001": "10", "250": "15"}),
    "package, 100 free": (AFTER_FREE, "graduated", {"100": "0", "100.0001": "5", "250": "10"}),
    "blocks of 100, each at its own tier": (BLOCKS, "graduated", {"1000": "15", "1250": "18"}),
    "blocks of 100, all at the top tier": (BLOCKS, "volume", {"1000": "15", "1250": "13"}),
    "stairstep": (
        STAIRS, "volume", {"0.000001": "5", "10": "5", "10.5": "20", "50": "20", "51": "40"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOTALS)
def test_a_period_at_once_and_in_pieces(name: str) -> None:
    steps, mode, totals = TOTALS[name]
    snapshot = by_tiers(*steps, mode=mode)
    for megabytes, total in totals.items():
        assert costs(snapshot, data(megabytes)) == [total]
        half = Fraction(megabytes) * MB // 2
        pieces = usage(int(half), service="data"), usage(
            int(Fraction(megabytes) * MB - half), service="data"
        )  # fmt: skip
        made = charges(snapshot, pieces)
        assert plain(exact(made[0]) + exact(made[1])) == total


def test_volume_tiers_correct_what_was_charged() -> None:
    snapshot = by_tiers(*TWO_TIERS, mode="volume")
    made = charges(snapshot, [data("10"), data("0.5"), data("89")])
    assert [plain(exact(one)) for one in made] == ["3", "0.525", "4.45"]
    assert [one.row["repriced"] for one in made] == [0, Decimal("0.5"), 0]
    assert [one.row["cumulative_after"] for one in made] == [10 * MB, 10_500_000, 99_500_000]


def test_a_correction_below_nothing_is_given_back() -> None:
    steps = (tier(0, "0", "1", unit=MB), tier(10, "0", "0.5", unit=MB))
    snapshot = with_price(by_tiers(*steps, mode="volume"), minimum_charge=Fraction(1, 5))
    assert costs(snapshot, data("10"), data("1"), data("0.1")) == ["10", "-4.5", "0.2"]
    capped = with_price(snapshot, maximum_charge=Fraction(2))
    assert costs(capped, data("10"), data("1")) == ["2", "-4.5"]


MEASURES = {
    "max": (["5", "7", "4"], ["50", "20", "0"]),
    "latest": (["5", "7", "4"], ["50", "20", "-30"]),
    "sum": (["5", "7", "4"], ["50", "70", "40"]),
    "count": (["5", "7", "0"], ["10", "10", "10"]),
}


@pytest.mark.parametrize("measure", MEASURES)
def test_what_is_counted(measure: str) -> None:
    sizes, amounts = MEASURES[measure]
    unit = 1 if measure == "count" else MB
    snapshot = by_tiers(tier(0, "0", "10", unit=unit), measure=measure)
    assert costs(snapshot, *(data(size) for size in sizes)) == amounts


def test_unique_users() -> None:
    snapshot = by_tiers(tier(0, "0", "2"), measure="unique", of="attributes.user")
    users = [data("1", attributes={"user": name}) for name in ("ada", "bo", "ada", "cy")]
    assert costs(snapshot, *users) == ["2", "2", "0", "2"]


def test_the_95th_percentile_of_bandwidth() -> None:
    """Twenty samples of 10 to 200 Mbit/s: the nineteenth counts; a late one is in its place."""
    snapshot = by_tiers(tier(0, "0", "1", unit=MB), measure="percentile", percentile=95)
    samples = [data(str(10 * number)) for number in range(1, 21)]
    made = charges(snapshot, samples)
    assert sum(map(exact, made)) == 190
    assert made[-1].row["cumulative_after"] == 190 * MB
    shuffled = samples[7:] + samples[:7]
    assert sum(map(exact, charges(snapshot, shuffled))) == 190


def test_gigabyte_hours() -> None:
    """2 GB from ten to twelve, 3 GB until one: seven gigabyte hours; the middle one comes late."""
    unit = 10**9 * 3_600
    snapshot = by_tiers(tier(0, "0", "0.05", unit=unit), measure="time_weighted")
    levels = {"10:00:00": 2_000, "13:00:00": 0, "12:00:00": 3_000}
    events = [
        data(str(size), start_time=micros_from_text(f"2026-01-15T{time}Z"))
        for time, size in levels.items()
    ]
    assert costs(snapshot, *events) == ["0", "0.3", "0.05"]


def test_a_graduated_percentage() -> None:
    """1 % of the first 1,000 a month, a half beyond."""
    nano = 10**9
    steps = (tier(0, "0", "0.01", unit=nano), tier(1_000, "0", "0.005", unit=nano))
    snapshot = by_tiers(*steps, measure="amount")
    assert costs(snapshot, *(data("1", source_amount="600") for _ in range(2))) == ["6", "5"]


def test_amounts_of_other_currencies_are_counted_in_the_tariffs() -> None:
    """600 USD are 540 EUR: the next 600 EUR reach 140 into the second tier, at a half per cent."""
    nano = 10**9
    steps = (tier(0, "0", "0.01", unit=nano), tier(1_000, "0", "0.005", unit=nano))
    rates = {("USD", "EUR"): ((0, Fraction(9, 10)),)}
    snapshot = replace(by_tiers(*steps, measure="amount"), fx=rates, fx_days=100_000)
    dollars = data("1", source_amount="600", source_currency="USD")
    assert costs(snapshot, dollars, data("1", source_amount="600")) == ["5.4", "5.3"]


@pytest.mark.parametrize(
    ("carried", "reason"),
    [
        ({}, Reason.AMOUNT_MISSING),
        ({"source_amount": "600", "source_currency": "SEK"}, Reason.FX_RATE_MISSING),
    ],
)
def test_an_amount_that_is_not_known_is_not_counted_as_nothing(
    carried: dict[str, str], reason: Reason
) -> None:
    snapshot = by_tiers(tier(0, "0", "0.01", unit=10**9), measure="amount")
    (refusal,) = Rulebook(snapshot).rate(row_of(data("1", **carried)), lambda _: 0).refusals
    assert refusal.reason is reason


def test_a_percentage_with_a_fee_and_bounds() -> None:
    snapshot = with_price(FREE, share=Fraction(2, 100), connect_fee=Fraction("0.30"))
    assert costs(snapshot, data("1", source_amount="50")) == ["1.3"]
    bounded = with_price(snapshot, minimum_charge=Fraction(1), maximum_charge=Fraction(5))
    amounts = [data("1", source_amount=amount) for amount in ("5", "50", "1000")]
    assert costs(bounded, *amounts) == ["1", "1.3", "5"]


def test_an_amount_in_another_currency_and_a_charge_in_a_third() -> None:
    marked_up = with_price(FREE, share=Fraction("1.2"))
    rates = {("USD", "EUR"): ((0, Fraction(9, 10)),), ("SEK", "EUR"): ((0, Fraction(1, 10)),)}
    snapshot = replace(marked_up, fx=rates, fx_days=100_000)
    dollars = data("1", source_amount="10", source_currency="USD")
    assert costs(snapshot, dollars) == ["10.8"]
    (charge,) = charges(with_offer(snapshot, currency="SEK"), [dollars])
    row = charge.row
    assert (row["amount"], row["currency"], row["fx_rate"]) == (108, "SEK", "10")


def test_a_matrix_of_attributes() -> None:
    prices = [Group(0, 1, (Fraction(price),)) for price in ("0.9", "0.1", "0.2", "0.3")]
    base = one_tariff(prices[0], service="api")
    default = base.tariffs["tariff"].prices[0]
    conditions = [
        (("north",), ("gold",)), (("north",), ("plain", "")), (("south", "west"), None),
    ]  # fmt: skip
    variants = []
    for number, (regions, classes) in enumerate(conditions, start=1):
        when = [Condition("attributes.region", frozenset(regions))]
        if classes:
            when.append(Condition("attributes.class", frozenset(classes)))
        variants.append(Variant(tuple(when), number))
    cells = tuple(replace(default, groups=(group,)) for group in prices[1:])
    first = replace(default, variants=tuple(variants))
    snapshot = with_tariff(base, prices=(first, *cells))
    asked = [
        {"region": "north", "class": "gold"}, {"region": "north", "class": "plain"},
        {"region": "north"}, {"region": "west", "class": "gold"}, {"region": "east"}, {},
    ]  # fmt: skip
    events = [usage(1, service="api", attributes=attributes) for attributes in asked]
    assert costs(snapshot, *events) == ["0.1", "0.2", "0.2", "0.3", "0.9", "0.9"]


def test_octets_sent_have_a_price_of_their_own() -> None:
    down, up = (Group(0, MB, (Fraction(price) / MB,)) for price in ("0.01", "0.05"))
    snapshot = with_price(one_tariff(down, service="data"), uplink=(up,))
    event = data("12", down_octets=10 * MB - 1, up_octets=2 * MB)
    assert costs(snapshot, event) == ["0.2"]


def test_octets_of_which_no_way_is_told_were_received() -> None:
    down, up = (Group(0, 1, (Fraction(rate, MB),)) for rate in (1, 2))
    snapshot = with_price(one_tariff(down, service="data"), uplink=(up,))
    untold = (data("12"), data("12", up_octets=2 * MB), data("12", down_octets=9 * MB))
    assert costs(snapshot, *untold) == ["12", "14", "12"]


def api(*sizes: int, **fields: object) -> list[UsageEvent]:
    return [usage(size, service="api", **fields) for size in sizes]


def test_committed_use_with_a_price_beyond() -> None:
    committed = Spend("c", "EUR", committed=Fraction(100), overage=Fraction(3, 2))
    snapshot = with_offer(EACH, spends=(committed,))
    made = charges(snapshot, api(60, 60, 10))
    assert [plain(exact(one)) for one in made] == ["60", "70", "15"]
    assert [int(one.row["spend_change"]) for one in made] == [0, 10, 5]


def test_a_cap_on_a_month() -> None:
    snapshot = with_offer(EACH, spends=(Spend("cap", "EUR", maximum=Fraction(50)),))
    february = usage(30, "2026-02-01T00:00:00Z", service="api")
    assert costs(snapshot, *api(30, 30, 30), february) == ["30", "20", "0", "30"]


def included(quantity: int, **terms: object) -> Allowance:
    return Allowance("units", frozenset({"api"}), frozenset(), "count", quantity, **terms)  # type: ignore[arg-type]


def test_what_is_left_of_a_month_lives_on_up_to_a_cap() -> None:
    snapshot = with_offer(EACH, allowances=(included(100, rollover=Rollover(1, 40)),))
    months = [usage(size, f"2026-0{month}-15T00:00:00Z", service="api")
              for month, size in ((1, 30), (2, 150), (3, 120))]  # fmt: skip
    snapshot = replace(snapshot, identifiers=_began("2026-01-10T00:00:00Z"))
    made = charges(snapshot, months)
    assert [one.row["included_quantity"] for one in made] == [30, 140, 100]
    assert [plain(exact(one)) for one in made] == ["0", "10", "20"]


def test_nothing_lives_on_from_before_there_was_an_allowance() -> None:
    snapshot = with_offer(EACH, allowances=(included(100, rollover=Rollover(3, 1_000)),))
    snapshot = replace(snapshot, identifiers=_began("2026-02-01T00:00:00Z"))
    (made,) = charges(snapshot, [usage(150, "2026-02-15T00:00:00Z", service="api")])
    assert plain(exact(made)) == "50"


def _began(since: str):  # noqa: ANN202  a DataFrame of one identifier
    row = ("msisdn", "1", "s", "a", "r", "offer", micros_from_text(since), 2**62)
    return EACH.identifiers.clear().vstack(
        type(EACH.identifiers)([row], schema=EACH.identifiers.schema, orient="row")
    )


def test_a_pool_is_shared() -> None:
    snapshot = with_offer(EACH, allowances=(included(100, scope="account"),))
    family = [usage(60, service="api", subscription_id=name, account_id="a") for name in "xyz"]
    assert costs(snapshot, *family) == ["0", "20", "60"]


def test_fair_use_steps_down_in_price() -> None:
    snapshot = with_offer(EACH, allowances=(included(100, overage=Fraction(1, 50)),))
    made = charges(snapshot, api(130, 10))
    assert [plain(exact(one)) for one in made] == ["0.6", "0.2"]
    assert made[0].row["included_quantity"] == 100


def test_a_top_up_is_used_before_the_price_beyond_fair_use() -> None:
    allowance = included(100, overage=Fraction(1, 50), topped_up=True)
    grants = {("subscription", "s", "units"): (Grant("more", 20),)}
    snapshot = replace(with_offer(EACH, allowances=(allowance,)), grants=grants)
    (made,) = charges(snapshot, api(130))
    assert (made.row["included_quantity"], plain(exact(made))) == (120, "0.2")


def test_prepaid_money_pays_until_it_is_used_up_or_has_expired() -> None:
    early = Grant("early", 4 * 10**9, 0, micros_from_text("2026-02-01T00:00:00Z"))  # type: ignore[arg-type]
    late = Grant("late", 10 * 10**9)
    snapshot = replace(
        with_offer(EACH, balances=(Balance("money", "EUR"),)),
        grants={("subscription", "s", "money"): (late, early)},
    )
    made = charges(snapshot, api(6, 6, 6))
    assert [int(one.row["balance_paid"]) for one in made] == [6, 6, 2]
    assert [[paid.grant.grant_id for paid in one.working.paid] for one in made] == [
        ["early", "late"], ["early", "late"], ["early", "late"],
    ]  # fmt: skip


def test_discounts_follow_each_other() -> None:
    tenth = Discount("tenth", (DiscountStep(0, Fraction(10)),))
    voucher = Discount("voucher", amount=Fraction(15), currency="EUR")
    snapshot = with_offer(EACH, discounts=(tenth, voucher))
    made = charges(snapshot, api(10, 10))
    assert [plain(exact(one)) for one in made] == ["0", "3"]
    assert [int(one.row["discount"]) for one in made] == [10, 7]


def test_a_discount_by_usage_is_in_proportion() -> None:
    steps = (DiscountStep(0, Fraction(0)), DiscountStep(100, Fraction(50)))
    snapshot = with_offer(EACH, discounts=(Discount("more", steps, "usage"),))
    assert costs(snapshot, *api(80, 40, 10)) == ["80", "30", "5"]


def test_an_allowance_that_ends_first_is_drawn_first() -> None:
    ends = micros_from_text("2026-01-20T00:00:00Z")
    standing = included(10)
    promotion = replace(standing, allowance_id="promotion", valid_to_us=ends)
    snapshot = with_offer(EACH, allowances=(standing, promotion))
    charge = rate(snapshot, api(15)[0])
    drawn = [draw.bucket.allowance.allowance_id for draw in charge.working.priced.drawn.draws]
    assert drawn == ["promotion", "units"]


def test_what_a_unit_typically_costs() -> None:
    """Paid tiers and conversions count; a share of an amount is no price of a unit."""
    tiers = Tiers("t", "graduated", (tier(0, "5", "0"), tier(10, "0", "0.2", unit=MB)))
    converted = with_tariff(EACH, conversion=Conversion(1, 1_000, "up"))
    shares = with_price(FREE, share=Fraction(1, 100))
    found = [
        typical_rates(snapshot.tariffs, "EUR")
        for snapshot in (with_price(FREE, tiers=tiers), converted, shares)
    ]
    assert found == [
        {"data": (Fraction(2, 10 * MB), "EUR")}, {"api": (Fraction(1, 1_000), "EUR")}, {},
    ]  # fmt: skip
