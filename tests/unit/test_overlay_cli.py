"""The guide's bill, typed as the guide says: each planted cause by name, with its exact money."""

import csv
import json
import random
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

import dataflows.overlay.work
from assurance.overlay.causes import SENTENCES, Cause
from assurance.overlay.judging import Age
from cli.main import app
from dataflows.catalogs import example_folder, read_folder, write_folder
from dataflows.overlay.bill import Bill
from dataflows.overlay.usage import Collected, Pricer, collected, files_of
from dataflows.overlay.work import Compared, Comparison, compare
from tallywire.catalog import Snapshot, read
from tallywire.mediation.decoders import DECODERS

GUIDES = Path(__file__).parents[2] / "docs/guides"
TEXT = (GUIDES / "overlay.md").read_text()

PLANTED = {
    # cause and currency: records, under, over, not verifiable
    ("not_billed", "EUR"): (2, "0.2917", "0", "0"),
    ("billed_twice", "EUR"): (1, "0", "0.11", "0"),
    ("billed_without_usage", "EUR"): (1, "0", "0.25", "0"),
    ("rounding", "EUR"): (1, "0.0017", "0", "0"),
    ("other_increment", "EUR"): (1, "0", "0.3442", "0"),
    ("other_revision", "EUR"): (1, "0", "0.04", "0"),
    ("other_zone", "EUR"): (1, "1.28", "0", "0"),
    ("zero_rated", "EUR"): (1, "0.365", "0", "0"),
    ("other_quantity", "EUR"): (1, "0.20", "0", "0"),
    ("terms_not_applied", "EUR"): (1, "0", "0.15", "0"),
    ("other_account", "EUR"): (1, "0.15", "0.15", "0"),
    ("other_currency", "EUR"): (1, "0.15", "0", "0"),
    ("other_currency", "NOK"): (0, "0", "1.75", "0"),
    ("other_price", "EUR"): (1, "0", "9.72", "0"),
    ("unpriced", "EUR"): (1, "0", "0", "5"),
}
NOTES = {
    "other_revision": "voice_mobile revision 1, in force from 2025-01-01",
    "other_increment": "counted by 60/60 s",
    "other_zone": "zone north_america, prefix 1",
    "rounding": "rounded at 2 decimals",
    "unpriced": "zone_unknown",
}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand where the guide stands: beside the folder of its example."""
    shutil.copytree(GUIDES / "overlay", tmp_path / "overlay")
    write_folder(read_folder(example_folder()), tmp_path / "my-catalog")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def overlay(*words: object, usage: object = "overlay/usage") -> Result:
    return typed("overlay", "--usage", usage, "--tariffs", "my-catalog", *words)


BILL = ("--billed", "overlay/bill.csv", "--map", "overlay/bill.yaml")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_the_guides_commands_name_each_planted_cause_with_its_money(desk: Path) -> None:
    shutil.rmtree(desk / "my-catalog")
    commands = re.findall(r"^tallywire (.+)$", TEXT, re.MULTILINE)
    codes = [typed(*command.split()).exit_code for command in commands]
    assert codes == [0, 3]  # a line of the bill cannot be read
    found = {
        (row["cause"], row["currency"]): tuple(
            Decimal(row[name]) for name in ("records", "under", "over", "unverified")
        )
        for row in rows_of(desk / "april-leakage/causes.csv")
    }
    assert found == {
        key: (Decimal(records), *(Decimal(one) for one in money))
        for key, (records, *money) in PLANTED.items()
    }
    kinds = {row["cause"]: row["note"] for row in rows_of(desk / "april-leakage/kinds.csv")}
    assert {cause: kinds[cause] for cause in NOTES} == NOTES
    (problem,) = rows_of(desk / "april-leakage/problems.csv")
    assert problem["line"] == "21"
    assert "amount gratis is no number" in problem["problem"]


def test_the_guides_table_is_what_comes_out(desk: Path) -> None:
    result = overlay(*BILL, "--as-of", "2026-05-01", "--time-barred-after", "6")
    shown = re.findall(r"^ [a-z_]+ +EUR .*$", TEXT, re.MULTILINE)
    assert len(shown) == 7
    printed = [line.rstrip() for line in result.stdout.splitlines()]
    assert [line for line in shown if line.rstrip() not in printed] == []
    assert desk.exists()


def test_every_cause_is_explained_in_the_guide() -> None:
    causes = TEXT.partition("## Causes")[2].partition("\n## ")[0]
    assert set(SENTENCES) == set(Cause)
    for cause in Cause:
        assert f"`{cause}`" in causes


def test_findings_show_both_sides_and_age(desk: Path) -> None:
    overlay(*BILL, "--as-of", "2026-05-01", "--time-barred-after", "6", "--out", "out")
    rows = rows_of(desk / "out/findings.csv")
    table = pl.read_parquet(desk / "out/findings.parquet")
    assert len(rows) == table.height == 17  # two of them are the halves of one, twice
    old = [row for row in rows if row["age"] == "time_barred"]
    assert [(row["cause"], row["under"]) for row in old] == [("not_billed", "0.110000000")]
    (twice,) = [row for row in rows if row["cause"] == "billed_twice"]
    assert twice["note"] == "a second line beside line 3 of bill.csv, invoice 2026-04"
    assert (twice["billed_line"], twice["invoice"]) == ("4", "2026-04-B")
    (zone,) = [row for row in rows if row["cause"] == "other_zone"]
    assert (zone["zone_id"], zone["matched_prefix"], zone["usage_record"]) == (
        "caribbean", "1242", "8",
    )  # fmt: skip


def test_sums_hold_exactly(desk: Path) -> None:
    content = json.loads(overlay(*BILL, "--json").stdout)
    for name in ("currencies", "months", "accounts", "causes"):
        for row in content[name]:
            billed, ours, over, under, unverified = (
                Decimal(row[one]) for one in ("billed", "ours", "over", "under", "unverified")
            )
            assert billed - ours == over - under + unverified
    assert content["bill"] == {"files": ["bill.csv"], "lines": 20, "unread": 1, "cancelled": 2}
    assert desk.exists()


def test_the_same_inputs_give_the_same_bytes(desk: Path) -> None:
    for out in ("one", "two"):
        overlay(*BILL, "--out", out)
    names = sorted(path.name for path in (desk / "one").iterdir())
    assert len(names) == 9
    for name in names:
        assert (desk / "one" / name).read_bytes() == (desk / "two" / name).read_bytes(), name


def _snapshot() -> Snapshot:
    snapshot = read(read_folder(example_folder()), DECODERS).snapshot
    assert snapshot is not None
    return snapshot


def _clean_bill(desk: Path) -> Path:
    """Bill all usage that has a price as we price it."""
    snapshot = _snapshot()
    files, _ = files_of([str(desk / "overlay/usage")], snapshot.feeds)
    held = pl.concat(list(collected(files, snapshot, Collected())))
    start = pl.from_epoch("start_time", "us").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    priced = Pricer(snapshot, "account", "").price(held).filter(pl.col("reason") == "")
    bill = priced.select(
        pl.col("account_id").alias("account"), "called", "service", start.alias("start"),
        pl.col("ours").alias("amount"), "currency",
    )  # fmt: skip
    bill.write_csv(desk / "clean.csv")
    return desk / "clean.csv"


def test_a_clean_bill_gives_no_finding(desk: Path) -> None:
    path = desk / "overlay/usage/switch/calls.jsonl"
    kept = [line for line in path.read_text().splitlines() if "008816" not in line]
    path.write_text("\n".join(kept) + "\n")
    result = overlay("--billed", _clean_bill(desk), "--check")
    assert result.exit_code == 0, result.stdout
    assert "nothing leaks" in result.stdout
    assert overlay(*BILL[:2], "--map", "overlay/bill.yaml", "--check").exit_code == 3


def test_check_says_that_something_leaks(desk: Path) -> None:
    assert overlay("--billed", _clean_bill(desk), "--check").exit_code == 1  # a satellite call


def _compared(desk: Path, folder: str) -> Compared:
    snapshot = _snapshot()
    files, _ = files_of([str(desk / "overlay/usage")], snapshot.feeds)
    from dataflows.overlay.bill_map import read_map  # noqa: PLC0415  one test needs it

    given = read_map(desk / "overlay/bill.yaml")
    bill = Bill(desk / "overlay/bill.csv", given, snapshot, snapshot.feeds["switch"])
    return compare(Comparison(files, [bill], snapshot, {}, 5_000_000, Age("UTC"), desk / folder))


def test_parts_and_the_order_of_rows_do_not_change_the_report(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _compared(desk, "whole").report
    monkeypatch.setattr(dataflows.overlay.work, "_PART_BYTES", 500)
    for name in ("bill.csv", "usage/switch/calls.jsonl", "usage/platform/messages.jsonl"):
        path = desk / "overlay" / name
        lines = path.read_text().splitlines()
        head, rest = (lines[:1], lines[1:]) if name == "bill.csv" else ([], lines)
        random.Random(5).shuffle(rest)
        path.write_text("\n".join([*head, *rest]) + "\n")
    shuffled = _compared(desk, "shuffled").report
    for name in ("causes", "currencies", "months", "accounts", "matches", "notes"):
        assert getattr(whole, name).equals(getattr(shuffled, name)), name
    places = ("usage_record", "billed_line", "note")
    assert whole.largest.drop(places).equals(shuffled.largest.drop(places))


def test_garbage_becomes_named_problems(desk: Path) -> None:
    (desk / "bad.csv").write_bytes(
        b"account,called,service,start,quantity,unit,amount,currency\n"
        b"hansen-bo,4741234567,voice,2026-04-07T08:00:00Z,125,s,0.35,EUR\n"
        b"\n"
        b"\x00\xff\xfe,,,\n"
        b"hansen-bo,4741234567,fax,2026-04-07T08:00:00Z,125,s,0.35,EUR\n"
        b"hansen-bo,4741234567,voice,yesterday,125,s,0.35,EUR\n"
        b"hansen-bo,4741234567,voice,2026-04-07T08:00:00Z,125,furlongs,0.35,EUR\n"
        b"hansen-bo,4741234567,voice,2026-04-07T08:00:00Z,1e3,s,0.35,EUR\n"
        b"hansen-bo,4741234567,voice,2026-04-07T08:00:00Z,125,s,0.3.5,EUR\n"
        b"hansen-bo,4741234567,voice,2026-04-07T08:00:00Z,125,s,0.35,kroner\n"
        b'"hansen-bo,4741234567,voice\n'
    )
    result = overlay("--billed", "bad.csv", "--out", "out")
    assert result.exit_code == 3
    problems = {int(row["line"]): row["problem"] for row in rows_of(desk / "out/problems.csv")}
    assert sorted(problems) == [4, 5, 6, 7, 8, 9, 10, 11]
    words = {5: "fax", 6: "yesterday", 7: "furlongs", 8: "1e3", 9: "0.3.5", 10: "kroner"}
    for line, word in words.items():
        assert word in problems[line], problems[line]
    (voice,) = [
        row for row in rows_of(desk / "out/months.csv") if row["service"] == "voice" and
        row["month"] == "2026-04"
    ]  # fmt: skip
    assert voice["lined"] == voice["matched"] == "1"


def test_age_is_told_only_where_a_limit_is_known(desk: Path) -> None:
    limit = ("--as-of", "2026-05-01", "--time-barred-after", "6")
    for words, told in ((limit, True), ((), False)):
        result = overlay(*BILL, *words, "--out", "out")
        page = (desk / "out/report.html").read_text()
        assert ("time barred" in result.stdout, "time-barred" in page) == (told, told)


def test_the_page_is_escaped_and_loads_nothing(desk: Path) -> None:
    path = desk / "overlay/bill.csv"
    path.write_text(path.read_text().replace("2026-04-B", "<script>alert(1)</script>"))
    overlay(*BILL, "--out", "out")
    text = (desk / "out/report.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert not re.search(r"<script|https?:|src=|@import|url\(", text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("columns: {amount: Pris, start: Start, account: Kunde, calld: Til}", "calld"),
        ("columns: {amount: Pris, start: Start}", "name the column of account"),
        ("columns: {amount: Prix, start: Start, account: Kunde}\nseparator: ;", "Prix"),
        ("columns: {amount: Pris, start: Start, account: Kunde, quantity: Mengde}\nseparator: ;",
         "in which unit"),
        ("- a list", "write a mapping"),
        ("a: [", "it is no YAML"),
    ],
)  # fmt: skip
def test_a_wrong_map_is_one_sentence(desk: Path, content: str, words: str) -> None:
    (desk / "wrong.yaml").write_text(content)
    result = overlay("--billed", "overlay/bill.csv", "--map", "wrong.yaml")
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--as-of", "2026-05-01"], "give both, or neither"),
        (["--as-of", "May", "--time-barred-after", "3"], "write a date"),
        (["--tolerance", "soon"], "write seconds"),
        (["--billed", "none.csv"], "there is no such file"),
    ],
)
def test_wrong_use_is_one_sentence(desk: Path, options: list[str], words: str) -> None:
    result = overlay(*BILL, *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (desk / "none.csv").exists()


def test_a_bill_without_the_products_names_asks_for_a_map(desk: Path) -> None:
    result = overlay("--billed", "overlay/bill.csv")
    assert result.exit_code == 2
    assert "--map" in result.stderr
    assert overlay("--billed", "overlay/bill.csv", usage="radio=x").exit_code == 2
    assert desk.exists()


def test_prices_of_another_catalogue_are_named(desk: Path) -> None:
    write_folder(read_folder(example_folder()), desk / "dearer")
    tariff = desk / "dearer/tariffs/voice.yaml"
    tariff.write_text(tariff.read_text().replace('rate: "0.19"', 'rate: "9.91"'))
    (desk / "one.csv").write_text(
        "account,called,service,start,amount\n"
        "hansen-bo,33123456789,voice,2026-04-16T08:00:00Z,9.99\n"
    )
    made: dict[str, Any] = json.loads(
        overlay("--billed", "one.csv", "--other-tariffs", "dearer", "--json").stdout
    )
    (kind,) = [row for row in made["kinds"] if row["cause"] == "other_revision"]
    assert kind["note"] == "dearer: voice_mobile revision 2"


def test_what_is_reported_is_chosen_by_period_and_service(desk: Path) -> None:
    result = overlay(*BILL, "--json", "--since", "2026-04-17", "--service", "sms")
    made = json.loads(result.stdout)
    assert made["causes"] == []
    assert [(row["service"], row["used"]) for row in made["months"]] == [("sms", 2)]
    assert desk.exists()


def test_almost_nothing_matched_says_what_to_look_at(desk: Path) -> None:
    path = desk / "overlay/bill.yaml"
    path.write_text(path.read_text().replace("numbers: dialled", "").replace("key: Samtale", ""))
    result = overlay(*BILL)
    assert "lines have usage: are accounts, numbers" in result.stderr
