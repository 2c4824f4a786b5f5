"""Records as text: decoded once, split into fields, what cannot be is named."""

import csv
from collections.abc import Sequence

import polars as pl

from schemas.reasons import Reason
from tallywire.mediation.decoded import MAX_RECORD_BYTES, Frames, lines, places

_NUL = "\x00"


def _text(piece: bytes, encoding: str) -> str | None:
    try:
        return piece.decode(encoding)
    except UnicodeDecodeError:
        return None


def _texts(frames: Frames, encoding: str) -> pl.Series:
    found = lines(frames) if encoding == "utf-8" else None
    if found is not None:
        return found
    pieces = frames.slices()
    try:
        texts: list[str | None] = [piece.decode(encoding) for piece in pieces]
    except UnicodeDecodeError:
        texts = [_text(piece, encoding) for piece in pieces]
    return pl.Series(texts, dtype=pl.String)


def text_frame(frames: Frames, encoding: str = "utf-8") -> pl.DataFrame:
    """Give place, `text`, `reason` and `detail` of every record; text is null where unreadable."""
    frame = places(frames).with_columns(_texts(frames, encoding).alias("text"))
    unread = pl.col("text").is_null()
    nul = pl.col("text").str.contains(_NUL, literal=True).fill_null(value=False)
    long = pl.col("byte_length") > MAX_RECORD_BYTES
    return frame.with_columns(
        pl.when(long).then(pl.lit(Reason.RECORD_TOO_LONG.value))
        .when(unread).then(pl.lit(Reason.ENCODING_INVALID.value))
        .when(nul).then(pl.lit(Reason.RECORD_UNREADABLE.value)).alias("reason"),
        pl.when(long).then(pl.format("{} bytes are more than any record has", "byte_length"))
        .when(unread).then(pl.lit(f"is not {encoding} text"))
        .when(nul).then(pl.lit("holds NUL bytes")).otherwise(pl.lit("")).alias("detail"),
    ).with_columns(pl.when(pl.col("reason").is_null()).then("text").alias("text"))  # fmt: skip


def fields_of(text: str | None, separator: str) -> list[str] | None:
    """Split a text with quoted fields; nothing where it is no whole line of them."""
    if text is None:
        return None
    try:
        rows = list(csv.reader([text], delimiter=separator, strict=True, skipinitialspace=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def split_fields(
    frame: pl.DataFrame, separator: str, counts: Sequence[int], *, quoted: bool
) -> pl.DataFrame:
    """Split `text` into the columns `f0`, `f1`, ...: as many as the largest allowed count.

    Args:
        counts: Allowed numbers of fields, ascending; empty: at least one, at most 256.
        quoted: Fields may stand in double quotes, doubled inside.
    """
    most = max(counts) if counts else 256
    if quoted and bool(frame["text"].str.contains('"', literal=True).any()):
        return _split_quoted(frame, separator, counts, most)
    number = pl.col("text").str.count_matches(separator, literal=True) + 1
    frame = frame.with_columns(number.cast(pl.Int64).alias("fields"))
    frame = _check_count(frame, counts, most)
    names = [f"f{index}" for index in range(most)]
    parts = frame["text"].str.split_exact(separator, most - 1).struct.rename_fields(names)
    frame = frame.with_columns(parts.struct.unnest().get_columns())
    if quoted:
        frame = frame.with_columns(pl.col(names).str.strip_chars_start(" "))
    return frame


def _split_quoted(
    frame: pl.DataFrame, separator: str, counts: Sequence[int], most: int
) -> pl.DataFrame:
    rows = [fields_of(text, separator) for text in frame["text"].to_list()]
    broken = pl.Series([row is None for row in rows], dtype=pl.Boolean)
    frame = frame.with_columns(
        pl.Series("fields", [0 if row is None else len(row) for row in rows], dtype=pl.Int64),
        pl.when(broken & pl.col("reason").is_null())
        .then(pl.lit(Reason.RECORD_UNREADABLE.value)).otherwise("reason").alias("reason"),
        pl.when(broken & pl.col("reason").is_null())
        .then(pl.lit("a quoted field does not end on this line")).otherwise("detail")
        .alias("detail"),
    )  # fmt: skip
    frame = _check_count(frame, counts, most)
    padded = [((row or []) + [None] * most)[:most] for row in rows]
    columns = {
        f"f{index}": pl.Series([row[index] for row in padded], dtype=pl.String)
        for index in range(most)
    }
    return frame.with_columns(**columns)


def _check_count(frame: pl.DataFrame, counts: Sequence[int], most: int) -> pl.DataFrame:
    wanted = " or ".join(str(count) for count in counts) if counts else f"1 to {most}"
    good = pl.col("fields").is_in(list(counts)) if counts else pl.col("fields") <= most
    wrong = pl.col("reason").is_null() & ~good
    return frame.with_columns(
        pl.when(wrong).then(pl.lit(Reason.FIELD_COUNT_WRONG.value)).otherwise("reason")
        .alias("reason"),
        pl.when(wrong).then(pl.format("has {} fields instead of " + wanted, "fields"))
        .otherwise("detail").alias("detail"),
    )  # fmt: skip
