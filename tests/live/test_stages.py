"""What one stage passed on against what the next one has: a real home, and a store that is wrong."""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assurance.reconciling.ranges import Ranges
from assurance.reconciling.stages import HOUR_US, Collected, Logged, Stored
from dataflows.catalogs import example_folder
from dataflows.controls.comparer import Comparer
from dataflows.wall_clock import now_us
from schemas.columns import rows_to_frame, to_arrow
from schemas.feeds import LedgerEntry
from tests.live.commands import served, tallywire
from tests.live.streams import usage_of
from warehouse.client import Client, connect
from warehouse.insert import insert

pytestmark = [pytest.mark.live, pytest.mark.store]
_EVENTS = 300
_NONE: list[tuple[str, str, int]] = []
Look = Callable[[], list[tuple[str, str, int]]]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home that has rated usage, as if it had done so for more than an hour."""
    home = tmp_path / "home"
    with served(home):
        (tmp_path / "usage" / "platform").mkdir(parents=True)
        usage_of(tmp_path / "usage" / "platform", _EVENTS)
        made = tallywire("run", "--home", home, "--catalog", example_folder(), tmp_path / "usage")
        assert made.returncode == 0, made.stderr
        of_home(home).command(
            "INSERT INTO stage_sums (tenant_id, lane, stage, feed_id, service, collected_at, "
            "records, quantity, ids, ledgered_at, batch_token) "
            "SELECT tenant_id, lane, stage, 'earlier', service, collected_at - INTERVAL 3 HOUR, "
            "0, 0, 0, ledgered_at - INTERVAL 3 HOUR, batch_token FROM stage_sums"
        )
        yield home


def of_home(home: Path) -> Client:
    return connect("", home / "store", database="tallywire", role="owner")


@pytest.fixture
def look(home: Path) -> Look:
    """Compare, as if the hour of the run had passed and differences had stood."""
    later = [now_us() + HOUR_US]

    def now() -> int:
        later[0] += 1
        return later[0]

    comparer = Comparer((Collected, Logged, Stored, Ranges), {}, now, "default")

    def once() -> list[tuple[str, str, int]]:
        found = []
        for _ in range(2):
            runs = comparer.due(of_home(home), at_once=True)
            assert [one.failure for one in runs] == [None] * 4
            found += [alert for one in runs for alert in one.alerts]
            later[0] += 700_000_000
        sums: Counter[tuple[str, str]] = Counter()
        for one in found:  # they are told by service
            sums[one.pattern, one.state] += one.expected - one.observed
        return [(*key, lacking) for key, lacking in sorted(sums.items())]

    return once


def hour_of(home: Path) -> str:
    [(hour,)] = (
        of_home(home)
        .query("SELECT formatDateTime(max(ledgered_at), '%Y-%m-%dT%H') FROM rated_events")
        .result_rows
    )
    return str(hour)


def ids(home: Path) -> list[dict[str, str]]:
    told = tallywire("controls", "ids", "platform", hour_of(home), "--home", home, "--json")
    assert told.returncode in {0, 1}, told.stderr
    found: list[dict[str, str]] = json.loads(told.stdout)
    return found


def victims(home: Path, count: int) -> list[str]:
    query = (
        "SELECT toString(event_id) FROM rated_events WHERE (service, currency) = "
        "(SELECT service, currency FROM rated_events GROUP BY ALL ORDER BY count() DESC LIMIT 1) "
        f"ORDER BY event_id LIMIT {count}"
    )
    return [str(row[0]) for row in of_home(home).query(query).result_rows]


def without(home: Path, events: list[str]) -> None:
    of_home(home).command(
        "ALTER TABLE rated_events DELETE WHERE event_id IN {ids:Array(UUID)} "
        "SETTINGS mutations_sync = 2",
        parameters={"ids": events},
    )


def doubled(home: Path, events: list[str]) -> None:
    of_home(home).command(
        "INSERT INTO rated_events SELECT * FROM rated_events WHERE event_id IN {ids:Array(UUID)} "
        "SETTINGS insert_deduplicate = 0",
        parameters={"ids": events},
    )


def test_a_home_that_works_has_no_differences(home: Path, look: Look) -> None:
    assert look() == _NONE
    assert ids(home) == []


def test_charges_that_are_gone_are_told_and_named_and_close_when_they_are_back(
    home: Path, look: Look
) -> None:
    lost = victims(home, 3)
    of_home(home).command(
        "CREATE TABLE kept ENGINE = Memory AS SELECT * FROM rated_events "
        "WHERE event_id IN {ids:Array(UUID)}",
        parameters={"ids": lost},
    )
    without(home, lost)
    assert look() == [("charges_not_stored", "open", 3)]
    found = ids(home)
    assert sorted(one["event"] for one in found) == sorted(lost)
    assert {one["cause"] for one in found} == {"not_stored"}
    assert all(one["place"].startswith("platform/") for one in found)
    of_home(home).command("INSERT INTO rated_events SELECT * FROM kept")
    [(pattern, state, _)] = look()
    assert (pattern, state) == ("charges_not_stored", "auto_closed")


def test_charges_that_are_there_twice_are_told_and_named(home: Path, look: Look) -> None:
    [event] = victims(home, 1)
    doubled(home, [event])
    assert look() == [("charges_stored_twice", "open", -1)]
    assert [(one["cause"], one["event"]) for one in ids(home)] == [("stored_twice", event)]


def test_one_lost_and_one_doubled_do_not_hide_each_other(home: Path, look: Look) -> None:
    lost, other = victims(home, 2)
    without(home, [lost])
    doubled(home, [other])
    [(pattern, state, _)] = look()
    assert (pattern, state) == ("charges_stored_differ", "open")
    found = {(one["cause"], one["event"]) for one in ids(home)}
    assert found == {("not_stored", lost), ("stored_twice", other)}


def test_an_amount_that_was_changed_is_told_though_every_charge_is_there(
    home: Path, look: Look
) -> None:
    [event] = victims(home, 1)
    of_home(home).command(
        "ALTER TABLE rated_events UPDATE amount = amount + 1 WHERE event_id = {id:UUID} "
        "SETTINGS mutations_sync = 2",
        parameters={"id": event},
    )
    assert look() == [("charges_stored_differ", "open", 0)]
    without(home, [event])
    [lacking, closed] = look()
    assert lacking == ("charges_not_stored", "open", 1)
    assert closed[:2] == ("charges_stored_differ", "auto_closed")


def test_usage_that_the_log_lost_is_told_with_what_it_is_worth(home: Path, look: Look) -> None:
    of_read = "SELECT service FROM stage_sums WHERE stage = 'read' ORDER BY records DESC LIMIT 1"
    [(service,)] = of_home(home).query(of_read).result_rows
    of_home(home).command(
        "ALTER TABLE stage_sums UPDATE records = records - 4, ids = bitXor(ids, 77) "
        "WHERE stage = 'read' AND service = {service:String} AND records > 4 "
        "SETTINGS mutations_sync = 2",
        parameters={"service": service},
    )
    assert look() == [("usage_not_read", "open", 4)]


def test_records_that_no_range_gave_or_that_nobody_took_are_told(home: Path, look: Look) -> None:
    counted = "SELECT sum(records) FROM lane_counts WHERE term = 'collected'"
    [(records,)] = of_home(home).query(counted).result_rows
    assert records > _EVENTS
    of_home(home).command(
        "ALTER TABLE lane_counts DELETE WHERE term = 'collected' SETTINGS mutations_sync = 2"
    )
    of_home(home).command(
        "INSERT INTO lane_ledger SELECT * REPLACE (ledgered_at - INTERVAL 3 HOUR AS ledgered_at, "
        "toInt64(0) AS records, 'elsewhere' AS source) FROM lane_ledger LIMIT 1 BY lane"
    )
    assert look() == [("records_not_collected", "open", records)]


@pytest.mark.parametrize(
    ("first", "pattern"), [(1_100, "range_skipped"), (900, "range_read_again")]
)
def test_offsets_that_were_skipped_or_read_again_are_told(
    home: Path, look: Look, first: int, pattern: str
) -> None:
    cuts = [(0, 0, 500), (1, 500, 1_000), (2, first, 2_000)]
    entries = [
        LedgerEntry(
            lane="calls-0001", position=position, source="calls/1", first=begin, last=end,
            records=end - begin, ledgered_at=now_us(), catalog_hash="",
            token=f"calls-0001:{position}:{begin}-{end}",
        )
        for position, begin, end in cuts
    ]  # fmt: skip
    frame = rows_to_frame(entries, LedgerEntry)
    insert(of_home(home), "lane_ledger", to_arrow(frame, LedgerEntry), uuid.uuid4().hex)
    assert look() == [(pattern, "open", 1_000 - first)]


def test_an_hour_that_is_none_is_refused(home: Path) -> None:
    told = tallywire("controls", "ids", "platform", "yesterday", "--home", home)
    assert told.returncode == 2
    assert "2026-11-27T10" in told.stderr
