"""JSON objects as columns of text: the values at some paths of every record, unread ones told."""

from collections.abc import Iterable

import numpy as np
import orjson
import polars as pl

from schemas.reasons import Reason
from tallywire.mediation.decoded import MAX_RECORD_BYTES, Frames, contiguous, in_prologue, places

PREFIX = "j."
"""How the columns of a table of objects begin."""


def schema_of(paths: Iterable[str]) -> pl.Schema:
    """Make the schema of objects: what lies at the paths is text, numbers are accepted as such.

    Args:
        paths: Names joined by dots; none lies below another.
    """
    tree: dict[str, dict[str, object]] = {}
    for path in paths:
        node: dict[str, object] = tree  # type: ignore[assignment]
        for part in path.split("."):
            node = node.setdefault(part, {})  # type: ignore[assignment]

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


def object_frame(frames: Frames, schema: pl.Schema) -> pl.DataFrame:
    """Give place, reason, detail and the objects' columns of every record.

    Args:
        schema: As `schema_of` makes it; a record with a value of another kind is unreadable.
    """
    table, messages = _table(frames, schema)
    table = table.rename({name: f"{PREFIX}{name}" for name in table.columns})
    told = pl.Series("detail", messages, dtype=pl.String) if messages else pl.lit(None, pl.String)
    frame = places(frames).with_columns(*table.get_columns(), told.alias("detail"))
    too_long = pl.col("byte_length") > MAX_RECORD_BYTES
    return frame.with_columns(
        pl.when(too_long).then(pl.lit(Reason.RECORD_TOO_LONG.value))
        .when(pl.col("detail").is_not_null())
        .then(pl.lit(Reason.RECORD_UNREADABLE.value)).alias("reason"),
        pl.when(too_long).then(pl.lit("longer than 1 MiB"))
        .otherwise(pl.col("detail").fill_null("")).alias("detail"),
    )  # fmt: skip


def array_frame(frames: Frames, schema: pl.Schema) -> pl.DataFrame:
    """Give the same of elements of an array; what precedes and follows it are control records."""
    frame = object_frame(frames, schema)
    first = np.frombuffer(frames.data, np.uint8)[frames.starts] if len(frames) else frames.starts
    around = in_prologue(frames) | pl.Series(first == ord("]"))
    return frame.with_columns(
        pl.when(around).then(pl.lit(Reason.CONTROL_RECORD.value)).otherwise("reason")
        .alias("reason"),
        pl.when(around).then(pl.lit("stands around the records")).otherwise("detail")
        .alias("detail"),
    )  # fmt: skip


def text_at(path: str) -> pl.Expr:
    """Give what lies at a path, as text; null where nothing does."""
    parts = path.split(".")
    column = pl.col(f"{PREFIX}{parts[0]}")
    for part in parts[1:]:
        column = column.struct.field(part)
    return column
