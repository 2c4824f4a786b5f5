"""Ledgers that fold their old entries, and processes that die in the middle of that.

However a lane's life is cut into runs, and wherever its ledger was folded, the rows are the same.
"""

import random
import time
from pathlib import Path
from typing import Any

import pytest

from dataflows.groups import COLLECTION, RATING, account_lanes
from dataflows.ledger import read_ledger
from dataflows.settings import Home
from tests.live.broker import Broker
from tests.live.engine import Engine, picture, write_usage
from tests.live.plugs import KEPT, NAMES
from tests.live.streams import (
    PATIENCE_S,
    Quiet,
    StreamHome,
    check_whole,
    database,
)

pytestmark = [pytest.mark.live, pytest.mark.store]

DEATHS = 6


def _lives(home: StreamHome, usage: list[bytes], chance: random.Random) -> int:
    """Let workers live until they die of folding, again and again; give how often they did."""
    home.environment = {NAMES: "small_kept,die_at_folding"}
    deaths, sent, deadline = 0, 0, time.monotonic() + PATIENCE_S
    while deaths < DEATHS:
        assert time.monotonic() < deadline, f"only {deaths} deaths"
        for role in (COLLECTION, RATING):
            if not home.alive(role):
                if role in home.processes:
                    assert home.processes[role].returncode == -9, home.said(role)
                    deaths += 1
                home.start(
                    role, collection_rows=chance.randrange(2, 20),
                    rating_rows=chance.randrange(2, 30), epoch_ms=30, linger_ms=0,
                )  # fmt: skip
        if sent < len(usage):
            home.produce(usage[sent : sent + 80])
            sent += 80
        time.sleep(0.05)
    home.kill(COLLECTION, RATING)
    home.produce(usage[sent:])
    return deaths


@pytest.mark.parametrize(
    ("source", "log"), [("topic", "spool"), ("topic", "kafka"), ("http", "spool")]
)
def test_a_folded_ledger_is_as_good_as_a_whole_one(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path, source: str, log: str
) -> None:
    name = f"folding-{source}-{log}"
    store = database(server, f"test_{name.replace('-', '_')}")
    with StreamHome(tmp_path, store, broker, name, log=log, source=source) as home:
        home.create_topics()
        deaths = _lives(home, quiet.usage, random.Random(name))
        home.environment = {NAMES: "small_kept"}
        home.finish(collection_rows=500, rating_rows=2_000)
        told = check_whole(home, quiet.expected)
        folded = {
            lane: read_ledger(Home(home.home).lane(kind, lane) / "ledger").base
            for kind, lanes in (
                (COLLECTION, home.lanes), (RATING, account_lanes(home.settings())),
            )
            for lane in lanes
        }  # fmt: skip
    assert min(folded[lane] for lane in home.lanes) > KEPT, folded
    assert max(folded[lane] for lane in account_lanes(home.settings())) > KEPT, folded
    print(f"\n{source}, log on {log}: {deaths} deaths at folding; {told}")  # noqa: T201


def _file_lives(engine: Engine, chance: random.Random) -> int:
    """Let workers of files live until they die of folding or come to their end."""
    deaths, deadline = 0, time.monotonic() + PATIENCE_S
    while deaths < DEATHS // 2:
        assert time.monotonic() < deadline, f"only {deaths} deaths"
        for role in (COLLECTION, RATING):
            process = engine.processes.get(role)
            code = process.poll() if process else -9
            assert code in {None, 0, -9}, (engine.home / f"{role}.log").read_text()[-2_000:]
            if code == -9:
                deaths += process is not None
                engine.start(
                    role, collection_rows=chance.randrange(5, 20),
                    rating_rows=chance.randrange(20, 60), epoch_ms=30, linger_ms=0,
                )  # fmt: skip
        if engine.processes[COLLECTION].poll() == 0:
            break
        time.sleep(0.02)
    engine.stop()
    return deaths


def test_files_whose_ledgers_are_folded_are_read_on(
    server: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = write_usage(tmp_path / "usage", 3_000)
    whole = database(server, "test_folding_files_quiet")
    engine = Engine(tmp_path / "quiet", whole, usage)
    engine.finish()
    store = database(server, "test_folding_files")
    engine = Engine(tmp_path / "home", store, usage, partitions=2)
    try:
        monkeypatch.setenv(NAMES, "small_kept,die_at_folding")
        deaths = _file_lives(engine, random.Random(13))
        monkeypatch.setenv(NAMES, "small_kept")
        engine.finish()
    finally:
        engine.stop()
    assert picture(store.client()) == picture(whole.client())
    base = read_ledger(Home(engine.home).lane(COLLECTION, "platform") / "ledger").base
    assert deaths > 0
    assert base > KEPT
    print(f"\nfiles: {deaths} deaths at folding, the first {base} entries are folded")  # noqa: T201
