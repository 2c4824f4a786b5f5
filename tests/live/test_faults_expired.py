"""Messages that retention deleted before they were read: named, put aside, passed over on request."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from dataflows.exits import Exit
from dataflows.groups import COLLECTION, RATING
from dataflows.kafka.affinity import partitions_of
from dataflows.ledger import Ledger
from dataflows.settings import Home
from dataflows.skips import asked_skip
from tests.live.broker import Broker
from tests.live.commands import tallywire
from tests.live.streams import Quiet, StreamHome, database, natural_key, order_free, until
from tests.live.up import Up

pytestmark = [pytest.mark.live, pytest.mark.store]

GONE = 300
RANGE = 100
LANE = "platform@0000"
EXPIRED = "pattern = 'messages_expired'"


def _by_partition(home: StreamHome, usage: list[bytes]) -> None:
    """Send each record to the partition of its key, all in order."""
    places = partitions_of([natural_key(one) for one in usage], home.raw, "murmur2")
    for number in range(home.raw):
        share = [one for one, place in zip(usage, places.tolist(), strict=True) if place == number]
        home.produce(share, partition=number)


def _delete(home: StreamHome, before: int) -> None:
    """Delete the messages of the first partition before an offset, as retention would."""
    place = TopicPartition(home.topic, 0, before)
    admin = home.broker.admin()
    for answer in admin.delete_records([place]).values():
        answer.result(30)


def _position(home: StreamHome) -> int:
    return int(home.progress(COLLECTION)["lanes"][LANE]["position"])


def _worked(home: StreamHome, usage: list[bytes]) -> int:
    """Let some usage be worked to its end, and give the offset at which the lane stands."""
    home.create_topics()
    _by_partition(home, usage)
    home.finish()
    return _position(home)


def _skip(home: StreamHome) -> None:
    made = tallywire("lanes", "skip", LANE, "--note", "retention was too short",
                     "--home", home.home)  # fmt: skip
    assert made.returncode == 0, made.stderr


def _check_loss(home: StreamHome, offsets: int) -> None:
    """The loss is in the store with its worth, and what is there is counted."""
    client = home.store.client()
    found = client.query(
        f"SELECT expected, explanation, money_at_risk > 0 FROM alerts FINAL WHERE {EXPIRED}"
    ).result_rows
    assert [(lost, priced) for lost, _, priced in found] == [(offsets, 1)]
    assert "retention was too short" in found[0][1]
    differences = client.query("SELECT sum(abs(difference)) FROM v_conservation").result_rows
    assert differences[0][0] == 0


def test_a_run_names_messages_and_money_and_goes_on_when_asked(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    store = database(server, "test_expired")
    with StreamHome(tmp_path, store, broker, "expired", raw=1) as home:
        place = _worked(home, quiet.usage[:2_000])
        home.produce(quiet.usage[2_000:4_000])
        _delete(home, place + GONE)
        assert home.start(COLLECTION, follow=False).wait(60) == Exit.DAMAGED
        said = home.said(COLLECTION)
        assert f"{GONE} messages before offset {place + GONE} were deleted" in said
        assert "worth about" in said
        assert f"tallywire lanes skip {LANE}" in said
        _skip(home)
        home.finish()
        _check_loss(home, GONE)
        collected = store.client().query("SELECT sum(collected) FROM v_conservation").result_rows
        assert collected[0][0] == 4_000 - GONE


def test_messages_that_were_being_worked_and_are_gone(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    """Ranges stand in the ledger, nothing of them is committed, and their messages are deleted."""
    store = database(server, "test_worked")
    with StreamHome(tmp_path, store, broker, "worked", raw=1) as home:
        place = _worked(home, quiet.usage[:2_000])
        home.produce(quiet.usage[2_000:4_000])
        home.start(COLLECTION, collection_rows=RANGE, epoch_ms=60_000)
        until(lambda: home.progress(COLLECTION).get("collected", 0) >= 2_000, "ranges")
        home.kill(COLLECTION)
        _delete(home, place + GONE)
        assert home.start(COLLECTION, follow=False).wait(60) == Exit.DAMAGED
        assert f"offset {place} of expired" not in home.said(COLLECTION)
        assert "were deleted before they were read" in home.said(COLLECTION)
        _skip(home)
        home.finish()
        ((rows, events, *_),) = order_free(store.client())["rows"]  # type: ignore[misc]
        assert rows == events  # what had reached the log of gone ranges is counted, and once
        ((collected, *_),) = order_free(store.client())["fates"]  # type: ignore[misc]
        assert 4_000 - GONE - RANGE <= collected <= 4_000
        folder = Home(home.home).lane(COLLECTION, LANE)
        with closing(Ledger(folder / "ledger")) as ledger:
            assert asked_skip(folder, ledger.end) is None  # another loss must be asked for


def test_under_a_supervisor_the_lane_is_put_aside_and_the_others_go_on(
    server: tuple[Path, Any], broker: Broker, quiet: Quiet, tmp_path: Path
) -> None:
    store = database(server, "test_aside")
    with StreamHome(tmp_path, store, broker, "aside") as home:
        place = _worked(home, quiet.usage[:2_000])
        _by_partition(home, quiet.usage[2_000:])
        _delete(home, place + GONE)
        with Up(home) as up:
            up.start()
            until(lambda: up.lane(LANE)["quarantined"] is True, "the lane is put aside")
            until(lambda: up.lane("platform@0001")["position"] > GONE, "the other lane goes on")
            assert up.lane(LANE)["expired"] == GONE
            _skip(home)
            until(lambda: up.lane(LANE)["quarantined"] is False, "the lane goes on")
            until(lambda: up.lane(LANE)["position"] > place + GONE, "the lane works")
            assert up.end() == 0
        home.finish()
        _check_loss(home, GONE)
        collected = store.client().query("SELECT sum(collected) FROM v_conservation").result_rows
        assert collected[0][0] == len(quiet.usage) - GONE
        assert home.processes[RATING].returncode == 0
