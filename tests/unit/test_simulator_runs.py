import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from benchmarks import simulator
from benchmarks.simulator.__main__ import main
from benchmarks.simulator.build import build
from benchmarks.simulator.commitment import commitment, source_hash
from benchmarks.simulator.parameters import read
from tests.simulated import NULL, SMALL, made, written

ROOMS = {"tallywire", "assurance", "dataflows", "schemas", "warehouse", "cli", "dashboards"}
TINY = '[run]\ndays = 3\nsubscribers = 80\nchange_day = 1\nfirst = "2026-10-20"\n'


def _content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


def test_it_imports_nothing_of_the_product() -> None:
    imported = set()
    for path in Path(simulator.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                assert node.module is not None
                imported.add(node.module.partition(".")[0])
                if node.module.startswith("benchmarks"):
                    assert node.module.startswith("benchmarks.simulator")
    assert not imported & ROOMS
    assert "benchmarks" in imported


def test_the_same_seed_and_parameters_give_the_same_bytes(tmp_path: Path) -> None:
    written(tmp_path / "one", TINY, 5, "usage", "truth")
    # the second time in a process that orders sets otherwise
    (tmp_path / "two").mkdir()
    (tmp_path / "two/params.toml").write_text(TINY)
    for what in ("usage", "truth"):
        command = [sys.executable, "-m", "benchmarks.simulator", what, "--seed", "5", "--params",
                   str(tmp_path / "two/params.toml"), "--out", str(tmp_path / "two")]  # fmt: skip
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "4711"})
    written(tmp_path / "three", TINY, 6, "usage")
    one, two, three = (_content(tmp_path / name) for name in ("one", "two", "three"))
    assert len(one) > 50
    assert one == two
    assert one["delivery.jsonl"] != three["delivery.jsonl"]


def test_usage_tells_nothing_of_the_truth(tmp_path: Path) -> None:
    written(tmp_path / "one", TINY, 5, "usage")
    before = _content(tmp_path / "one")
    assert not any(name.startswith("truth") for name in before)
    written(tmp_path / "one", TINY, 5, "truth")
    after = _content(tmp_path / "one")
    assert {name for name in after if name not in before} == {
        "truth/records.jsonl", "truth/injections.jsonl", "truth/hard_negatives.jsonl",
    }  # fmt: skip
    assert all(after[name] == text for name, text in before.items())
    words = b"".join(text for name, text in before.items() if name != "params.toml")
    for word in (b"truth", b"inject", b"duplicate", b"orphan", b"i0001", b"clean"):
        assert word not in words


def test_the_commitment_names_seed_parameters_and_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "one", TINY, 5, "usage", "truth")
    parameters = read(tmp_path / "one/params.toml")
    told = commitment(5, parameters)
    assert capsys.readouterr().out == f"{told}\n{told}\n"
    assert len({told, commitment(6, parameters), commitment(5, read(None)), source_hash()}) == 4


def test_a_null_run_has_no_fault_and_the_same_usage_otherwise() -> None:
    null, faulty = made(NULL), made(SMALL)
    assert null.injections == []
    assert null.hard_negatives
    assert {row["class"] for row in null.records} == {"clean"}
    assert all(
        row["written"] and row["charge"] == row["charge_by_catalogue"] for row in null.records
    )

    def happened(rows: list[dict[str, object]]) -> set[tuple[object, ...]]:
        return {
            (row["feed"], row["subscription"], row["start_us"], row["number"], row["charge"])
            for row in rows
        }

    assert happened(null.records) <= happened(faulty.records)


UNUSUAL = {
    "least": """
days = 2
subscribers = 60
plans = 2
carriers = 1
change_day = -1
spike_day = -1
[feeds]
switch.nodes = 1
access.nodes = 1
""",
    "many plans": "days = 2\nsubscribers = 60\nplans = 40\ncarriers = 8\nchange_day = 1",
    "companies alone": """
days = 2
subscribers = 80
[classes]
consumer = 0
mvno = 0
business = 1000
call_centre = 0
things = 0
tenant = 0
""",
    "a silent feed": """
days = 3
subscribers = 80
first = '2026-03-28'
[feeds]
switch.rate = 0
switch.period_hours = 1
platform.nodes = 3
""",
}


@pytest.mark.parametrize("text", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_runs_are_made(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.toml"
    path.write_text(f"[run]\n{text}")
    world = build(3, read(path))
    names = [(batch.feed, batch.name) for batch in world.batches]
    assert len(set(names)) == len(names) > 5
    assert world.usages
    assert world.injections
    assert all(one.records for one in world.injections)


def test_hard_negatives_can_be_left_out(tmp_path: Path) -> None:
    written(tmp_path, TINY.replace("[run]", "[run]\nhard_negatives = false"), 5, "truth")
    assert (tmp_path / "truth/hard_negatives.jsonl").read_text() == ""


def test_deliveries_name_every_file_once_and_in_order() -> None:
    run = made(SMALL)
    rows = [json.loads(line) for line in (run.out / "delivery.jsonl").read_text().splitlines()]
    files = [
        path.relative_to(run.out / "usage").as_posix()
        for path in (run.out / "usage").rglob("*")
        if path.is_file()
    ]
    assert sorted(row["file"] for row in rows) == sorted(files)
    instants = [row["delivered_at"] for row in rows]
    assert instants == sorted(instants)


def test_feeds_expect_what_is_delivered() -> None:
    feeds = [
        yaml.safe_load(path.read_text()) for path in (made(NULL).out / "catalog/feeds").iterdir()
    ]
    assert {feed["id"] for feed in feeds} == {
        path.name for path in (made(NULL).out / "usage").iterdir()
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[run]\ndais = 3\n", "run: dais: not known; use one of"),
        ("[run]\ndays = 'three'\n", "run: days: 'three' is no int"),
        ("[run]\ndays = 1\n", "run: days: 1 is not between 2 and 400"),
        ("[run]\nfirst = 'soon'\n", "run: first: 'soon' is no date"),
        ("[classes]\nconsumer = 1\n", "must add up to 1000"),
        ("[feeds.pbx]\nperiod_hours = 7\n", "feeds: pbx: nodes must be"),
        ("[faults]\nlost_file = -1\n", "faults: lost_file: -1 is less than nothing"),
        ("days = \n", "give a TOML file like default.toml"),
    ],
)
def test_wrong_parameters_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    assert (
        main(["usage", "--seed", "1", "--params", str(path), "--out", str(tmp_path / "out")]) == 2
    )
    assert said in capsys.readouterr().err


def test_a_run_is_never_written_over_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "usage").mkdir()
    assert main(["usage", "--seed", "1", "--out", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err
