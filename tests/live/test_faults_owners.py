"""Two owners of a lane: one is refused, or the older one stops and changes nothing more."""

import copy
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from dataflows.exits import Exit
from dataflows.groups import COLLECTION, RATING
from dataflows.kafka.client import consumer
from tests.live.broker import Broker
from tests.live.streams import Quiet, StreamHome, check_whole, database, until

pytestmark = [pytest.mark.live, pytest.mark.store]

ROLES = (COLLECTION, RATING)
OWNED = 4
"""Account lanes: three of usage, one of outcomes."""


def test_a_second_process_of_the_same_home_is_refused(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    store = database(server, "test_second")
    with StreamHome(tmp_path, store, broker, "second", log="kafka") as home:
        home.create_topics()
        home.produce(quiet.usage)
        first = {role: home.start(role, collection_rows=100, rating_rows=100) for role in ROLES}
        for role in ROLES:
            until(lambda role=role: home.progressed(role), "progress")  # type: ignore[misc]
        for role in ROLES:
            assert home.start(f"{role}-again").wait(60) == Exit.TAKEN  # other role, same lanes
            assert "is already being worked by process" in home.said(f"{role}-again")
            assert first[role].poll() is None
        home.finish()
        check_whole(home, quiet.expected)


def _owned(home: StreamHome) -> int:
    """Count the lanes that somebody has claimed in the store."""
    query = "SELECT uniqExact(lane) FROM lane_owners"
    return int(home.store.client().query(query).result_rows[0][0])


def _copied(home: StreamHome, root: Path) -> StreamHome:
    """Copy a home as it is, as a backup or a snapshot of its disk would be restored elsewhere."""
    other = copy.copy(home)
    other.home, other.processes = root / "home", {}
    shutil.copytree(home.home, other.home, symlinks=True)
    return other


@pytest.mark.parametrize("log", ["spool", "kafka"])
def test_an_owner_that_was_frozen_wakes_up_beside_a_new_one(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path, log: str
) -> None:
    """A machine hangs, its home is brought up elsewhere, then it goes on as if nothing was."""
    store = database(server, f"test_frozen_{log}")
    half = len(quiet.usage) // 2
    with StreamHome(tmp_path / "old", store, broker, f"frozen-{log}", log=log) as old:
        old.create_topics()
        old.produce(quiet.usage[:half])
        for role in ROLES:
            old.start(role, collection_rows=100, rating_rows=100)
        for role in ROLES:
            until(lambda role=role: old.progressed(role), "progress")  # type: ignore[misc]
        until(lambda: _owned(old) == OWNED, "claims of all lanes")
        for role in ROLES:
            old.processes[role].send_signal(signal.SIGSTOP)
        with _copied(old, tmp_path / "new") as new:
            new.start(RATING, rating_rows=70)
            new.start(COLLECTION, collection_rows=70)
            until(lambda: new.progressed(RATING), "the new owner works")
            for role in ROLES:
                old.processes[role].send_signal(signal.SIGCONT)
            new.produce(quiet.usage[half:])
            stale = ROLES if log == "kafka" else [RATING]
            for role in stale:
                assert old.processes[role].wait(60) == Exit.TAKEN, old.said(role)
                assert "was taken over by another worker" in old.said(role)
            for role in stale:  # the machine that hung starts its processes again
                assert old.start(role).wait(60) == Exit.TAKEN, old.said(role)
                assert "was taken over by another home" in old.said(role)
            new.finish()
            print(f"\nusage log on {log}: {check_whole(new, quiet.expected)}")  # noqa: T201


def test_a_new_owner_shuts_out_blocks_of_one_that_wakes_up(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    """The new owner has claimed its lanes and written nothing yet; the old one writes first.

    Ranges are cut in other places by the two. Were one block of the old owner taken, the new one's
    of the same number would be dropped, with usage that is in it alone.
    """
    store = database(server, "test_shut_out")
    half = len(quiet.usage) // 2
    with StreamHome(tmp_path / "old", store, broker, "shut-out", log="kafka") as old:
        old.create_topics()
        old.produce(quiet.usage[:half])
        old.start(COLLECTION, collection_rows=100)
        until(
            lambda: old.progress(COLLECTION).get("collected", 0) >= half
            and not any(
                lane["lag_events"] for lane in old.progress(COLLECTION)["lanes"].values()
            ),
            "all that was sent",
        )  # fmt: skip
        old.processes[COLLECTION].send_signal(signal.SIGSTOP)
        with _copied(old, tmp_path / "new") as new:
            new.start(COLLECTION, collection_rows=70, epoch_ms=100)
            until(lambda: bool(new.progress(COLLECTION).get("lanes")), "the new owner has begun")
            until(lambda: _claims(new) == 2 * len(new.lanes), "claims of both")
            new.processes[COLLECTION].send_signal(signal.SIGSTOP)
            old.produce(quiet.usage[half:])
            old.processes[COLLECTION].send_signal(signal.SIGCONT)
            assert old.processes[COLLECTION].wait(60) == Exit.TAKEN, old.said(COLLECTION)
            new.processes[COLLECTION].send_signal(signal.SIGCONT)
            new.finish(collection_rows=70)
            check_whole(new, quiet.expected)


def _claims(home: StreamHome) -> int:
    """Count the claims that are in the topic."""
    asking = consumer(home.settings(), "claims")
    try:
        found = asking.get_watermark_offsets(TopicPartition(f"{home.topic}.lanes", 0), timeout=10)
        return int(found[1])
    finally:
        asking.close()
