import csv
import json
import re
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.simulator.parameters import read
from cli.catalog import app
from tests.simulated import NULL, SMALL, made

RUNS = [pytest.param(NULL, id="null"), pytest.param(SMALL, id="faults")]
PRICES = {
    "wrong_tariff_version",
    "deleted_prefix",
    "wrong_increment",
    "zero_rated",
    "wrong_rounding",
}
LOST = {"lost_file", "lost_records", "silent_node"}
NO_MONEY_IN_RECORDS = {
    "late_feed",
    "negative_margin",
    "partner_mismatch",
    "subscription_mismatch",
    "resale_mismatch",
}


def _pieces(path: Path) -> int:
    """Count the records of a file by how its format begins them."""
    text = path.read_text()
    if path.parent.name == "switch":
        return len(re.findall(r"^R;", text, re.MULTILINE))
    if path.parent.name == "access":
        return text.count("Acct-Status-Type")
    return len([line for line in text.splitlines() if line])


@pytest.mark.parametrize("parameters", RUNS)
def test_a_catalogue_is_accepted(parameters: str) -> None:
    told = CliRunner().invoke(app, ["lint", str(made(parameters).out / "catalog")])
    assert told.exit_code == 0, told.stdout
    assert ("no problems; catalogue" in told.stdout) == (parameters == NULL)


def test_a_clean_run_writes_every_piece_of_the_truth() -> None:
    run = made(NULL)
    for feed in ("switch", "pbx", "mobile", "access", "platform"):
        pieces = sum(row["pieces"] for row in run.records if row["feed"] == feed)
        assert pieces == sum(_pieces(path) for path in run.usage(feed)) > 100


def test_a_run_with_faults_writes_what_is_said_to_be_written() -> None:
    run = made(SMALL)
    cut = Counter(
        row["feed"] for row in run.injections if row["family"] == "truncated_file"
    )  # each leaves a piece of a line
    for feed in ("pbx", "mobile", "platform"):
        pieces = sum(row["pieces"] for row in run.records if row["feed"] == feed and row["written"])
        assert pieces + cut[feed] == sum(_pieces(path) for path in run.usage(feed))


def test_trailers_of_a_clean_run_hold() -> None:
    files = made(NULL).usage("switch")
    for path in files:
        header, *records, trailer = (line.split(";") for line in path.read_text().splitlines())
        assert header[:3] == ["H", *trailer[1:3]]
        assert trailer[3:] == [str(len(records)), str(sum(int(record[7]) for record in records))]
        for one, two in pairwise(records):
            assert int(two[2]) == int(one[2]) + 1


def test_some_trailers_of_a_run_with_faults_do_not() -> None:
    run = made(SMALL)
    wrong, unended = set(), set()
    for path in run.usage("switch"):
        _, *records, trailer = (line.split(";") for line in path.read_text().splitlines())
        if trailer[0] != "T":
            unended.add(f"switch/{path.name}")
        elif trailer[3:] != [str(len(records)), str(sum(int(record[7]) for record in records))]:
            wrong.add(f"switch/{path.name}")
    told = {row["entity"] for row in run.injections if row["family"] == "trailer_mismatch"}
    assert wrong == told
    cut = {row["entity"] for row in run.injections if row["family"] == "truncated_file"}
    assert unended == {name for name in cut if name.startswith("switch")}


def test_every_family_appears_with_all_difficulties() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for row in made(SMALL).injections:
        found[row["family"]].add(row["difficulty"])
        assert row["records"] > 0
        assert row["first_us"] <= row["last_us"]
    assert set(found) == set(read(None).faults)
    many = {
        family
        for family, count in read(made(SMALL).out / "params.toml").faults.items()
        if count >= 6
    }
    assert all(found[family] == {"easy", "medium", "hard"} for family in many)


def test_two_of_five_medium_and_hard_faults_are_subtle() -> None:
    rows = [row for row in made(SMALL).injections if row["difficulty"] != "easy"]
    assert len(rows) > 80
    assert sum(row["subtle"] for row in rows) * 5 >= len(rows) * 2
    assert not any(row["subtle"] for row in made(SMALL).injections if row["difficulty"] == "easy")


def test_numbers_of_faults_and_records_are_given_once() -> None:
    run = made(SMALL)
    for rows, name in (
        (run.records, "truth_id"),
        (run.injections, "id"),
        (run.hard_negatives, "id"),
    ):
        assert len({row[name] for row in rows}) == len(rows)
    assert {row["injection"] for row in run.records} - {""} <= {row["id"] for row in run.injections}


def _differences(rows: list[dict[str, Any]]) -> Decimal:
    return sum(
        (abs(Decimal(row["charge"]) - Decimal(row["charge_by_catalogue"])) for row in rows),
        Decimal(0),
    )


def test_the_money_of_a_fault_is_that_of_its_records() -> None:
    run = made(SMALL)
    by_fault = defaultdict(list)
    for row in run.records:
        by_fault[row["injection"]].append(row)
    for fault in run.injections:
        family, rows = fault["family"], by_fault[fault["id"]]
        own = [row for row in rows if row["class"] == family]
        if family in PRICES | LOST | {
            "orphan",
            "unknown_subscriber",
            "missing_stop",
            "trailer_mismatch",
            "truncated_file",
        }:
            assert fault["records"] == len(own), fault
            assert Decimal(fault["money"]) == _differences(own), fault
        elif family in {"near_duplicate", "partial_and_total", "exact_duplicate", "replayed_file"}:
            assert {row["charge"] for row in own} == {"0"}
            assert fault["records"] == len(own)
            assert Decimal(fault["money"]) == sum(
                Decimal(row["charge_by_catalogue"]) for row in own
            )
        elif family not in NO_MONEY_IN_RECORDS:
            assert fault["records"] == len(own) > 0, fault


def test_what_is_lost_is_in_no_file_and_copies_are_there_twice() -> None:
    run = made(SMALL)
    name = {"pbx": "uniqueid", "mobile": "uuid", "platform": "id"}
    lines = {
        feed: Counter(line for path in run.usage(feed) for line in path.read_text().splitlines())
        for feed in name
    }
    by_name: dict[str, list[str]] = defaultdict(list)
    for feed, some in lines.items():
        pattern = r'"(pbx[^"]+)"' if feed == "pbx" else r'"(?:uuid|id)":"([^"]+)"'
        for line in some:
            found = re.search(pattern, line)
            by_name[found[1] if found else ""].append(line)
    lost = [row for row in run.records if row["class"] in {"lost_file", "lost_records"}]
    lost = [row for row in lost if row["feed"] in name]
    assert len(lost) > 20
    assert not any(row["keys"][name[row["feed"]]] in by_name for row in lost)
    twice = [row for row in run.records if row["class"] == "written_twice" and row["feed"] in name]
    assert len(twice) > 10
    for row in twice:
        (line,) = by_name[row["keys"][name[row["feed"]]]]
        assert lines[row["feed"]][line] == 2


def test_near_duplicates_are_near_and_of_another_element() -> None:
    run = made(SMALL)
    firsts: dict[str, list[dict[str, Any]]] = {
        row["injection"]: [] for row in run.records if row["class"] == "near_duplicated"
    }
    for row in run.records:
        if row["class"] == "near_duplicated":
            firsts[row["injection"]].append(row)
    twins = [row for row in run.records if row["class"] == "near_duplicate"]
    assert len(twins) > 20
    for twin in twins:
        near = [
            one for one in firsts[twin["injection"]]
            if (one["served"], one["number"]) == (twin["served"], twin["number"])
            and abs(one["start_us"] - twin["start_us"]) <= 2_000_000
            and abs(one["quantity"] - twin["quantity"]) <= 1_000_000
            and one["keys"]["node"] != twin["keys"]["node"]
        ]  # fmt: skip
        assert near


def test_the_price_book_differs_from_the_catalogue_only_by_faults() -> None:
    for parameters, same in ((NULL, True), (SMALL, False)):
        out = made(parameters).out
        with (out / "side/price_book.csv").open() as file:
            book = [row for row in csv.DictReader(file) if row["tariff"] == "plan_1_voice"]
        with (out / "catalog/tariffs/decks/plan_1.csv").open() as file:
            deck = list(csv.DictReader(file))
        listed = [{key: row[key] for key in deck[0]} for row in book]
        differs = any(
            "plan_1_voice/" in row["entity"]
            for row in made(parameters).injections
            if row["family"] in PRICES
        )
        assert (listed == deck) == (not differs)
        assert same or any(row["family"] in PRICES for row in made(parameters).injections)


def test_hard_negatives_of_the_run_are_told() -> None:
    told = Counter(row["family"] for row in made(NULL).hard_negatives)
    assert set(told) == {
        "redial", "feast", "night_twice", "outage", "call_centre", "tariff_change_day", "catch_up",
    }  # fmt: skip
    assert all(row["records"] > 0 for row in made(NULL).hard_negatives)


def test_carriers_list_every_call_they_carried() -> None:
    run = made(NULL)
    listed: Counter[tuple[str, str, int]] = Counter()
    for path in (run.out / "side/partner_calls").iterdir():
        with path.open() as file:
            for row in csv.DictReader(file):
                listed[path.name.rpartition("_")[0], row["called"], int(row["seconds"])] += 1
    carried = Counter(
        (row["carrier"], row["number"], row["quantity"] // 1_000_000)
        for row in run.records
        if row["carrier"]
    )
    assert listed == carried
    assert carried.total() > 1_000


def test_bills_add_up_to_what_was_charged() -> None:
    run = made(NULL)
    with (run.out / "side/billed_lines.csv").open() as file:
        billed = sum((Decimal(row["amount"]) for row in csv.DictReader(file)), Decimal(0))
    charged = sum((Decimal(row["charge"]) for row in run.records), Decimal(0))
    lines = len((run.out / "side/billed_lines.csv").read_text().splitlines())
    assert abs(billed - charged) <= lines * Decimal("0.005")


def test_counters_of_sessions_never_fall_but_by_a_wrap() -> None:
    run = made(SMALL)
    wrapped = {row["keys"]["session"] for row in run.records if row["class"] == "counter_wrap"}
    falls = set()
    last: dict[str, int] = {}
    for packet in "".join(path.read_text() for path in run.usage("access")).split("\n\n"):
        session = re.search(r'Acct-Session-Id = "(\w+)"', packet)
        octets = re.search(r"Acct-Output-Octets = (\d+)", packet)
        if session and octets:
            total = int(octets[1])
            if total < last.get(session[1], 0):
                falls.add(session[1])
            last[session[1]] = total
    assert falls == wrapped
    assert json.dumps(sorted(falls)) != "[]"
