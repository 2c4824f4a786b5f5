"""Backtests and differences in money as people type them, over a file of usage."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from dataflows.catalogs import example_folder, read_folder, write_folder
from tests.unit.test_backtest import BO, DENMARK, MOBILE, messages


class Desk:
    """The example catalogue, a dearer draft, and a file of usage."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.old, self.new, self.usage = root / "old", root / "new", root / "usage.jsonl"
        for folder in (self.old, self.new):
            write_folder(read_folder(example_folder()), folder)
        path = self.new / "tariffs" / "messages.yaml"
        path.write_text(path.read_text().replace('nordics, rate: "0.08"', 'nordics, rate: "0.10"'))
        lines = [event.model_dump_json(exclude_defaults=True) for event in messages(400)]
        self.usage.write_text("\n".join(lines) + "\n")

    def catalog(self, *arguments: object) -> Result:
        words = ["catalog", *(str(one) for one in arguments), "--home", str(self.root / "home")]
        result = CliRunner().invoke(app, words)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def backtest(self, *arguments: object) -> Result:
        return self.catalog("backtest", self.new, "--base", self.old, "--out", self.root / "out",
                            *arguments)  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_backtest_is_a_table_files_and_a_picture(desk: Desk) -> None:
    made = desk.backtest("--usage", desk.usage)
    assert made.exit_code == 0, made.stderr
    assert "Revenue by service, EUR" in made.stdout
    assert "400 events rated twice" in made.stdout
    dearer = sum(event.b_number == DENMARK for event in messages(400))
    out = desk.root / "out"
    (service,) = _csv(out / "services.csv")
    assert Decimal(service["difference"]) == dearer * Decimal("0.02")
    accounts = _csv(out / "accounts.csv")
    assert sum(Decimal(row["difference"]) for row in accounts) == Decimal(service["difference"])
    shock = _csv(out / "bill_shock.csv")
    assert (len(shock), sum(int(row["accounts"]) for row in shock)) == (10, 2)
    losers = _csv(out / "winners_and_losers.csv")
    assert [row["side"] for row in losers] == ["pays more", "pays more"]
    told = json.loads((out / "summary.json").read_text())
    assert told["services"][0]["difference"] == service["difference"]
    again = json.loads(desk.backtest("--usage", desk.usage, "--json").stdout)
    assert {**told, "out": str(out)} == again


def test_the_picture_is_the_same_svg_every_time(desk: Desk) -> None:
    path = desk.root / "out" / "backtest.svg"
    desk.backtest("--usage", desk.usage)
    first = path.read_bytes()
    desk.backtest("--usage", desk.usage)
    assert path.read_bytes() == first
    root = ElementTree.fromstring(first)  # noqa: S314  our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = " ".join(
        "".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")
    )
    assert "Revenue by service, EUR" in words
    assert "new charge from zero" in words


def test_the_base_is_the_catalogue_in_use(desk: Desk) -> None:
    absent = desk.catalog("backtest", desk.new, "--usage", desk.usage)
    assert absent.exit_code == 2
    assert "no catalogue is in use" in absent.stderr
    desk.catalog("compile", desk.old)
    made = desk.catalog("backtest", desk.old, "--usage", desk.usage, "--out", desk.root / "same")
    assert made.exit_code == 0
    assert "no charge differs" in made.stdout
    for name in ("refused", "priced", "changes", "winners_and_losers"):
        assert _csv(desk.root / "same" / f"{name}.csv") == []


def test_a_period_chooses_usage_by_its_beginning(desk: Desk) -> None:
    lines = [
        json.dumps(
            {"service": "sms", "served_identifier": BO, "b_number": MOBILE, "quantity": 1,
             "start_time": f"2026-06-0{day}T00:00:00Z"}
        )
        for day in range(1, 6)
    ]  # fmt: skip
    desk.usage.write_text("\n".join(lines))
    made = desk.backtest(
        "--usage", desk.usage, "--since", "2026-06-02", "--until", "2026-06-04", "--json"
    )
    assert json.loads(made.stdout)["events"] == 2
    nothing = desk.backtest("--usage", desk.usage, "--since", "2027-01-01")
    assert nothing.exit_code == 1
    assert "there is no usage" in nothing.stderr


def test_lines_that_are_no_usage_are_named_and_counted(desk: Desk) -> None:
    with desk.usage.open("a") as file:
        file.write("nonsense\n\n" + '{"service":"sms","quantity":0.5}\n' * 20)
    made = desk.backtest("--usage", desk.usage)
    assert made.exit_code == 3
    assert f"{desk.usage}: line 401: is no JSON" in made.stderr
    assert "and 11 lines more" in made.stderr
    assert "400 events rated twice" in made.stdout


def test_a_draft_with_problems_is_not_tried(desk: Desk) -> None:
    path = desk.new / "operator.yaml"
    path.write_text(path.read_text().replace("EUR", "EURO"))
    made = desk.backtest("--usage", desk.usage)
    assert made.exit_code == 1
    assert "EURO" in made.stdout
    assert not (desk.root / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name the usage"),
        (("--store", "--usage", "x"), "name the usage"),
        (("--usage", "/nowhere"), "no such file"),
        (("--usage", "{usage}", "--since", "soon"), "--since soon"),
        (("--usage", "{usage}", "--out", "{usage}"), "it is a file"),
        (("--usage", "{usage}", "--since", "2026-02-01", "--until", "2026-01-01"), "not before"),
    ],
)
def test_wrong_use_is_exit_code_2(desk: Desk, arguments: tuple[str, ...], said: str) -> None:
    made = desk.backtest(*(one.format(usage=desk.usage) for one in arguments))
    assert made.exit_code == 2
    assert said in made.stderr


def test_a_difference_is_told_in_money(desk: Desk) -> None:
    words = desk.catalog("diff", desk.old, desk.new)
    assert "price 0.08 EUR each → 0.10 EUR each" in words.stdout
    assert (
        "sms_home/nordics\t2025-01-01\t1 piece\t0.08 EUR\t0.10 EUR\t+0.02\t+25.00 %" in words.stdout
    )
    (sample,) = json.loads(desk.catalog("diff", desk.old, desk.new, "--json").stdout)["samples"]
    assert (sample["now"], sample["draft"], sample["difference"]) == (
        "0.080000000", "0.100000000", "0.020000000",
    )  # fmt: skip


def test_a_difference_over_usage_says_for_whom(desk: Desk) -> None:
    made = desk.catalog("diff", desk.old, desk.new, "--usage", desk.usage)
    assert made.exit_code == 0
    assert "What it means in money over 400 usage events, revenue, EUR" in made.stdout
    told = json.loads(
        desk.catalog("diff", desk.old, desk.new, "--usage", desk.usage, "--json").stdout
    )["money"]
    dearer = sum(event.b_number == DENMARK for event in messages(400))
    (price,) = told["prices"]
    assert (price["tariff_id"], price["zone_id"], price["events"], price["accounts"]) == (
        "sms_home", "nordics", dearer, 2,
    )  # fmt: skip
    assert Decimal(price["difference"]) == dearer * Decimal("0.02")
    assert {row["offer_id"] for row in told["offers"]} == {"fjord_mobile", "fjord_basic"}
    assert {row["account_id"] for row in told["accounts"]} == {"hansen-anna", "hansen-bo"}
    same = desk.catalog("diff", desk.old, desk.old, "--usage", desk.usage)
    assert same.stdout == "no differences\nno charge of 400 usage events differs\n"
    assert desk.catalog("diff", desk.old, desk.new, "--since", "2026-01-01").exit_code == 2
