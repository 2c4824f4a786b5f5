"""The demo's weeks of calls, whenever it runs: what is wrong in them, and nothing else."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cli.demo.catalogue import write_catalogue
from cli.demo.coast import CALLS, DAYS, HOURS, LOST, NODES, SILENT, Hour, hours
from cli.demo.days import Days
from cli.demo.faults import FAULTS, judged
from dataflows.catalogs import read_folder
from tallywire.catalog import read
from tallywire.mediation.decoders import DECODERS

_BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
days = st.integers(0, 366 * 24 * 2).map(lambda hour: Days(_BEGIN + datetime.timedelta(hours=hour)))


def _numbers(made: list[Hour], node: str) -> list[int]:
    return [call.number for hour in made for call in hour.calls if call.node == node]


@given(days)
def test_records_and_files_are_numbered_without_a_gap_but_the_one_that_is_built_in(
    some: Days,
) -> None:
    made = list(hours(some))
    assert [hour.number for hour in made] == list(range(1, DAYS * HOURS))
    gaps = {node: set(range(1, CALLS * len(made) + 1)) - {*_numbers(made, node)} for node in NODES}
    (lost,) = [one for one in made if (one.ago, one.hour) == (LOST, 1)]
    assert gaps["coast-2"] == set()
    assert gaps["coast-1"] == {CALLS * (lost.number - 1) + place for place in (8, 9, 10)}


@given(days)
def test_files_came_in_order_after_their_calls_and_none_of_the_silent_hour(some: Days) -> None:
    made = list(hours(some))
    assert [hour.at for hour in made] == sorted(hour.at for hour in made)
    for hour in made:
        for call in hour.calls:
            assert call.start + datetime.timedelta(seconds=call.seconds) < hour.at
    assert (SILENT, 1) not in {(hour.ago, hour.hour) for hour in made}


def test_all_that_came_has_come_by_now() -> None:
    newest = max(hour.at for hour in hours(Days.until_now()))
    assert newest < datetime.datetime.now(datetime.UTC)


def test_the_catalogue_is_one(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "catalogue", Days(_BEGIN))
    reading = read(read_folder(tmp_path / "catalogue"), DECODERS)
    assert [str(problem) for problem in reading.problems] == []


def _row(pattern: str, text: str, money: str, state: str = "open") -> dict[str, Any]:
    return {
        "pattern": pattern, "explanation": text, "state": state, "currency": "EUR",
        "money_at_risk": Decimal(money),
    }  # fmt: skip


def test_a_fault_is_found_by_its_own_finding_while_that_is_open_and_money_comes_first() -> None:
    alerts = [
        _row("trailer_missing", "coast/KY000019.csv ends without its trailer line.", "0"),
        _row("record_sequence_gap", "Records 5 to 6 of coast-2 are missing.", "2.50"),
        _row("became_free", "Germany of coast_voice was paid for.", "9", "auto_closed"),
        _row("negative_margin", "56 events by another", "9"),
    ]
    charges: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("duplicate_file", "late", "skewed")
    }
    copies = [{"currency": "EUR", "money": Decimal("0.25")}]
    told = judged({
        "alerts": alerts, "dst_night": [], "charges": {**charges, "duplicate_record": copies},
    })  # fmt: skip
    assert {fault["name"] for fault in told if fault["found"]} == {"truncated_file"}
    assert len(told) == len(FAULTS)
    assert [(fault["name"], fault["money"]) for fault in told[:2]] == [
        ("truncated_file", {"EUR": Decimal("2.50")}), ("exact_duplicate", {"EUR": Decimal("0.25")}),
    ]  # fmt: skip
