"""Suspense that is tried again by itself, once the catalogue knows what was missing."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cli.reading import reader
from cli.recycle.cured import curable
from dataflows.catalogs import example_folder
from dataflows.settings import Settings
from tests.live.commands import following, status_of, tallywire, until

pytestmark = [pytest.mark.live, pytest.mark.store]

NOBODY, SATELLITE = "+4790019999", "+88216123456"


def _call(number: int, caller: str, called: str) -> str:
    at = f"2026-10-24T10:{number:02d}:00Z"
    data = {"from": caller, "to": called}
    return json.dumps(
        {"specversion": "1.0", "type": "sms.sent", "source": "fjordline/platform",
         "id": f"call-{number}", "time": at, "subject": "", "data": data}
    )  # fmt: skip


def _usage(folder: Path) -> Path:
    """Four messages: of somebody, of nobody yet, to a number without a zone, and broken."""
    lines = [
        _call(0, "+4790010001", "+4790012001"), _call(1, NOBODY, "+4790012001"),
        _call(2, "+4790010001", SATELLITE), "{broken",
    ]  # fmt: skip
    (folder / "platform").mkdir(parents=True)
    (folder / "platform" / "usage.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def _cured(folder: Path) -> Path:
    """The example, with a holder of the unknown number and a zone for satellite calls."""
    shutil.copytree(example_folder(), folder)
    people = folder / "accounts" / "people.csv"
    more = "hansen-anna,hansen,hansen-anna-mobile,fjord_mobile,msisdn,4790019999,2025-01-01,\n"
    people.write_text(people.read_text() + more)
    zones = folder / "zones" / "dialled.yaml"
    text = zones.read_text().replace('prefixes: ["47900"]', 'prefixes: ["47900", "882"]')
    zones.write_text(text)
    return folder


def _held(home: Path) -> list[str]:
    listed = tallywire("suspense", "list", "--home", home, "--json")
    return sorted(row["reason"] for row in json.loads(listed.stdout or "[]"))


def _yield(home: Path) -> dict[str, Any]:
    content = json.loads(tallywire("suspense", "yield", "--home", home, "--json").stdout)
    reasons = {
        row["reason"]: [row[name] for name in ("held", "tried", "freed", "open_now")]
        for row in content["reasons"]
    }
    return {"reasons": reasons, "charged": [row["events"] for row in content["charged"]]}


def test_the_next_run_recycles_what_its_catalogue_has_cured(home: Path, tmp_path: Path) -> None:
    usage = _usage(tmp_path / "usage")
    first = tallywire("run", "--quiet", "--home", home, "--catalog", example_folder(), usage)
    assert first.returncode == 0, first.stderr
    assert _held(home) == ["account_unknown", "record_unreadable", "zone_unknown"]
    same = tallywire("run", "--quiet", "--home", home, usage)
    assert "recycling" not in same.stdout
    cured = _cured(tmp_path / "cured")
    made = tallywire("run", "--quiet", "--home", home, "--catalog", cured, usage)
    assert made.stdout == "recycling 2 records that the catalogue may have cured\n", made.stderr
    assert _held(home) == ["record_unreadable"]
    status = status_of(home)
    assert (status["collected"], status["rated"], status["suspended"]) == (4, 3, 1)
    assert status["conservation_difference"] == 0
    assert _yield(home) == {
        "reasons": {
            "account_unknown": [1, 1, 1, 0], "record_unreadable": [1, 0, 0, 1],
            "zone_unknown": [1, 1, 1, 0],
        },
        "charged": [2],
    }  # fmt: skip
    rated_at = tallywire(
        "store", "query", "--home", home, "--format", "json",
        "SELECT toString(start_time) AS at FROM rated_events WHERE attempt > 0 ORDER BY at",
    )  # fmt: skip
    assert [json.loads(line)["at"][:16] for line in rated_at.stdout.splitlines()] == [
        "2026-10-24 10:01", "2026-10-24 10:02",
    ]  # fmt: skip


def test_what_is_not_cured_is_tried_once_under_a_catalogue(home: Path, tmp_path: Path) -> None:
    usage = _usage(tmp_path / "usage")
    assert (
        tallywire("run", "--quiet", "--home", home, "--catalog", example_folder(), usage).returncode
        == 0
    )
    other = tmp_path / "other"
    shutil.copytree(example_folder(), other)
    operator = other / "operator.yaml"
    operator.write_text(operator.read_text() + "# the same, written anew\n")
    people = other / "accounts" / "people.csv"
    people.write_text(people.read_text().replace("4790010002", "4790019998", 1))
    for told in ("recycling 1 records that the catalogue may have cured\n", ""):
        made = tallywire("run", "--quiet", "--home", home, "--catalog", other, usage)
        assert made.stdout == told, made.stderr  # only the one without a price is worth a try
    assert _held(home) == ["account_unknown", "record_unreadable", "zone_unknown"]
    assert _yield(home)["reasons"]["zone_unknown"] == [1, 1, 0, 1]
    assert status_of(home)["conservation_difference"] == 0


def test_a_run_that_follows_recycles_when_another_catalogue_is_put_into_use(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYWIRE_RECYCLE_S", "1")
    usage = _usage(tmp_path / "usage")
    with following(home, example_folder(), usage) as process:
        until((home / "progress" / "rating.json").exists, process)
        until(lambda: len(_held(home)) == 3, process)
        cured = _cured(tmp_path / "cured")
        assert tallywire("catalog", "compile", cured, "--home", home).returncode == 0
        until(lambda: _held(home) == ["record_unreadable"], process)
        assert status_of(home)["conservation_difference"] == 0


def _with_tables(folder: Path, *aliases: str, networks: str = "") -> Path:
    """The example, whose platform looks up aliases, and networks that it requires."""
    shutil.copytree(example_folder(), folder)
    feed = folder / "feeds" / "platform.yaml"
    rules = """enrich:
  - {from: aliases, kind: old_number, to_kind: msisdn, by: a_number, set: {a_number: to_value}, replace: true}
  - {from: networks, by: serving_plmn, set: {attributes.country: country}, required: true}
"""
    feed.write_text(feed.read_text().replace("options:\n", f"{rules}options:\n", 1))
    head = "kind,value,to_kind,to_value,valid_from,valid_to"
    (folder / "reference" / "aliases.csv").write_text("\n".join([head, *aliases, ""]))
    table = folder / "reference" / "networks.csv"
    table.write_text(table.read_text() + networks)
    return folder


def test_an_alias_and_a_row_that_appear_recycle_what_lacked_them(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYWIRE_RECYCLE_S", "1")
    data = {"msisdn": "+4790010001", "plmn": "99999", "octets": "1000"}
    roamer = {
        "specversion": "1.0", "type": "roaming.session", "source": "fjordline/platform",
        "id": "roamer", "time": "2026-10-24T10:30:00Z", "subject": "", "data": data,
    }  # fmt: skip
    usage = tmp_path / "usage"
    (usage / "platform").mkdir(parents=True)
    lines = [_call(1, NOBODY, "+4790012001"), json.dumps(roamer)]
    (usage / "platform" / "usage.jsonl").write_text("\n".join(lines) + "\n")
    kari = "old_number,4790019997,msisdn,4790010002,,"
    before = _with_tables(tmp_path / "before", kari)
    with following(home, before, usage) as process:
        until((home / "progress" / "rating.json").exists, process)
        until(lambda: _held(home) == ["account_unknown", "reference_missing"], process)
        anna = "old_number,4790019999,msisdn,4790010001,,"
        after = _with_tables(tmp_path / "after", kari, anna, networks="99999,SEASH,Sea,Ship\n")
        assert tallywire("catalog", "compile", after, "--home", home).returncode == 0
        until(lambda: "account_unknown" not in _held(home), process)
        until(lambda: "reference_missing" not in _held(home), process)
        assert status_of(home)["conservation_difference"] == 0


def test_what_a_catalogue_may_cure_is_looked_at_in_pages(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = _usage(tmp_path / "usage")
    made = tallywire("run", "--quiet", "--home", home, "--catalog", example_folder(), usage)
    assert made.returncode == 0, made.stderr
    with reader(Settings(home=home)) as client:
        whole = [row["suspense_id"] for page in curable(client, "another") for row in page]
        assert len(whole) == 2  # what no catalogue can cure is not among them
        monkeypatch.setattr("cli.recycle.cured.PAGE", 1)
        pages = [[row["suspense_id"] for row in page] for page in curable(client, "another")]
    assert pages == [whole[:1], whole[1:]]
