"""Feeds by MQTT in a catalogue: what is refused, what is warned of, what is compiled."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from dataflows.services import MQTT, HouseServices
from dataflows.settings import Settings
from tallywire.catalog import Reading, read
from tallywire.catalog.feed import Mqtt
from tallywire.catalog.lint import warnings
from tallywire.catalog.rules_mqtt import place_of
from tallywire.catalog.topic_filters import overlap, wrong_filter
from tallywire.mediation.decoders import DECODERS
from tests.unit.catalog_files import files

FEED = """
id: uplinks
format: lorawan
service: iot_airtime
mqtt: {broker: "mqtts://broker.example", topic: application/+/device/+/event/up}
served: [{identifier: user_name, field: user_name}]
options: {network: chirpstack}
"""


def _reading(feed: str, **others: str) -> Reading:
    more = {f"feeds/{name}.yaml": text for name, text in others.items()}
    return read(files({"feeds/exchange.yaml": feed, **more}), DECODERS)


def _problems(feed: str, **others: str) -> list[str]:
    return [str(one) for one in _reading(feed, **others).problems]


def _with(mqtt: str, more: str = "") -> str:
    return re.sub(r"mqtt: \{.*\}", lambda _: f"mqtt: {{{mqtt}}}", FEED) + more


def test_what_is_written_is_compiled() -> None:
    found = _reading(FEED)
    assert found.problems == []
    assert found.snapshot is not None
    feed = found.snapshot.feeds["uplinks"]
    assert feed.mqtt == Mqtt("mqtts://broker.example", "application/+/device/+/event/up")
    assert feed.inputs == "application/+/device/+/event/up of mqtts://broker.example"
    assert warnings(found) == []
    assert place_of("mqtts://broker.example") == ("broker.example", 8883)
    assert place_of("mqtt://[::1]:1884") == ("::1", 1884)


def test_qos_0_is_taken_and_warned_of_where_it_stands() -> None:
    found = _reading(
        _with("broker: 'mqtts://b', topic: 'v3/#', qos: 0, version: 3.1.1, session: 2h")
    )
    assert found.problems == []
    assert found.snapshot is not None
    made = found.snapshot.feeds["uplinks"].mqtt
    assert made == Mqtt("mqtts://b", "v3/#", 0, "3.1.1", 7_200)
    [told] = warnings(found)
    assert (told.file, told.line, told.key, told.rule) == (
        "feeds/exchange.yaml", 5, "mqtt.qos", "messages_may_be_lost",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mqtt", "words"),
    [
        ("broker: 'mqtt://broker.example', topic: a", "is not encrypted: write mqtts://"),
        ("broker: 'mqtts://me:x@broker.example', topic: a",
         "put it into the environment as TALLYWIRE_FEED_UPLINKS_USER"),
        ("broker: 'https://broker.example', topic: a", "must be mqtts://host:port"),
        ("broker: 'mqtts://', topic: a", "must be mqtts://host:port"),
        ("broker: 'mqtts://b:port', topic: a", "must be mqtts://host:port"),
        ("broker: 'mqtts://b/a', topic: a", "has more than host and port"),
        ("broker: 'mqtts://b', topic: 'a/#/b'", "mqtt.topic: # stands for all further levels"),
        ("broker: 'mqtts://b', topic: 'a/b#'", "+ and # stand for whole levels"),
        ("broker: 'mqtts://b', topic: 'a/b+/c'", "+ and # stand for whole levels"),
        ("broker: 'mqtts://b', topic: '$share/a'", "is written $share/GROUP/FILTER"),
        ("broker: 'mqtts://b', topic: '$share/+/a'", "a name without + and #"),
        ("broker: 'mqtts://b', topic: '$share/g/a'", "is shared by several processes"),
        ("broker: 'mqtts://b', topic: a, qos: 2", "must be 0 or 1"),
        ("broker: 'mqtts://b', topic: a, session: 10s", "must be from 60s to 366 days"),
        ("broker: 'mqtts://b', topic: a, session: 10 MB", "must be from 60s to 366 days"),
        ("broker: 'mqtts://b', topic: a, version: 4", "mqtt.version"),
        ("broker: 'mqtts://b', topic: a, with_topic: yes", "is for cloudevents, and declared of layout json"),
        ("broker: 'mqtts://b', topic: a, password: x", "unknown key"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_line(mqtt: str, words: str) -> None:
    found = _problems(_with(mqtt))
    assert any(words in one for one in found), found
    assert all(one.startswith("feeds/exchange.yaml:") for one in found)


@pytest.mark.parametrize(
    ("mqtt", "more"),
    [
        ("broker: 'mqtt://localhost:1884', topic: a", ""),
        ("broker: 'mqtt://10.0.0.1', topic: a, unencrypted: yes", ""),
        ("broker: 'mqtts://b', topic: '$share/g/a/+'", "topic: usage.uplinks\n"),
        ("broker: 'mqtts://b', topic: '+/b/#'", "topic: usage.uplinks\n"),
    ],
)
def test_what_is_right(mqtt: str, more: str) -> None:
    assert _problems(_with(mqtt, more)) == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("path: x/*\n", "mqtt: reads files"),
        ("http: yes\n", "mqtt: takes HTTP; give what comes by MQTT a feed of its own"),
        ("radius: [{network: 192.0.2.1, secret: b}]\n", "takes RADIUS; give what comes by MQTT"),
    ],
)
def test_its_records_have_one_order(more: str, words: str) -> None:
    assert any(words in one for one in _problems(FEED + more))


def test_a_message_belongs_to_one_feed() -> None:
    other = FEED.replace("id: uplinks", "id: other")
    [told] = _problems(FEED, other=other.replace("application/+/", "application/7/"))
    assert "feeds/other.yaml" in told
    assert "the feed 'uplinks' takes messages of" in told
    assert _problems(FEED, other=other.replace("event/up", "event/join")) == []
    assert _problems(FEED, other=other.replace("broker.example", "other.example")) == []


@pytest.mark.parametrize("feed", [FEED, FEED.replace("mqtt:", "http: yes\n#")])
def test_the_whole_product_runs_the_subscriber_where_a_feed_needs_it(
    tmp_path: Path, feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _reading(feed).snapshot
    assert found is not None
    settings = Settings(home=tmp_path, store_url="http://nobody:x@127.0.0.1:9/tallywire")
    services = HouseServices(settings, found, [], [], False, print)
    monkeypatch.setattr(HouseServices, "_ready", lambda _: True)
    running = {one.name: one.command for one in services.wanted()}
    assert (MQTT in running) == bool(found.feeds["uplinks"].mqtt)
    assert running.get(MQTT, ("mqtt", "serve"))[-4:][:2] == ("mqtt", "serve")


levels = st.sampled_from(["a", "b", "", "$s"])
topics = st.lists(levels, min_size=1, max_size=4).map("/".join).filter(bool)
filters = (
    st.tuples(st.lists(st.sampled_from(["a", "b", "", "+"]), max_size=3), st.booleans())
    .map(lambda made: "/".join([*made[0], *(["#"] if made[1] else [])]))
    .filter(bool)
)


@given(filters, st.lists(topics, max_size=20))
def test_a_topic_that_two_filters_take_is_in_their_overlap(one: str, found: Sequence[str]) -> None:
    assert wrong_filter(one) == ""
    for topic in found:
        if topic_matches_sub(one, topic):
            assert overlap(one, topic), topic
            assert overlap(topic, one), topic
        else:
            assert not overlap(one, topic), topic


@given(filters, filters, topics)
def test_two_filters_of_one_topic_overlap(one: str, other: str, topic: str) -> None:
    if topic_matches_sub(one, topic) and topic_matches_sub(other, topic):
        assert overlap(one, other)
