"""Files of exchanges and switches through `tallywire run`, in pieces smaller than they are."""

import json
from pathlib import Path

import pytest

from tests.laws.switches import broadworks, broadworks_record, cel, cucm, cucm_line
from tests.live.commands import status_of, tallywire
from tests.live.test_sip_source import CATALOG

pytestmark = [pytest.mark.live, pytest.mark.store]

FEEDS = """
- {id: application-server, format: broadworks, path: "*.xml", service: voice, served: [{identifier: msisdn, field: a_number}]}
- {id: call-manager, format: cisco_cucm, path: "cdr_*", service: voice, served: [{identifier: msisdn, field: a_number}]}
- {id: exchange, format: asterisk_cel, path: "*.csv", service: voice, served: [{identifier: msisdn, field: a_number}]}
"""


def test_files_of_switches_are_rated_and_a_cut_one_is_told(tmp_path: Path) -> None:
    catalog, usage, home = tmp_path / "catalog", tmp_path / "usage", tmp_path / "home"
    for name, text in {**CATALOG, "feeds/proxy.yaml": FEEDS}.items():
        (catalog / name).parent.mkdir(parents=True, exist_ok=True)
        (catalog / name).write_text(text)
    usage.mkdir()
    calls = [broadworks_record(number) for number in range(1, 3_000)]
    ends = broadworks_record(0, "Start"), broadworks_record(3_000, "End")
    (usage / "whole.xml").write_bytes(broadworks([ends[0], *calls, ends[1]]))
    (usage / "cut.xml").write_bytes(broadworks([broadworks_record(4_000, "Start")])[:-20])
    (usage / "cdr_office_01_202610241000_1").write_bytes(
        cucm([cucm_line(f"p-{number}") for number in range(3_000)])
    )
    (usage / "Master.csv").write_bytes(cel())
    made = tallywire(
        "run", "--home", home, "--catalog", catalog, usage, TALLYWIRE_COLLECTION_ROWS="1000"
    )
    assert made.returncode == 0, made.stderr
    told = tallywire(
        "store", "query", "--home", home, "--format", "json",
        "SELECT feed_id, count() AS calls, toString(sum(quantity)) AS held FROM rated_events "
        "WHERE feed_id != 'exchange' GROUP BY feed_id ORDER BY feed_id",
    )  # fmt: skip
    rated = [json.loads(line) for line in told.stdout.splitlines()]
    assert [(row["feed_id"], int(row["calls"]), int(row["held"])) for row in rated] == [
        ("application-server", 2_999, 2_999 * 60_500_000), ("call-manager", 3_000, 3_000 * 60_000_000)
    ]  # fmt: skip
    status = status_of(home)
    assert status["conservation_difference"] == 0
    missing = [row for row in status["alerts"] if row["pattern"] == "trailer_missing"]
    assert len(missing) == 1
    assert "cut.xml" in missing[0]["explanation"]
