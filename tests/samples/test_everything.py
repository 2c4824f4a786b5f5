"""Every folder of real files, by one catalogue, in one run: the golden report of what was found."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.live.commands import served, tallywire
from tests.samples.test_real_usage import CATALOG

pytestmark = [pytest.mark.samples, pytest.mark.store, pytest.mark.live]

FEEDS = """
- {backfill: true, id: cel, format: asterisk_cel, path: "CELMaster*.csv", service: voice, served: [{identifier: account_code, field: account_code}]}
- {backfill: true, id: broadworks, format: broadworks, path: "broadworks*.xml", service: voice, served: [{identifier: msisdn, field: a_number}]}
- {backfill: true, id: call-manager, format: cisco_cucm, path: "c?r_cucm*.txt", service: voice, served: [{identifier: msisdn, field: a_number}]}
- {backfill: true, id: proxy, format: sip_acc, path: "acc_flatstore_[!w]*.csv", service: voice, served: [{identifier: msisdn, field: a_number}], options: {columns: [method, from_tag, to_tag, callid, sip_code, sip_reason, time, kind, caller, called, "-", dialog], fields: {usage_type: kind, a_raw: caller, b_raw: called}}}
- {backfill: true, id: acks, format: sip_acc, path: "acc_flatstore_with_ack.csv", service: voice, served: [{identifier: msisdn, field: a_number}], options: {begins: ack, columns: [method, from_tag, to_tag, callid, sip_code, sip_reason, time, kind, caller, called, "-", dialog, "-"], dialog: dialog, fields: {usage_type: kind, a_raw: caller, b_raw: called}}}
- {backfill: true, id: tap, format: tap, path: "tap_*.ber", service: roaming_voice, served: [{identifier: imsi, field: imsi}]}
- {backfill: true, id: nrtrde, format: nrtrde, path: "nrt_*.ber", service: roaming_voice, served: [{identifier: imsi, field: imsi}]}
- {backfill: true, id: rap, format: rap, path: "rap_*.ber", service: roaming_voice, served: [{identifier: imsi, field: imsi}]}
- {backfill: true, id: focus, format: focus, path: "focus_sample.csv", service: cloud, served: [{identifier: customer, field: customer}], options: {scale: 11}}
- {backfill: true, id: cur, format: aws_cur, path: "sample-anonymous*.csv", service: cloud, served: [{identifier: customer, field: customer}], options: {scale: 10, finer: round_up}}
- id: handset
  backfill: true
  format: declared
  path: ego.csv
  service: voice
  time_zone: America/New_York
  served: [{identifier: customer, field: customer}]
  options:
    layout: delimited
    header_lines: 1
    key: [{name: datetime}, {name: correspondent_id}, {name: interaction}]
    start: {name: datetime}
    duration: {name: call_duration, unit: seconds}
    texts: {customer: {name: correspondent_id}, cell_id: {name: antenna_id}}
    keep_only: [{field: {name: interaction}, equals: [call]}]
- id: towers
  backfill: true
  format: declared
  path: u_test.csv
  service: voice
  time_zone: America/New_York
  served: [{identifier: customer, field: customer}]
  options:
    layout: delimited
    separator: ";"
    columns: 8
    key: [{column: 2}, {column: 3}, {column: 4}, {column: 5}]
    start: {column: 5}
    duration: {column: 6, unit: seconds}
    texts: {customer: {column: 3}, b_raw: {column: 4}}
    keep_only: [{field: {column: 2}, equals: ["11"]}]
- {backfill: true, id: calls, format: twilio, path: "calls_page_*.json", service: voice, served: [{identifier: customer, field: customer}], options: {layout: array, records: calls}}
- {backfill: true, id: messages, format: twilio, path: "messages_page_*.json", service: sms, served: [{identifier: customer, field: customer}], options: {layout: array, records: messages}}
"""
NO_USAGE = {
    "PROVENANCE.md", "q850_hangup_cause.json", "antennas.csv", "twilio_examples.json",
    "twilio_voice_pricing_country_example.json",
}  # fmt: skip


def _usage(samples: Path, usage: Path) -> None:
    for path in sorted(samples.rglob("*")):
        folder = path.relative_to(samples).parts[0]
        if not path.is_file() or folder in {"rates", "nodobo", "profiles"}:
            continue
        if path.name in NO_USAGE or path.name.startswith("expected_") or path.suffix == ".attrs":
            continue
        if path.parent.name == "tap3" and path.suffix != ".ber":
            continue
        (usage / folder).mkdir(parents=True, exist_ok=True)
        (usage / folder / path.name).write_bytes(path.read_bytes())
    _pages(samples, usage / "twilio")


def _pages(samples: Path, folder: Path) -> None:
    """Write the pages of lists that a platform's documentation answers with, a file each."""
    folder.mkdir()
    content = json.loads((samples / "twilio/twilio_examples.json").read_bytes())
    pages = [page for answers in content.values() for page in answers.values()]
    for name in ("calls", "messages"):
        for number, page in enumerate(page for page in pages if name in page):
            (folder / f"{name}_page_{number}.json").write_text(json.dumps(page))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A home after one run over everything."""
    samples = Path(__file__).resolve().parents[3] / "shared" / "samples"
    if not samples.is_dir():
        pytest.skip(f"samples absent: {samples}")
    root = tmp_path_factory.mktemp("everything")
    old = CATALOG["feeds/feeds.yaml"].replace("  backfill: true\n", "")
    old = old.replace("\n  format:", "\n  backfill: true\n  format:")
    old = old.replace("path: asterisk/*.csv", "path: asterisk/[Mc][ad]*.csv")
    more = {"feeds/feeds.yaml": old, "feeds/more.yaml": FEEDS}
    for name, text in {**CATALOG, **more}.items():
        path = root / "catalog" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    _usage(samples, root / "usage")
    with served(root / "home"):
        made = tallywire(
            "run", "--home", root / "home", "--catalog", root / "catalog", root / "usage"
        )
        assert made.returncode == 0, made.stderr + made.stdout
        yield root / "home"
    shutil.rmtree(root)


def _json(home: Path, *words: str) -> Any:
    made = tallywire(*words, "--home", home, "--json")
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


TAP = "tap3/tap_3_12_"
TRAILERS = {
    "fwv_wholesale/wholesale_fixed_width.cdr": {"total": (3055, 2335)},
    "tap3/nrt_2_1.ber": {"records": (10, 7)},
    **{
        f"{TAP}{name}.ber": {
            "total": (2300, 71200), "earliest": (1112624693000000, 1393675422000000),
            "latest": (1112684459000000, 1393765680000000),
        }
        for name in ("trailing_eoc_invalid", "valid", "valid_att")
    },
    f"{TAP}negative_volume.ber": {
        "total": (2300, 66600), "records": (4, 1), "earliest": (1112624693000000, 1393679280000000),
        "latest": (1112684459000000, 1393679280000000),
    },
}  # fmt: skip
"""What files declare of themselves, and what they hold."""


def test_every_record_has_its_fate(home: Path) -> None:
    status = _json(home, "status")
    assert status["conservation_difference"] == 0
    assert status["collected"] == sum(row["records"] for row in status["files"]) > 2_800
    assert {row["status"] for row in status["files"]} <= {"complete", "growing"}


def test_suspense_names_every_fault_of_records(home: Path) -> None:
    held = _json(home, "suspense", "list", "--limit", "100000")
    found = Counter(
        (row["feed_id"], row["reason"]) for row in held if row["reason"] != "account_unknown"
    )
    assert found == {
        ("asterisk", "duration_inconsistent"): 1,  # billed 7 s of 5 s
        ("asterisk", "record_unreadable"): 1,  # a quote without end
        ("imports", "duration_inconsistent"): 1,
        ("events", "restatement"): 1,
        ("tap", "quantity_out_of_range"): 1,  # a negative volume
        ("tap", "restatement"): 1,
    }


def test_findings_name_every_fault_of_files(home: Path) -> None:
    alerts = _json(home, "status")["alerts"]
    said: dict[str, dict[str, tuple[int, int]]] = {}
    for row in alerts:
        if row["pattern"] == "trailer_mismatch":
            name = row["entity_id"].partition("/")[2]
            said.setdefault(name, {})[row["unit"]] = (row["expected"], row["observed"])
    assert said == TRAILERS
    others = Counter(
        (row["control_id"], row["pattern"]) for row in alerts
        if row["pattern"] not in {"trailer_mismatch", "suspense"}
    )  # fmt: skip
    assert others == {
        ("C1", "file_sequence_repeated"): 3,  # four files carry 31707
        ("C2", "record_sequence_gap"): 1,
        ("C6", "duplicate_records"): 3,  # one more: pages of a list hold a call each again
        ("C6", "restated_records"): 2,
    }  # fmt: skip
    (gap,) = (row for row in alerts if row["pattern"] == "record_sequence_gap")
    assert "Records 2183387 to 2183485 of CGRateSaabb" in gap["explanation"]


def test_feeds_tell_what_is_missing(home: Path) -> None:
    feeds = {row["feed"]: row for row in _json(home, "feeds")}
    assert feeds["broadworks"]["missing_records"] == 99
    assert feeds["tap"]["files"] == 5
    assert {row["feed"] for row in feeds.values() if row["missing_records"]} == {"broadworks"}
    times = [gap for gap in feeds["tap"]["gaps"] if gap["unit"] in {"earliest", "latest"}]
    assert {gap["missing"] for gap in times} == {0}  # an instant is no number of anything
    assert "declares earliest 2005-04-04T14:24:53.000000Z" in times[0]["explanation"]
