"""Reference data at work: nodes, look-ups, aliases, ported numbers, filters, clocks, damage."""

import datetime

import pytest

from schemas.columns import frame_to_rows
from schemas.outcomes import SuspenseEvent
from schemas.reasons import CURED_BY_CATALOGUE, Reason
from tallywire.mediation.lane import LaneState
from tallywire.mediation.recycle import Request, recycle
from tests.reference_feed import catalogue, context, outcomes, worked

TRUNKS = """trunk,partner,direction,valid_from,valid_to
SE-1,nordvik,in,2026-01-01,2026-10-01
SE-1,NORDVIK,in,2026-10-01,
"""
ENRICH = """
enrich:
  - {from: trunks, by: trunk_in, set: {partner: partner, attributes.way: direction}}
"""


def test_a_number_is_national_where_its_node_stands() -> None:
    """0701234567 is Swedish on the Swedish node, and 8 digits are Norwegian on the feed's."""
    snapshot = catalogue("""
nodes:
  - {id: stockholm, home_country: "46", trunk_prefix: "0"}
  - {id: trunks_of_us, field: trunk_in, starts_with: [US], home_country: "1", international_prefixes: ["011"]}
""")
    made = worked(
        snapshot, {"node": "stockholm", "b_raw": "0701234567"}, {"b_raw": "41234567"},
        {"trunk_in": "US-NY-1", "b_raw": "0114741234567"}, {"trunk_in": "US-NY-1", "b_raw": "2125550100"},
    )  # fmt: skip
    assert made.usage["b_number"].to_list() == [
        "46701234567", "4741234567", "4741234567", "12125550100",
    ]  # fmt: skip
    assert made.usage["b_number_raw"][0] == "0701234567"


def test_a_trunk_has_dialling_rules_of_its_own() -> None:
    table = "trunk,home_country,trunk_prefix,international_prefixes\nSE-1,46,0,00 009\nNO-1,,,\n"
    made = worked(
        catalogue("", {"trunks": table}), {"trunk_in": "SE-1", "b_raw": "0701234567"},
        {"trunk_in": "SE-1", "b_raw": "0094741234567"}, {"trunk_in": "NO-1", "b_raw": "41234567"},
    )  # fmt: skip
    assert made.usage["b_number"].to_list() == ["46701234567", "4741234567", "4741234567"]


def test_a_look_up_is_at_the_time_of_the_usage_and_fills_what_is_empty() -> None:
    made = worked(
        catalogue(ENRICH, {"trunks": TRUNKS}), {"trunk_in": "SE-1", "start": "2026-09-30 23:59:59"},
        {"trunk_in": "SE-1", "start": "2026-10-01 00:00:00"}, {"trunk_in": "SE-2"}, {},
    )  # fmt: skip
    assert made.usage["partner_id"].to_list() == ["nordvik", "NORDVIK", "", ""]
    assert made.usage["attributes"].to_list() == ['{"way":"in"}', '{"way":"in"}', "", ""]
    assert made.usage["quality_flags"].to_list() == ["", "", "unknown_trunk", ""]


def test_replace_fills_what_holds_something() -> None:
    table = "code,account\nold-7,NL-OSLO\n"
    rule = "\nenrich: [{{from: codes, by: account_code, set: {{account_code: account}}{}}}]\n"
    kept = worked(catalogue(rule.format(""), {"codes": table}), {"account_code": "old-7"})
    assert kept.suspense["missing_ref"].to_list() == ["account_code:old-7"]
    made = worked(
        catalogue(rule.format(", replace: true"), {"codes": table}), {"account_code": "old-7"}
    )
    assert made.usage["account_id"].to_list() == ["nordlys-oslo"]


def test_a_required_row_that_is_missing_is_suspense_until_it_arrives() -> None:
    rule = ENRICH.replace("}}", "}, required: true}")
    before = catalogue(rule, {"trunks": TRUNKS})
    state = LaneState()
    record = {"trunk_in": "SE-2", "b_raw": "41234567", "account_code": "NL-OSLO", "a_raw": ""}
    made = worked(before, record, state=state)
    (held,) = frame_to_rows(made.suspense, SuspenseEvent)
    assert (held.reason, held.missing_ref) == (Reason.REFERENCE_MISSING, "trunks:SE-2")
    assert held.detail == "trunks has no SE-2"
    assert held.reason in CURED_BY_CATALOGUE  # so that the row's arrival is enough
    early = worked(before, {"trunk_in": "SE-1", "start": "2025-12-31 12:00:00"})
    assert outcomes(early) == [
        (0, Reason.REFERENCE_MISSING.value, "trunks has SE-1, but not at that time")
    ]
    after = catalogue(rule, {"trunks": TRUNKS + "SE-2,NORDVIK,in,2026-01-01,\n"})
    again = recycle(state, [Request(suspended=held, attempt=1)], context(after, b"\n"))
    assert again.usage.select("partner_id", "b_number", "account_id", "attributes").rows() == [
        ("NORDVIK", "4741234567", "nordlys-oslo", '{"way":"in"}')
    ]
    assert again.suspense["change"].to_list() == [-1]


def test_a_recycle_takes_a_corrected_dialling_prefix() -> None:
    """What is suspended keeps how it was written, not only what came of it."""
    before, after = catalogue(), catalogue('\ninternational_prefixes: ["8110"]\n')
    state = LaneState()
    made = worked(before, {"b_raw": "8110474123456700"}, state=state)
    (held,) = frame_to_rows(made.suspense, SuspenseEvent)
    assert held.reason == Reason.NUMBER_UNPARSABLE
    same = recycle(state, [Request(suspended=held, attempt=1)], context(before, b"\n"))
    assert same.suspense["change"].to_list() == [-1, 1]
    (_, held) = frame_to_rows(same.suspense, SuspenseEvent)
    again = recycle(state, [Request(suspended=held, attempt=2)], context(after, b"\n"))
    assert again.usage.select("b_number", "account_id", "quantity").rows() == [
        ("474123456700", "hansen-anna", 60_000_000)
    ]


def test_a_recycle_may_end_in_a_filter() -> None:
    rule = "\nfilters: [{name: lab, when: {a_number: '4790099009'}}]\n"
    state = LaneState()
    made = worked(catalogue(), {"a_raw": "+4790099009"}, state=state)
    (held,) = frame_to_rows(made.suspense, SuspenseEvent)
    assert held.reason == Reason.ACCOUNT_UNKNOWN
    again = recycle(state, [Request(suspended=held, attempt=1)], context(catalogue(rule), b"\n"))
    assert again.set_aside.select("fate", "reason", "detail", "records", "event_id").rows() == [
        ("filtered", "filtered_by_rule", "lab", 1, made.suspense["event_id"][0])
    ]
    assert again.usage.height == 0
    assert again.suspense["change"].to_list() == [-1]
    assert again.counts.height == 0


def test_aliases_find_the_served_party() -> None:
    aliases = """kind,value,to_kind,to_value,valid_from,valid_to
sip_user,anna,msisdn,4790010001,,
short_code,1234,msisdn,4741234567,2026-10-01,
old_account,OSLO-7,account_code,NL-OSLO,,
"""
    rules = """
enrich:
  - {from: aliases, kind: sip_user, to_kind: msisdn, by: user_name, set: {a_number: to_value}}
  - {from: aliases, kind: short_code, to_kind: msisdn, by: b_raw, set: {b_number: to_value}, replace: yes}
  - {from: aliases, kind: old_account, to_kind: account_code, by: account_code, set: {account_code: to_value}, replace: yes}
"""
    made = worked(
        catalogue(rules, {"aliases": aliases}), {"a_raw": "", "user_name": "anna", "b_raw": "1234"},
        {"account_code": "OSLO-7"}, {"b_raw": "1234", "start": "2026-09-30 12:00:00"},
    )  # fmt: skip
    assert made.usage.select("account_id", "b_number").rows() == [
        ("hansen-anna", "4741234567"), ("nordlys-oslo", "4741234567"), ("hansen-anna", "471234"),
    ]  # fmt: skip


def test_a_ported_number_belongs_to_who_had_it_then() -> None:
    table = """number,operator,valid_from,valid_to
4741,Telia,,
47412345,Ice,,
4741234567,Fjord,2026-10-20,
"""
    rule = "\nenrich: [{from: portability, by: b_number, set: {attributes.b_operator: operator}}]\n"
    made = worked(
        catalogue(rule, {"portability": table}), {"b_raw": "+4741234567"},
        {"b_raw": "+4741234567", "start": "2026-10-19 23:59:59"}, {"b_raw": "+4741999999"},
        {"b_raw": "+46701234567"},
    )  # fmt: skip
    assert made.usage["attributes"].to_list() == [
        '{"b_operator":"Fjord"}', '{"b_operator":"Ice"}', '{"b_operator":"Telia"}', "",
    ]  # fmt: skip
    assert set(made.usage["quality_flags"]) == {""}


def test_device_class_and_cell_zone_become_attributes() -> None:
    tables = {
        "devices": "tac,device_class\n35209900,phone\n",
        "cells": "cell_id,zone,since\n242-99-1-17,harbour,2024\n",
    }
    rules = """
enrich:
  - {from: devices, by: imei, set: {attributes.device: device_class}}
  - {from: cells, by: cell_id, set: {attributes.zone: zone}}
"""
    made = worked(
        catalogue(rules, tables), {"imei": "3520990017613101", "cell_id": "242-99-1-17"},
        {"imei": "1", "cell_id": "2"},
    )  # fmt: skip
    assert made.usage["attributes"].to_list() == ['{"device":"phone","zone":"harbour"}', ""]
    assert made.usage["quality_flags"].to_list() == ["", "unknown_cell,unknown_device"]


def test_filters_take_by_name_in_their_order_and_duplicates_stay_duplicates() -> None:
    rules = """
filters:
  - {name: test_numbers, when: {a_number: {in: test_numbers}}}
  - {name: internal, when: {a_number: {starts_with: ["4790"]}, b_number: {starts_with: ["4790"]}}}
  - {name: flashes, when: {service: voice, quantity: {below: 2s}}}
  - {name: busy, when: {cause: ["17", busy]}}
"""
    tables = {"test_numbers": "number,valid_to,note\n4790010002,,lab\n4790010001,2026-01-01,old\n"}
    made = worked(
        catalogue(rules, tables), {"a_raw": "+4790010002", "b_raw": "+4790010001"},
        {"b_raw": "+4790010003"}, {"seconds": "1"}, {"cause": "17"}, {}, {"cause": "17", "id": "3"},
        {"a_raw": "+4799999999", "cause": "busy"},
    )  # fmt: skip
    rule = Reason.FILTERED_BY_RULE.value
    assert outcomes(made) == [
        (0, rule, "test_numbers"), (1, rule, "internal"), (2, rule, "flashes"), (3, rule, "busy"),
        (5, Reason.DUPLICATE_RECORD.value, "key and content were seen before"), (6, rule, "busy"),
    ]  # fmt: skip
    assert set(made.set_aside.filter(made.set_aside["reason"] == rule)["fate"]) == {"filtered"}
    assert made.usage["record_no"].to_list() == [4]


def test_a_filter_of_the_operator_holds_for_every_feed() -> None:
    snapshot = catalogue(operator="\nfilters: [{name: lab, when: {a_number: '4790010001'}}]\n")
    assert all(feed.filters[0].name == "lab" for feed in snapshot.feeds.values())
    assert [detail for _, _, detail in outcomes(worked(snapshot, {}))] == ["lab"]


def test_a_field_map_copies_and_translates() -> None:
    rules = """
map:
  account_code: user_name
  usage_type: {from: cause, values: {"16": answered, "17": busy}, otherwise: other}
  attributes.cell: cell_id
"""
    made = worked(
        catalogue(rules), {"user_name": "NL-OSLO", "cause": "16", "cell_id": "c1"},
        {"cause": "99"}, {},
    )  # fmt: skip
    assert made.usage.select("account_id", "usage_type", "attributes").rows() == [
        ("nordlys-oslo", "answered", '{"cell":"c1"}'), ("hansen-anna", "other", ""),
        ("hansen-anna", "", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "number", "flags"),
    [
        ("sip:+4741234567@10.0.0.1;user=phone", "4741234567", ""),
        ("<tel:+47-41-23-45-67;ext=3>", "4741234567", ""),
        ("41234567@pbx.example", "4741234567", ""),
        ("41234567F", "4741234567", ""),
        ("NULL", "", "b_number_null"),
        ("tel:7042;phone-context=+44", "", "b_number_local"),
        ("anonymous@anonymous.invalid", "", "b_number_withheld"),
    ],
)
def test_numbers_are_taken_out_of_how_they_are_written(raw: str, number: str, flags: str) -> None:
    made = worked(catalogue(), {"b_raw": raw})
    assert made.usage.select("b_number", "quality_flags").rows() == [(number, flags)]


def test_a_damaged_called_number_is_suspense_a_calling_one_where_nobody_else_is_named() -> None:
    made = worked(
        catalogue(), {"b_raw": "9.12678E+11"}, {"a_raw": "4.79001E+9"},
        {"a_raw": "4790010001.0", "account_code": "NL-OSLO"},
    )  # fmt: skip
    damaged = Reason.NUMBER_DAMAGED.value
    assert outcomes(made) == [
        (0, damaged, "9.12678E+11 is what is left of a number"),
        (1, damaged, "4.79001E+9 is what is left of a number"),
    ]
    assert made.usage.select("account_id", "a_number", "quality_flags").rows() == [
        ("nordlys-oslo", "", "a_number_damaged")
    ]


def _utc(text: str) -> int:
    moment = datetime.datetime.fromisoformat(f"{text}+00:00")
    return int(moment.timestamp()) * 1_000_000


def test_a_node_has_a_clock_and_a_zone_of_its_own() -> None:
    rules = """
nodes:
  - {id: helsinki, time_zone: Europe/Helsinki}
  - id: fast
    clock_offset_ms:
      - {offset_ms: 2500, valid_from: 2026-10-10, valid_to: 2026-10-20}
      - {offset_ms: -1000, valid_from: 2026-10-20}
"""
    made = worked(
        catalogue(rules), {"node": "helsinki"}, {"node": "fast"},
        {"node": "fast", "start": "2026-10-19 10:00:03"},
        {"node": "fast", "start": "2026-10-09 10:00:00"}, {},
    )  # fmt: skip
    assert made.usage["start_time"].to_list() == [
        _utc("2026-10-20T07:00:00"), _utc("2026-10-20T08:00:01"), _utc("2026-10-19T08:00:00") + 500_000,
        _utc("2026-10-09T08:00:00"), _utc("2026-10-20T08:00:00"),
    ]  # fmt: skip
    assert made.usage["quality_flags"].to_list() == [
        "",
        "clock_corrected",
        "clock_corrected",
        "",
        "",
    ]
    assert made.usage["utc_offset_minutes"].to_list() == [180, 120, 120, 120, 120]


def test_the_hour_that_comes_twice_is_told() -> None:
    """2026-10-25 in Oslo: from 02:00 to 03:00 twice, in Reykjavik once."""
    rules = "\nnodes: [{id: iceland, time_zone: Atlantic/Reykjavik}]\n"
    made = worked(
        catalogue(rules), {"start": "2026-10-25 01:59:59"}, {"start": "2026-10-25 02:30:00"},
        {"start": "2026-10-25 03:00:00"}, {"start": "2026-10-25 02:30:00", "node": "iceland"},
    )  # fmt: skip
    assert made.usage["quality_flags"].to_list() == ["", "ambiguous_time", "", ""]
    assert made.usage["start_time"].to_list() == [
        _utc("2026-10-24T23:59:59"), _utc("2026-10-25T00:30:00"), _utc("2026-10-25T02:00:00"),
        _utc("2026-10-25T02:30:00"),
    ]  # fmt: skip


def test_a_time_that_a_nodes_clock_never_showed_is_suspense() -> None:
    rules = "\ntime_zone: UTC\nbackfill: yes\nnodes: [{id: oslo, time_zone: Europe/Oslo}]\n"
    made = worked(catalogue(rules), {"start": "2026-03-29 02:30:00", "node": "oslo"})
    assert outcomes(made) == [
        (0, Reason.TIME_INVALID.value, "the clock of Europe/Oslo never showed this local time")
    ]
