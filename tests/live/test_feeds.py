"""The feed ledger, from files to what `tallywire feeds` tells: missing, resent, empty, late."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dataflows.catalogs import example_folder
from tests.live.commands import status_of, tallywire

pytestmark = [pytest.mark.live, pytest.mark.store]

FEED = """
id: exchange
format: declared
path: "exchange/*.csv"
service: voice
served: [{identifier: msisdn, field: a_number}]
expect:
  sequence: {name: "ex-(?P<number>[0-9]{4})", first: 1, wraps_at: 9999, wraps_to: 1}
  every: 15min
  grace: 5min
  empty_files: suspect
  nodes: {reorder: 100}
options:
  layout: delimited
  columns: 7
  key: [{column: 1}]
  start: {column: 2, pattern: rfc3339}
  duration: {column: 5, unit: seconds}
  texts: {a_raw: {column: 3}, b_raw: {column: 4}, node: {column: 6}}
  numbers: {node_sequence: {column: 7}}
"""


def _calls(hour: int, minute: int, *counters: int, key: str = "c") -> str:
    """Calls of ten minutes, numbered by the exchange."""
    return "".join(
        f"{key}{number},2026-10-24T{hour:02}:{minute:02}:{place:02}Z,+4790030001,+4741234567,600,"
        f"oslo-1,{number}\n"
        for place, number in enumerate(counters)
    )


def _run(home: Path, catalog: Path, usage: Path) -> None:
    made = tallywire("run", "--home", home, "--catalog", catalog, usage)
    assert made.returncode == 0, made.stderr


def _feed(home: Path) -> dict[str, Any]:
    made = tallywire("feeds", "exchange", "--home", home, "--json")
    assert made.returncode == 0, made.stderr
    (found,) = json.loads(made.stdout)
    return dict(found)


def test_what_came_what_is_missing_and_what_it_is_worth(home: Path, tmp_path: Path) -> None:
    catalog, usage = tmp_path / "catalog", tmp_path / "usage"
    shutil.copytree(example_folder(), catalog)
    (catalog / "feeds/exchange.yaml").write_text(FEED)
    folder = usage / "exchange"
    folder.mkdir(parents=True)
    (folder / "ex-0001.csv").write_text(_calls(10, 0, 1, 2, 3, 4))
    (folder / "ex-0002.csv").write_text(_calls(10, 15, 5, 6, 7, 8))
    (folder / "ex-0004.csv").write_text(_calls(10, 45, 13, 14, 15, 17))
    (folder / "ex-0005.csv").write_text("")
    (folder / "ex-0006.csv").write_text("")
    (folder / "ex-0007.csv").write_text(_calls(11, 0, 18, 19))  # later than the grace of 0003
    _run(home, catalog, usage)
    found = _feed(home)
    assert (found["files"], found["collected"], found["copies"]) == (6, 14, 0)
    assert found["last_file"] == "exchange/ex-0007.csv"
    assert found["overdue_since"] is None  # the last came just now
    assert (found["missing_files"], found["missing_by_node"]) == (1, {"oslo-1": 5})
    lost, early, late = found["gaps"]
    assert (lost["pattern"], lost["first"], lost["missing"]) == ("file_sequence_gap", 3, 1)
    assert (lost["records"], lost["method"]) == (4, "usual_hour_of_week")
    assert float(lost["worth"]) == pytest.approx(4 * float(late["worth"]), abs=1e-6)
    assert early["since"] == "2026-10-24T10:15:03"
    assert found["worth"][0]["currency"] == "EUR"
    checked = tallywire("feeds", "--home", home, "--check")
    assert checked.returncode == 1
    assert "worth in all, estimated: " in checked.stdout
    assert "oslo-1" in checked.stdout
    told = {one["pattern"]: one for one in status_of(home)["alerts"]}
    assert "usually hold 4 records" in told["empty_file"]["explanation"]

    (folder / "ex-0003.csv").write_text(_calls(10, 30, 9, 10, 11, 12))
    (folder / "ex-0002.csv").write_text(_calls(10, 15, 5, 6, 7, 8) + _calls(10, 16, 7, key="d"))
    (folder / "ex-0004-again.csv").write_text((folder / "ex-0004.csv").read_text())
    _run(home, catalog, usage)
    found = _feed(home)
    assert [(gap["pattern"], gap["first"]) for gap in found["gaps"]] == [
        ("record_sequence_gap", 16)
    ]  # fmt: skip
    assert (found["missing_files"], found["missing_records"]) == (0, 1)
    assert (found["copies"], found["resent"], found["out_of_order"]) == (1, 1, 1)
    told = {one["pattern"]: one for one in status_of(home)["alerts"]}
    assert told["file_sequence_gap"]["state"] == "auto_closed"
    assert told["record_number_repeated"]["observed"] == 1
    assert status_of(home)["conservation_difference"] == 0
    shown = tallywire("feeds", "show", "exchange", "--home", home)
    assert shown.returncode == 0, shown.stderr
    assert "ex-0004-again.csv" in shown.stdout
    unknown = tallywire("feeds", "nobody", "--home", home)
    assert unknown.returncode == 2
    assert "there is no feed nobody" in unknown.stderr
