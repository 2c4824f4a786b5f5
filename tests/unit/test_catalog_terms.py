"""Terms as an analyst writes them: what they compile to, and what is said of a mistake."""

from fractions import Fraction

import pytest

from tallywire.catalog.snapshot import FOREVER_US, Override, Partner
from tallywire.catalog.terms import (
    Balance,
    Condition,
    Conversion,
    DiscountStep,
    Grant,
    Rollover,
    Spend,
    Tier,
    Tiers,
)
from tests.unit.catalog_files import SMALL, files, reading, snapshot

MINUTE = 60_000_000
DATA = """
id: data
service: data
zone_by: none
rounding: {mode: half_up, scale: 4}
revisions:
  - revision: 1
    valid_from: 2026-01-01
    prices:
"""
DATA_PLAN = SMALL["plans/mobile.yaml"] + "  - {service: data, tariff: data}\n"


def _data(prices: str) -> dict[str, str]:
    return {"tariffs/data.yaml": DATA + prices, "plans/mobile.yaml": DATA_PLAN}


def _offer(terms: str) -> dict[str, str]:
    return {"offers/basic.yaml": f"id: basic\nplans: [mobile]\n{terms}"}


def test_tiers_have_exact_prices_for_base_units() -> None:
    prices = """
      - tiers:
          counter: data
          scope: account
          steps:
            - {from: "0", flat: "2.00", rate: "0.10", per: 1 MB}
            - {from: 10 MB, flat: "3", rate: "0.05", per: 1 MB, block: 5 MB}
"""
    (price,) = snapshot(_data(prices)).tariffs["data"].prices
    assert price.tiers == Tiers(
        "data", "graduated",
        (
            Tier(0, Fraction(2), Fraction(1, 10**7), 1),
            Tier(10**7, Fraction(3), Fraction(5, 10**8), 5 * 10**6),
        ),
        scope="account",
    )  # fmt: skip
    assert [group.rates for group in price.groups] == [(Fraction(0),)]


def test_measures_are_written_in_their_own_sizes() -> None:
    prices = """
      - when: {apn: hours}
        tiers: {measure: time_weighted, time: 1h, steps: [{rate: "0.36", per: 1 GB}]}
      - when: {apn: heads}
        tiers: {measure: unique, of: imsi, steps: [{rate: "1"}, {from: "10", rate: "0.5"}]}
      - when: {apn: money}
        tiers: {measure: amount, steps: [{percent: "2"}, {from: "1000.50", percent: "1.5"}]}
      - when: {apn: band}
        tiers: {measure: percentile, percentile: 95, period: year, steps: [{rate: 1, per: 1 MB}]}
"""
    found = snapshot(_data(prices)).tariffs["data"].prices
    tiers = {one.tiers.measure: one.tiers for one in found if one.tiers}
    assert tiers["time_weighted"].steps == (Tier(0, Fraction(0), Fraction(36, 100 * 3600 * 10**9)),)
    assert tiers["unique"].of == "imsi"
    assert [step.start for step in tiers["unique"].steps] == [0, 10]
    assert tiers["amount"].steps[1] == Tier(1_000_500_000_000, Fraction(0), Fraction(15, 10**12))
    assert (tiers["percentile"].percentile, tiers["percentile"].period) == (95, "year")


def test_the_price_with_more_conditions_is_tried_first() -> None:
    prices = """
      - {rate: "1", per: 1 MB, increment: 1 kB/1 kB}
      - {when: {apn: iot}, rate: "2", per: 1 MB, increment: 1 kB/1 kB}
      - {when: {apn: iot, attributes.region: [north, south]}, rate: "3", per: 1 MB, increment: 1 kB/1 kB}
"""
    tariff = snapshot(_data(prices)).tariffs["data"]
    assert [price.groups[0].rates[0] * 10**6 for price in tariff.prices] == [1, 3, 2]
    base = tariff.prices[0]
    assert not base.only_variants
    assert [variant.price_no for variant in base.variants] == [1, 2]
    assert base.variants[0].when == (
        Condition("apn", frozenset({"iot"})),
        Condition("attributes.region", frozenset({"north", "south"})),
    )


def test_without_a_plain_price_other_usage_has_none() -> None:
    (base, variant) = (
        snapshot(_data('      - {when: {rat: "6"}, percent: "2.5", connect_fee: "0.30"}\n'))
        .tariffs["data"]
        .prices
    )
    assert base.only_variants
    assert (variant.share, variant.share_of) == (Fraction(1, 40), "source_amount")


def test_uplink_and_conversion() -> None:
    changes = _data('      - {rate: "1", per: "1", increment: 1/1}\n')
    changes["tariffs/data.yaml"] = changes["tariffs/data.yaml"].replace(
        "zone_by: none", "zone_by: none\nconvert: {divide: 1048576, rounding: up}"
    )
    tariff = snapshot(changes).tariffs["data"]
    assert tariff.conversion == Conversion(1, 1_048_576, "up")
    assert (tariff.unit, tariff.prices[0].groups[0].rates) == ("octet", (Fraction(1),))
    up = (
        snapshot(
            _data("""
      - rate: "1"
        per: 1 MB
        increment: 1 kB/1 kB
        uplink: {rate: "2", per: 1 MB, increment: 1 kB/1 kB}
""")
        )
        .tariffs["data"]
        .prices[0]
    )
    assert [group.rates for group in up.uplink] == [(Fraction(2, 10**6),)]


def test_every_term_of_an_offer() -> None:
    found = snapshot(
        _offer("""
currency: EUR
allowances:
  - {id: family, services: [voice], quantity: 100 min, scope: hierarchy, priority: 2, bands: [low]}
  - {id: kept, services: [voice], quantity: 10 min, rollover: {periods: 3, cap: 20 min}}
  - {id: fair, services: [voice], quantity: 1000 min, beyond: {rate: "0.01", per: 1 min}}
  - {id: bought, services: [voice], top_up: yes}
discounts:
  - {id: friends, percent: "10", zones: [home], from_month: 1, to_month: 13, requires: [basic]}
  - {id: big, by: spend, period: year, steps: [{percent: "0"}, {from: "100", percent: "5"}]}
  - {id: more, by: usage, services: [voice], steps: [{percent: 0}, {from: 60 min, percent: 3}]}
  - {id: gift, amount: "5"}
spend:
  - {id: bill, minimum: "5", maximum: "50", scope: account}
  - {id: promise, committed: "100", overage: "1.5", services: [voice], currency: USD}
balances:
  - {id: prepaid, priority: 1}
""")
    ).offers["basic"]
    allowances = {one.allowance_id: one for one in found.allowances}
    assert (allowances["family"].scope, allowances["family"].priority) == ("hierarchy", 2)
    assert allowances["family"].bands == {"low"}
    assert allowances["kept"].rollover == Rollover(3, 20 * MINUTE)
    assert allowances["fair"].overage == Fraction(1, 100 * MINUTE)
    assert (allowances["bought"].topped_up, allowances["bought"].quantity) == (True, 0)
    friends, big, more, gift = found.discounts
    assert friends.steps == (DiscountStep(0, Fraction(10)),)
    assert (friends.tenure_from, friends.tenure_to, friends.requires) == (1, 13, {"basic"})
    assert big.steps[1] == DiscountStep(100 * 10**9, Fraction(5))
    assert (big.measure, big.period, big.currency) == ("spend", "year", "EUR")
    assert more.steps[1] == DiscountStep(60 * MINUTE, Fraction(3))
    assert (gift.amount, gift.steps, friends.currency) == (5, (), "")
    assert found.spends == (
        Spend("bill", "EUR", Fraction(5), Fraction(50), scope="account"),
        Spend(
            "promise",
            "USD",
            committed=Fraction(100),
            overage=Fraction(3, 2),
            services=frozenset({"voice"}),
        ),
    )
    assert found.balances == (Balance("prepaid", "EUR", priority=1),)


def test_partners_overrides_top_ups_and_exchange() -> None:
    plan = SMALL["plans/mobile.yaml"].replace("tariff: voice}", "tariff: voice, fallback: [spare]}")
    accounts = (
        SMALL["accounts/all.yaml"]
        .replace(
            "- id: top\n",
            "- id: top\n  overrides: [{service: voice, tariff: spare, valid_to: 2027-01-01}]\n",
        )
        .replace(
            "    - id: s1\n", "    - id: s1\n      overrides: [{service: voice, tariff: voice}]\n"
        )
    )
    found = snapshot({
        **_offer("balances: [{id: prepaid}]\nallowances: [{id: extra, services: [voice], top_up: yes}]\n"),
        "plans/mobile.yaml": plan,
        "tariffs/spare.yaml": SMALL["tariffs/voice.yaml"].replace("id: voice", "id: spare"),
        "accounts/all.yaml": accounts,
        "partners/nordvik.yaml": """
id: nordvik
legs:
  - run: wholesale
    side: cost
    field: trunk_out
    values: [nv-1, nv-2]
    tariffs: [{service: voice, tariff: spare}]
""",
        "top_ups/july.csv": "holder,of,id,quantity,valid_from,valid_to\ns1,prepaid,t1,10.50,,\ns1,extra,t2,30 min,2026-07-01,2026-08-01\n",
        "fx/2026.csv": "day,from,to,rate\n2026-07-02,USD,EUR,0.91\n2026-07-01,USD,EUR,0.90\n",
    })  # fmt: skip
    use = ("voice", "mo")
    assert found.offers["basic"].fallbacks == {use: ("spare",)}
    assert found.overrides["account", "top"] == {
        use: (Override("spare", 0, 1_798_758_000_000_000),)
    }
    assert found.overrides["subscription", "s1"] == {use: (Override("voice"),)}
    assert found.parents == {"001": "top"}
    assert found.partners == (
        Partner(
            "nordvik", "wholesale", "cost", "trunk_out", frozenset({"nv-1", "nv-2"}), {use: "spare"}
        ),
    )
    assert found.grants["subscription", "s1", "prepaid"] == (
        Grant("t1", 10_500_000_000, 0, FOREVER_US),
    )
    (extra,) = found.grants["subscription", "s1", "extra"]
    assert (extra.quantity, extra.valid_to_us > extra.valid_from_us) == (30 * MINUTE, True)
    assert [rate for _, rate in found.fx["USD", "EUR"]] == [Fraction(9, 10), Fraction(91, 100)]


TARIFF, OFFER = "tariffs/voice.yaml", "offers/basic.yaml"
LEG = "id: p\nlegs:\n  - {run: RUN, side: cost, field: apn, values: VALUES, tariffs: [{service: voice, tariff: T}]}\n"


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        (_data("      - {when: {nose: x}, rate: 1, per: 1 MB, increment: 1 kB/1 kB}\n"), "when.nose", "no field of usage"),
        (_data("      - {tiers: {steps: []}}\n"), "tiers.steps", "has no tier"),
        (_data("      - {tiers: {steps: [{from: 1 MB, rate: 1, per: 1 MB}]}}\n"), "steps[0].from", "begin at 0"),
        (_data("      - {tiers: {steps: [{rate: 1, per: 1 MB}, {from: 60s, rate: 1, per: 1 MB}]}}\n"), "steps[1].from", "octets"),
        (_data("      - {tiers: {steps: [{rate: 1, per: 60s}]}}\n"), "steps[0].per", "octets"),
        (_data("      - {tiers: {steps: [{percent: 5}]}}\n"), "steps[0].percent", "measure amount"),
        (_data("      - {tiers: {measure: unique, steps: [{rate: 1}]}}\n"), "tiers.of", "measure unique"),
        (_data("      - {tiers: {measure: percentile, percentile: 100, steps: [{rate: 1, per: 1 MB}]}}\n"), "percentile", "1 to 99"),
        (_data("      - {maximum_charge: 1, tiers: {steps: [{rate: 1, per: 1 MB}]}}\n"), "tiers", "limit the spend"),
        (_data("      - {percent: 5, multiplier: 2}\n"), "multiplier", "write one of them"),
        (_data("      - {rate: 1, per: 1 MB, increment: 1 kB/1 kB, uplink: {}}\n"), "uplink", "either groups"),
        (_data("      - {from: [home], rate: 1, per: 1 MB, increment: 1 kB/1 kB}\n"), "from[0]", "has no origins"),
        (_offer("allowances: [{id: a, services: [voice]}]\n"), "quantity", "top_up: yes"),
        (_offer("allowances: [{id: a, services: [voice], quantity: 1h, bands: [noon]}]\n"), "bands[0]", "no tariff of the offer"),
        (_offer("allowances: [{id: a, services: [voice], quantity: 1h, period: once, rollover: {cap: 1h}}]\n"), "rollover", "given once"),
        (_offer("discounts: [{id: d}]\n"), "discounts[0]", "one of percent, amount or steps"),
        (_offer("discounts: [{id: d, percent: 101}]\n"), "percent", "more than 100"),
        (_offer("discounts: [{id: d, percent: 1, requires: [gold]}]\n"), "requires[0]", "no offer 'gold'"),
        (_offer("discounts: [{id: d, by: usage, services: [voice], steps: [{from: 1h, percent: 1}]}]\n"), "steps", "begin at 0"),
        (_offer("currency: NOK\ndiscounts: [{id: d, amount: 5}]\n"), "discounts[0].amount", "is in NOK, and no tariff"),
        (_offer("currency: NOK\ndiscounts: [{id: d, by: spend, steps: [{percent: 1}]}]\n"), "discounts[0].by", "write a percent"),
        (_offer("spend: [{id: s}]\n"), "spend[0]", "neither minimum"),
        (_offer("spend: [{id: s, minimum: 5, maximum: 4}]\n"), "maximum", "less than the minimum"),
        (_offer("balances: [{id: b}, {id: b}]\n"), "balances[1].id", "given twice"),
        (_offer("balances: [{id: b, services: [sms]}]\n"), "services[0]", "no plan of the offer prices sms"),
        ({"partners/p.yaml": LEG.replace("RUN", "retail").replace("VALUES", "x").replace("T}", "voice}")}, "run", "use another name"),
        ({"partners/p.yaml": LEG.replace("RUN", "w").replace("VALUES", "x").replace("T}", "none}")}, "tariff", "no tariff 'none'"),
        (_data("      - {percent: 5, of: nobody}\n"), "of", "there is no run 'nobody'"),
        (_data("      - {percent: 5, of: retail}\n"), "of", "not priced after the retail leg"),
        (
            _data(
                "      - {when: {apn: a}, tiers: {counter: c, steps: [{rate: 1, per: 1 MB}]}}\n"
                "      - {when: {apn: b}, tiers: {counter: c, measure: count, steps: [{rate: 1}]}}\n"
            ),
            "tiers.counter", "counts sum of octets by subscription and month in data, here count",
        ),
        ({"top_ups/a.csv": "holder,of,id,quantity\ns1,nothing,t,5\n"}, "of", "no offer has a balance"),
        ({"top_ups/a.csv": "holder,of,id,amount\ns1,nothing,t,5\n"}, "quantity", "column is missing"),
        ({"fx/a.csv": "day,from,to,rate\n2026-01-01,EUR,USD,0\n"}, "rate", "more than 0"),
        ({"fx/a.csv": "day,from,to,rate\n2026-01-01,EUR,USD,1\n2026-01-01,EUR,USD,2\n"}, "day", "already"),
        ({"fx/a.csv": "day,from,to,rate\nyesterday,EUR,USD,1\n"}, "", "not a date"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_key_and_advice(
    changes: dict[str, str], key: str, words: str
) -> None:
    found = reading(changes)
    assert found.snapshot is None
    assert any(one.key.endswith(key) and words in one.message for one in found.problems), (
        found.problems
    )
    assert all(one.line > 0 for one in found.problems)


def test_the_small_catalogue_stays_as_it_is() -> None:
    assert reading().problems == []
    assert set(files()) == set(SMALL)
