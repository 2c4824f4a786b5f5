"""What lint says of reference data and of the rules of feeds: file, line, column, what to do."""

import re
from pathlib import Path

import pytest

from tallywire.catalog import diff
from tests.reference_feed import FEED, catalogue, said


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("trunks", "name,partner\nA,NORDVIK\n", ":1: trunk: the column is missing; add it"),
        ("trunks", "trunk,valid_form\nA,2026-01-01\n",
         ":1: valid_form: did you mean valid_from or valid_to?"),
        ("trunks", "trunk,partner\nA,NORDVIK\nB,nobody\n",
         (":3: partner: 'nobody' is no partner, and no account's identifier of type partner; "
         "add it or correct the name")),
        ("trunks", "trunk,direction\nA,up\n",
         ":2: direction: 'up' is not a direction; write in, out, both or nothing"),
        ("trunks", "trunk,valid_from,valid_to\nA,,2026-05-01\nB,,\nA,2026-04-30,\n",
         (":4: trunk: 'A' is there for the same time as in line 2; "
         "keep one, or end the first where the second begins")),
        ("portability", "number,operator\n9.12678E+11,Ice\n",
         (":2: number: '9.12678E+11' is not a number; "
         "write 1 to 15 digits with the country code")),
        ("portability", "number,operator,valid_from\n4741,Ice,soon\n",
         ":2: valid_from: 'soon' is not a date; write YYYY-MM-DD, for example 2026-01-31"),
        ("portability", "number,valid_from,valid_to\n4741,2026-02-01,2026-01-01\n",
         ":2: valid_to: is not after valid_from; correct one"),
        ("aliases", "kind,value,to_kind,to_value\nsip,anna,msisdn,+4790\n",
         ":2: to_value: '+4790' is not a number; write 1 to 15 digits with the country code"),
        ("devices", "tac,device_class\n3520,phone\n",
         ":2: tac: '3520' is not a type allocation code; write 8 digits"),
        ("networks", "mcc_mnc,tadig\n24299,NORFL\n2429,NORTC\n",
         ":3: mcc_mnc: '2429' is not an MCC and MNC; write 5 or 6 digits"),
        ("test_numbers", "number,Note\n4790010001,x\n",
         ":1: Note: is no name of a column here; write small letters, digits and _"),
    ],
)  # fmt: skip
def test_a_table_is_refused_by_line_and_column(name: str, text: str, told: str) -> None:
    assert said("", {name: text}) == [f"reference/{name}.csv{told}"]


LIST = {"codes": "code,account\nx,NL-OSLO\n"}


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("enrich: [{from: trunk, by: trunk_in, set: {partner: partner}}]",
         "enrich[0].from: there is no table 'trunk' in reference/; there are: codes"),
        ("enrich: [{from: codes, by: trunk, set: {account_code: account}}]",
         "enrich[0].by: 'trunk' is no field here"),
        ("enrich: [{from: codes, by: node, set: {account_code: acount}}]",
         "enrich[0].set.account_code: codes has no column 'acount'; it has code, account"),
        ("enrich: [{from: codes, by: node, set: {service: account}}]",
         "enrich[0].set.service: 'service' is no field here"),
        ("enrich: [{from: codes, by: node, set: {b_number: account}}]",
         ("enrich[0].set.b_number: is filled with numbers: 1 to 15 digits with the country code; "
         "codes has something else in account")),
        ("enrich: [{from: codes, by: node, kind: x, to_kind: y, set: {account_code: account}}]",
         "enrich[0]: kind and to_kind say which aliases are meant"),
        ("enrich: [{from: codes, by: node, key: account, set: {account_code: account}}]",
         "enrich[0].key: codes is looked up by code"),
        ("filters: [{name: all, when: {}}]",
         "filters[0].when: has no condition, so that it would take all usage; write one"),
        ("filters: [{name: a, when: {cell: x}}]", "filters[0].when.cell: 'cell' is no field here"),
        ("filters: [{name: a, when: {cause: {below: 1s}}}]",
         "filters[0].when.cause: is a text; below and at_least measure duration, quantity, up"),
        ("filters: [{name: a, when: {duration: {below: 1 MB}}}]",
         "filters[0].when.duration.below: is not in microseconds, in which duration counts"),
        ("filters: [{name: a, when: {a_number: {in: list}}}]",
         "filters[0].when.a_number.in: there is no table 'list' in reference/"),
        ("filters: [{name: a, when: {cause: x}}, {name: a, when: {cause: y}}]",
         "filters[1].name: 'a' is already a filter here; name it otherwise"),
        ("filters: [{name: a, when: {cause: {stars_with: x}}}]",
         "filters[0].when.cause.stars_with: unknown key; did you mean starts_with?"),
        ("map: {natural_key: cause}", "map.natural_key: 'natural_key' is no field here"),
        ("map: {cause: {from: a_raw, otherwise: x}}",
         "map.cause.otherwise: needs values; without them every text is taken as it is"),
        ("nodes: [{id: a}, {id: a}]", "nodes[1].id: 'a' is already a node of this feed"),
        ("nodes: [{id: a, clock_offset_ms: 2.5}]",
         "nodes[0].clock_offset_ms[0].offset_ms: '2.5' is not a whole number"),
        ("nodes: [{id: a, clock_offset_ms: [{offset_ms: 1}, {offset_ms: 2}]}]",
         "nodes[0].clock_offset_ms[1].valid_from: overlaps the offset above it"),
        ("nodes: [{id: a, time_zone: CET+1}]", "nodes[0].time_zone: 'CET+1' is not an IANA"),
    ],
)  # fmt: skip
def test_a_rule_is_refused_where_it_is_written(rules: str, told: str) -> None:
    (found,) = said(f"\n{rules}\n", LIST)
    file, line, text = found.split(":", 2)
    assert file == "feeds/hub.yaml"
    assert int(line) == FEED.count("\n") + 2
    assert text.strip().startswith(told)


def test_a_second_key_that_is_not_unique_is_refused_where_it_is_used() -> None:
    """Networks may share a TADIG code as long as nothing is looked up by it."""
    tables = {"networks": "mcc_mnc,tadig\n24299,NORFL\n24298,NORFL\n"}
    by_plmn = "\nenrich: [{from: networks, by: serving_plmn, set: {attributes.tadig: tadig}}]\n"
    assert said(by_plmn, tables) == []
    by_tadig = (
        "\nenrich: [{from: networks, key: tadig, by: partner, set: {serving_plmn: mcc_mnc}}]\n"
    )
    (found,) = said(by_tadig, tables)
    assert "enrich[0].key: is not unique: reference/networks.csv:3: 'NORFL' is there" in found


def test_a_filter_of_a_feed_is_not_named_as_one_of_the_operator() -> None:
    rule = "\nfilters: [{name: lab, when: {cause: x}}]\n"
    (found,) = said(rule, operator=rule)
    assert found.endswith("'lab' is a filter of operator.yaml already; name it otherwise")


def test_a_table_must_not_lie_deeper() -> None:
    assert said("", {"old/trunks": "trunk\nA\n"}) == [
        "reference/old/trunks.csv:1: lies too deep; move it into reference/ itself"
    ]


def test_a_row_changes_the_hash_and_is_told_by_a_comparison() -> None:
    before = catalogue("", {"trunks": "trunk,partner\nA,NORDVIK\nB,NORDVIK\n"})
    rule = "\nfilters: [{name: lab, when: {a_number: {in: lab}}}]\n"
    after = catalogue(
        rule, {"trunks": "trunk,partner\nA,nordvik\nB,NORDVIK\nC,\n", "lab": "number\n1\n"}
    )
    assert before.hash != after.hash
    told = [f"{one.kind} {one.id} {one.what}: {one.words}" for one in diff(before, after)]
    assert told == [
        "feed hub changed: filters none → lab (a_number in lab)",
        "reference lab added: 1 row",
        "reference trunks changed: 2 rows added, 1 row removed",
    ]


_DOCS = (Path(__file__).parents[2] / "docs/reference/catalog.md").read_text()
_SHOWN = dict(re.findall(r"```csv reference/(\w+)\n(.*?)```", _DOCS, re.DOTALL))
_OTHERS = {
    "devices": "tac,device_class\n35209900,phone\n",
    "networks": "mcc_mnc\n24299\n",
    "test_numbers": "number\n4790010001\n",
}


@pytest.mark.parametrize("rules", re.findall(r"```yaml feed\n(.*?)```", _DOCS, re.DOTALL))
def test_what_the_reference_shows_compiles(rules: str) -> None:
    assert sorted(_SHOWN) == ["aliases", "portability", "trunks"]
    assert said(f"\n{rules}\n", {**_SHOWN, **_OTHERS}) == []
