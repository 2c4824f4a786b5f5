"""Usage of an MQTT broker: an address without a secret, and messages that belong to one feed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import SplitResult, urlsplit

from schemas.services import Unit
from tallywire.catalog.entries import Placed
from tallywire.catalog.feed import Mqtt
from tallywire.catalog.models import FeedEntry
from tallywire.catalog.models_mqtt import MqttEntry
from tallywire.catalog.pricing import in_units
from tallywire.catalog.problems import Problem
from tallywire.catalog.rules_collect import is_here, variables_of
from tallywire.catalog.topic_filters import filter_of, group_of, overlap, wrong_filter

LEAST_ONCE = 1
LOSING = "messages_may_be_lost"
_PORTS = {"mqtts": 8883, "mqtt": 1883}
_SECOND_US = 1_000_000
_SESSION_S = (60, 366 * 86_400)


def _parts(broker: str) -> SplitResult | None:
    try:
        parts = urlsplit(broker)
        _ = parts.port
    except ValueError:
        return None
    return parts


def place_of(broker: str) -> tuple[str, int]:
    """Give host and port of a broker; lint has passed.

    >>> place_of("mqtts://broker.example")
    ('broker.example', 8883)
    """
    parts = urlsplit(broker)
    return parts.hostname or "", parts.port or _PORTS[parts.scheme]


def mqtt_problems(placed: Placed[FeedEntry]) -> Iterator[Problem]:
    """Check what a feed subscribes to."""
    entry = placed.value.mqtt
    if entry is None:
        return
    yield from _broker(placed, entry)
    if wrong := wrong_filter(entry.topic):
        yield placed.problem(("mqtt", "topic"), wrong)
    if entry.qos > LEAST_ONCE:
        text = (
            "must be 0 or 1; what is published with 2 comes with 1 then, and what comes twice is "
            "counted once"
        )
        yield placed.problem(("mqtt", "qos"), text)
    session_us = in_units(entry.session, Unit.MICROSECOND) or 0
    if not _SESSION_S[0] <= session_us // _SECOND_US <= _SESSION_S[1]:
        yield placed.problem(("mqtt", "session"), "must be from 60s to 366 days")
    if entry.with_topic and not _enveloped(placed.value):
        text = "is for cloudevents, and declared of layout json: they say where in a record to look"
        yield placed.problem(("mqtt", "with_topic"), text)
    yield from _shared(placed, entry)


def _enveloped(feed: FeedEntry) -> bool:
    """Tell whether a feed can read its records out of another object."""
    in_json = feed.format == "declared" and feed.options.get("layout") == "json"
    return in_json or feed.format == "cloudevents"


def _broker(placed: Placed[FeedEntry], entry: MqttEntry) -> Iterator[Problem]:
    parts, place = _parts(entry.broker), ("mqtt", "broker")
    if parts is None or parts.scheme not in _PORTS or not parts.hostname:
        yield placed.problem(place, "must be mqtts://host:port, or mqtt://localhost:port")
        return
    if parts.username is not None or parts.password is not None:
        name = variables_of(placed.value.id)
        text = f"holds a user; put it into the environment as {name}USER and {name}PASSWORD"
        yield placed.problem(place, text)
    if parts.path.strip("/") or parts.query or parts.fragment:
        yield placed.problem(place, "has more than host and port; the topic stands in topic")
    if parts.scheme == "mqtt" and not is_here(parts.hostname) and not entry.unencrypted:
        text = "is not encrypted: write mqtts://, or unencrypted: yes where that is impossible"
        yield placed.problem(place, text)


def _shared(placed: Placed[FeedEntry], entry: MqttEntry) -> Iterator[Problem]:
    """What one member of a group did not acknowledge comes to another: one log must hold both."""
    if not group_of(entry.topic):
        return
    if not placed.value.topic:
        text = (
            "is shared by several processes: give the feed a `topic`, or a message that comes to "
            "two of them is counted twice"
        )
        yield placed.problem(("mqtt", "topic"), text)
    if entry.version != "5":
        yield placed.problem(("mqtt", "version"), "must be 5 for a shared subscription")


def one_feed_each(feeds: Sequence[Placed[FeedEntry]]) -> Iterator[Problem]:
    """A message belongs to one feed: two that take it would charge it twice."""
    seen: list[tuple[str, str, str]] = []
    for placed in feeds:
        entry = placed.value.mqtt
        if entry is None or _parts(entry.broker) is None or wrong_filter(entry.topic):
            continue
        broker, wanted = entry.broker.rstrip("/").lower(), filter_of(entry.topic)
        for other, taken, feed_id in seen:
            if other == broker and overlap(wanted, taken):
                text = f"the feed {feed_id!r} takes messages of {taken}; a message is of one feed"
                yield placed.problem(("mqtt", "topic"), text)
        seen.append((broker, wanted, placed.value.id))


def uncertain(feeds: Sequence[Placed[FeedEntry]]) -> Iterator[Problem]:
    """Warn of subscriptions of which messages may be lost."""
    for placed in feeds:
        if placed.value.mqtt is not None and placed.value.mqtt.qos < LEAST_ONCE:
            text = (
                "the broker may lose messages of qos 0, and keeps none while nobody subscribes: "
                "write 1 where the broker can do it"
            )
            yield replace(placed.problem(("mqtt", "qos"), text), rule=LOSING)


def compile_mqtt(entry: MqttEntry | None) -> Mqtt | None:
    """Compile a subscription; lint has passed."""
    if entry is None:
        return None
    return Mqtt(
        broker=entry.broker.rstrip("/"),
        topic=entry.topic,
        qos=entry.qos,
        version=entry.version,
        session_s=(in_units(entry.session, Unit.MICROSECOND) or 0) // _SECOND_US,
        with_topic=entry.with_topic,
        unencrypted=entry.unencrypted,
    )
