"""What is found beside the lanes reaches the topic, and a control that does not run is found."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Consumer, TopicPartition

from assurance.planted import usage
from assurance.reconciling.runs import Runs
from dataflows.controls.comparer import Comparer
from dataflows.controls.evidence import record
from dataflows.desk import desk
from dataflows.settings import Settings
from schemas.controls import ControlRun
from tests.conftest import Store
from tests.findings import NOW_US, finding, put
from tests.live.broker import Broker
from tests.live.commands import served, tallywire
from tests.live.stored import store_range

pytestmark = [pytest.mark.live, pytest.mark.store]
_HOUR_US = 3_600_000_000
_TOPIC = "findings.alerts"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with served(tmp_path / "home"):
        yield tmp_path / "home"


@pytest.fixture(scope="module")
def broker_with_topic(broker: Broker) -> Broker:
    """The broker, with the topic of findings."""
    broker.create_topic(_TOPIC)
    return broker


def _deliver(home: Path, address: str, **more: str) -> tuple[int, str]:
    made = tallywire(
        "alerts", "deliver", "--once", "--since", "2020-01-01", "--home", home,
        TALLYWIRE_KAFKA=address, TALLYWIRE_TOPIC_PREFIX="findings.", **more,
    )  # fmt: skip
    return made.returncode, made.stderr


def _published(broker: Broker, count: int) -> list[dict[str, object]]:
    reading = Consumer({"bootstrap.servers": broker.address, "group.id": "t"})
    reading.assign([TopicPartition(_TOPIC, 0, 0)])
    found: list[dict[str, object]] = []
    while message := reading.poll(20 if len(found) < count else 2):
        assert message.error() is None
        found.append({"key": message.key(), **orjson.loads(message.value() or b"")})
    reading.close()
    return found


def test_findings_of_controls_and_verbs_are_published_once_and_those_of_lanes_are_not_again(
    broker_with_topic: Broker, home: Path
) -> None:
    put(home, [finding(1)], "usage-0000:0:0-9")
    [ours] = put(home, [finding(2)], f"controls:7:{NOW_US}")
    [alone] = put(home, [finding(3)], f"controls:alone:{NOW_US}")
    assert _deliver(home, broker_with_topic.address) == (0, "")
    assert _deliver(home, broker_with_topic.address) == (0, "")
    found = _published(broker_with_topic, 2)
    assert {one["key"] for one in found} == {ours.alert_id.encode(), alone.alert_id.encode()}
    assert len(found) == 2
    assert {one["type"] for one in found} == {"tallywire.alert"}
    assert {one["source"] for one in found} == {
        "tallywire/controls", "tallywire/controls:alone",
    }  # fmt: skip


def test_a_broker_that_is_away_loses_no_finding(broker_with_topic: Broker, home: Path) -> None:
    put(home, [finding(4)], f"controls:8:{NOW_US}")
    code, told = _deliver(home, "127.0.0.1:1")
    assert (code, "topic" in told) == (1, True)
    before = len(_published(broker_with_topic, 0))
    assert _deliver(home, broker_with_topic.address) == (0, "")
    assert len(_published(broker_with_topic, before + 1)) == before + 1


def _run(control: str, ended_at: int, result: str = "done") -> ControlRun:
    return ControlRun(
        control=control, patterns="p", version="1", began_at=ended_at, ended_at=ended_at,
        inputs=0, alerts=0, result=result, detail="it raised" if result == "failed" else "",
    )  # fmt: skip


def test_usage_that_no_control_looked_at_for_two_hours_is_a_finding_that_closes(
    store: Store,
) -> None:
    client, comparer = store.client(), Comparer((Runs,), {}, lambda: NOW_US, "default")

    def look() -> list[tuple[str, str, str]]:
        [run] = comparer.due(client, at_once=True)
        assert run.failure is None
        return [(one.pattern, one.entity_id, one.state) for one in run.alerts]

    assert look() == []
    record(client, [_run("Volume", NOW_US - 6 * _HOUR_US)], NOW_US - 6 * _HOUR_US)
    assert look() == [], "there is no usage that it should have seen"
    rows = usage(1, 2)[:5]
    store_range(client, rows, "usage-0000", 0, NOW_US - _HOUR_US)
    assert look() == [], "there is still time"
    store_range(client, rows, "usage-0000", 1, NOW_US - 3 * _HOUR_US)
    assert look() == [("control_run_missed", "Volume", "open")]
    assert look() == []
    record(client, [_run("Volume", NOW_US)], NOW_US)
    assert look() == [("control_run_missed", "Volume", "auto_closed")]
    record(client, [_run("Volume", NOW_US + 1, "failed")], NOW_US + 1)
    assert look() == [("control_failed", "Volume", "open")]
    record(client, [_run("Volume", NOW_US + 2)], NOW_US + 2)
    assert look() == [("control_failed", "Volume", "auto_closed")]


def test_the_delivery_tells_of_controls_that_are_away(
    home: Path, broker_with_topic: Broker
) -> None:
    with desk(Settings(home=home), "test") as here:
        client = here.client
        record(client, [_run("Margin", NOW_US - 6 * _HOUR_US)], NOW_US - 6 * _HOUR_US)
        store_range(client, usage(1, 2)[:5], "usage-0000", 0, NOW_US - 3 * _HOUR_US)
    before = len(_published(broker_with_topic, 0))
    _deliver(home, broker_with_topic.address)
    assert _deliver(home, broker_with_topic.address) == (0, "")
    data = [one["data"] for one in _published(broker_with_topic, before + 1)[before:]]
    assert {(one["pattern"], one["entity_id"]) for one in data} == {  # type: ignore[index]
        ("control_run_missed", "Margin")
    }
