"""Feeds: a known format, options that the format accepts, one way at least to find the customer."""

import re
from collections.abc import Iterator, Mapping
from typing import Protocol

from pydantic import BaseModel, ValidationError

from tallywire.catalog.entries import Entries, Pass, Placed, Result, unit_of
from tallywire.catalog.models import FeedEntry
from tallywire.catalog.pricing import in_units
from tallywire.catalog.problems import Problem
from tallywire.catalog.rules_collect import collect_problems, secret_problems, variables_of
from tallywire.catalog.rules_expect import expected
from tallywire.catalog.rules_mqtt import mqtt_problems, one_feed_each
from tallywire.catalog.sources import model_problems

_RADIUS = "radius"
_TOPIC = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")


class HasOptions(Protocol):
    """A usage format, as far as the catalogue must know it."""

    @property
    def options_model(self) -> type[BaseModel]:
        """Model that validates a feed's options."""


def _options(placed: Placed[FeedEntry], model: type[BaseModel]) -> list[Problem]:
    try:
        model.model_validate(dict(placed.value.options))
    except ValidationError as error:
        base = (*placed.base, "options")
        found = model_problems(model, error, placed.file, placed.document, base)
        return [
            Problem(one.file, one.line, f"options.{one.key}".rstrip("."), one.message)
            for one in found
        ]
    return []


def _feed(placed: Placed[FeedEntry], formats: Mapping[str, HasOptions]) -> Iterator[Problem]:
    feed = placed.value
    if feed.format in formats:
        yield from _options(placed, formats[feed.format].options_model)
    else:
        text = f"{feed.format!r} is not a format; use one of {', '.join(sorted(formats))}"
        yield placed.problem(("format",), text)
    if not feed.served:
        text = "says no way to find the customer; write an identifier and a field"
        yield placed.problem(("served",), text)
    unit = unit_of(feed.service)
    if feed.typical_quantity and in_units(feed.typical_quantity, unit) is None:
        text = f"is not a number of {unit}s, in which {feed.service} is counted"
        yield placed.problem(("typical_quantity",), text)
    yield from _input(placed)
    yield from collect_problems(placed, variables_of(feed.id))
    yield from mqtt_problems(placed)
    if not 1 <= feed.window_days <= 400:
        yield placed.problem(("window_days",), "must be from 1 to 400 days")


def _input(placed: Placed[FeedEntry]) -> Iterator[Problem]:
    """A feed has one order of its records: files, or records one by one, never both."""
    feed = placed.value
    senders = [key for key in ("http", "radius", "mqtt") if getattr(feed, key)]
    singly = ["topic", *senders] if feed.topic else senders
    if not (feed.path or singly):
        text = "says not where records come from; write path, topic, http: true, radius or mqtt"
        yield placed.problem(("path",), text)
    if feed.path and singly:
        text = (
            "reads files; give the records of a topic, of HTTP, RADIUS or MQTT a feed of their own"
        )
        yield placed.problem((singly[0],), text)
    for key in senders[1:]:
        text = f"takes {senders[0].upper()}; give what comes by {key.upper()} a feed of its own"
        yield placed.problem((key,), text)
    if feed.radius and feed.format != _RADIUS:
        text = f"is for feeds of format {_RADIUS}; this one has {feed.format!r}"
        yield placed.problem(("radius",), text)
    if feed.topic and not _TOPIC.fullmatch(feed.topic):
        text = f"{feed.topic!r} is no name of a topic; use up to 249 letters, digits, . _ and -"
        yield placed.problem(("topic",), text)
    if feed.growing and not feed.path:
        yield placed.problem(("growing",), "is a setting of files; this feed reads none")


def _ways(entries: Entries) -> Iterator[Problem]:
    for key, what in (("path", "files; a file"), ("topic", "topic; a topic")):
        seen: dict[tuple[str, str], str] = {}
        for placed in entries.feeds:
            if not (name := getattr(placed.value, key)):
                continue
            collect = placed.value.collect
            place = collect.address if collect else "", name
            if place in seen:
                text = f"the feed {seen[place]!r} reads the same {what} belongs to one feed"
                yield placed.problem((key,), text)
            seen.setdefault(place, placed.value.id)


def _clients(entries: Entries) -> Iterator[Problem]:
    """An address belongs to one feed: the smallest network that holds it decides."""
    seen: dict[str, str] = {}
    for placed in entries.feeds:
        for number, client in enumerate(placed.value.radius):
            if client.network in seen:
                text = f"the feed {seen[client.network]!r} takes RADIUS of that network already"
                yield placed.problem(("radius", number, "network"), text)
            seen.setdefault(client.network, placed.value.id)


def feeds(formats: Mapping[str, HasOptions]) -> Pass:
    """Give the pass that checks every feed against the formats there are."""

    def check(entries: Entries) -> Result:
        found = [problem for one in entries.feeds for problem in _feed(one, formats)]
        found += [problem for one in entries.feeds for problem in expected(one, entries)]
        return entries, [
            *found,
            *_ways(entries),
            *_clients(entries),
            *secret_problems(entries.feeds),
            *one_feed_each(entries.feeds),
        ]

    return check
