"""Whatever a catalogue says, reading it gives a snapshot or problems, never an exception."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tallywire.catalog import read
from tallywire.catalog.lint import compared, warnings
from tallywire.catalog.places import Places
from tallywire.rating.assertions import failed
from tallywire.rating.one_by_one import one_by_one
from tests.unit.catalog_files import FORMATS, SMALL, files, snapshot

ASSERTION = """
id: first_minutes
offer: basic
sequence:
  - usage: {service: voice, b_number: "33123456789", quantity: 61s, start: 2026-06-01T10:00:00+02:00}
    expect: {amount: "0.38", zone: abroad, matched_prefix: any, allowance_after: 1min}
  - usage: {service: voice, serving_plmn: "33", up: 1 MB, quantity: 61s, start: 2026-06-01T10:00:00Z,
            source_amount: "1.5", attributes: {rat: five}}
    refuse: zone_unknown
"""
FEED_RULES = """
nodes: [{id: north, starts_with: [N-], home_country: "46", clock_offset_ms: [{offset_ms: -5, valid_from: 2026-01-01}]}]
map: {usage_type: {from: cause, values: {"16": ok}, otherwise: other}}
enrich: [{from: trunks, by: trunk_in, set: {partner: way}}, {from: aliases, kind: k, to_kind: t, by: a_raw, set: {a_number: to_value}}]
filters: [{name: lab, when: {a_number: {in: lab}, quantity: {below: 2s}}}]
"""
TABLES = {
    "reference/trunks.csv": "trunk,way,valid_from,valid_to\nA,x,,2026-01-01\nA,y,2026-01-01,\n",
    "reference/aliases.csv": "kind,value,to_kind,to_value\nk,a,t,4790000001\n",
    "reference/lab.csv": "number\n4790000001\n",
}
FEED = SMALL["feeds/exchange.yaml"] + FEED_RULES
TEXTS = {**SMALL, **TABLES, "feeds/exchange.yaml": FEED, "assertions/prices.yaml": ASSERTION}
NAMES = sorted(TEXTS)
HEADS = {
    "accounts/more.csv": "account_id,subscription_id,offer_id,identifier_type,identifier,valid_from",
    "reference/networks.csv": "mcc_mnc,tadig,valid_from",
    "reference/trunks.csv": "trunk,way,partner,international_prefixes,valid_to",
}
SCRAPS = (
    "", "[]", "{}", "a", "-1", "0", "0.10", "NO", "001", "18:00", "9999-12-31", "1 MB", "60/0",
    "any", "{a: b}", "[a, [b]]", "9" * 40, "1e400", "\u0660", "\x85", "2026-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59", "holiday", "voice", "home", "top", "&x [1]", "*x", "\ud7ff",
)  # fmt: skip


def _outcome(catalogue: dict[str, bytes]) -> None:
    reading = read(catalogue, FORMATS)
    assert (reading.snapshot is None) == bool(reading.problems)
    found = [*reading.problems, *failed(reading), *warnings(reading), *one_by_one(reading)]
    if reading.snapshot is not None:
        found += compared(snapshot(), reading.snapshot, Places(reading.entries), Fraction(0))
    for problem in found:
        assert problem.line >= 1
        assert problem.message


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 400), st.sampled_from(SCRAPS), st.integers(0, 12))
def test_a_changed_catalogue_is_read_or_refused(
    name: str, place: int, scrap: str, cut: int
) -> None:
    text = TEXTS[name]
    at = place % (len(text) + 1)
    _outcome(files({**TEXTS, name: text[:at] + scrap + text[at + cut :]}))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_a_value_may_be_anything(name: str, data: st.DataObject) -> None:
    words = TEXTS[name].split(" ")
    index = data.draw(st.integers(0, len(words) - 1))
    words[index] = data.draw(st.sampled_from(SCRAPS))
    _outcome(files({**TEXTS, name: " ".join(words)}))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80), st.booleans(), st.sampled_from(sorted(HEADS)))
def test_a_table_may_be_any_bytes(rows: bytes, headed: bool, name: str) -> None:
    head = HEADS[name].encode() + b"\n" if headed else b""
    _outcome(files({**TEXTS, name: head + rows}))
