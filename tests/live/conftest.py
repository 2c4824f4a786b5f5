"""What the tests of faults share: usage with duplicates, and what an uninterrupted run makes of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.broker import Broker
from tests.live.commands import served
from tests.live.streams import Quiet, StreamHome, check_whole, database, order_free, usage_of

EVENTS = 12_000


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose store runs as long as the test, so that no command starts one for its own time."""
    with served(tmp_path / "home"):
        yield tmp_path / "home"


@pytest.fixture(scope="session")
def quiet(
    server: tuple[Path, Any], broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Quiet:
    """Usage, and what is in the store after a run that nothing disturbed."""
    root = tmp_path_factory.mktemp("quiet")
    usage = usage_of(root / "platform", EVENTS)
    store = database(server, "test_quiet")
    home = StreamHome(root, store, broker, "quiet", raw=1, partitions=1)
    try:
        home.create_topics()
        home.produce(usage)
        home.finish()
        found = order_free(store.client())
        check_whole(home, found)
    finally:
        home.stop()
    return Quiet(usage, found)
