"""What tests share: a real store and a real Kafka broker, for those that need one."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from tests.live.broker import Broker, BrokerMissing
from warehouse.client import Client, connect
from warehouse.configuration import ServerPlan
from warehouse.migrate import migrate
from warehouse.server import Running, free_port, start

settings.register_profile("suite", deadline=None)  # time tells of the machine, not of the law
settings.load_profile("suite")
os.environ.pop("COLUMNS", None)  # a width of somebody's terminal: commands would fold their tables

_NUMBERS = count()
_LONG = Path(__file__).parent / "live"
SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files of long tests first: then no process works the last of them while others are idle."""
    items.sort(key=lambda item: not item.path.is_relative_to(_LONG))


@dataclass(frozen=True)
class Store:
    """A database of a real store, made for one test."""

    home: Path
    database: str
    running: Running

    def client(self, role: str = "writer") -> Client:
        return connect("", self.home, database=self.database, role=role)


@pytest.fixture(autouse=True)
def _logs_of_this_test() -> None:
    """Forget where the logs of an earlier test went: its output is closed."""
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Running]]:
    """A real ClickHouse out of the wheel, once for all tests."""
    pytest.importorskip("chdb", reason="the embedded engine (chdb-core) is not installed")
    home = tmp_path_factory.mktemp("store")
    running = start(ServerPlan(home, free_port(), free_port(), database="test*"))
    yield home, running
    running.stop()


@pytest.fixture
def store(server: tuple[Path, Running]) -> Store:
    """An empty, migrated database."""
    home, running = server
    name = f"test_{next(_NUMBERS)}"
    migrate(connect("", home, role="owner"), name)
    return Store(home, name, running)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real Kafka broker, once for all tests of a process: give topics names of their own."""
    try:
        made = Broker(tmp_path_factory.mktemp("kafka"), free_port(), free_port())
    except BrokerMissing as reason:
        pytest.skip(str(reason))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def samples() -> Path:
    """Real usage files, which are not part of this repository."""
    if not SAMPLES.is_dir():
        pytest.skip(f"samples absent: {SAMPLES}")
    return SAMPLES
