"""`catalog lint` as it is called; and what lint refuses is neither compiled nor put into use."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.catalog import app
from dataflows.activation import put_into_use
from dataflows.catalogs import (
    CatalogError,
    CatalogRefused,
    CatalogStore,
    example_folder,
    pack,
    read_folder,
)
from dataflows.files import write_atomic
from dataflows.run import compile_into
from dataflows.settings import Home
from dataflows.wall_clock import now_us
from tallywire.catalog import content_hash, read
from tallywire.mediation.decoders import DECODERS

DECK = "tariffs/decks/nordvik_2026.csv"
PRICES = "assertions/prices.yaml"


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(example_folder(), tmp_path / "fjordline"))


def _change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _warned(folder: Path) -> None:
    _change(folder, "tariffs/data.yaml", '"1.20"', '"3.20"')
    _change(folder, PRICES, 'amount: "1.20"', 'amount: "3.20"')


def test_warnings_are_told_and_do_not_refuse(folder: Path) -> None:
    _warned(folder)
    result = _run("lint", folder)
    assert result.exit_code == 0
    first, second, *notes = result.stdout.splitlines()
    assert all(note.startswith("note: the offer ") for note in notes)
    assert first == (
        f"{folder}/tariffs/data.yaml:43: warning: revisions[1].prices[0]: the price moves "
        "0.0015 → 0.0032 EUR each (+113.3 %) [price_change]"
    )
    assert second.startswith("no problems, 1 warning; catalogue ")


def test_strict_lets_warnings_refuse(folder: Path, tmp_path: Path) -> None:
    assert _run("lint", folder, "--strict").exit_code == 0
    _warned(folder)
    result = _run("lint", folder, "--strict")
    assert result.exit_code == 1
    assert "1 warning, refused by --strict" in result.stderr
    home = tmp_path / "home"
    assert _run("compile", folder, "--strict", "--home", home).exit_code == 1
    assert not home.exists()
    assert _run("compile", folder, "--home", home).exit_code == 0


def test_programs_get_problems_and_warnings(folder: Path) -> None:
    _warned(folder)
    answer = json.loads(_run("lint", folder, "--json").stdout)
    assert (answer["ok"], answer["problems"]) == (True, [])
    (warning,) = answer["warnings"]
    assert (warning["rule"], warning["line"]) == ("price_change", 43)
    answer = json.loads(_run("lint", folder, "--json", "--strict").stdout)
    assert (answer["ok"], answer["hash"], len(answer["warnings"])) == (False, None, 1)


def test_a_failing_assertion_is_a_problem(folder: Path) -> None:
    _change(folder, PRICES, '"0.1817"', '"0.1818"')
    result = _run("lint", folder)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{folder}/{PRICES}:7: expect.amount: the assertion ")
    assert (
        "expected 0.1818, got 0.1817. This is the charge for a call of 1 min 1 s" in result.stdout
    )


def test_an_earlier_catalogue_is_compared_by_folder_and_by_hash(
    folder: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    compiled = json.loads(_run("compile", folder, "--home", home, "--json").stdout)
    before = Path(shutil.copytree(folder, tmp_path / "before"))
    assert _run("lint", folder, "--previous", before, "--strict").exit_code == 0
    _change(folder, DECK, '4915,"Germany, mobile",0.0076,0,1,1,,\n', "")
    _change(folder, DECK, "0.0720", "0.1720")
    for which in (before, compiled["hash"][:12]):
        told = _run("lint", folder, "--previous", which, "--home", home).stdout
        assert f"{DECK}:52: warning: prefix: the prefix 4915 is gone" in told
        assert "the prefix 90 moves 0.072 → 0.172 EUR per min (+138.9 %)" in told
    assert _run("lint", folder, "--previous", "0000", "--home", home).exit_code == 2


USAGE = """
{"service":"interconnect","offer_id":"carrier_termination","b_number":"4915112345678","start_time":"2026-06-01T10:00:00Z","quantity":61000000}
{"service":"interconnect","offer_id":"carrier_termination","b_number":"4930112345678","start_time":"2026-06-01T10:00:00Z","quantity":61000000}
{"service":"voice","served_identifier":"msisdn:4700000000","b_number":"4930112345678","start_time":"2026-06-01T10:00:00Z","quantity":61000000}
{"service":"voice"
"""


def test_usage_counts_who_meets_a_deleted_prefix(folder: Path, tmp_path: Path) -> None:
    before = Path(shutil.copytree(folder, tmp_path / "before"))
    usage = tmp_path / "usage.jsonl"
    usage.write_text(USAGE)
    for prefix in ("4915", "4916"):
        _change(folder, DECK, f'{prefix},"Germany, mobile",0.0076,0,1,1,,\n', "")
    result = _run("lint", folder, "--previous", before, "--usage", usage)
    assert "the prefix 4915 is gone" in result.stdout
    assert "0.0033 EUR/min in steps of 1 s then; 1 usage event matched it" in result.stdout
    assert "1 prefix without usage is gone [prefix_deleted]" in result.stdout
    assert "usage: 2 events have a price, 2 lines none" in result.stderr
    assert _run("lint", folder, "--usage", tmp_path / "none").exit_code == 2


def test_usage_of_nothing_that_can_be_read_is_counted(folder: Path, tmp_path: Path) -> None:
    usage = tmp_path / "usage.jsonl"
    usage.write_bytes(b"\xff\n{}\n\n[1]\n")
    result = _run("lint", folder, "--usage", usage)
    assert result.exit_code == 0
    assert "usage: 0 events have a price, 3 lines none" in result.stderr
    usage.write_bytes(b"")
    assert "0 lines none" in _run("lint", folder, "--usage", usage).stderr


def test_a_tariff_is_compared_with_what_it_costs(folder: Path) -> None:
    result = _run("lint", folder, "--cost", "voice_business=wholesale_nordvik")
    assert result.exit_code == 0
    assert (
        f"{folder}/tariffs/voice.yaml:63: warning: revisions[0].prices[7]: 30 s to 4470 is sold for "
        "0.10 and costs 0.24 EUR by wholesale_nordvik United Kingdom, personal numbers"
    ) in result.stdout


@pytest.mark.parametrize("cost", ["voice_business", "voice_business=", "a=b", "=", ""])
def test_tariffs_that_are_not_there_are_named(folder: Path, cost: str) -> None:
    result = _run("lint", folder, "--cost", cost)
    assert result.exit_code == 2
    assert "there is no tariff" in result.stderr
    assert "wholesale_nordvik" in result.stderr


# what lint refuses is neither compiled nor put into use

FAULTS = {
    "problem": ("operator.yaml", "EUR", "EURO"),
    "assertion": (PRICES, '"0.1817"', '"0.1818"'),
    "overflow": (
        "tariffs/data.yaml", '{rate: "0.005", per: 1 MB, increment: 1 kB/1 kB}',
        '{rate: "1", per: 1 MB, increment: 99999999 TB/99999999 TB}',
    ),
}  # fmt: skip


@pytest.fixture(params=FAULTS)
def refused(request: pytest.FixtureRequest, folder: Path) -> Path:
    _change(folder, *FAULTS[request.param])
    return folder


def test_what_is_refused_is_not_compiled(refused: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for arguments in ((), ("--no-use",), ("--json",)):
        assert _run("compile", refused, "--home", home, *arguments).exit_code == 1
    with pytest.raises(CatalogRefused) as caught:
        compile_into(Home(home), refused)
    assert caught.value.problems
    assert not home.exists()


def _use(store: CatalogStore, name: str) -> None:
    put_into_use(store, name, by="test", now_us=now_us(), approval_required=False)


def test_what_is_refused_is_not_put_into_use(refused: Path, tmp_path: Path) -> None:
    store = CatalogStore(tmp_path / "catalogs")
    sound = read_folder(example_folder())
    snapshot = store.judge(sound).snapshot
    assert snapshot is not None
    store.archive(sound, snapshot)
    _use(store, snapshot.hash)
    files = read_folder(refused)
    name = content_hash(files)
    write_atomic(store.root / f"{name}.tar.gz", pack(files))  # as an earlier version left it
    for one in (store, CatalogStore(store.root)):
        with pytest.raises(CatalogError, match="is refused and not put into use"):
            _use(one, name)
    assert store.current() == snapshot.hash


def test_an_archived_catalogue_that_is_sound_is_put_into_use(tmp_path: Path) -> None:
    files = read_folder(example_folder())
    snapshot = read(files, DECODERS).snapshot
    assert snapshot is not None
    store = CatalogStore(tmp_path / "catalogs")
    store.archive(files, snapshot)
    _use(store, snapshot.hash)
    assert store.current() == snapshot.hash
