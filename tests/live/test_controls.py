"""The controls over a real store: killed, behind, fed garbage, read once."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from assurance.following.control import StreamControl, World
from assurance.following.fold import Failure
from assurance.following.near_copies import NearCopies
from assurance.following.rows import DAY_US, ROWS
from assurance.following.shadow import Shadow
from assurance.planted import FAULTS, taken_back, usage, with_costs
from assurance.registry import stream_controls
from dataflows.controls.checkpoint import CheckpointDamaged
from dataflows.controls.follower import Follower
from schemas.alerts import Alert
from tallywire.hashes import hash64
from tests.alerts import open_of
from tests.conftest import Store
from tests.live.stored import store_range
from warehouse.client import Client
from warehouse.following import Cursor, ranges, rated_rows

pytestmark = [pytest.mark.live, pytest.mark.store]
KINDS = [kind for kind in stream_controls() if kind is not Shadow]
_NOW = int(time.time()) * 1_000_000 - DAY_US
"""Ledger time: the store forgets ranges after months."""


def no_snapshot(name: str) -> Any:
    raise LookupError(name)


@dataclass
class Followed:
    """A follower, what failed in it, and a clock that only moves on."""

    path: Path
    kinds: Sequence[type[StreamControl]] = tuple(KINDS)
    failures: list[Failure] = field(default_factory=list)
    now: int = _NOW

    def make(self) -> Follower:
        return Follower(
            self.path, World(no_snapshot), self.kinds, (), self._tick, self.failures.append
        )

    def _tick(self) -> int:
        self.now += 1_000_000
        return self.now


def stored(client: Client, rows: pl.DataFrame, lanes: int = 3, batches: int = 12) -> None:
    """Store rows as so many account lanes would."""
    for position, part in enumerate(rows.iter_slices(-(-rows.height // batches))):
        lane = pl.Series(hash64(part["account_id"]) % lanes)
        for number in range(lanes):
            store_range(
                client, part.filter(lane == number), f"usage-{number:04d}", position,
                _NOW + position * 1_000_000,
            )  # fmt: skip


def alerts_of(client: Client) -> dict[str, tuple[object, ...]]:
    """Give what is open in the store."""
    rows = client.query(
        "SELECT alert_id, pattern, entity_id, observed, money_at_risk, evidence FROM alerts FINAL "
        "WHERE state = 'open'"
    ).result_rows
    return {row[0]: row[1:] for row in rows}


@pytest.fixture(scope="module")
def faulty() -> pl.DataFrame:
    rows = with_costs(usage(days=6, per_hour=120))
    return FAULTS["became_free"](FAULTS["near_copy"](rows))


@pytest.fixture(scope="module")
def expected(faulty: pl.DataFrame) -> dict[str, tuple[object, ...]]:
    alerts: list[Alert] = []
    for kind in KINDS:
        control = kind(World(no_snapshot))
        for part in faulty.iter_slices(5_000):
            alerts += control.take(part)
    found = open_of(alerts)
    assert {one[0] for one in found.values()} == {"became_free", "near_copy"}
    return found


def test_what_is_stored_is_read_as_it_was_rated(store: Store, faulty: pl.DataFrame) -> None:
    client = store.client()
    rows = faulty[:900]
    stored(client, rows, lanes=1, batches=3)
    found = ranges(client, {}, 10)
    assert [(one.lane, one.position, one.records) for one in found] == [
        ("usage-0000", 0, 300), ("usage-0000", 1, 300), ("usage-0000", 2, 300),
    ]  # fmt: skip
    read = pl.concat(rated_rows(client, found, ROWS))
    assert read.drop("ledgered_at").equals(rows.drop("ledgered_at"))
    assert read["ledgered_at"].unique().sort().to_list() == [one.ledgered_at for one in found]
    behind = ranges(client, {"usage-0000": Cursor(2, found[1].ledgered_at)}, 10)
    assert [one.position for one in behind] == [2]


def test_a_range_that_is_missing_is_waited_for(store: Store, faulty: pl.DataFrame) -> None:
    client = store.client()
    for position in (0, 2):
        store_range(client, faulty[:10], "usage-0000", position, _NOW + position)
    assert [one.position for one in ranges(client, {}, 10)] == [0]
    # the clock was set on when this one was cut, and back again before the next
    store_range(client, faulty[10:20], "usage-0000", 1, _NOW + 5)
    assert [one.position for one in ranges(client, {}, 10)] == [0, 1, 2]


def test_alerts_are_those_of_the_fold_and_a_second_look_adds_none(
    store: Store, faulty: pl.DataFrame, expected: dict[str, Any], tmp_path: Path
) -> None:
    client = store.client()
    stored(client, faulty)
    followed = Followed(tmp_path / "kept")
    follower = followed.make()
    assert follower.look(client) >= len(expected)
    assert alerts_of(client) == expected
    assert follower.look(client) == 0
    follower.keep(client)
    assert followed.make().look(client) == 0
    assert followed.failures == []


def test_it_goes_on_from_what_was_kept_and_finds_the_same(
    store: Store, faulty: pl.DataFrame, expected: dict[str, Any], tmp_path: Path
) -> None:
    """Between two looks more is stored; some memories are kept, others are lost with a crash."""
    client, followed = store.client(), Followed(tmp_path / "kept")
    chance = random.Random(5)
    for position, part in enumerate(faulty.iter_slices(2_500)):
        store_range(client, part, "usage-0000", position, _NOW + position)
        follower = followed.make()
        follower.look(client)
        if chance.random() < 0.5:
            follower.keep(client)
    assert alerts_of(client) == expected


def test_what_is_taken_back_closes_its_alert(
    store: Store, faulty: pl.DataFrame, tmp_path: Path
) -> None:
    client = store.client()
    stored(client, faulty, lanes=1)
    follower = Followed(tmp_path / "kept").make()
    follower.look(client)
    copies = faulty.filter(pl.col("feed_id") == "switch-c")
    store_range(client, taken_back(copies, _NOW), "usage-0000", 12, _NOW + 20_000_000)
    assert follower.look(client) > 0
    assert {one[0] for one in alerts_of(client).values()} == {"became_free"}


class Poisoned(NearCopies):
    """A control that cannot work some usage."""

    declared: ClassVar = NearCopies.declared

    def take(self, rows: pl.DataFrame) -> Sequence[Alert]:
        if rows["record_no"].is_in([3_000]).any():
            msg = "a poisoned row"
            raise ValueError(msg)
        return super().take(rows)


def test_a_control_that_raises_stands_alone(
    store: Store, faulty: pl.DataFrame, expected: dict[str, Any], tmp_path: Path
) -> None:
    client = store.client()
    stored(client, faulty, lanes=1)
    kinds = [Poisoned, *[kind for kind in KINDS if kind is not NearCopies]]
    followed = Followed(tmp_path / "kept", kinds)
    followed.make().look(client)
    assert [(one.name, str(one.error)) for one in followed.failures][:1] == [
        ("Poisoned", "a poisoned row")
    ]
    free = {name: one for name, one in expected.items() if one[0] == "became_free"}
    assert free.items() <= alerts_of(client).items()


def test_a_damaged_memory_is_said_with_what_to_do(store: Store, tmp_path: Path) -> None:
    followed = Followed(tmp_path / "kept")
    follower = followed.make()
    store_range(store.client(), usage(1, 2)[:5], "usage-0000", 0, _NOW)
    follower.look(store.client())
    follower.keep(store.client())
    content = bytearray((tmp_path / "kept").read_bytes())
    content[-3] ^= 1
    (tmp_path / "kept").write_bytes(content)
    with pytest.raises(CheckpointDamaged, match="move it away"):
        followed.make()


def test_a_process_that_is_killed_again_and_again_finds_everything_once(
    store: Store, faulty: pl.DataFrame, expected: dict[str, Any], tmp_path: Path
) -> None:
    client, chance = store.client(), random.Random(3)
    stored(client, faulty)
    environment = {
        **os.environ, "TALLYWIRE_HOME": str(tmp_path), "TALLYWIRE_DATABASE": store.database,
        "TALLYWIRE_STORE_URL": _url(store), "POLARS_MAX_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "cli.main", "controls", "run"]
    for _ in range(4):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        time.sleep(1.0 + 1.5 * chance.random())
        process.send_signal(signal.SIGKILL)
        process.communicate()
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "control Shadow could not work some rows" in ended.stderr  # there is no such catalogue
    assert alerts_of(client) == expected
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "1 alerts" in again.stdout, "that a control failed"
    more = {name: one for name, one in alerts_of(client).items() if name not in expected}
    assert [one[0] for one in more.values()] == ["control_failed"]


def _url(store: Store) -> str:
    client = store.client()
    secret = (store.home / "writer.password").read_text().strip()
    return f"http://writer:{secret}@127.0.0.1:{client.url.rpartition(':')[2]}/{store.database}"
