"""Messages become records: the same ones whenever they come, and none is dropped."""

import base64
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.mqtt import app
from dataflows.exits import Exit
from dataflows.mqtt.connection import Message
from dataflows.mqtt.counts import OUTCOMES
from dataflows.mqtt.payloads import cut
from dataflows.mqtt.sessions import Session, remember, remembered
from dataflows.mqtt.subscription import group_of
from dataflows.settings import Home, Settings
from dataflows.sources.http import HttpStream
from dataflows.sources.opened import Streams
from schemas.reasons import Reason
from tallywire.catalog import Snapshot, read
from tallywire.catalog.feed import Feed, Mqtt
from tallywire.mediation.decoders import DECODERS
from tests.laws.cloud_feeds import CHIRPSTACK, lines
from tests.laws.feeds import SNAPSHOT
from tests.unit.catalog_files import files
from tests.unit.decoding import decoded

GUIDE = (Path(__file__).parents[2] / "docs/guides/receive-mqtt.md").read_text()
SUBSCRIBED = Mqtt("mqtts://broker.example", "a/#")
PLATFORM = replace(SNAPSHOT.feeds["platform"], path="", mqtt=SUBSCRIBED)
LONGEST = 1_000


def _feeds() -> Snapshot:
    """Read the feeds that the guide shows, as they are written there."""
    shown = re.findall(r"^( *)```yaml\n(.*?)^\1```", GUIDE, re.DOTALL | re.MULTILINE)
    texts = [re.sub(f"(?m)^{indent}", "", text) for indent, text in shown]
    named = dict(zip(("exchange", "reports", "stack"), texts, strict=True))
    found = read(files({f"feeds/{name}.yaml": text for name, text in named.items()}), DECODERS)
    assert found.problems == []
    assert found.snapshot is not None
    return found.snapshot


GUIDED = _feeds().feeds


def cuts(payload: bytes, *, topic: str = "a/b", with_topic: bool = False) -> list[bytes]:
    return cut(payload, topic, with_topic=with_topic, longest=LONGEST).records


@pytest.mark.parametrize(
    ("payload", "records"),
    [
        (b'{"a": 1}', [b'{"a": 1}']),
        (b'{\n "a": 1\n}\n', [b'{"a":1}']),
        (b'[{"a": 1},\n{"a":2}]', [b'{"a": 1}', b'{"a":2}']),
        (b'{"a": 1}\n{"a": 2}\r\n', [b'{"a": 1}', b'{"a": 2}']),
        (b"d1;5\r\n\r\nd2;6", [b"d1;5", b"d2;6"]),
        (b'{"a": ', [b'{"a": ']),
        (b"\xff5", [b"\xff5"]),
        (b" \r\n", []),
        (b"", []),
        (b"[]", []),
    ],
)
def test_a_payload_is_an_object_an_array_or_lines(payload: bytes, records: list[bytes]) -> None:
    assert cuts(payload) == records


def test_a_topic_stands_beside_the_payload_whole_and_by_levels() -> None:
    [one] = cuts(b'{"a": 1}', topic="lwm2m/ür/7", with_topic=True)
    assert json.loads(one) == {
        "topic": "lwm2m/ür/7", "level": {"1": "lwm2m", "2": "ür", "3": "7"}, "payload": {"a": 1},
    }  # fmt: skip
    assert [json.loads(one)["payload"] for one in cuts(b"12.5", with_topic=True)] == [12.5]
    assert [json.loads(one)["payload"] for one in cuts(b'[{"a":1},2]', with_topic=True)] == [
        {"a": 1}, 2,
    ]  # fmt: skip
    assert [json.loads(one)["payload"] for one in cuts(b"on\noff", with_topic=True)] == [
        "on",
        "off",
    ]


@pytest.mark.parametrize(
    ("payload", "with_topic", "outcome", "whole"),
    [
        (b"\xa1\x00\x01", False, "suspended", True),
        (b"\xff\xfe", True, "suspended", True),
        (b"x" * (LONGEST + 1), False, "too_long", False),
        (b"x" * LONGEST, True, "too_long", False),
    ],
)
def test_what_cannot_be_a_line_has_one_that_no_format_reads(
    payload: bytes, with_topic: bool, outcome: str, whole: bool
) -> None:
    made = cut(payload, "a/b", with_topic=with_topic, longest=LONGEST * (2 if whole else 1))
    assert made.outcome == outcome
    [line] = made.records
    told = json.loads(line.removeprefix(b"refused: "))
    assert (told["topic"], told["bytes"], told["whole"]) == ("a/b", len(payload), whole)
    assert base64.b64decode(told["payload"]) == payload
    for feed in (PLATFORM, GUIDED["uplinks"], GUIDED["reports"]):
        assert decoded(feed, line + b"\n")["reason"].to_list() == [Reason.RECORD_UNREADABLE]


@given(st.binary(max_size=300) | st.sampled_from([b'{"a":1}', b"[1,2]", b'[{"a":"\\u0000"}]']),
       st.booleans())  # fmt: skip
def test_any_payload_becomes_lines_of_the_log_the_same_again(
    payload: bytes, with_topic: bool
) -> None:
    made = cut(payload, "a", with_topic=with_topic, longest=1 << 20)
    assert made == cut(payload, "a", with_topic=with_topic, longest=1 << 20)
    assert made.outcome in OUTCOMES
    assert bool(made.records) == (made.outcome != "empty")
    for record in made.records:
        assert record
        assert not set(record) & {0, 10}


def message(payload: bytes, *, retained: bool = False) -> Message:
    return Message(1, 1, retained, "a/b", payload)


def event(number: int) -> bytes:
    return json.dumps({
        "specversion": "1.0", "id": f"{number}", "source": "/mqtt", "type": "api.call",
        "time": "2026-10-24T10:00:00Z", "subject": "c1", "data": {"path": "/a"},
    }).encode()  # fmt: skip


def test_every_message_has_one_outcome_and_all_that_is_new_is_kept() -> None:
    sent = [event(1), event(2), b"no event", b"", b"\x00", b"[" + event(3) + b", 7]"]
    group = group_of(
        [*map(message, sent), message(event(4), retained=True)], PLATFORM, SUBSCRIBED, LONGEST
    )
    assert dict(group.outcomes) == {"accepted": 2, "suspended": 3, "empty": 1, "retained": 1}
    assert [one.record[:8] for one in group.records][2:4] == [b"no event", b"refused:"]
    assert len(group.records) == 6
    again = group_of([message(one) for one in sent], PLATFORM, SUBSCRIBED, LONGEST)
    assert again.records == group.records
    assert len({one.key for one in group.records}) == 6


def test_a_lwm2m_report_is_usage_of_the_device_that_its_topic_names() -> None:
    feed = GUIDED["reports"]
    assert feed.mqtt == Mqtt("mqtts://mqtt.devices.example", "lwm2m/+/report", with_topic=True)
    report = {"number": 1, "time": "2026-10-24T10:00:00Z", "3": {"0": {"3": "1.4.2"}},
              "7": {"0": {"2": 12, "3": 40}}}  # fmt: skip
    [line] = cuts(
        json.dumps(report).encode(), topic="lwm2m/490154203237518/report", with_topic=True
    )
    found = decoded(feed, line + b"\n")
    assert found.select("imei", "quantity", "unit", "attributes", "reason").row(0) == (
        "490154203237518", 12_000, "octet", '{"firmware":"1.4.2"}', None,
    )  # fmt: skip


def test_uplinks_are_usage_as_they_are_published() -> None:
    assert DECODERS[GUIDED["stack"].format].options_model.model_validate(GUIDED["stack"].options)
    payloads = [one + b"\n" for one in lines(CHIRPSTACK[1:3]).splitlines()]
    group = group_of([message(one) for one in payloads], GUIDED["uplinks"], SUBSCRIBED, 1 << 20)
    assert dict(group.outcomes) == {"accepted": 2}
    found = decoded(GUIDED["uplinks"], b"".join(one.record + b"\n" for one in group.records))
    assert found["quantity"].to_list() == [61_696, 1_482_752]


def test_what_a_broker_keeps_is_remembered(tmp_path: Path) -> None:
    session = Session("mqtts://broker.example", "tallywire-uplinks", "a/#")
    assert remembered(tmp_path / "none", "uplinks") is None
    remember(tmp_path / "sessions", "uplinks", session)
    assert remembered(tmp_path / "sessions", "uplinks") == session
    (tmp_path / "sessions" / "uplinks.json").write_bytes(b"{")
    assert remembered(tmp_path / "sessions", "uplinks") is None


def test_its_lanes_read_what_the_subscriber_keeps(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, ingest_partitions=2)
    feed: Feed = PLATFORM
    stream = Streams(settings, print).of("platform@0001", feed)
    assert isinstance(stream, HttpStream)
    assert stream._folder == Home(tmp_path).mqtt / "platform" / "0001"


def test_without_its_library_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    made = CliRunner().invoke(app, ["serve", "--home", str(tmp_path)])
    assert made.exit_code == Exit.USAGE
    assert "MQTT needs `pip install tallywire[mqtt]`" in made.output
