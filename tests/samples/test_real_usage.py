"""Real files of six sources through `tallywire run`: every built-in fault is found by name."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.samples, pytest.mark.store, pytest.mark.live]

CATALOG = {
    "operator.yaml": """
tenant: lab
legal_entity: Lab
currency: EUR
time_zone: Europe/Amsterdam
home_country: "31"
trunk_prefix: "0"
""",
    "tariffs/flat.yaml": """
- {id: voice, service: voice, zone_by: none, rounding: {mode: half_up, scale: 6}, revisions: [{revision: 1, valid_from: 2000-01-01, prices: [{rate: "0.06", per: 60s, increment: 1/1}]}]}
- {id: carrier, service: interconnect, zone_by: none, rounding: {mode: half_up, scale: 6}, revisions: [{revision: 1, valid_from: 2000-01-01, prices: [{rate: "0.03", per: 60s, increment: 1/1}]}]}
- {id: data, service: data, zone_by: none, rounding: {mode: half_up, scale: 6}, revisions: [{revision: 1, valid_from: 2000-01-01, prices: [{rate: "0.01", per: 1 MB, increment: 1 kB/1 kB}]}]}
- {id: api, service: api, zone_by: none, rounding: {mode: half_up, scale: 6}, revisions: [{revision: 1, valid_from: 2000-01-01, prices: [{rate: "0.001", per: 1}]}]}
""",
    "plans/plan.yaml": """
- id: all
  tariffs:
    - {service: voice, tariff: voice}
    - {service: interconnect, tariff: carrier}
    - {service: data, tariff: data}
    - {service: api, tariff: api}
""",
    "offers/offer.yaml": "- {id: all, plans: [all]}\n",
    "accounts/accounts.yaml": """
- id: lab
  subscriptions:
    - id: lab-1
      offer: all
      valid_from: 2000-01-01
      identifiers:
        - {type: site, value: test}
        - {type: customer, value: customer-1}
        - {type: user_name, value: user1@example.org}
        - {type: user_name, value: user2@example.org}
        - {type: partner, value: CARRIER}
        - {type: account_code, value: "498651"}
        - {type: account_code, value: "1000"}
        - {type: msisdn, value: "311001"}
""",
    "feeds/feeds.yaml": """
- id: asterisk
  format: asterisk_csv
  path: asterisk/*.csv
  growing: true
  backfill: true
  service: voice
  served: [{identifier: msisdn, field: a_number}, {identifier: account_code, field: account_code}]
- id: switch
  format: freeswitch_json
  path: "*.json"
  service: voice
  served: [{identifier: msisdn, field: a_number}]
- id: imports
  format: freeswitch_csv
  path: "*import_cdr*.txt"
  service: voice
  served: [{identifier: msisdn, field: a_number}]
  options: {columns: [caller_id_number, caller_id_name, destination_number, duration, billsec, hangup_cause_q850, uuid, start_epoch]}
- id: stats
  format: freeswitch_csv
  path: "*CDRImport*.csv"
  service: voice
  served: [{identifier: account_code, field: account_code}]
  options:
    header: true
    columns: [switch, cdr_source_type, uuid, caller_id_number, caller_id_name, destination_number, dialcode, state, channel, start_stamp, duration, billsec, progresssec, answersec, waitsec, hangup_cause_q850, hangup_cause, way, country_code, accountcode, buy_rate, buy_cost, sell_rate, sell_cost, extradata]
- id: events
  format: cloudevents
  path: "*.jsonl"
  service: api
  served: [{identifier: customer, field: customer}]
  options: {events: [{type: api-calls, service: api, fields: {usage_type: data.path}}]}
- id: access
  format: radius_detail
  path: radius/*
  service: data
  served: [{identifier: user_name, field: user_name}]
  options: {zone_abbreviations: {WIB: Asia/Jakarta}}
- id: carrier
  format: declared
  path: "*.cdr"
  service: interconnect
  served: [{identifier: partner, field: partner}]
  options:
    layout: fixed
    header: {starts_with: HDR, sequence: {at: [135, 6]}}
    record_starts_with: CDR
    trailer: {starts_with: TRL, sequence: {at: [135, 6]}, records: {at: [141, 8]}, total: {at: [149, 10]}}
    key: [{at: [3, 6]}, {at: [14, 14]}, {at: [28, 15]}, {at: [49, 28]}]
    start: {at: [14, 14], pattern: "%Y%m%d%H%M%S"}
    duration: {at: [127, 6], unit: seconds}
    texts: {a_raw: {at: [28, 15]}, b_raw: {at: [49, 28]}}
    constants: {partner: CARRIER}
- id: parts
  format: declared
  path: partial_*.csv
  service: voice
  served: [{identifier: account_code, field: account_code}]
  options:
    layout: delimited
    columns: 11
    key: [{column: 1}, {column: 2}, {column: 4}, {column: 5}]
    start: {column: 5, pattern: "%d.%m.%Y %H:%M:%S"}
    setup: {column: 4, pattern: "%d.%m.%Y %H:%M:%S"}
    duration: {column: 7, unit: seconds}
    texts: {a_raw: {column: 1}, b_raw: {column: 2}, account_code: {column: 10}, session_key: {column: 5}}
    partials:
      part: {field: {column: 11}, equals: [partial]}
      first: {field: {column: 6}, equals: ["1"]}
      last: {field: {column: 6}, equals: ["0"]}
""",
}


def _tallywire(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli.main", *(str(item) for item in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run over the real files, and what status says afterwards."""
    samples = Path(__file__).resolve().parents[3] / "shared" / "samples"
    if not samples.is_dir():
        pytest.skip(f"samples absent: {samples}")
    root = tmp_path_factory.mktemp("real")
    for name, text in CATALOG.items():
        path = root / "catalog" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    usage = root / "usage"
    for folder in ("asterisk", "freeswitch", "openmeter", "radius", "fwv_wholesale", "csv_partial"):
        (usage / folder).mkdir(parents=True)
        for path in sorted((samples / folder).iterdir()):
            if not path.name.startswith(("PROVENANCE", "expected_", "q850", "CELMaster")):
                (usage / folder / path.name).write_bytes(path.read_bytes())
    home = root / "home"
    made = _tallywire("run", "--home", home, "--catalog", root / "catalog", usage)
    assert made.returncode == 0, made.stderr
    told = _tallywire("status", "--home", home, "--json")
    assert told.returncode == 0, told.stderr
    content: dict[str, Any] = json.loads(told.stdout)
    rows = _tallywire(
        "store", "query", "--home", home, "--format", "json",
        "SELECT feed_id, file_name, record_no, toString(amount) AS amount, quantity, "
        "input_records, quality_flags FROM rated_events ORDER BY feed_id, file_name, record_no",
    )  # fmt: skip
    content["rated_rows"] = [json.loads(line) for line in rows.stdout.splitlines()]
    aside = _tallywire(
        "store", "query", "--home", home, "--format", "json",
        "SELECT feed_id, reason, detail FROM set_aside_events ORDER BY feed_id, record_no",
    )  # fmt: skip
    content["aside_rows"] = [json.loads(line) for line in aside.stdout.splitlines()]
    listed = _tallywire("suspense", "list", "--home", home, "--json", "--limit", "1000")
    content["held"] = json.loads(listed.stdout)
    return content


def _held(outcome: dict[str, Any], feed: str, reason: str) -> list[dict[str, Any]]:
    return [row for row in outcome["held"] if row["feed_id"] == feed and row["reason"] == reason]


def _rated(outcome: dict[str, Any], feed: str) -> list[dict[str, Any]]:
    return [row for row in outcome["rated_rows"] if row["feed_id"] == feed]


def test_every_record_is_accounted_for(outcome: dict[str, Any]) -> None:
    assert outcome["collected"] == 2 + 5 + 1 + 1 + 100 + 6 + 3 + 7 + 35 + 4
    assert outcome["conservation_difference"] == 0


def test_asterisk_impossible_duration_and_unterminated_quote(outcome: dict[str, Any]) -> None:
    assert [row["detail"] for row in _held(outcome, "asterisk", "duration_inconsistent")] == [
        "billsec 7 is more than duration 5; its key was seen before"
    ]
    quotes = _held(outcome, "asterisk", "record_unreadable")
    assert [row["file_name"] for row in quotes] == ["asterisk/cdrlib_buggy.csv"]


def test_asterisk_answer_times_of_unanswered_rows_and_a_repeated_unique_id(
    outcome: dict[str, Any],
) -> None:
    aside = [row for row in outcome["aside_rows"] if row["feed_id"] == "asterisk"]
    assert [(row["reason"], row["detail"]) for row in aside] == [
        ("not_answered", f"disposition {state}, with an answer time; its key was seen before")
        for state in ("FAILED", "NO ANSWER", "BUSY")
    ]


def test_freeswitch_is_rated_on_answer_to_end(outcome: dict[str, Any]) -> None:
    assert [int(row["quantity"]) for row in _rated(outcome, "switch")] == [67_539_896]
    assert len(_rated(outcome, "stats")) == 5


def test_openmeter_same_id_with_other_content_is_a_restatement(outcome: dict[str, Any]) -> None:
    assert len(_rated(outcome, "events")) == 2
    assert len(_held(outcome, "events", "restatement")) == 1


def test_radius_gigawords_and_named_zone(outcome: dict[str, Any]) -> None:
    octets = [int(row["quantity"]) for row in _rated(outcome, "access")]
    assert sorted(octets) == [2 * (2**32 + 10), 2 * (2**32 + 15)]


def test_carrier_trailer_total_does_not_match(outcome: dict[str, Any]) -> None:
    found = [row for row in outcome["alerts"] if row["pattern"] == "trailer_mismatch"]
    assert [(row["expected"], row["observed"]) for row in found] == [(3055, 2335)]
    assert len(_rated(outcome, "carrier")) == 33


def test_partials_are_joined_and_the_third_never_completes(outcome: dict[str, Any]) -> None:
    rows = _rated(outcome, "parts")
    joined = [row for row in rows if int(row["input_records"]) == 2]
    assert [int(row["quantity"]) for row in joined] == [80_000_000]
    assert [int(row["quantity"]) for row in rows if row not in joined] == [74_000_000]
    assert outcome["open"] == 1
    assert outcome["merged"] >= 1
