"""Activation as two people type it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from dataflows.catalogs import example_folder, read_folder, write_folder


class Desk:
    """A home, the example catalogue, and a dearer draft of it."""

    def __init__(self, root: Path) -> None:
        self.home, self.old, self.new = root / "home", root / "old", root / "new"
        for folder in (self.old, self.new):
            write_folder(read_folder(example_folder()), folder)
        path = self.new / "tariffs" / "messages.yaml"
        path.write_text(path.read_text().replace('on_net, rate: "0.02"', 'on_net, rate: "0.03"'))

    def run(self, *arguments: object, text: str = "", **environment: str) -> Result:
        words = [*(str(one) for one in arguments), "--home", str(self.home)]
        result = CliRunner().invoke(app, words, input=text, env=environment)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def catalog(self, *arguments: object, **environment: str) -> Result:
        return self.run("catalog", *arguments, **environment)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


REQUIRED = {"TALLYWIRE_CATALOG_APPROVAL": "required"}


def test_the_whole_way_of_a_price_change(desk: Desk) -> None:
    old = json.loads(desk.catalog("compile", desk.old, "--json").stdout)["hash"]
    made = desk.catalog("propose", desk.new, "--by", "Kari", "--note", "dearer", "--json")
    new = json.loads(made.stdout)["hash"]
    assert json.loads(made.stdout)["state"] == "proposed"
    refused = desk.catalog("compile", desk.new, **REQUIRED)
    assert refused.exit_code == 2
    assert "approval is required here" in refused.stderr
    assert desk.catalog("approve", new[:8], "--by", "kari").exit_code == 2
    assert desk.catalog("approve", new[:8], "--by", "Ola").exit_code == 0
    assert desk.catalog("activate", new[:8], "--at", "yesterday").exit_code == 2
    planned = desk.catalog("activate", new[:8], "--at", "2099-07-01", "--by", "Ola")
    assert "from 2099-06-30T22:00:00.000000Z on" in planned.stdout  # midnight in Oslo
    shown = [
        json.loads(desk.catalog("show", "--as-of", at, "--json").stdout)["hash"]
        for at in ("2099-06-30T21:59:59Z", "2099-06-30T22:00:00Z")
    ]
    assert shown == [old, new]
    back = desk.catalog("rollback", "--to", old[:8], "--by", "Ola", "--note", "not yet")
    assert back.exit_code == 0
    assert f"withdrawn: {new[:12]}" in back.stderr
    told = json.loads(desk.catalog("history", "--json").stdout)
    assert told["in_use"] == old
    steps = [(one["step"], one["by"], one["note"]) for one in told["steps"]]
    assert steps[1:] == [
        ("propose", "Kari", "dearer"), ("approve", "Ola", ""), ("activate", "Ola", ""),
        ("rollback", "Ola", "not yet"),
    ]  # fmt: skip
    assert len(desk.catalog("history").stdout.splitlines()) == 5


def test_usage_is_priced_as_it_was_then(desk: Desk) -> None:
    desk.catalog("compile", desk.old)
    new = json.loads(desk.catalog("propose", desk.new, "--by", "Kari", "--json").stdout)["hash"]
    desk.catalog("approve", new, "--by", "Ola")
    desk.catalog("activate", new, "--at", "2099-01-01T00:00:00Z")
    message = json.dumps(
        {"service": "sms", "offer_id": "fjord_basic", "b_number": "4790010002", "quantity": 1,
         "start_time": "2026-06-01T10:00:00Z"}
    )  # fmt: skip
    prices = [
        json.loads(desk.run("price", *at, text=message).stdout)["amount"]
        for at in (
            (),
            ("--as-of", "2098-12-31T23:59:59Z"),
            ("--as-of", "2099-01-01"),
            ("--catalog", desk.new),
        )
    ]
    assert prices == ["0.020000000", "0.020000000", "0.030000000", "0.030000000"]
    early = desk.run("price", "--as-of", "1999-01-01", text=message)
    assert early.exit_code == 2
    assert "no catalogue was in use then; the first came into use at" in early.stderr
    assert desk.run("price", "--as-of", "2099-01-01", "--catalog", desk.new).exit_code == 2


def test_a_damaged_history_is_said_with_its_line(desk: Desk) -> None:
    desk.catalog("compile", desk.old)
    desk.catalog("compile", desk.new)
    path = desk.home / "catalogs" / "history.jsonl"
    path.write_text("nonsense\n" + path.read_text())
    for verb in ("history", "show", "rollback"):
        made = desk.catalog(verb)
        assert made.exit_code == 6
        assert "history.jsonl: line 1 was never written so" in made.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("approve", "0000", "--by", "Ola"),
        ("activate", "0000", "--at", "now"),
        ("rollback",),
        ("rollback", "--to", "0000"),
        ("show", "--as-of", "2026-13-01"),
        ("show", "--as-of", "2026-01-01T10:00:00"),
        ("show", "--as-of", "2026-01-01"),
        ("propose", "/nowhere", "--by", "Kari"),
    ],
)
def test_wrong_use_is_exit_code_2(desk: Desk, arguments: tuple[str, ...]) -> None:
    result = desk.catalog(*arguments)
    assert result.exit_code == 2
    assert result.stderr


def test_nothing_yet_is_no_error(desk: Desk) -> None:
    assert desk.catalog("history").exit_code == 0
    told = json.loads(desk.catalog("history", "--json").stdout)
    assert told == {"in_use": None, "steps": []}
