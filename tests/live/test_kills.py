"""kill -9 at random moments: the same rows, charges and allowances as without."""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.demo.usage import write_all
from dataflows.exits import Exit
from dataflows.groups import COLLECTION, RATING
from tests.conftest import Store
from tests.live.engine import ALL_FEEDS, FEEDS, Engine, kill_often, picture, write_usage
from tests.live.oracle import charges, stored
from warehouse.client import connect
from warehouse.configuration import ServerPlan
from warehouse.migrate import migrate
from warehouse.server import free_port, start
from warehouse.tables import TABLES

pytestmark = [pytest.mark.live, pytest.mark.store]

KILLS = 20
ROUNDS = 8
EVENTS = 120_000


@contextmanager
def _engine(
    home: Path, store: Store, usage: Path, *, partitions: int = 1,
    feeds: Sequence[str] = FEEDS, executes: bool = False,
) -> Iterator[Engine]:  # fmt: skip
    engine = Engine(home, store, usage, partitions=partitions, feeds=feeds, executes=executes)
    try:
        yield engine
    finally:
        engine.stop()


def _database(server: tuple[Path, object], name: str) -> Store:
    home, running = server
    migrate(connect("", home, role="owner"), name)
    return Store(home, name, running)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def usage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_usage(tmp_path_factory.mktemp("usage"), EVENTS)


@pytest.fixture(scope="module")
def reference(
    server: tuple[Path, object], usage: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, object]:
    """What an uninterrupted run leaves."""
    store = _database(server, "test_reference")
    with _engine(tmp_path_factory.mktemp("reference") / "home", store, usage) as engine:
        engine.finish()
    found = picture(store.client())
    assert found["fates"][0][-1] == 0  # type: ignore[index]
    return found


def test_kills_at_random_moments_change_nothing(
    server: tuple[Path, object], usage: Path, reference: dict[str, object], tmp_path: Path
) -> None:
    """However fast the machine is: runs are killed until enough kills fell into work."""
    kills = 0
    for number in range(ROUNDS):
        store = _database(server, f"test_killed_{number}")
        with _engine(tmp_path / f"home{number}", store, usage, partitions=3) as engine:
            kills += kill_often(engine, KILLS, seed=7 + number)
            engine.finish()
        assert picture(store.client()) == reference
        if kills >= KILLS:
            return
    pytest.fail(f"only {kills} kills in {ROUNDS} runs")


ORDER_FREE = ("set_aside", "suspense", "fates", "files")
_ONE = "SELECT min(event_id) FROM rated_events"


def test_kills_with_accounts_of_several_feeds(server: tuple[Path, object], tmp_path: Path) -> None:
    """Feeds share allowances here, so charges depend on the log's order: an oracle rates it."""
    usage = tmp_path / "usage"
    write_all(usage, EVENTS // 3)
    quiet = _database(server, "test_feeds_quiet")
    with _engine(tmp_path / "quiet", quiet, usage, feeds=ALL_FEEDS) as engine:
        engine.finish()
        assert stored(quiet.client()) == charges(engine)
    whole = picture(quiet.client())
    killed = _database(server, "test_feeds_killed")
    with _engine(tmp_path / "killed", killed, usage, partitions=2, feeds=ALL_FEEDS) as engine:
        assert kill_often(engine, KILLS // 2, seed=3) > 0
        engine.finish()
        expected = charges(engine)
    found = stored(killed.client())
    assert found == expected
    assert found.keys() == stored(quiet.client()).keys()
    made = picture(killed.client())
    assert [made[name] for name in ORDER_FREE] == [whole[name] for name in ORDER_FREE]


@pytest.mark.parametrize(
    "harm",
    [
        "INSERT INTO rated_events SELECT * FROM rated_events LIMIT 1",
        f"DELETE FROM rated_events WHERE event_id IN ({_ONE})",
        f"ALTER TABLE rated_events UPDATE amount = amount + 1 WHERE event_id IN ({_ONE})",
    ],
    ids=["one twice", "one lost", "one wrong"],
)
def test_the_comparison_sees_one_row(
    server: tuple[Path, object], reference: dict[str, object], harm: str
) -> None:
    """A comparison that could not fail would prove nothing."""
    database = "test_harmed"
    owner = connect("", server[0], role="owner")
    owner.command(f"DROP DATABASE IF EXISTS {database}")
    store = _database(server, database)
    for table in TABLES:
        owner.command(f"INSERT INTO {database}.{table} SELECT * FROM test_reference.{table}")
    assert picture(store.client()) == reference
    owner.database = database
    owner.command(harm, settings={"mutations_sync": 2})
    assert picture(store.client()) != reference


def test_sigterm_ends_cleanly_and_the_next_start_goes_on(
    server: tuple[Path, object], usage: Path, reference: dict[str, object], tmp_path: Path
) -> None:
    store = _database(server, "test_stopped")
    with _engine(tmp_path / "home", store, usage, executes=True) as engine:
        for role in (COLLECTION, RATING):
            engine.start(role, collection_rows=1_000, rating_rows=1_000)
        for role in (COLLECTION, RATING):
            while not engine.progressed(role) and engine.processes[role].poll() is None:
                time.sleep(0.01)
        for role in (COLLECTION, RATING):
            engine.processes[role].send_signal(signal.SIGTERM)
        for role in (COLLECTION, RATING):
            assert engine.processes[role].wait(10) == 0
        engine.finish()
    assert picture(store.client()) == reference


def test_a_second_process_on_a_lane_is_refused(
    server: tuple[Path, object], usage: Path, tmp_path: Path
) -> None:
    store = _database(server, "test_twice")
    with _engine(tmp_path / "home", store, usage) as engine:
        first = engine.start(COLLECTION, collection_rows=100)
        while not engine.progressed(COLLECTION):
            time.sleep(0.01)
        second = engine.start(COLLECTION)
        assert second.wait(20) == Exit.TAKEN
        log = (engine.home / "collection.log").read_text()
        assert f"is already being worked by process {first.pid}" in log
        first.kill()
        first.wait()


def test_a_dead_store_is_survived(
    usage: Path, reference: dict[str, object], tmp_path: Path
) -> None:
    """The store is killed under a run; SIGTERM still ends it within 5 s; nothing is lost."""
    home = tmp_path / "own"
    plan = ServerPlan(home, free_port(), free_port())
    running = start(plan)
    store = Store(home, "tallywire", running)
    migrate(connect("", home, role="owner"), store.database)
    try:
        with _engine(tmp_path / "home", store, usage) as engine:
            engine.start(COLLECTION)
            rating = engine.start(RATING, rating_rows=1_000)
            while not engine.progressed(RATING):
                time.sleep(0.01)
            running.process.kill()
            running.process.wait()
            assert engine.processes[COLLECTION].wait(60) == 0  # collection needs no store
            time.sleep(0.5)
            assert rating.poll() is None  # it waits for the store
            rating.send_signal(signal.SIGTERM)
            assert rating.wait(5) == Exit.STORE
            running = start(plan)
            engine.finish()
        assert picture(store.client()) == reference
    finally:
        running.stop()
