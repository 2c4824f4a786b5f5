"""CloudEvents as JSON lines: each type of event is mapped to usage by the feed's own rules.

Objects that are no CloudEvents are read likewise, where the feed says which of their fields stand
for an event's attributes.

Source: CloudEvents 1.0 (JSON event format). Identity is (source, id).
"""

import orjson
import polars as pl

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Feed
from tallywire.mediation import values
from tallywire.mediation.decoded import (
    MAX_RECORD_BYTES,
    Decoded,
    Frames,
    check_world,
    complete,
    contiguous,
    places,
    refuse,
)
from tallywire.mediation.decoders.cloudevents_options import (
    ATTRIBUTES,
    ENVELOPE,
    CloudEventsOptions,
    Envelope,
    EventRule,
    Place,
    paths_of,
)


def _schema(options: CloudEventsOptions) -> pl.Schema:
    """Make the schema of the lines: everything is text, numbers are accepted as such."""
    tree: dict[str, dict[str, object]] = {}
    for path in paths_of(options):
        node: dict[str, object] = tree  # type: ignore[assignment]
        for part in path.split("."):
            node = node.setdefault(part, {})  # type: ignore[assignment]
    for name in () if options.envelope else ENVELOPE:
        tree.setdefault(name, {})

    def kind(node: dict[str, object]) -> pl.DataType:
        if not node:
            return pl.String()
        return pl.Struct({name: kind(below) for name, below in node.items()})  # type: ignore[arg-type]

    return pl.Schema({name: kind(node) for name, node in sorted(tree.items())})


def _read(lines: list[bytes], schema: pl.Schema) -> tuple[pl.DataFrame, list[str | None]]:
    """Read lines; a line that cannot be read is a row of nulls with a message.

    The result of a line does not depend on the others: on any doubt the lines are read in halves.
    """
    try:
        frame = pl.read_ndjson(b"\n".join(lines), schema=schema)
        if frame.height == len(lines):
            return frame, [None] * len(lines)
    except (pl.exceptions.PolarsError, BaseExceptionGroup):
        pass
    if len(lines) == 1:
        return schema.to_frame(eager=True).clear(1), [_why(lines[0])]
    half = len(lines) // 2
    first, first_messages = _read(lines[:half], schema)
    second, second_messages = _read(lines[half:], schema)
    return pl.concat([first, second]), first_messages + second_messages


def _why(line: bytes) -> str:
    try:
        content = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"is no JSON: {error}"
    if not isinstance(content, dict):
        return "is JSON, but no object"
    return "has a field of another kind than the feed's rules say"


def _sieve(lines: list[bytes]) -> list[bool]:
    """Tell which lines are JSON objects at all: the cheap test before any halving."""
    good = []
    for line in lines:
        try:
            good.append(len(line) <= MAX_RECORD_BYTES and isinstance(orjson.loads(line), dict))
        except orjson.JSONDecodeError:
            good.append(False)
    return good


def _table(frames: Frames, schema: pl.Schema) -> tuple[pl.DataFrame, list[str | None] | None]:
    """Read all lines; the messages are absent where every line could be read."""
    data = contiguous(frames)
    try:
        table = pl.read_ndjson(data or b"\n".join(frames.slices()), schema=schema)
        longest = int(frames.lengths.max(initial=0))
        if table.height == len(frames) and longest <= MAX_RECORD_BYTES:
            return table, None
    except (pl.exceptions.PolarsError, BaseExceptionGroup):
        pass
    lines = frames.slices()
    good = _sieve(lines)
    kept = [line for line, ok in zip(lines, good, strict=True) if ok]
    table, messages = _read(kept, schema) if kept else (schema.to_frame(eager=True), [])
    numbers: list[int | None] = []
    count = 0
    for ok in good:
        numbers.append(count if ok else None)
        count += ok
    place = pl.Series(numbers, dtype=pl.Int64)
    rows = table.clear(1) if not kept else pl.concat([table, table.clear(1)])
    chosen = rows[place.fill_null(len(kept)).to_list()]
    told = iter(messages)
    return chosen, [next(told) if ok else _why(line) for line, ok in zip(lines, good, strict=True)]


def _text(path: str) -> pl.Expr:
    parts = path.split(".")
    column = pl.col(f"j.{parts[0]}")
    for part in parts[1:]:
        column = column.struct.field(part)
    return column


def _placed(place: Place) -> pl.Expr:
    return _text(place.path) if place.path else pl.lit(place.constant)


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
    text = _text(rule.quantity)
    if rule.unit in values.UNIT_US:
        return values.duration(text, rule.unit)
    return values.integer(text)


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode JSON lines by the feed's rules."""
    options = CloudEventsOptions.model_validate(feed.options)
    rules = options.events
    schema = _schema(options)
    table, messages = _table(frames, schema)
    table = table.rename({name: f"j.{name}" for name in table.columns})
    table = table.with_columns(_attributes(options.envelope))
    frame = places(frames).with_columns(
        *table.get_columns(),
        pl.Series("detail", messages, dtype=pl.String)
        if messages
        else pl.lit(None, dtype=pl.String).alias("detail"),
    )
    too_long = pl.col("byte_length") > MAX_RECORD_BYTES
    frame = frame.with_columns(
        pl.when(too_long).then(pl.lit(Reason.RECORD_TOO_LONG.value))
        .when(pl.col("detail").is_not_null())
        .then(pl.lit(Reason.RECORD_UNREADABLE.value)).alias("reason"),
        pl.when(too_long).then(pl.lit("longer than 1 MiB"))
        .otherwise(pl.col("detail").fill_null("")).alias("detail"),
    )  # fmt: skip
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
        rule.type: values.attributes({name: _text(path) for name, path in rule.attributes.items()})
        for rule in rules
        if rule.attributes
    }
    amounts = {rule.type: values.amount(_text(rule.amount)) for rule in rules if rule.amount}
    currencies = {rule.type: _text(rule.currency) for rule in rules if rule.currency}
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
            found.setdefault(name, {})[rule.type] = _text(path)
    return [_by_rule(rules, value, pl.lit("")).alias(name) for name, value in sorted(found.items())]


def _columns(rules: list[EventRule]) -> list[pl.Expr]:
    empty = pl.lit("")
    mapped = [*_fields(rules), *_carried(rules)]
    start = values.instant(pl.col("e.time"))
    quantity = _by_rule(
        rules, {rule.type: _quantity(rule) for rule in rules}, pl.lit(None, dtype=pl.Int64)
    )
    timed = [rule.type for rule in rules if rule.unit in values.UNIT_US]
    octets = [rule.type for rule in rules if rule.unit == "octets"]
    length = pl.when(pl.col("e.type").is_in(timed)).then(quantity).otherwise(0)
    return [
        *mapped,
        pl.concat_str("e.source", "e.id", separator="\x1f", ignore_nulls=True).alias("natural_key"),
        _by_rule(rules, {rule.type: pl.lit(rule.service.value) for rule in rules}, empty)
        .alias("service"),
        _by_rule(rules, {rule.type: pl.lit(rule.direction.value) for rule in rules}, empty)
        .alias("direction"),
        start.alias("start_us"),
        (start + length).alias("end_us"),
        values.offset_minutes(pl.col("e.time")).cast(pl.Int32).alias("utc_offset_minutes"),
        pl.lit("explicit_zone").alias("clock_quality"),
        quantity.alias("quantity"),
        length.alias("duration_us"),
        pl.when(pl.col("e.type").is_in(octets)).then(quantity).otherwise(0).alias("down_octets"),
    ]  # fmt: skip
