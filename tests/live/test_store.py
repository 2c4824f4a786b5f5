"""The store: users, migrations, tokens, completion by count, and what a kill leaves."""

import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest

from schemas.columns import clickhouse_columns, rows_to_frame, to_arrow
from schemas.feeds import LaneCount
from tests.conftest import Store
from warehouse.client import Client, connect, told
from warehouse.configuration import ServerPlan
from warehouse.errors import StoreError, StoreRefused
from warehouse.insert import insert
from warehouse.migrate import migrate, migrations
from warehouse.recovery import complete
from warehouse.server import Running, find, free_port, start
from warehouse.tables import TABLES

pytestmark = [pytest.mark.live, pytest.mark.store]

HOUR_US = 3_600_000_000
MIDNIGHT_US = int(time.time()) // 86_400 * 24 * HOUR_US
"""Of today: what is older than a table keeps would be removed at once."""


def _counts(token: str, *records: int, late: int = 0) -> pa.Table:
    rows = [
        LaneCount(
            lane="lane", feed_id="feed", term="collected", records=number,
            collected_at=MIDNIGHT_US, ledgered_at=MIDNIGHT_US + late * number, batch_token=token,
        )
        for number in records
    ]  # fmt: skip
    return to_arrow(rows_to_frame(rows, LaneCount), LaneCount)


def _sums(store: Store) -> tuple[int, int]:
    """Records by the base table, and by its rollup."""
    client = store.client()
    base = client.query("SELECT sum(records) FROM lane_counts").result_rows[0][0]
    rollup = client.query("SELECT sum(records) FROM fates_1h").result_rows[0][0]
    return base, rollup


def test_the_tables_are_what_the_records_say(store: Store) -> None:
    client = store.client("owner")
    for name, table in TABLES.items():
        made = client.query(f"SHOW CREATE TABLE {name}").result_rows[0][0]
        made = re.sub(r"Delta\(\d\)", "Delta", made)  # it adds the width that it chose
        made = re.sub(r" DEFAULT \S+", "", made)  # what rows have that are older than the column
        for column in clickhouse_columns(table.record):
            assert column in made, (name, column)


def test_charges_of_an_earlier_version_stay_what_they_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database made by the first two migrations, with a charge, is brought to this version."""
    owner, name = store.client("owner"), f"{store.database}_old"
    first = migrations()[:2]
    with monkeypatch.context() as patch:
        patch.setattr("warehouse.migrate.migrations", lambda: first)
        assert len(migrate(owner, name)) == 2
    owner.command(
        "INSERT INTO rated_events (event_id, service, amount, currency, fate_change, start_time, "
        "ledgered_at, rated_quantity) VALUES (generateUUIDv4(), 'voice', 1.5, 'EUR', 1, now64(6), "
        "now64(6), 60)"
    )
    assert migrate(owner, name) == [migration.name for migration in migrations()[2:]]
    row = owner.query(
        "SELECT side, run, cumulative_before, counters, toString(balance_paid) FROM rated_events"
    ).result_rows[0]
    assert row == ("revenue", "", -1, "", "0")
    owner.command(
        "INSERT INTO rated_events (event_id, service, run, side, amount, currency, start_time, "
        "ledgered_at, rated_quantity) VALUES (generateUUIDv4(), 'voice', 'wholesale', 'cost', 9, "
        "'EUR', now64(6), now64(6), 60)"
    )
    revenue = owner.query("SELECT sum(amount), sum(events) FROM v_revenue").result_rows[0]
    assert (str(revenue[0].normalize()), revenue[1]) == ("1.5", 1)
    owner.command(f"DROP DATABASE `{name}`")


def test_a_second_migration_changes_nothing_and_a_changed_one_is_refused(store: Store) -> None:
    owner = store.client("owner")
    assert migrate(owner, store.database) == []
    owner.command(
        "ALTER TABLE migrations UPDATE checksum = 'x' WHERE 1", settings={"mutations_sync": 2}
    )
    with pytest.raises(StoreError, match=f"{migrations()[0].name} is not what was applied"):
        migrate(owner, store.database)


def test_a_store_of_a_newer_version_is_left_alone(store: Store) -> None:
    owner = store.client("owner")
    owner.insert(
        "migrations", [[9_999, "later.sql", "x"]], column_names=["number", "name", "checksum"]
    )
    with pytest.raises(StoreError, match="made by a newer version: it has migration 9999"):
        migrate(owner, store.database)


@pytest.mark.parametrize(
    ("user", "refusal"),
    [
        ("", b"USER_SESSION_LIMIT_EXCEEDED"),
        ("&user=default", b"USER_SESSION_LIMIT_EXCEEDED"),
        ("&user=owner&password=", b"Authentication failed"),
        ("&user=reader&password=reader", b"Authentication failed"),
    ],
    ids=["nobody", "default", "owner", "reader"],
)
def test_nobody_enters_without_a_password(store: Store, user: str, refusal: bytes) -> None:
    state = find(store.home)
    assert state is not None
    url = f"http://{state.host}:{state.http_port}/?query=SELECT%201{user}"
    for _ in range(3):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url, timeout=5)
        assert refusal in refused.value.read()


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO lane_counts (lane) VALUES ('x')",
        "DROP TABLE lane_counts",
        "SELECT * FROM file('/etc/passwd', LineAsString)",
        "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
        "SELECT * FROM system.users",
        "CREATE TABLE other (a UInt8) ENGINE = Memory",
    ],
)
def test_the_reader_changes_nothing_and_reaches_nothing(store: Store, query: str) -> None:
    with pytest.raises(StoreRefused), told("test"):
        store.client("reader").command(query)


@pytest.mark.parametrize(
    "query", ["DROP TABLE lane_counts", "SELECT * FROM file('x', 'CSV', 'a Int8')"]
)
def test_the_writer_neither_drops_nor_reads_files(store: Store, query: str) -> None:
    with pytest.raises(StoreRefused), told("test"):
        store.client("writer").command(query)


def test_the_same_token_is_inserted_once_with_its_rollup(store: Store) -> None:
    client = store.client()
    for token in ("a", "a", "b", "a", "b"):
        insert(client, "lane_counts", _counts(token, 3, 4), token)
    assert _sums(store) == (14, 14)


def test_an_insert_stays_within_one_ledger_day(store: Store) -> None:
    rows = _counts("a", 1, 24, late=HOUR_US)
    with pytest.raises(AssertionError, match="spans two ledger days"):
        insert(store.client(), "lane_counts", rows, "a")


@pytest.mark.parametrize("there", [0, 1, 2], ids=["nothing", "a part", "all"])
@pytest.mark.parametrize("lost", ["lane:0:0-2", "lane:0:0:2"], ids=["of a writer", "before them"])
def test_a_forgotten_token_is_completed_by_count(store: Store, there: int, lost: str) -> None:
    """The store no longer knows the token: what is there is counted, and the rest made good."""
    client = store.client()
    insert(client, "lane_counts", _counts("other", 100), "other")
    whole = _counts(lost, 3, 4)
    insert(client, "lane_counts", whole.slice(0, there), lost)
    for _ in range(2):
        complete(client, "lane_counts", whole, lost)
        assert _sums(store) == (107, 107)


class _Meanwhile:
    """A client beside which another lane inserts, just after rows of the rollup were deleted."""

    def __init__(self, client: Client, insert_now: Callable[[], None]) -> None:
        self._client, self._insert_now = client, insert_now

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def command(self, text: str, **options: Any) -> Any:
        answer = self._client.command(text, **options)
        if text.startswith("ALTER TABLE fates_1h DELETE"):
            self._insert_now()
        return answer


def test_another_lane_may_insert_while_a_rollup_is_made_anew(store: Store) -> None:
    client, other = store.client(), store.client()
    insert(client, "lane_counts", _counts("theirs:1:0-2", 100), "theirs:1:0-2")
    whole = _counts("mine:1:0-2", 3, 4)
    insert(client, "lane_counts", whole.slice(0, 1), "mine:1:0-2")
    beside = _Meanwhile(
        client, lambda: insert(other, "lane_counts", _counts("theirs:2:0-2", 50), "theirs:2:0-2")
    )
    complete(cast("Client", beside), "lane_counts", whole, "mine:1:0-2")
    assert _sums(store) == (157, 157)


def test_a_second_server_on_a_folder_is_refused(server: tuple[Path, Running]) -> None:
    home, running = server
    with pytest.raises(StoreError, match=f"already serves {home}: process {running.state.pid}"):
        start(ServerPlan(home, free_port(), free_port()))


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StoreError, match=f"port {port} of 127.0.0.1 cannot be used"):
            start(ServerPlan(tmp_path, port, free_port()))


def test_a_killed_server_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    plan = ServerPlan(tmp_path / "store", free_port(), free_port())
    running = start(plan)
    try:
        migrate(connect("", plan.home, role="owner"), plan.database)
        client = Store(plan.home, plan.database, running).client()
        for number in range(5):
            insert(client, "lane_counts", _counts(f"t{number}", 10, 20), f"t{number}")
        running.process.kill()
        running.process.wait()
        running = start(plan)
        store = Store(plan.home, plan.database, running)
        assert _sums(store) == (150, 150)
        insert(store.client(), "lane_counts", _counts("t4", 10, 20), "t4")
        assert _sums(store) == (150, 150)
    finally:
        running.stop()
