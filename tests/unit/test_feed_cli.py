"""`tallywire feed new` and `feed test` as people use them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from cli.demo.usage import write_all
from cli.feed import app
from dataflows.catalogs import example_folder, read_folder

LONG = """\
CallId;A-Number;B-Number;AnswerTime;ReleaseTime;Duration;Price
x-1;+4790010001;+4790010009;24.10.2026 10:00:00;24.10.2026 10:01:01;61;0.10
x-2;+4790010001;+4790010008;24.10.2026 13:00:00;24.10.2026 13:00:07;7;0.02
x-3;+4790010001;+4790010008;24.10.2026 14:00:00;24.10.2026 14:00:00;0;0.00
"""
FIXED = """\
HDR000091
CDR0000001 20261024100000 4790010001      4790010002      0061
CDR0000002 20261024100100 4790010001      4790010003      0007
CDR0000003 20261024100200 4790010001      4790010004      0123
TRL000091 00000003
"""
OBJECTS = """\
{"meter": {"id": "m-1", "site": "north"}, "at": "2026-10-24T10:00:00Z", "usedBytes": 512, "subscriber": "c-1"}
{"meter": {"id": "m-2", "site": "south"}, "at": "2026-10-24T10:00:01Z", "usedBytes": 1024, "subscriber": "c-2"}
"""


def _run(*arguments: object, answer: str = "") -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], input=answer)


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    folder = tmp_path / "catalog"
    for name, content in read_folder(example_folder()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def _entry(catalog: Path, text: str, name: str, *more: str) -> dict[str, Any]:
    sample = catalog.parent / name
    sample.write_text(text)
    made = _run("new", sample, "--catalog", catalog, "--id", "guessed", "--yes", *more)
    assert made.exit_code == 0, made.output
    entry: dict[str, Any] = yaml.safe_load((catalog / "feeds/guessed.yaml").read_text())
    return entry


def test_named_columns_are_recognised_and_the_feed_reads_its_sample(catalog: Path) -> None:
    entry = _entry(catalog, LONG, "calls.csv")
    assert entry["options"] == {
        "layout": "delimited", "separator": ";", "header_lines": "1", "key": [{"name": "CallId"}],
        "start": {"name": "AnswerTime", "pattern": "%d.%m.%Y %H:%M:%S"},
        "end": {"name": "ReleaseTime", "pattern": "%d.%m.%Y %H:%M:%S"},
        "duration": {"name": "Duration", "unit": "seconds"},
        "texts": {"a_raw": {"name": "A-Number"}, "b_raw": {"name": "B-Number"}},
        "source_amount": {"name": "Price"},
    }  # fmt: skip
    assert (entry["service"], entry["path"]) == ("voice", "*.csv")
    tried = _run("test", "guessed", catalog.parent / "calls.csv", "--catalog", catalog, "--json")
    content = json.loads(tried.stdout)
    assert tried.exit_code == 0, tried.output
    assert (content["records"], content["usage"]) == (4, 3)
    assert content["preview"][0] == {
        "start": "2026-10-24T08:00:00.000000Z", "service": "voice", "from": "4790010001",
        "to": "4790010009", "quantity": "61 s", "served": "msisdn:4790010001",
        "account": content["preview"][0]["account"],
    }  # fmt: skip
    assert content["others"] == [
        {"fate": "filtered", "reason": "control_record", "records": 1,
         "example": "record 1: header or trailer line"}
    ]  # fmt: skip


def test_lines_of_fixed_fields_are_taken_apart(catalog: Path) -> None:
    options = _entry(catalog, FIXED, "nv.cdr")["options"]
    assert (options["header"], options["trailer"]) == (
        {"starts_with": "HDR"}, {"starts_with": "TRL"},
    )  # fmt: skip
    assert options["start"] == {"at": ["11", "14"], "pattern": "%Y%m%d%H%M%S"}
    assert options["duration"] == {"at": ["58", "4"], "unit": "seconds"}
    assert options["texts"] == {"a_raw": {"at": ["26", "10"]}, "b_raw": {"at": ["42", "10"]}}
    assert options["key"] == [{"at": ["11", "14"]}, {"at": ["26", "10"]}, {"at": ["42", "10"]}]


def test_objects_are_read_by_their_paths(catalog: Path) -> None:
    entry = _entry(catalog, OBJECTS, "meters.jsonl")
    assert entry["service"] == "data"
    assert entry["served"] == [{"identifier": "customer", "field": "customer"}]
    assert entry["options"] == {
        "layout": "json", "key": [{"path": "meter.id"}],
        "start": {"path": "at", "pattern": "rfc3339"},
        "quantity": {"path": "usedBytes", "unit": "octets"},
        "texts": {"customer": {"path": "subscriber"}},
    }  # fmt: skip


def test_a_document_with_an_array_of_objects_is_read(catalog: Path) -> None:
    lines = ",\n".join(OBJECTS.splitlines())
    options = _entry(catalog, f'{{"page": {{"of": [{lines}]}}}}', "meters.json")["options"]
    assert (options["records"], options["records_at"]) == ("array", "page.of")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("pbx/Master.csv", "asterisk_csv"), ("access/detail-20261024", "radius_detail"),
        ("switch/mobile-0001.jsonl", "freeswitch_json"), ("platform/faults.jsonl", "cloudevents"),
    ],
)  # fmt: skip
def test_a_format_that_is_known_is_recognised(catalog: Path, name: str, found: str) -> None:
    write_all(catalog.parent / "usage", 0)
    sample = catalog.parent / "usage" / name
    shown = _run("new", sample, "--catalog", catalog, "--id", "guessed", answer="n\n")
    assert f"format: {found}\n" in shown.stdout, shown.output
    assert not (catalog / "feeds/guessed.yaml").exists()


def test_what_is_assumed_is_said_and_nothing_is_written_unasked(catalog: Path) -> None:
    sample = catalog.parent / "calls.csv"
    sample.write_text(LONG.replace("CallId;", "").replace("x-1;", "").replace("x-2;", "")
                      .replace("x-3;", ""))  # fmt: skip
    shown = _run("new", sample, "--catalog", catalog, answer="n\n")
    assert shown.exit_code == 0
    told = (
        "assumed: no column names a record alone: AnswerTime, A-Number, B-Number together shall do"
    )
    assert told in shown.stdout
    assert not (catalog / "feeds/calls.yaml").exists()


def test_a_feed_is_never_overwritten(catalog: Path) -> None:
    sample = catalog.parent / "calls.csv"
    sample.write_text(LONG)
    refused = _run("new", sample, "--catalog", catalog, "--id", "pbx", "--yes")
    assert refused.exit_code == 2
    assert "feeds/pbx.yaml is there already; choose another --id" in refused.stderr


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"", b"just some words\n"])
def test_what_is_no_usage_is_said_to_be_none(catalog: Path, content: bytes) -> None:
    sample = catalog.parent / "some.bin"
    sample.write_bytes(content)
    refused = _run("new", sample, "--catalog", catalog, "--yes")
    assert refused.exit_code == 1
    assert "no layout was recognised" in refused.stderr


def test_a_trial_tells_what_would_be_suspended_and_why(catalog: Path) -> None:
    _entry(catalog, LONG, "calls.csv")
    broken = catalog.parent / "broken.csv"
    broken.write_text(LONG.replace(";61;", ";6 1;").replace("24.10.2026 13:00:00", "soon"))
    tried = _run("test", "guessed", broken, "--catalog", catalog)
    assert tried.exit_code == 1
    assert "4 records: 1 are usage" in tried.stdout
    assert (
        "1 suspended: number_invalid (record 2: duration 6 1 is no number of seconds"
        in tried.stdout
    )
    assert (
        "1 suspended: time_invalid (record 3: time soon is not written as %d.%m.%Y" in tried.stdout
    )


def test_a_trial_counts_what_each_filter_sets_aside(catalog: Path) -> None:
    _entry(catalog, LONG, "calls.csv")
    feed = catalog / "feeds/guessed.yaml"
    filters = """filters:
  - {name: short, when: {duration: {below: 10s}}}
  - {name: satellite, when: {b_number: {starts_with: ["882"]}}}
"""
    feed.write_text(feed.read_text() + filters)
    words = ("test", "guessed", catalog.parent / "calls.csv", "--catalog", catalog)
    tried = _run(*words)
    assert tried.exit_code == 0, tried.output
    assert "the filter short sets 2 aside" in tried.stdout
    assert "the filter satellite sets 0 aside" in tried.stdout
    assert "2 filtered: filtered_by_rule (record 3: short)" in tried.stdout
    counts = json.loads(_run(*words, "--json").stdout)["filters"]
    assert {name: counts[name] for name in ("short", "satellite")} == {"short": 2, "satellite": 0}


def test_a_feed_that_is_not_there_is_said(catalog: Path) -> None:
    refused = _run("test", "nobody", catalog / "operator.yaml", "--catalog", catalog)
    assert refused.exit_code == 2
    assert "nobody: no such feed; feeds here: access, nordvik, pbx" in refused.stderr
