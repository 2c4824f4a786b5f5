"""Inserts while the store is away: patience, and one more try when the run ends."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from dataflows import stop
from dataflows.progress import Progress
from dataflows.sinks.store import Inserter, StoreGone, StoreWorld
from warehouse.client import Client
from warehouse.errors import StoreUnavailable


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends while an insert waits to be tried again."""
    monkeypatch.setattr(stop, "wait", lambda _seconds: True)


def _inserted(tmp_path: Path, answers: Iterator[bool]) -> None:
    world = StoreWorld(
        connect=lambda: cast("Client", object()), ledgers={}, folder=lambda _lane: tmp_path,
        progress=Progress(tmp_path / "rating.json", "rating"), patience_s=60.0,
    )  # fmt: skip
    inserter = Inserter(world)

    def work(_client: Client) -> None:
        if not next(answers):
            msg = "away"
            raise StoreUnavailable(msg)

    try:
        inserter.submit(work).result(10)
    finally:
        inserter.close()


@pytest.mark.usefixtures("ended")
def test_a_store_that_is_back_when_the_run_ends_has_the_rows(tmp_path: Path) -> None:
    answers = iter([False, True])
    _inserted(tmp_path, answers)
    assert list(answers) == []


@pytest.mark.usefixtures("ended")
def test_a_store_that_stays_away_ends_the_run_after_one_more_try(tmp_path: Path) -> None:
    answers = iter([False, False, True])
    with pytest.raises(StoreGone, match="nothing is lost, run again"):
        _inserted(tmp_path, answers)
    assert list(answers) == [True]
