"""Feeds: a known format, options that the format accepts, one way at least to find the customer."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from pydantic import BaseModel, ValidationError

from tallywire.catalog.entries import Entries, Pass, Placed, Result, unit_of
from tallywire.catalog.models import FeedEntry
from tallywire.catalog.pricing import in_units
from tallywire.catalog.problems import Problem
from tallywire.catalog.sources import model_problems


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
    if not 1 <= feed.window_days <= 400:
        yield placed.problem(("window_days",), "must be from 1 to 400 days")


def _ways(entries: Entries) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for placed in entries.feeds:
        path = placed.value.path
        if path in seen:
            text = f"the feed {seen[path]!r} reads the same files; a file belongs to one feed"
            yield placed.problem(("path",), text)
        seen.setdefault(path, placed.value.id)


def feeds(formats: Mapping[str, HasOptions]) -> Pass:
    """Give the pass that checks every feed against the formats there are."""

    def check(entries: Entries) -> Result:
        found = [problem for one in entries.feeds for problem in _feed(one, formats)]
        return entries, [*found, *_ways(entries)]

    return check
