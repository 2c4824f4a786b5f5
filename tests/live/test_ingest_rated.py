"""Usage by HTTP to its end: rated once, however often it was sent."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataflows.exits import Exit
from tests.live.commands import status_of, tallywire
from tests.live.gateway import Gateway, event, http_catalog

pytestmark = [pytest.mark.live, pytest.mark.store]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path, http_catalog(tmp_path / "catalog"), executes=True, ingest_partitions=3)
    yield made
    made.close()


def test_sent_twice_is_rated_once(gateway: Gateway, tmp_path: Path) -> None:
    """The record comes into the same lane again, within one batch or after a restart."""
    lines = [event(number, subject="appverk", data={"path": "/v1/locate"}) for number in range(30)]
    empty = tmp_path / "usage"
    empty.mkdir()
    rated = ("run", "--home", gateway.home.root, empty, "--quiet")
    gateway.start()
    for part in (lines[:20], lines[:20]):
        assert gateway.post(b"\n".join(part)).status_code == 202
    made = tallywire(*rated, TALLYWIRE_INGEST_PARTITIONS="3")
    assert made.returncode == Exit.DONE, made.stderr
    gateway.kill()
    gateway.start()
    array = json.dumps([json.loads(line) for line in lines]).encode()
    assert gateway.post(array, "application/json").json() == {"accepted": 30}
    assert gateway.stop() == Exit.DONE
    made = tallywire(*rated, TALLYWIRE_INGEST_PARTITIONS="3")
    assert made.returncode == Exit.DONE, made.stderr
    fates = status_of(gateway.home.root)
    told = {name: fates[name] for name in ("collected", "rated", "duplicate", "suspended")}
    assert told == {"collected": 70, "rated": 30, "duplicate": 40, "suspended": 0}
