"""The format of a home: noted, brought up step by step, refused where it is newer."""

from pathlib import Path

import orjson
import pytest

from dataflows import upgrades
from dataflows.exits import Exit, exit_code, explain
from dataflows.settings import Home, Settings
from dataflows.sinks.log import check_layout
from dataflows.upgrades import FORMAT, STEPS, HomeTooNew, upgrade


def _home(root: Path, **layout: int) -> Home:
    home = Home(root / "home")
    home.spool.mkdir(parents=True)
    content = {"partitions": 1, "processes": 2, **layout}
    (home.spool / "layout.json").write_bytes(orjson.dumps(content))
    return home


def _format(home: Home) -> int:
    return int(orjson.loads((home.spool / "layout.json").read_bytes()).get("format", 1))


def test_there_is_a_step_from_every_format_to_the_next() -> None:
    assert sorted(STEPS) == list(range(1, FORMAT))


def test_a_new_home_notes_its_format(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert upgrade(home) == 0
    check_layout(home.spool, Settings(home=tmp_path))
    assert _format(home) == FORMAT
    check_layout(home.spool, Settings(home=tmp_path))


def test_steps_run_in_order_and_once(tmp_path: Path) -> None:
    home = _home(tmp_path)
    done: list[int] = []
    steps = {number: lambda _, number=number: done.append(number) for number in (1, 2, 3)}
    assert upgrade(home, steps, 3) == 2
    assert (done, _format(home)) == ([1, 2], 3)


def test_a_step_that_was_stopped_is_run_again_and_those_before_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = _home(tmp_path)
    done: list[int] = []

    def fails(_: Home) -> None:
        msg = "the disk is full"
        raise OSError(msg)

    with pytest.raises(OSError, match="full"):
        upgrade(home, {1: lambda _: done.append(1), 2: fails}, 3)
    assert (done, _format(home)) == ([1], 2)
    monkeypatch.setattr(upgrades, "FORMAT", 3)  # as the version that was stopped
    assert upgrade(home, {1: fails, 2: lambda _: done.append(2)}, 3) == 1
    assert (done, _format(home)) == ([1, 2], 3)
    assert orjson.loads((home.spool / "layout.json").read_bytes())["partitions"] == 1


def test_a_home_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    home = _home(tmp_path, format=FORMAT + 1)
    for refused in (
        lambda: upgrade(home),
        lambda: check_layout(home.spool, Settings(home=home.root)),
    ):
        with pytest.raises(HomeTooNew) as caught:
            refused()
        assert exit_code(caught.value) == Exit.USAGE
        assert explain(caught.value).startswith(f"{home.root} is of format {FORMAT + 1}")
