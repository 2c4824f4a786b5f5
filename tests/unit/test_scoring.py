"""Which alerts tell of which faults, and how sure a recall is."""

from pathlib import Path

import pytest

from benchmarks import simulator
from benchmarks.scoring.families import FAMILIES
from benchmarks.scoring.match import DAY_US, Found, match
from benchmarks.scoring.report import least, scores
from benchmarks.simulator.commitment import source_hash
from benchmarks.simulator.parameters import read

_AT = 100 * DAY_US


def alert(pattern: str, feed: str = "switch", at: int = _AT, detected: int = _AT) -> Found:
    return Found(pattern, feed, "e", at, at, detected, "1")


def fault(family: str, feed: str = "switch", at: int = _AT) -> dict[str, object]:
    return {
        "id": f"{family}-{at}", "family": family, "feed": feed, "first_us": at, "last_us": at,
        "difficulty": "easy", "money": "2.50",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("found", "tells"),
    [
        (alert("near_copy"), True),
        (alert("near_copy", feed=""), True),
        (alert("near_copy", feed="pbx"), False),
        (alert("duplicate_records"), False),
        (alert("near_copy", at=_AT + 2 * DAY_US), False),
    ],
)
def test_an_alert_tells_of_a_fault_of_its_family_feed_and_time(found: Found, tells: bool) -> None:
    made = match([found], [fault("near_duplicate")])
    assert bool(made.by[f"near_duplicate-{_AT}"]) is tells
    assert bool(made.false) is not tells


def test_what_reports_and_asks_nothing_is_no_alarm() -> None:
    assert match([alert("file_out_of_order")], []).false == []


def test_scores_add_runs_up() -> None:
    runs = []
    for found in ([alert("near_copy", detected=_AT + 3 * 3_600_000_000)], []):
        faults = [fault("near_duplicate"), fault("counter_wrap")]
        runs.append((faults, match(found, faults)))
    near, wrap = scores(runs)
    assert (near.family, near.faults, near.found, near.hours) == ("near_duplicate", 2, 1, 3.0)
    assert (f"{near.money}", f"{near.money_found}") == ("5.00", "2.50")
    assert (wrap.faults, wrap.found, wrap.least, wrap.hours) == (2, 0, 0.0, None)


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    assert least(50, 50) == pytest.approx(0.05 ** (1 / 50))
    assert least(49, 50) == pytest.approx(0.9086, abs=1e-4)


def test_every_family_that_the_simulator_makes_is_scored() -> None:
    assert set(read(None).faults) == set(FAMILIES)


def test_the_simulator_is_the_one_that_was_scored() -> None:
    text = (Path(simulator.__file__).parent / "README.md").read_text()
    frozen = [
        line.split("`")[1] for line in text.partition("## Frozen")[2].splitlines() if "`" in line
    ]
    assert frozen[-1] == source_hash()
