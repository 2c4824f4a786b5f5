"""The store refuses, is slow, is cut off in the middle of an insert, is full, or forgets."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from dataflows.groups import COLLECTION, RATING
from tests.conftest import Store
from tests.live.broker import Broker
from tests.live.plugs import NAMES, WINDOW
from tests.live.proxy import Proxy
from tests.live.streams import Quiet, StreamHome, check_whole, database, store_url, until
from warehouse.client import StoreUnavailable, connect
from warehouse.configuration import KEPT_FREE_BYTES, ServerPlan
from warehouse.migrate import migrate
from warehouse.owners import claim, newest
from warehouse.server import free_port, start
from warehouse.tables import TABLES

pytestmark = [pytest.mark.live, pytest.mark.store]


@contextmanager
def _behind(
    server: tuple[Path, Any], broker: Broker, root: Path, name: str
) -> Iterator[tuple[StreamHome, Proxy]]:
    """Open a home whose store is behind a proxy."""
    store = database(server, f"test_{name}")
    with Proxy(server[1].state.http_port) as proxy:
        url = store_url(store, proxy.port)
        with StreamHome(root, store, broker, f"store-{name}", url=url) as home:
            home.create_topics()
            yield home, proxy


def _rated(home: StreamHome) -> int:
    return int(home.progress(RATING).get("batches", 0))


def test_a_store_that_refuses_connections(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    with _behind(server, broker, tmp_path, "refusing") as (home, proxy):
        home.produce(quiet.usage)
        home.start(COLLECTION, collection_rows=200)
        home.start(RATING, rating_rows=200)
        for _ in range(2):
            before = _rated(home)
            until(lambda before=before: _rated(home) > before, "batches")  # type: ignore[misc]
            proxy.refusing, proxy.refused = True, 0
            proxy.drop()
            until(lambda: proxy.refused > 1, "a worker that tries again")
            proxy.refusing = False
        home.goes_on(RATING)
        assert home.progress(RATING)["retries"] > 1
        home.finish()
        check_whole(home, quiet.expected)


def test_a_store_that_answers_slowly(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    """Rating waits for it; collection does not, and a kill in the meantime changes nothing."""
    with _behind(server, broker, tmp_path, "slow") as (home, proxy):
        home.produce(quiet.usage)
        proxy.delay_s = 0.1
        home.start(RATING, rating_rows=300)
        home.start(COLLECTION, collection_rows=300)
        until(lambda: home.progress(COLLECTION).get("collected", 0) >= len(quiet.usage), "all")
        until(lambda: home.progressed(RATING), "a batch")
        home.kill(RATING)
        proxy.delay_s = 0.0
        home.finish()
        check_whole(home, quiet.expected)


def test_inserts_that_are_cut_and_answers_that_are_lost(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    """The store has a part, all, or nothing of an insert: it is sent again, and counted once."""
    with _behind(server, broker, tmp_path, "cut") as (home, proxy):
        home.produce(quiet.usage)
        home.start(COLLECTION, collection_rows=200)
        home.start(RATING, rating_rows=200)
        until(lambda: home.progressed(RATING), "a batch")
        proxy.cut_after = [100, 1_000, 4_000, 9_000]
        until(lambda: proxy.cuts == 4, "four inserts that were cut")
        proxy.lose_answers = 4
        until(lambda: proxy.lost_answers == 4, "four answers that were lost")
        home.goes_on(RATING)
        home.finish()
        print(f"\n4 inserts cut, 4 answers lost; {check_whole(home, quiet.expected)}")  # noqa: T201


@pytest.mark.parametrize("octets", [1, 17, 40, 90, 200, 300])
def test_an_answer_that_is_cut_off_is_no_answer(store: Store, octets: int) -> None:
    """Where the header of an answer ends with the connection, it looks whole, and without rows."""
    with Proxy(store.running.state.http_port) as proxy:
        client = connect(store_url(store, proxy.port), store.home)
        claim(client, "lane", 7)
        assert newest(client, "lane") == 7
        proxy.cut_answers = [octets]
        with suppress(StoreUnavailable):  # where the client has asked again by itself, it is whole
            assert newest(client, "lane") == 7
        assert newest(client, "lane") == 7
        client.close_connections()


@contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"this user may not mount a small disk: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_store_without_room_is_waited_for(broker: Broker, quiet: Quiet, tmp_path: Path) -> None:
    with _small_disk(tmp_path / "disk", "600m") as disk:
        plan = ServerPlan(disk / "store", free_port(), free_port())
        running = start(plan)
        try:
            migrate(connect("", plan.home, role="owner"), plan.database)
            store = Store(plan.home, plan.database, running)
            with StreamHome(tmp_path, store, broker, "full") as home:
                home.create_topics()
                home.produce(quiet.usage)
                home.start(COLLECTION, collection_rows=200)
                home.start(RATING, rating_rows=200)
                until(lambda: home.progressed(RATING), "a batch")
                ballast = disk / "ballast"
                _fill(ballast, KEPT_FREE_BYTES // 2)
                until(lambda: home.progress(RATING).get("retries", 0) > 1, "a full store")
                assert home.alive(RATING), home.said(RATING)
                ballast.unlink()
                home.goes_on(RATING)
                home.finish()
                check_whole(home, quiet.expected)
        finally:
            running.stop()


def _fill(file: Path, left: int) -> None:
    """Fill a disk until only so many octets are free."""
    free = os.statvfs(file.parent).f_bavail * os.statvfs(file.parent).f_frsize
    with file.open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, free - left)


def test_a_range_older_than_the_memory_of_tokens_is_counted_once(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    """One lane dies behind its insert; others make the store forget; then the range comes again."""
    store = database(server, "test_forgotten")
    owner = store.client("owner")
    for table in (*TABLES, "fates_1h", "revenue_1h"):
        owner.command(
            f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = {WINDOW}"
        )
    with StreamHome(tmp_path, store, broker, "forgotten") as home:
        home.create_topics()
        home.produce(quiet.usage)
        home.environment = {NAMES: "die_after_insert"}
        home.start(COLLECTION, collection_rows=60)
        dying = home.start(f"{RATING}-one", lanes=["usage-0000"], rating_rows=150)
        assert dying.wait(60) == -9
        client = store.client()
        (lost,) = client.query("SELECT DISTINCT batch_token FROM rated_events").result_rows
        home.environment = {NAMES: "small_window"}
        others = ["usage-0001", "usage-0002", "outcomes-0000"]
        home.start(f"{RATING}-two", lanes=others, rating_rows=30, linger_ms=0)
        batches = "SELECT uniqExact(batch_token) FROM rated_events"
        until(lambda: client.query(batches).result_rows[0][0] > 3 * WINDOW, "inserts of others")
        home.start(f"{RATING}-one", lanes=["usage-0000"], rating_rows=150)
        until(lambda: home.progressed(f"{RATING}-one"), "the range once more")
        _finish(home)
        check_whole(home, quiet.expected)
        again = (
            f"SELECT count(), uniqExact(event_id) FROM rated_events WHERE batch_token = '{lost[0]}'"
        )
        ((rows, events),) = client.query(again).result_rows
        assert rows == events > 0


def _finish(home: StreamHome) -> None:
    """Let lanes that two processes own be worked to their end, in order."""
    for role in (COLLECTION, f"{RATING}-one", f"{RATING}-two"):
        if home.alive(role):
            home.processes[role].send_signal(15)
            assert home.processes[role].wait(60) == 0, home.said(role)
    home.start(COLLECTION, follow=False)
    home.start(f"{RATING}-one", follow=False, lanes=["usage-0000"])
    home.start(f"{RATING}-two", follow=False, lanes=["usage-0001", "usage-0002", "outcomes-0000"])
    for role in (COLLECTION, f"{RATING}-one", f"{RATING}-two"):
        assert home.processes[role].wait(120) == 0, home.said(role)
