"""CloudEvents as JSON lines: each type of event is mapped to usage by the feed's own rules.

Objects that are no CloudEvents are read likewise, where the feed says which of their fields stand
for an event's attributes.

Source: CloudEvents 1.0 (JSON event format). Identity is (source, id).
"""

import polars as pl

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Feed
from tallywire.mediation import values
from tallywire.mediation.decoded import Decoded, Frames, check_world, complete, refuse
from tallywire.mediation.decoders.cloudevents_options import (
    ATTRIBUTES,
    ENVELOPE,
    CloudEventsOptions,
    Envelope,
    EventRule,
    Place,
    paths_of,
)
from tallywire.mediation.objects import object_frame, schema_of, text_at

_NO_QUANTITY = pl.lit(None, dtype=pl.Int64)


def _placed(place: Place) -> pl.Expr:
    return text_at(place.path) if place.path else pl.lit(place.constant)


def _attributes(envelope: Envelope | None) -> list[pl.Expr]:
    """Give the attributes of every event as columns `e.id` and so on."""
    if envelope is None:
        return [pl.col(f"j.{name}").alias(f"e.{name}") for name in ATTRIBUTES]
    found = {name: _placed(place) for name, place in envelope.places().items()}
    absent = pl.lit(None, dtype=pl.String)
    return [found.get(name, absent).alias(f"e.{name}") for name in ATTRIBUTES]


def _by_rule(rules: list[EventRule], value: dict[str, pl.Expr], empty: pl.Expr) -> pl.Expr:
    chosen = empty
    for rule in reversed(rules):
        if rule.type in value:
            chosen = pl.when(pl.col("e.type") == rule.type).then(value[rule.type]).otherwise(chosen)
    return chosen


def _quantity(rule: EventRule) -> pl.Expr:
    if rule.quantity is None:
        return pl.lit(1, dtype=pl.Int64)
    text = text_at(rule.quantity)
    if rule.unit in values.UNIT_US:
        return values.duration(text, rule.unit)
    return values.integer(text)


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode JSON lines by the feed's rules."""
    options = CloudEventsOptions.model_validate(feed.options)
    rules = options.events
    paths = [*paths_of(options), *(() if options.envelope else ENVELOPE)]
    frame = object_frame(frames, schema_of(paths)).with_columns(_attributes(options.envelope))
    for name in ("id", "source", "type"):
        frame = refuse(
            frame, pl.col(f"e.{name}").fill_null("") == "", Reason.FIELD_MISSING,
            pl.lit(_missing(name, options.envelope)),
        )  # fmt: skip
    known = [rule.type for rule in rules]
    frame = refuse(
        frame, ~pl.col("e.type").is_in(known), Reason.RECORD_TYPE_UNKNOWN,
        pl.format("no rule of the feed takes type {}", pl.col("e.type")),
    )  # fmt: skip
    frame = frame.with_columns(
        values.instant(pl.col("e.time")).alias("start_us"),
        _by_rule(rules, {rule.type: _quantity(rule) for rule in rules}, _NO_QUANTITY)
        .alias("quantity"),
    )  # fmt: skip
    frame = frame.with_columns(_columns(rules))
    frame = refuse(
        frame, pl.col("quantity").is_null(), Reason.NUMBER_INVALID,
        pl.lit("the quantity is missing, is no number, has too many digits or decimals"),
    )  # fmt: skip
    frame = refuse(
        frame, pl.col("start_us").is_null(), Reason.TIME_INVALID,
        pl.format("time {} is not RFC 3339 with an offset", pl.col("e.time").fill_null("(none)")),
    )  # fmt: skip
    return Decoded(check_world(complete(frame)))


def _missing(name: str, envelope: Envelope | None) -> str:
    path = envelope.places()[name].path if envelope else ""
    where = f" (the feed reads it at {path})" if path else ""
    return f"the attribute `{name}` is missing{where}"


def _carried(rules: list[EventRule]) -> list[pl.Expr]:
    """Map attributes and amounts, for the types of events that carry some."""
    attributes = {
        rule.type: values.attributes(
            {name: text_at(path) for name, path in rule.attributes.items()}
        )
        for rule in rules
        if rule.attributes
    }
    amounts = {rule.type: values.amount(text_at(rule.amount)) for rule in rules if rule.amount}
    currencies = {rule.type: text_at(rule.currency) for rule in rules if rule.currency}
    found = []
    if attributes:
        found.append(_by_rule(rules, attributes, pl.lit("")).alias("attributes"))
    if amounts:
        found.append(_by_rule(rules, amounts, pl.lit(None)).alias("source_amount"))
    if currencies:
        found.append(_by_rule(rules, currencies, pl.lit("")).alias("source_currency"))
    return found


def _fields(rules: list[EventRule]) -> list[pl.Expr]:
    """Map fields; a rule that names none has its type as usage type, its subject as customer."""
    found = {
        "customer": {rule.type: pl.col("e.subject") for rule in rules},
        "usage_type": {rule.type: pl.lit(rule.usage_type or rule.type) for rule in rules},
    }
    for rule in rules:
        for name, path in rule.fields.items():
            found.setdefault(name, {})[rule.type] = text_at(path)
    return [_by_rule(rules, value, pl.lit("")).alias(name) for name, value in sorted(found.items())]


def _columns(rules: list[EventRule]) -> list[pl.Expr]:
    empty = pl.lit("")
    mapped = [*_fields(rules), *_carried(rules)]
    timed = [rule.type for rule in rules if rule.unit in values.UNIT_US]
    octets = [rule.type for rule in rules if rule.unit == "octets"]
    length = pl.when(pl.col("e.type").is_in(timed)).then("quantity").otherwise(0)
    return [
        *mapped,
        pl.concat_str("e.source", "e.id", separator="\x1f", ignore_nulls=True).alias("natural_key"),
        _by_rule(rules, {rule.type: pl.lit(rule.service.value) for rule in rules}, empty)
        .alias("service"),
        _by_rule(rules, {rule.type: pl.lit(rule.direction.value) for rule in rules}, empty)
        .alias("direction"),
        (pl.col("start_us") + length).alias("end_us"),
        values.offset_minutes(pl.col("e.time")).cast(pl.Int32).alias("utc_offset_minutes"),
        pl.lit("explicit_zone").alias("clock_quality"),
        length.alias("duration_us"),
        pl.when(pl.col("e.type").is_in(octets)).then("quantity").otherwise(0).alias("down_octets"),
    ]  # fmt: skip
