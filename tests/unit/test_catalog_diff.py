from dataclasses import replace

from tallywire.catalog import diff
from tests.unit.catalog_files import changed, files, snapshot

VOICE = "tariffs/voice.yaml"
SECOND_REVISION = """  - revision: 2
    valid_from: 2026-07-01
    zones: dialled
    prices:
      - {zone: home, rate: 0.02, per: 60s, increment: 60/60}
      - {zone: abroad, rate: 0.20, per: 60s, increment: 1/1}
"""


def _words(changes: dict[str, str | bytes | None]) -> list[str]:
    found = diff(snapshot(), snapshot(changes))
    return [f"{one.kind} {one.id} {one.what}: {one.words}" for one in found]


def _change(name: str, old: str, new: str) -> list[str]:
    return _words({**changed(name, old, new)})


def test_nothing_changed_between_equals() -> None:
    assert diff(snapshot(), snapshot()) == []


def test_a_price_change_is_said_per_minute() -> None:
    assert _change(VOICE, "high: 0.10", "high: 0.12") == [
        (
            "zone voice/home changed: price low 0.04, high 0.10 EUR/min in steps of 60 s → "
            "low 0.04, high 0.12 EUR/min in steps of 60 s (from 2026-01-01)"
        )
    ]


def test_a_new_revision_ends_the_one_before() -> None:
    assert _words({VOICE: files()[VOICE].decode() + SECOND_REVISION}) == [
        "zone voice/abroad changed: valid to open → 2026-07-01 (from 2026-01-01)",
        "zone voice/abroad added: 0.20 EUR/min in steps of 1 s, from 2026-07-01 (any)",
        "zone voice/home changed: valid to open → 2026-07-01 (from 2026-01-01)",
        "zone voice/home added: 0.02 EUR/min in steps of 60 s, from 2026-07-01 (47)",
    ]


def test_a_prefix_may_change_its_price_while_its_zone_keeps_both() -> None:
    deck = "code,name,price\n{}"
    tariff = """
id: carrier
service: interconnect
zone_by: b_number
rounding: {mode: up, scale: 2}
revisions:
  - revision: 1
    valid_from: 2026-01-01
    deck:
      {file: d.csv, per: 1 min, increment: 1/1,
       columns: {prefix: code, destination: name, rate: price}}
"""
    first = {"tariffs/c.yaml": tariff, "tariffs/d.csv": deck.format("45,DK,1\n46,DK,2\n47,DK,1\n")}
    then = {"tariffs/c.yaml": tariff, "tariffs/d.csv": deck.format("45,DK,2\n46,DK,1\n47,DK,1\n")}
    assert [one.words for one in diff(snapshot(first), snapshot(then))] == [
        "price of 45 1.00 EUR/min in steps of 1 s → 2.00 EUR/min in steps of 1 s (from 2026-01-01)",
        "price of 46 2.00 EUR/min in steps of 1 s → 1.00 EUR/min in steps of 1 s (from 2026-01-01)",
    ]


def test_zones_offers_feeds_calendars_and_the_operator_are_compared() -> None:
    assert _change("zones/dialled.yaml", '["47"]', '["47", "48"]') == [
        "zone voice/home changed: prefixes added: 48 (from 2026-01-01)"
    ]
    assert _change("offers/basic.yaml", "100 min", "120 min") == [
        (
            "offer basic changed: allowance minutes: 100 min a month of voice in home → "
            "120 min a month of voice in home"
        )
    ]
    assert _change("feeds/exchange.yaml", "exchange/*.csv", "x/*.csv") == [
        "feed exchange changed: path exchange/*.csv → x/*.csv"
    ]
    assert _change("operator.yaml", "Small AS", "Big AS") == [
        "operator small changed: legal_entity Small AS → Big AS"
    ]
    assert "08:00-19:00" in _change("calendars/peak.yaml", '"18:00"', '"19:00"')[0]


def test_settings_of_a_format_are_compared_one_by_one() -> None:
    old = {"fields": {"start": {"column": "begin"}, "quantity": {"column": "s"}}, "skip": ["H"]}
    new = {"fields": {"start": {"column": "begin"}, "quantity": {"column": "ms", "kind": "int"}}}
    before = snapshot()
    feed = before.feeds["exchange"]
    one, other = (
        replace(before, feeds={"exchange": replace(feed, options=options)})
        for options in (old, new)
    )
    assert [change.words for change in diff(one, other)] == [
        "fields.quantity.column s → ms", "fields.quantity.kind none → int", "skip H → none",
    ]  # fmt: skip
    assert [change.words for change in diff(one, before)] == [
        "fields.quantity.column s → none", "fields.start.column begin → none", "skip H → none",
    ]  # fmt: skip


def test_accounts_are_compared_by_identifier() -> None:
    assert _change("accounts/all.yaml", "2026-06-01", "2026-07-01") == [
        "account 001 changed: msisdn 4790000001: valid to 2026-06-01 → 2026-07-01"
    ]
    assert _words({"accounts/all.yaml": None}) == [
        (
            "account 001 removed: msisdn 4790000001 on s1 under basic, top account top, "
            "from 2026-01-01 to 2026-06-01"
        )
    ]
