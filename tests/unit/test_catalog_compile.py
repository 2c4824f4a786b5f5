from fractions import Fraction

import polars as pl

from tallywire.catalog import content_hash, read
from tallywire.catalog.snapshot import FOREVER_US, IDENTIFIER_SCHEMA, PREFIX_SCHEMA, Group
from tests.unit.catalog_files import FORMATS, changed, files, snapshot

MINUTE = 60_000_000


def test_prices_are_exact_per_base_unit_and_band() -> None:
    voice = snapshot().tariffs["voice"]
    home, abroad = voice.prices
    rates = (Fraction(4, 100 * MINUTE), Fraction(1, 10 * MINUTE))
    assert home.groups == (Group(0, MINUTE, rates),)
    flat = Fraction(3, 10 * MINUTE)
    assert abroad.connect_fee == Fraction(1, 20)
    assert abroad.groups == (
        Group(0, MINUTE, (flat, flat)),
        Group(MINUTE, 6_000_000, (flat, flat)),
    )


def test_prefixes_point_at_prices() -> None:
    rows = snapshot().tariffs["voice"].prefixes
    assert rows.schema == PREFIX_SCHEMA
    assert rows.select("prefix", "zone_id", "price_no", "valid_to_us").rows() == [
        ("", "abroad", 1, FOREVER_US),
        ("47", "home", 0, FOREVER_US),
    ]


def test_a_revision_ends_where_the_next_begins() -> None:
    second = """
  - revision: 2
    valid_from: 2026-07-01
    zones: dialled
    prices:
      - {zone: home, rate: 0.02, per: 60s, increment: 60/60}
      - {zone: abroad, rate: 0.20, per: 60s, increment: 1/1}
"""
    name = "tariffs/voice.yaml"
    text = files()[name].decode() + second.lstrip("\n")
    rows = snapshot({name: text}).tariffs["voice"].prefixes.filter(pl.col("prefix") == "47")
    assert rows["revision"].to_list() == [1, 2]
    assert rows["valid_to_us"][0] == rows["valid_from_us"][1]
    assert rows["valid_to_us"][1] == FOREVER_US


def test_identifiers_know_the_top_of_their_hierarchy() -> None:
    rows = snapshot().identifiers
    assert rows.schema == IDENTIFIER_SCHEMA
    assert rows.select("identifier", "account_id", "routing_id").rows() == [
        ("4790000001", "001", "top")
    ]


def test_a_number_may_change_account() -> None:
    table = (
        "account_id,subscription_id,offer_id,identifier_type,identifier,valid_from,valid_to\n"
        "NO,s2,basic,msisdn,4790000001,2026-06-01,\n"
    )
    rows = snapshot({"accounts/more.csv": table}).identifiers
    assert rows["account_id"].to_list() == ["001", "NO"]
    assert rows["valid_to_us"][0] == rows["valid_from_us"][1]


def test_a_subscription_may_change_offer() -> None:
    change = changed(
        "accounts/all.yaml",
        "offer: basic",
        "offers: [{offer: basic, valid_to: 2026-03-01}, {offer: other, valid_from: 2026-03-01}]",
    )
    rows = snapshot({**change, "offers/other.yaml": "{id: other, plans: [mobile]}"}).identifiers
    assert rows["offer_id"].to_list() == ["basic", "other"]
    assert rows["valid_to_us"][0] == rows["valid_from_us"][1]


def test_a_feed_inherits_from_the_operator() -> None:
    feed = snapshot().feeds["exchange"]
    assert (feed.tenant_id, feed.time_zone, feed.home_country) == ("small", "Europe/Oslo", "47")
    assert (feed.source_id, feed.served) == ("exchange", (("msisdn", "a_number"),))
    assert feed.international_prefixes == ("00",)


def test_an_allowance_is_in_base_units() -> None:
    (allowance,) = snapshot().offers["basic"].allowances
    assert (allowance.quantity, allowance.unit) == (100 * MINUTE, "microsecond")
    assert allowance.zones == {"home"}


def test_increment_groups_may_be_written_out() -> None:
    groups = (
        "groups: [{from: 0s, step: 60s, rate: 0.20, per: 60s},"
        " {from: 60s, step: 1s, rate: 0.10, per: 60s}]"
    )
    change = changed("tariffs/voice.yaml", "rate: 0.30, per: 60s, increment: 60/6", groups)
    price = snapshot(change).tariffs["voice"].prices[1]
    assert [(group.start, group.increment) for group in price.groups] == [
        (0, MINUTE),
        (MINUTE, 1_000_000),
    ]
    assert price.groups[1].rates[0] == Fraction(1, 10 * MINUTE)


def test_free_usage_comes_before_the_groups_and_a_maximum_is_kept() -> None:
    change = changed("tariffs/voice.yaml", "rate: 0.30", "free: 10s, maximum_charge: 2, rate: 0.30")
    price = snapshot(change).tariffs["voice"].prices[1]
    assert [(group.start, group.increment) for group in price.groups] == [
        (0, MINUTE), (10_000_000, MINUTE), (10_000_000 + MINUTE, 6_000_000),
    ]  # fmt: skip
    assert price.groups[0].rates == (0, 0)
    assert price.maximum_charge == 2


def test_typical_rates_are_the_median_of_what_is_charged() -> None:
    assert snapshot().typical_rates == {"voice": (Fraction(4, 100 * MINUTE), "EUR")}


def test_the_hash_names_the_content_and_nothing_else() -> None:
    once, again = files(), dict(reversed(files().items()))
    assert content_hash(once) == content_hash(again) == snapshot().hash
    assert content_hash({**once, "feeds/exchange.yaml": b"x"}) != content_hash(once)
    assert content_hash({"a": b"bc"}) != content_hash({"ab": b"c"})
    first, second = read(once, FORMATS).snapshot, read(again, FORMATS).snapshot
    assert first is not None
    assert second is not None
    assert first.tariffs["voice"].prices == second.tariffs["voice"].prices
    assert first.identifiers.equals(second.identifiers)
