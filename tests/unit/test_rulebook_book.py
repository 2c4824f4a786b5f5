"""Where prices are found: legs, tariffs of one's own, fallbacks, attributes; and why there is none."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from schemas.reasons import Reason
from tallywire.catalog.snapshot import (
    FOREVER_US,
    Group,
    Override,
    Partner,
    Price,
    Snapshot,
    Variant,
)
from tallywire.catalog.terms import Allowance, Condition, Conversion, Tier, Tiers
from tallywire.rating.rulebook import Refusal, Rulebook
from tallywire.rating.rulebook.book import NO_TERMS, Book, Leg
from tallywire.rating.rulebook.conditions import attribute, origin_zone
from tests.priced import (
    ANY_NUMBER,
    SECOND,
    group,
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
USE = ("api", "mo")
PARTIES = {
    ("subscription", "s"): "line", ("account", "a"): "house", ("account", "top"): "group",
}  # fmt: skip


def with_tariffs(*names: str) -> Snapshot:
    """Further tariffs beside the offer's: the first costs 2 a request, the next 3 and so on."""
    tariff = EACH.tariffs["tariff"]
    further = {
        name: replace(
            tariff,
            tariff_id=name,
            prices=(Price(Fraction(0), Fraction(0), (Group(0, 1, (Fraction(cost),)),)),),
        )
        for cost, name in enumerate(names, start=2)
    }
    return replace(EACH, tariffs={**EACH.tariffs, **further})


def own(*parties: tuple[str, str], since: int = 0, until: int = FOREVER_US) -> Snapshot:
    """Some of the parties have the tariff of their name; `a` is below `between`, that below `top`."""
    snapshot = with_tariffs(*PARTIES.values())
    found = {party: {USE: (Override(PARTIES[party], since, until),)} for party in parties}
    return replace(snapshot, overrides=found, parents={"a": "between", "between": "top"})


def request(**fields: Any) -> dict[str, Any]:
    return dict(row_of(usage(1, service="api", account_id="a", **fields)))


def tariffs(snapshot: Snapshot, **fields: Any) -> tuple[str, ...]:
    """The tariffs that the customer's leg asks, in turn."""
    (leg,) = Book(snapshot).legs(request(**fields))
    assert isinstance(leg, Leg)
    assert (leg.run, leg.side, leg.party_id) == ("retail", "revenue", "")
    return leg.tariffs


@pytest.mark.parametrize(
    ("parties", "expected"),
    [
        (list(PARTIES), ("line", "house", "group", "tariff")),
        ([("account", "top"), ("account", "a")], ("house", "group", "tariff")),
        ([("account", "top")], ("group", "tariff")),
        ([("subscription", "s")], ("line", "tariff")),
        ([], ("tariff",)),
    ],
)
def test_the_most_particular_tariff_is_asked_first(
    parties: list[tuple[str, str]], expected: tuple[str, ...]
) -> None:
    """The subscription's, the account's, those of the accounts above it, and then the offer's."""
    snapshot = own(*parties)
    assert tariffs(snapshot) == expected
    (charge,) = Rulebook(snapshot).rate(request(), lambda _: 0).charges
    assert charge.row["tariff_id"] == expected[0]


def test_a_tariff_of_somebody_else_is_not_asked() -> None:
    snapshot = own(*PARTIES)
    assert tariffs(snapshot, subscription_id="other") == ("house", "group", "tariff")
    assert tariffs(snapshot, subscription_id="a") == ("house", "group", "tariff")
    other = {**request(), "account_id": "s"}
    (leg,) = Book(snapshot).legs(other)
    assert isinstance(leg, Leg)
    assert leg.tariffs == ("line", "tariff")


@pytest.mark.parametrize("party", PARTIES)
def test_a_tariff_of_ones_own_holds_from_its_first_instant_until_its_last(
    party: tuple[str, str],
) -> None:
    snapshot = own(party, since=100, until=200)
    held = {moment: tariffs(snapshot, start_time=moment)[0] for moment in (99, 100, 199, 200)}
    name = PARTIES[party]
    assert held == {99: "tariff", 100: name, 199: name, 200: "tariff"}


def test_who_has_tariffs_of_their_own() -> None:
    every = [("subscription", "s"), ("account", "a"), ("account", "top")]
    assert Book(own(*reversed(every))).owners(request()) == tuple(every)
    assert Book(own(("account", "top"))).owners(request()) == (("account", "top"),)
    assert Book(own(("account", "a"))).owners({**request(), "account_id": ""}) == ()
    assert Book(replace(own(), overrides={})).owners({}) == (), "nobody is looked for"


def test_the_uses_and_tariffs_of_an_offer_and_of_its_owners() -> None:
    """Whatever the dates: the tariffs of a use, those of the owners before the offer's."""
    line, house = ("subscription", "s"), ("account", "a")
    snapshot = with_offer(
        own(line, house, since=100, until=200), fallbacks={USE: ("group", "tariff")}
    )
    later = {**snapshot.overrides[house], ("sms", "mt"): (Override("line", 5, 6),)}
    snapshot = replace(snapshot, overrides={**snapshot.overrides, house: later})
    book, offer = Book(snapshot), snapshot.offers["offer"]
    assert book.uses(offer, (line, house)) == (USE, ("sms", "mt"))
    assert book.uses(offer, (line,)) == (USE,)
    assert book.uses(NO_TERMS, ()) == ()
    assert list(book.known(offer, (line, house))) == [
        "line", "house", "tariff", "group", "tariff", "line",
    ]  # fmt: skip
    assert list(book.known(offer, ())) == ["tariff", "group", "tariff"]
    assert list(book.retail(("sms", "mt"), offer, (line, house), 5)) == ["line"]
    assert list(book.retail(("sms", "mt"), offer, (line, house), 6)) == []


def test_usage_that_no_offer_prices_may_have_a_tariff_of_its_own() -> None:
    """A leg names the tariff; without the offer's terms there is no charge."""
    assert tariffs(own(("account", "a")), offer_id="unknown") == ("house",)
    refusal = refuse(own(("account", "a")), usage(1, service="api", account_id="a", offer_id="x"))
    assert refusal == Refusal(Reason.TARIFF_MISSING, "no tariff for x/api/mo", "x/api/mo")
    for service, direction in (("sms", "mo"), ("api", "mt")):
        override = {("account", "a"): {(service, direction): (Override("house"),)}}
        snapshot = replace(own(), overrides=override)
        assert tariffs(snapshot) == ("tariff",)
        (leg,) = Book(snapshot).legs({**request(), "service": service, "direction": direction})
        assert isinstance(leg, Leg)
        assert leg.tariffs == ("house",)


def test_tariffs_are_asked_until_one_has_a_price() -> None:
    """Where none has one, the first says why."""
    snapshot = with_tariffs("second", "third")
    only = {
        name: replace(snapshot.tariffs[name], prefixes=one_tariff(prefixes=rows).tariffs["tariff"].prefixes)
        for name, rows in {
            "tariff": (("46", "sweden", 0, 1, 0, FOREVER_US),),
            "second": (("45", "denmark", 0, 1, 100, 200),),
            "third": (("47", "norway", 0, 1, 0, FOREVER_US),),
        }.items()
    }  # fmt: skip
    snapshot = with_offer(replace(snapshot, tariffs=only), fallbacks={USE: ("second", "third")})
    costs = {
        number: rate(snapshot, usage(1, service="api", b_number=number, start_time=150)).row
        for number in ("46", "45", "47")
    }
    assert [row["tariff_id"] for row in costs.values()] == ["tariff", "second", "third"]
    choices = [
        rate(snapshot, usage(1, service="api", b_number=number, start_time=150)).steps[1].facts
        for number in costs
    ]
    assert [facts["choice"] for facts in choices] == [0, 1, 2]
    refusal = refuse(snapshot, usage(1, service="api", b_number="45", start_time=99))
    assert refusal == Refusal(Reason.ZONE_UNKNOWN, "tariff tariff has no price for '45'", "45")


def partner(name: str, *values: str, **more: Any) -> Partner:
    fields = {"run": "wholesale", "side": "cost", "field": "trunk_out", "tariffs": {USE: "second"}}
    return Partner(name, values=frozenset(values), **{**fields, **more})  # type: ignore[arg-type]


def test_legs_of_partners_follow_the_customers() -> None:
    """As the catalogue orders their runs; whose field has another value has none."""
    snapshot = replace(
        with_tariffs("second", "third"),
        partners=(
            partner("carrier", "t1"),
            partner("agent", "t1", run="commission", side="revenue"),
            partner("carrier", "t1", "t2", tariffs={USE: "third"}),
            partner("carrier", "t1", tariffs={USE: "second", ("sms", "mo"): "tariff"}),
            partner("other", "t2", run="roaming", field="trunk_in"),
        ),
    )
    book = Book(snapshot)
    assert list(book.legs(request(trunk_out="t1"))) == [
        Leg("retail", "revenue", "", ("tariff",)),
        Leg("wholesale", "cost", "carrier", ("second", "third")),
        Leg("commission", "revenue", "agent", ("second",)),
    ]
    assert list(book.legs(request(trunk_out="t2")))[1:] == [
        Leg("wholesale", "cost", "carrier", ("third",))
    ]
    assert list(book.legs(request(trunk_out="t2", trunk_in="t2")))[2:] == [
        Leg("roaming", "cost", "other", ("second",))
    ]
    assert Rulebook(snapshot).runs(request(trunk_out="t1")) == ["retail", "wholesale", "commission"]


def missing(run: str) -> Refusal:
    return Refusal(Reason.TARIFF_MISSING, f"no leg of the run {run}", run, run)


def test_legs_that_are_asked_for_are_given_or_refused() -> None:
    snapshot = replace(
        with_tariffs("second"),
        partners=(partner("a", "t1"), partner("b", "t1", run="commission", tariffs={})),
    )
    book = Book(snapshot)
    retail = Leg("retail", "revenue", "", ("tariff",))
    carrier = Leg("wholesale", "cost", "a", ("second",))
    asked = {
        "": [retail, carrier],
        "retail": [retail],
        "wholesale": [carrier],
        "wholesale+retail": [retail, carrier],
        "commission": [missing("commission")],
        "transit+retail": [missing("transit"), retail],
    }
    found = {runs: list(book.legs(request(runs=runs, trunk_out="t1"))) for runs in asked}
    assert found == asked
    whole = Rulebook(snapshot)
    assert whole.leg(request(trunk_out="t1"), "wholesale") == carrier
    assert whole.leg(request(), "wholesale") == missing("wholesale")


def test_two_partners_may_not_claim_one_leg() -> None:
    snapshot = replace(
        with_tariffs("second"),
        partners=(
            partner("zed", "t1"), partner("ann", "t1"), partner("carrier", "t1", run="transit"),
        ),
    )  # fmt: skip
    made = Rulebook(snapshot).rate(request(trunk_out="t1"), lambda _: 0)
    detail = "the run wholesale is claimed by the partners ann, zed"
    assert made.refusals == (Refusal(Reason.PARTY_AMBIGUOUS, detail, "ann+zed", "wholesale"),)
    assert [one.row["run"] for one in made.charges] == ["retail", "transit"]


def test_a_partners_leg_without_a_price_is_refused_by_itself() -> None:
    """What the customer's leg has no price for is refused as a whole."""
    snapshot = replace(with_tariffs("second"), partners=(partner("a", "t1"),))
    barred = replace(
        snapshot.tariffs["second"],
        prefixes=one_tariff(prefixes=(("1", "us", 0, 1, 0, FOREVER_US),))
        .tariffs["tariff"]
        .prefixes,
    )
    snapshot = replace(snapshot, tariffs={**snapshot.tariffs, "second": barred})
    made = Rulebook(snapshot).rate(request(trunk_out="t1", b_number="47"), lambda _: 0)
    detail = "tariff second has no price for '47'"
    assert made.refusals == (Refusal(Reason.ZONE_UNKNOWN, detail, "47", "wholesale"),)
    assert [one.row["run"] for one in made.charges] == ["retail"]
    made = Rulebook(snapshot).rate(request(trunk_out="t1", unit="octet", b_number="1"), lambda _: 0)
    detail = "usage is counted in octet, tariff tariff in count"
    assert made == ((), (Refusal(Reason.UNIT_MISMATCH, detail, "tariff"),))


def varied(
    *conditions: Condition, only: bool = True, origins: dict[str, str] | None = None
) -> Snapshot:
    """Usage that fits costs 2 a request; other usage 1, or `only` nothing has a price."""
    price = EACH.tariffs["tariff"].prices[0]
    dear = replace(price, groups=(Group(0, 1, (Fraction(2),)),))
    first = replace(price, variants=(Variant(conditions, 1),), only_variants=only)
    return with_tariff(EACH, prices=(first, dear), origins=origins or {})


def test_a_zone_may_have_prices_for_certain_attributes_alone() -> None:
    gold = Condition("attributes.class", frozenset({"gold"}))
    fits = usage(1, service="api", attributes={"class": "gold"})
    assert rate(varied(gold), fits).row["price_no"] == 1
    detail = "tariff tariff has no price for these attributes in 'world'"
    assert refuse(varied(gold), usage(1, service="api")) == Refusal(
        Reason.ATTRIBUTE_UNKNOWN, detail, "world"
    )
    assert rate(varied(gold, only=False), usage(1, service="api")).row["price_no"] == 0
    barred = with_tariff(
        EACH, prices=(replace(EACH.tariffs["tariff"].prices[0], only_variants=True),)
    )
    detail = "tariff tariff leaves the zone 'world' without a price"
    assert refuse(barred, usage(1, service="api")) == Refusal(Reason.ZONE_UNPRICED, detail, "world")


ORIGINS = {"": "far", "4": "north", "47": "norway", "4790": "mobile"}


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("4790012345", "mobile"), ("4790", "mobile"), ("479", "norway"), ("47", "norway"),
        ("46", "north"), ("4", "north"), ("1", "far"), ("", "far"), ("47x", "far"), ("+47", "far"),
        ("\u0664\u0667", "far"),
    ],
)  # fmt: skip
def test_the_zone_of_a_calling_number_is_that_of_its_longest_prefix(number: str, zone: str) -> None:
    """What is no number of plain digits has the zone of the empty prefix."""
    snapshot = with_tariff(EACH, origins=ORIGINS)
    assert origin_zone(snapshot.tariffs["tariff"], number) == zone
    price = varied(Condition("origin_zone", frozenset({zone})), only=False, origins=ORIGINS)
    charge = rate(price, usage(1, service="api", a_number=number))
    assert charge.row["price_no"] == 1


def test_a_calling_number_of_no_zone() -> None:
    tariff = with_tariff(EACH, origins={"47": "norway"}).tariffs["tariff"]
    assert [origin_zone(tariff, number) for number in ("46", "", "47")] == ["", "", "norway"]


def test_an_attribute_is_text_or_not_there() -> None:
    event = {"quantity": 7, "apn": "internet", "attributes": '{"class": "gold", "size": 3}'}
    asked = ("quantity", "apn", "attributes.class", "attributes.size", "attributes.none")
    assert [attribute(event, field) for field in asked] == ["7", "internet", "gold", "", ""]
    assert attribute({"attributes": ""}, "attributes.class") == ""


def test_all_conditions_must_hold() -> None:
    both = (
        Condition("apn", frozenset({"internet", "corporate"})),
        Condition("origin_zone", frozenset({"norway"})),
    )
    snapshot = varied(*both, only=False, origins=ORIGINS)
    asked = [("internet", "47"), ("corporate", "47"), ("internet", "46"), ("mms", "47")]
    found = [
        rate(snapshot, usage(1, service="api", apn=apn, a_number=number)).row["price_no"]
        for apn, number in asked
    ]
    assert found == [1, 1, 0, 0]


TOO_LONG = Refusal(Reason.QUANTITY_OUT_OF_RANGE, "quantity 1000000000000001")
BITS = Refusal(Reason.QUANTITY_OUT_OF_RANGE, "a quantity or a counter has over 63 bits")
DIGITS = Refusal(Reason.QUANTITY_OUT_OF_RANGE, "the exact charge has over 38 digits")


def test_usage_or_a_charge_beyond_all_bounds_is_refused() -> None:
    second = one_tariff(group(0, 1, "1"))
    assert refuse(second, usage(10**15 + 1)) == TOO_LONG
    thousand = with_tariff(second, conversion=Conversion(1_000, 1, "up"))
    assert rate(thousand, usage(10**12)).row["rated_quantity"] == 10**15
    more = Refusal(Reason.QUANTITY_OUT_OF_RANGE, f"quantity {10**12 + 1}")
    assert refuse(thousand, usage(10**12 + 1)) == more
    assert refuse(one_tariff(Group(0, 1, (Fraction(10**20, 7),))), usage(10**15)) == DIGITS
    step = one_tariff(Group(0, 2**63, (Fraction(1),)))
    assert refuse(step, usage(1)) == BITS
    assert (
        rate(one_tariff(Group(0, 2**63 - 1, (Fraction(1),))), usage(1)).row["rated_quantity"]
        == 2**63 - 1
    )


LARGEST = 2**63 - 1


@pytest.mark.parametrize("count", [LARGEST, -LARGEST, LARGEST + 1, -LARGEST - 1])
def test_a_measure_of_63_bits_fits_and_no_longer_one(count: int) -> None:
    """An amount in 10^-9 that no counter keeps, as the partner is trued up for it."""
    tiers = Tiers("t", "graduated", (Tier(0, Fraction(0), Fraction(0)),), "amount", scope="partner")
    snapshot = with_price(EACH, tiers=tiers)
    amount = Decimal(count).scaleb(-9)
    event = dict(row_of(usage(1, service="api", source_amount="1"))) | {"source_amount": amount}
    made = Rulebook(snapshot).rate(event, lambda _: 0)
    if abs(count) > LARGEST:
        assert made.refusals == (BITS,)
    else:
        assert [one.row["cumulative_after"] for one in made.charges] == [count]


def test_a_counter_or_an_allowance_of_63_bits_fits_and_no_longer_one() -> None:
    def included(quantity: int) -> Snapshot:
        units = Allowance("units", frozenset({"api"}), frozenset(), "count", quantity)
        return with_offer(EACH, allowances=(units,))

    assert rate(included(LARGEST), usage(5, service="api")).row["allowance_before"] == LARGEST
    assert refuse(included(LARGEST + 1), usage(5, service="api")) == BITS
    counted = with_price(
        EACH, tiers=Tiers("t", "graduated", (Tier(0, Fraction(0), Fraction(0)),), measure="count")
    )
    event = row_of(usage(1, service="api"))
    for held, fits in (
        (LARGEST - 1, True),
        (LARGEST, False),
        (-LARGEST - 1, False),
        (-LARGEST, True),
    ):
        made = Rulebook(counted).rate(event, lambda _, held=held: held)
        assert made.refusals == (() if fits else (BITS,))


@pytest.mark.parametrize("zone_by", ["a_number", "serving_plmn", "none"])
def test_the_number_that_has_the_zone_is_the_tariffs_choice(zone_by: str) -> None:
    rows = ANY_NUMBER if zone_by == "none" else (("24201", "home", 0, 1, 0, FOREVER_US),)
    snapshot = with_tariff(one_tariff(group(0, 1, "1"), prefixes=rows), zone_by=zone_by)
    event = usage(SECOND, a_number="24201", serving_plmn="24201", b_number="999")
    charge = rate(snapshot, event)
    assert charge.working.found.digits == ("" if zone_by == "none" else "24201")
    assert charge.row["zone_id"] == ("world" if zone_by == "none" else "home")
