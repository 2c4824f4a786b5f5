"""`tallywire catalog import` as people use it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.catalog import app

FOLDER = Path(__file__).with_name("tariffplan")
DECK = "Code,Destination,Connect Cost,Included Seconds,Per Minute Cost,Increment\n46,Sweden,0,0,0.06,60\n"


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["import", *(str(one) for one in arguments)])


@pytest.fixture
def deck(tmp_path: Path) -> Path:
    path = tmp_path / "my deck.csv"
    path.write_text(DECK)
    return path


def test_a_tariff_plan_is_imported_linted_and_priced(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    imported = _run("cgrates", FOLDER, "--out", out, "--time-zone", "Europe/Oslo")
    assert imported.exit_code == 0, imported.output
    assert imported.stdout.startswith(
        f"wrote 12 files to {out}; next: tallywire catalog lint {out}"
    )
    assert "Carried over, but worked out in another way (" in imported.stdout
    assert "Not in the source, chosen here (3):\n  currency is USD" in imported.stdout
    assert imported.stdout.endswith("Everything was carried over.\n")
    assert CliRunner().invoke(app, ["lint", str(out)]).exit_code == 0
    usage = tmp_path / "usage.jsonl"
    usage.write_text(
        '{"service":"voice","offer_id":"fjord:call:any","b_number":"4722000000",'
        '"start_time":"2026-06-02T10:00:00+02:00","quantity":90000000}\n'
    )
    command = [sys.executable, "-m", "cli.main", "price", "--catalog", out, "--usage", usage]
    priced = subprocess.run(command, capture_output=True, text=True, check=True)
    row = json.loads(priced.stdout)
    assert (row["amount"], row["zone_id"], row["tenant_id"]) == ("0.210000000", "NORWAY", "default")


def test_the_report_is_data_for_programs(tmp_path: Path, deck: Path) -> None:
    deck.write_text(DECK + "47,Norway,0,0,free,60\n")
    answer = _run("astpp", deck, "--out", tmp_path / "out", "--json", "--service", "interconnect")
    assert answer.exit_code == 1
    report = json.loads(answer.stdout)
    assert (report["complete"], report["written"]) == (False, str(tmp_path / "out"))
    assert "tariffs/decks/my_deck.csv" in report["files"]
    assert [(one["line"], one["kind"]) for one in report["notes"] if one["line"]] == [
        (3, "refused")
    ]


def test_strict_writes_all_or_nothing(tmp_path: Path, deck: Path) -> None:
    deck.write_text(DECK + "47,Norway,0,0,free,60\n")
    answer = _run("astpp", deck, "--out", tmp_path / "out", "--strict")
    assert answer.exit_code == 2
    assert answer.stdout.startswith("nothing was written\n\nRows refused (1):\n  my deck.csv:3: ")
    assert not (tmp_path / "out").exists()


def test_many_notes_of_a_kind_are_counted(tmp_path: Path, deck: Path) -> None:
    deck.write_text(DECK + "".join(f"{code},X,0,0,free,60\n" for code in range(100, 150)))
    answer = _run("astpp", deck, "--out", tmp_path / "out")
    assert "Rows refused (50):" in answer.stdout
    assert "  and 30 more; --json lists all" in answer.stdout


def test_options_and_a_mapping_file_together(tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_bytes("Vorwahl;Preis;Ort\n43;0,06;\u00d6sterreich\n".encode("cp1252"))
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "prefix: Vorwahl\nrate: Preis\ndestination: Ort\nseparator: ;\ndecimal: comma\n"
        "increment: 60/1\nrounding: up\n"
    )
    common = ("rates", prices, "--mapping", mapping, "--increment", "1/1", "--id", "austria")
    refused = _run(*common, "--out", tmp_path / "a")
    assert refused.exit_code == 2
    assert "prices.csv:2: not utf-8" in refused.stderr
    answer = _run(*common, "--out", tmp_path / "b", "--encoding", "cp1252", "--currency", "EUR")
    assert answer.exit_code == 0, answer.output
    assert "\u00d6sterreich" in (tmp_path / "b/tariffs/decks/austria.csv").read_text()
    tariff = (tmp_path / "b/tariffs/austria.yaml").read_text()
    assert "increment: 1/1" in tariff
    assert "mode: up" in tariff


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("astpp", "none.csv"), "cannot read none.csv: No such file"),
        (("cgrates", "none"), "cannot read none: No such file"),
        (("cgrates", "."), "holds no RatingProfiles.csv; name the folder of a tariff plan"),
        (("astpp", "{deck}", "--currency", "EURO"), "currency: 'EURO' is not an ISO 4217"),
        (("astpp", "{deck}", "--encoding", "klingon"), "there is no encoding 'klingon'"),
        (("astpp", "{deck}", "--service", "pigeon"), "service: "),
        (("astpp", "{deck}", "--decimals", "12"), "decimals: "),
        (("rates", "{deck}"), "prefix: is missing; say it\nrate: is missing; say it"),
        (("cgrates", FOLDER, "--service", "generic"), "write CATEGORY=SERVICE"),
    ],
)
def test_wrong_use_is_one_sentence(
    tmp_path: Path, deck: Path, arguments: tuple[str, ...], said: str
) -> None:
    named = [str(one).replace("{deck}", str(deck)) for one in arguments]
    answer = _run(*named, "--out", tmp_path / "out")
    assert answer.exit_code == 2
    assert said in answer.stderr
    assert "Traceback" not in answer.output
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path, deck: Path) -> None:
    answer = _run("astpp", deck, "--out", tmp_path)
    assert (answer.exit_code, "is not empty; name a new folder" in answer.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == [deck.name]


def test_a_spreadsheet_is_no_text(tmp_path: Path, deck: Path) -> None:
    deck.write_bytes(b"PK\x03\x04\x00\x00" + b"\x00" * 50)
    answer = _run("astpp", deck, "--out", tmp_path / "out")
    assert (answer.exit_code, "export a spreadsheet as CSV" in answer.stderr) == (2, True)
