"""Late usage looked for by itself: how far is remembered, what is told, what starts it."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from cli.following import Watch, pausing
from cli.rerate.follow import FOLLOWER
from cli.rerate.late import timed
from cli.rerate.marks import read_marks, stretches, write_marks
from dataflows.beside import Newest
from dataflows.catalogs import CatalogStore, example_folder, read_folder
from dataflows.lane import entry
from dataflows.progress import Progress
from dataflows.run import compile_into
from dataflows.settings import Home
from schemas.feeds import LedgerEntry
from tests.priced import group, one_tariff
from warehouse.client import StoreUnavailable


def test_marks_are_read_back_for_tariffs_that_were_looked_for(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert read_marks(home, ["a"]) == {}
    write_marks(home, ["b", "a"], {"usage-0000": 7})
    assert read_marks(home, ["a"]) == {"usage-0000": 7}
    assert read_marks(home, ["a", "b"]) == {"usage-0000": 7}
    assert read_marks(home, ["a", "c"]) == {}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"tariffs": ["a"], "positions": {"l": "7"}}'])
def test_marks_that_cannot_be_read_are_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "late_usage.json").write_text(content)
    assert read_marks(Home(tmp_path), ["a"]) == {}


def test_ledgers_are_looked_through_in_stretches_that_join() -> None:
    def ledger(lane: str, *records: int) -> list[LedgerEntry]:
        return [
            entry(lane, position, "usage", (0, 0), count, lambda _us: "")
            for position, count in enumerate(records)
        ]

    entries = {"a": ledger("a", 5, 5, 50, 0, 5), "b": ledger("b", 3), "c": []}
    assert list(stretches(entries, {}, 10)) == [
        {"a": (-1, 1), "b": (-1, 0), "c": (-1, -1)},
        {"a": (1, 2), "b": (0, 0), "c": (-1, -1)},
        {"a": (2, 4), "b": (0, 0), "c": (-1, -1)},
    ]
    assert list(stretches(entries, {"a": 4, "b": 0}, 10)) == []


def test_only_tariffs_in_the_order_of_time_need_the_follower() -> None:
    made = one_tariff(group(0, 60, "0.60"))
    assert timed(made) == []
    assert not FOLLOWER.needed(made)
    for order, expected in (("sequential", []), ("event_time", ["tariff"])):
        tariff = dataclasses.replace(made.tariffs["tariff"], order=order)
        changed = dataclasses.replace(made, tariffs={"tariff": tariff})
        assert timed(changed) == expected
        assert FOLLOWER.needed(changed) == bool(expected)


def test_the_newest_catalogue_is_loaded_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    first = compile_into(home, example_folder())
    newest = Newest(CatalogStore(home.catalogs), first)
    assert newest.snapshot() is first
    other = tmp_path / "catalog"
    for name, content in read_folder(example_folder()).items():
        path = other / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.replace(b"sms\n  zone_by", b"sms\n  order: event_time\n  zone_by"))
    compile_into(home, other)
    assert timed(newest.snapshot()) == ["sms_home"]
    assert newest.snapshot() is newest.snapshot()


def _watch(tmp_path: Path, look: Callable[[], str]) -> Watch:
    progress = Progress(tmp_path / "progress" / "late_usage.json", "late_usage")
    return Watch(look, 1, "no look", progress, structlog.get_logger(), lambda _seconds: None)


def test_a_store_that_is_away_is_told_once_and_tried_again(
    tmp_path: Path,
) -> None:
    answers: list[Any] = [
        StoreUnavailable("at 0x1"), StoreUnavailable("at 0x2"), "corrected", StoreUnavailable("at 0x3"),
    ]  # fmt: skip

    def look() -> str:
        given = answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return str(given)

    watch = _watch(tmp_path, look)
    for _ in range(4):
        watch.once()
    assert [text.rpartition(": ")[2] for text in watch.progress.problems] == ["at 0x1", "at 0x3"]
    assert watch.progress.news == "corrected"


def test_the_follower_ends_with_the_run_that_started_it() -> None:
    pausing(os.getppid())(0.01)
    with pytest.raises(SystemExit, match="0"):
        pausing(os.getppid() + 1)(5.0)
