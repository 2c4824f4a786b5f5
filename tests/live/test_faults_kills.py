"""kill -9 while usage comes from a raw topic: the same rows, charges and allowances as without."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.live.broker import Broker
from tests.live.streams import Quiet, StreamHome, check_whole, database, kill_often

pytestmark = [pytest.mark.live, pytest.mark.store]

CYCLES = 25


@pytest.mark.parametrize("log", ["spool", "kafka"])
def test_kills_at_random_moments_change_nothing(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path, log: str
) -> None:
    store = database(server, f"test_kills_{log}")
    with StreamHome(tmp_path, store, broker, f"kills-{log}", log=log) as home:
        home.create_topics()
        kills = kill_often(home, quiet.usage, CYCLES, random.Random(log))
        home.finish()
        told = check_whole(home, quiet.expected)
    assert sum(kills.values()) == CYCLES
    print(f"\nusage log on {log}: {kills} kills; {told}")  # noqa: T201  the figure of this test
