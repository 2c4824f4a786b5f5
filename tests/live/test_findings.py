"""Findings, cases and the audit trail as people type them, over a real store."""

import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dataflows.desk import known_head
from dataflows.settings import Home
from tests.findings import NOW_US, finding, put
from tests.live.commands import served, tallywire
from warehouse.client import opened

pytestmark = [pytest.mark.live, pytest.mark.store]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home with a store of its own that runs."""
    with served(tmp_path / "home"):
        yield tmp_path / "home"


def _typed(home: Path, *arguments: object, code: int = 0) -> str:
    made = tallywire(*arguments, "--home", home)
    assert made.returncode == code, made.stderr + made.stdout
    return made.stdout + made.stderr


def _json(home: Path, *arguments: object) -> Any:
    return json.loads(_typed(home, *arguments, "--json"))


def _listed(home: Path, *arguments: object) -> list[str]:
    return [row["entity_id"] for row in _json(home, "alerts", "list", *arguments)]


def test_findings_are_ranked_filtered_and_shown(home: Path) -> None:
    over = finding(5, "99", direction="over", feed_id="tap")
    unsure = finding(2, "30", confidence=10, severity="warning")
    held = [finding(1, "5"), unsure, finding(3, None), finding(4, "4", state="auto_closed"), over]
    put(home, held, "usage-0000:0:0-9")
    newer = finding(
        1, "6", money_low=Decimal(5), money_high=Decimal(8), at=NOW_US + 50, files=["a.csv:7"]
    )
    put(home, [newer], "usage-0000:1:10-19")
    assert _listed(home) == ["pbx-1", "pbx-2", "pbx-3", "pbx-5"]
    assert _listed(home, "--state", "all", "--control", "C6", "--limit", "1") == ["pbx-1", "pbx-5"]
    assert _listed(home, "--state", "auto_closed") == ["pbx-4"]
    assert _listed(home, "--severity", "warning") == ["pbx-2"]
    assert _listed(home, "--feed", "tap") == _listed(home, "--entity", "pbx-5") == ["pbx-5"]
    assert _listed(home, "--entity", "' OR 1 = 1 --") == []
    assert _listed(home, "--since", "2099-01-01") == []
    shown = _json(home, "alerts", "show", newer.alert_id[:10])
    assert (shown["money_at_risk"], shown["expected_loss"]) == ("6.000000000", "6.00000000000")
    told = _typed(home, "alerts", "show", newer.alert_id)
    assert told.startswith("pbx-1 sent fewer records than usual (1)\n")
    for line in (
        "6.00 EUR (5.00 to 8.00), by usual_hour_of_week",
        "a.csv:7: short",
        "what to do: Look at the switch.",
    ):
        assert line in told
    (row, other) = _json(home, "alerts", "stats")
    assert (row["open_now"], row["closed_by_itself"], row["at_risk"]) == (3, 1, "36.000000000")
    assert (other["direction"], other["at_risk"]) == ("over", "99.000000000")
    assert "no finding begins with 'zz'" in _typed(home, "alerts", "show", "zz", code=2)


def test_a_suppressed_finding_is_marked_and_not_ranked(home: Path) -> None:
    put(home, [finding(1), finding(2)], "usage-0000:0:0-9")
    words = (
        "alerts",
        "suppress",
        "--control",
        "C6",
        "--entity",
        "pbx-1",
        "--owner",
        "anna",
        "--why",
        "moved",
    )
    assert "must lie in the future" in _typed(home, *words, "--until", "2020-01-01", code=2)
    name = _typed(home, *words, "--until", f"{_year() + 1}-01-01").split()[-1]
    assert _listed(home) == ["pbx-2"]
    marked = _json(home, "alerts", "list", "--suppressed")
    assert [(row["entity_id"], row["suppressed"]) for row in marked] == [
        ("pbx-2", False),
        ("pbx-1", True),
    ]
    assert _json(home, "alerts", "stats")[0]["suppressed_now"] == 1
    assert [row["suppression_id"] for row in _json(home, "alerts", "suppressions")] == [name]
    _typed(home, "alerts", "unsuppress", name)
    assert _listed(home) == ["pbx-1", "pbx-2"]
    assert _json(home, "alerts", "suppressions") == []
    assert _json(home, "alerts", "suppressions", "--all")[0]["state"] == "ended"
    assert "no suppression that holds" in _typed(home, "alerts", "unsuppress", name, code=2)


def _year() -> int:
    return 1970 + NOW_US // 31_556_952_000_000


def test_findings_of_one_cause_become_a_case_that_brings_money(home: Path) -> None:
    first = [finding(number, "1.10", entity="pbx") for number in (1, 2)]
    put(home, [*first, finding(3)], "usage-0000:0:0-9")
    assert _typed(home, "cases", "build", "--dry-run").endswith("nothing was written\n")
    assert _json(home, "cases", "list") == []
    _typed(home, "cases", "build")
    other, one = sorted(_json(home, "cases", "list"), key=lambda case: len(case["alerts"]))
    assert (len(one["alerts"]), one["money"][0]["identified"]) == (2, "2.200000000")
    put(home, [finding(4, "1.10", entity="pbx")], "usage-0000:1:10-19")
    assert f"more for {one['case_id']}: 3 findings" in _typed(home, "cases", "build")
    assert "no finding waits" in _typed(home, "cases", "build")
    _typed(home, "cases", "assign", one["case_id"], "--to", "anna")
    _typed(home, "cases", "note", one["case_id"][:8], "the trunk was moved")
    _typed(home, "cases", "move", one["case_id"], "confirmed")
    booking = (
        "cases",
        "money",
        one["case_id"],
        "--step",
        "recovered",
        "--amount",
        "3.30",
        "--currency",
        "EUR",
    )
    assert "needs what shows" in _typed(home, *booking, code=1)
    for name in ("rerate:17", "rerate:7b0f6cb2-26fc-4875-91aa-1cd097f659c9"):
        told = _typed(home, *booking, "--reference", name, code=1)
        assert f"{name} is no re-rating that changed a charge" in told
    assert "cannot become closed" in _typed(home, "cases", "move", one["case_id"], "closed", code=1)
    _typed(home, *booking, "--reference", "credit:CN-17")
    _typed(home, "cases", "move", one["case_id"], "recovered")
    (total,) = _json(home, "cases", "money")
    figures = ("identified", "confirmed", "recovered", "written_off", "left")
    assert [float(total[name]) for name in figures] == [13.8, 3.3, 3.3, 0, 0]
    shown = _json(home, "cases", "show", one["case_id"])
    assert shown["state"] == "recovered"
    assert [step["action"] for step in shown["steps"]].count("money") == 4
    assert {
        row["state"] for row in _json(home, "alerts", "list", "--entity", "pbx", "--state", "all")
    } == {"confirmed"}
    closing = finding(3, state="auto_closed", at=NOW_US + 90)
    put(home, [closing], "usage-0000:2:20-29")
    assert f"{other['case_id']} is closed: all its findings" in _typed(home, "cases", "build")
    assert "the trail is whole" in _typed(home, "audit", "verify")


def test_a_verdict_proposes_and_changes_nothing(home: Path) -> None:
    alert = finding(1, score=14, threshold=10)
    put(home, [alert, finding(2, score=30, threshold=10)], "usage-0000:0:0-9")
    assert "For review: raise the threshold of control C6 `usage_dropped` from 10 to 15" in _typed(
        home, "alerts", "reject", alert.alert_id, "--note", "holiday"
    )
    assert _listed(home) == ["pbx-2"]
    shown = _json(home, "alerts", "show", alert.alert_id)
    assert (shown["threshold"], shown["state"]) == (10, "open"), "what the control said stays"
    assert any(
        "false_positive by" in row["what"] and "holiday" in row["what"] for row in shown["timeline"]
    )
    _typed(home, "alerts", "ack", finding(2).alert_id)
    assert _json(home, "alerts", "list")[0]["state"] == "acknowledged"


def _owner(home: Path, statement: str) -> None:
    with opened("", home / "store", database="tallywire", role="owner") as client:
        client.command(statement, settings={"mutations_sync": 2})


def _verified(home: Path) -> str:
    return _typed(home, "audit", "verify", code=1)


def test_a_changed_row_of_the_trail_is_named(home: Path) -> None:
    put(home, [finding(1)], "usage-0000:0:0-9")
    for _ in range(5):
        _typed(home, "alerts", "list")
    whole = _json(home, "audit", "verify")
    assert (whole["whole"], whole["events"]) == (True, 5)
    _owner(home, "ALTER TABLE audit_events UPDATE who = 'nobody' WHERE sequence = 2")
    assert "the content of number 2 is not what was sealed" in _verified(home)


def test_a_row_that_is_gone_is_named_in_the_middle_and_at_the_end(home: Path) -> None:
    put(home, [finding(1)], "usage-0000:0:0-9")
    for _ in range(5):
        _typed(home, "alerts", "list")
    _owner(home, "ALTER TABLE audit_events DELETE WHERE sequence = 4")
    assert "numbers 4 to 4 are missing" in _verified(home)
    assert "rows were removed" in _typed(home, "alerts", "list", code=4), (
        "nothing is done behind it"
    )
    _owner(home, "ALTER TABLE audit_events DELETE WHERE sequence = 1")
    assert "number 1 is missing: the next one that is there is 2" in _verified(home)


def test_a_changed_step_of_a_case_is_named(home: Path) -> None:
    put(home, [finding(1)], "usage-0000:0:0-9")
    _typed(home, "cases", "build")
    (case,) = _json(home, "cases", "list")
    _owner(home, "ALTER TABLE case_events UPDATE amount = 1 WHERE step = 1")
    assert f"case {case['case_id']}: the content of number 1 is not what" in _verified(home)


_APPENDER = """
import sys
from pathlib import Path
from dataflows.desk import desk
from dataflows.settings import Settings
for number in range(12):
    with desk(Settings(home=Path(sys.argv[1])), sys.argv[2]) as here:
        here.audit("alerts list", "", {"number": number})
"""


def test_two_who_append_at_once_do_not_fork_the_trail(home: Path) -> None:
    put(home, [finding(1)], "usage-0000:0:0-9")
    both = [
        subprocess.Popen([sys.executable, "-c", _APPENDER, str(home), who], stderr=subprocess.PIPE, text=True)
        for who in ("anna", "bo")
    ]  # fmt: skip
    assert [(one.communicate(timeout=200)[1], one.returncode) for one in both] == [("", 0)] * 2
    whole = _json(home, "audit", "verify")
    assert (whole["whole"], whole["events"]) == (True, 24)
    with opened("", home / "store", database="tallywire", role="reader") as client:
        rows = client.query(
            "SELECT who, count() FROM audit_events GROUP BY who ORDER BY who"
        ).result_rows
    assert rows == [("anna", 12), ("bo", 12)]
    head = known_head(Home(home))
    assert head is not None
    assert head.number == 23
