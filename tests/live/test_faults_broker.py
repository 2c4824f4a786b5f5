"""The broker is killed, alone or with others, while usage arrives and is worked."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dataflows.groups import COLLECTION, RATING
from tests.conftest import Store
from tests.live.broker import Broker, BrokerMissing
from tests.live.streams import Quiet, StreamHome, check_whole, database, until
from warehouse.client import connect
from warehouse.configuration import ServerPlan
from warehouse.migrate import migrate
from warehouse.server import Running, free_port, start

pytestmark = [pytest.mark.live, pytest.mark.store]

AWAY_S = 5.0


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that may be killed: other tests have theirs."""
    try:
        made = Broker(tmp_path_factory.mktemp("own"), free_port(), free_port(), heap_mb=256)
    except BrokerMissing as reason:
        pytest.skip(str(reason))
    made.start()
    yield made
    made.stop()


def _working(home: StreamHome, usage: list[bytes]) -> None:
    """Send half of the usage, and wait until both workers have done some of it."""
    home.produce(usage[: len(usage) // 2])
    for role in (COLLECTION, RATING):
        home.start(role, collection_rows=100, rating_rows=150)
    for role in (COLLECTION, RATING):
        until(lambda role=role: home.progressed(role), f"progress of {role}")  # type: ignore[misc]


@pytest.mark.parametrize("log", ["spool", "kafka"])
def test_a_broker_that_is_killed_and_stays_away(
    server: tuple[Path, Any], own_broker: Broker, quiet: Quiet, tmp_path: Path, log: str
) -> None:
    """First it comes back at once, then only after a while: the workers wait, and go on."""
    store = database(server, f"test_away_{log}")
    with StreamHome(tmp_path, store, own_broker, f"away-{log}", log=log) as home:
        home.create_topics()
        _working(home, quiet.usage)
        own_broker.kill()
        own_broker.start()
        home.produce(quiet.usage[len(quiet.usage) // 2 : -1_000])
        own_broker.kill()
        time.sleep(AWAY_S)
        for role in (COLLECTION, RATING):
            assert home.alive(role), home.said(role)
        own_broker.start()
        home.produce(quiet.usage[-1_000:])
        home.arrived(len(quiet.usage))
        home.finish()
        print(f"\nusage log on {log}: {check_whole(home, quiet.expected)}")  # noqa: T201


def test_broker_and_workers_at_once(
    server: tuple[Path, Any], own_broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    store = database(server, "test_both")
    with StreamHome(tmp_path, store, own_broker, "both", log="kafka") as home:
        home.create_topics()
        _working(home, quiet.usage)
        own_broker.kill()
        home.kill(COLLECTION, RATING)
        own_broker.start()
        home.produce(quiet.usage[len(quiet.usage) // 2 :])
        home.finish()
        check_whole(home, quiet.expected)


@pytest.mark.parametrize("too", ["workers", "broker"])
def test_the_store_and_another_at_once(
    own_broker: Broker, quiet: Quiet, tmp_path: Path, too: str
) -> None:
    plan = ServerPlan(tmp_path / "own-store", free_port(), free_port())
    running: Running = start(plan)
    migrate(connect("", plan.home, role="owner"), plan.database)
    store = Store(plan.home, plan.database, running)
    try:
        with StreamHome(tmp_path, store, own_broker, f"store-{too}", log="kafka") as home:
            home.create_topics()
            _working(home, quiet.usage)
            running.process.kill()
            if too == "broker":
                own_broker.kill()
            else:
                home.kill(COLLECTION, RATING)
            running.process.wait()
            if too == "broker":
                own_broker.start()
            time.sleep(1)
            running = start(plan)
            home.produce(quiet.usage[len(quiet.usage) // 2 :])
            if too == "broker":
                home.arrived(len(quiet.usage))
            home.finish()
            check_whole(home, quiet.expected)
    finally:
        running.stop()
