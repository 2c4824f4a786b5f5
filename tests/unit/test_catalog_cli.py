import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.catalog import app


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "fjordline"
    result = _run("init", target)
    assert result.exit_code == 0
    assert f"tallywire catalog lint {target}" in result.stdout
    return target


def _spoil(folder: Path) -> None:
    path = folder / "operator.yaml"
    path.write_text(path.read_text().replace("EUR", "EURO"))


def test_the_example_lints_clean(folder: Path) -> None:
    result = _run("lint", folder)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("no problems; catalogue ")


def test_problems_are_lines_an_editor_can_follow(folder: Path) -> None:
    _spoil(folder)
    result = _run("lint", folder)
    assert result.exit_code == 1
    assert result.stdout == (
        f"{folder}/operator.yaml:4: currency: 'EURO' is not an ISO 4217 currency code; "
        "write for example EUR\n"
    )
    assert "1 problem; nothing was compiled" in result.stderr


def test_problems_are_data_for_programs(folder: Path) -> None:
    _spoil(folder)
    for verb in ("lint", "compile"):
        result = _run(verb, folder, "--json")
        assert result.exit_code == 1
        answer = json.loads(result.stdout)
        assert (answer["ok"], answer["problems"][0]["line"]) == (False, 4)


def test_a_compiled_catalogue_is_in_use(folder: Path, tmp_path: Path) -> None:
    home = ("--home", tmp_path / "home")
    assert _run("show", *home).exit_code == 2
    compiled = json.loads(_run("compile", folder, *home, "--json").stdout)
    assert compiled["in_use"]
    shown = json.loads(_run("show", *home, "--json").stdout)
    assert shown["hash"] == compiled["hash"]
    by_hash = _run("show", compiled["hash"][:8], *home)
    assert by_hash.exit_code == 0
    assert compiled["hash"] in by_hash.stdout
    assert _run("show", "0" * 12, *home).exit_code == 2


def test_a_tariff_is_shown_per_natural_unit(folder: Path) -> None:
    shown = _run("show", folder, "--tariff", "voice_mobile").stdout
    assert "domestic_mobile\toff_peak 0.05, peak 0.10 EUR/min in steps of 60 s" in shown
    assert _run("show", folder, "--tariff", "none").exit_code == 2


def test_two_folders_are_compared(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    _run("init", other)
    assert _run("diff", folder, other).stdout == "no differences\n"
    path = other / "offers" / "offers.yaml"
    path.write_text(path.read_text().replace("quantity: 5 GB", "quantity: 6 GB"))
    assert "5 GB a month of data → 6 GB" in _run("diff", folder, other).stdout
    (change,) = json.loads(_run("diff", folder, other, "--json").stdout)["changes"]
    assert (change["kind"], change["id"], change["what"]) == ("offer", "fjord_mobile", "changed")


@pytest.mark.parametrize(
    "arguments",
    [("lint", "/nowhere"), ("lint",), ("diff", "/nowhere", "/nowhere"), ("show", "x y")],
)
def test_wrong_use_is_exit_code_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    result = _run(*arguments, *(("--home", tmp_path) if arguments[0] == "show" else ()))
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_a_folder_in_use_is_not_overwritten(folder: Path) -> None:
    result = _run("init", folder)
    assert result.exit_code == 2
    assert "not empty" in result.stderr


@pytest.mark.parametrize("verb", ["lint", "compile", "show", "diff", "init"])
def test_help_has_examples_and_exit_codes(verb: str) -> None:
    text = _run(verb, "--help").stdout
    assert f"tallywire catalog {verb} " in text
    assert "Exit codes" in text
