"""Records read one by one: each gives its usages, or says why it gives none.

For formats whose records hold lists, or bytes: what is read columnwise has `texts` and `objects`.
"""

import datetime
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
import polars as pl

from schemas.instants import EPOCH, MICROSECOND
from schemas.reasons import Reason
from tallywire.mediation import values
from tallywire.mediation.decoded import (
    DECODED,
    MAX_RECORD_BYTES,
    Decoded,
    Frames,
    check_world,
    complete,
    places,
)

Item = dict[str, Any]
"""Columns of DECODED of one usage; `source_amount` is text. What is absent has its default."""

LARGEST_WHOLE = 2**63 - 1
LARGEST_SMALL = 2**31 - 1
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:?[0-5][0-9])"
)
_DIGITS = re.compile(r"[0-9]{1,20}")
_SMALL = frozenset(name for name, kind in DECODED.items() if kind == pl.Int32())
_IDENTITY = frozenset({"natural_key", "quality_flags", "reason", "detail"})


class Unreadable(Exception):  # noqa: N818  it says what is the case
    """A record, or one usage in it, that cannot be read: reason and detail."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def json_object(piece: bytes) -> dict[str, object]:
    """Read a record that is a JSON object.

    Raises:
        Unreadable: If it is none.
    """
    try:
        content = orjson.loads(piece)
    except orjson.JSONDecodeError as error:
        raise Unreadable(Reason.RECORD_UNREADABLE, f"is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise Unreadable(Reason.RECORD_UNREADABLE, "is JSON, but no object")
    return content


def below(content: object, *path: str) -> object:
    """Give what lies at a path of objects; nothing where nothing does."""
    for name in path:
        if not isinstance(content, dict):
            return None
        content = content.get(name)
    return content


def text_below(content: object, *path: str) -> str:
    """Give the text, or the whole number as text, at a path; empty where there is neither."""
    found = below(content, *path)
    if isinstance(found, str):
        return found
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else ""


def objects_below(content: object, *path: str) -> list[object]:
    """Give the list at a path; empty where there is none."""
    found = below(content, *path)
    return found if isinstance(found, list) else []


def whole_below(content: object, *path: str) -> int | None:
    """Give the whole number at a path, that may be written as text; nothing where nothing is.

    Raises:
        Unreadable: If something else is there.
    """
    found = below(content, *path)
    if found is None:
        return None
    if isinstance(found, str) and _DIGITS.fullmatch(found):
        return int(found)
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    raise Unreadable(Reason.NUMBER_INVALID, f"{path[-1]} {found!r:.40} is no whole number")


def instant_of(text: str) -> int | None:
    """Read RFC 3339 text with an offset, microseconds UTC; anything else is nothing.

    >>> instant_of("2026-10-24T12:00:00.5+02:00")
    1792836000500000
    """
    if not _INSTANT.fullmatch(text):
        return None
    try:
        moment = datetime.datetime.fromisoformat(text.upper())
        return (moment - EPOCH) // MICROSECOND
    except (ValueError, OverflowError):
        return None


def attributes_of(found: Mapping[str, str]) -> str:
    """Write usage attributes as the JSON object of texts that usage carries; empty for none."""
    kept = {name: value for name, value in found.items() if value}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode() if kept else ""


def content_of(item: Item) -> str:
    """Write what a usage says, but for remarks: equal texts are copies, not restatements."""
    return "\n".join(f"{name}={item[name]}" for name in sorted(item.keys() - _IDENTITY))


def flags_of(found: Mapping[str, bool]) -> str:
    """Join the remarks that hold, sorted."""
    return ",".join(sorted(name for name, holds in found.items() if holds))


def _items(piece: bytes, read: Callable[[bytes], Iterable[Item]]) -> Iterator[Item]:
    if len(piece) > MAX_RECORD_BYTES:
        yield refusal(Reason.RECORD_TOO_LONG, f"{len(piece)} bytes")
        return
    try:
        found = list(read(piece))
    except Unreadable as error:
        found = [refusal(error.reason, error.detail)]
    for item in found:
        yield _bounded(item)


def refusal(reason: Reason, detail: str) -> Item:
    """Make the item of a record, or of one usage in it, that is refused."""
    return {"reason": reason.value, "detail": detail}


_AROUND = refusal(Reason.CONTROL_RECORD, "what the document says around its list")


def _around(frames: Frames) -> set[int]:
    """Tell which records are the head and the tail of the document."""
    heads = frames.starts + frames.base_offset < len(frames.prologue)
    return {
        index
        for index, (start, head) in enumerate(
            zip(frames.starts.tolist(), heads.tolist(), strict=True)
        )
        if head or frames.data[start : start + 1] == b"]"
    }


def _bounded(item: Item) -> Item:
    """Refuse an item with a number that no column holds."""
    for name, value in item.items():
        if not isinstance(value, int):
            continue
        most = LARGEST_SMALL if name in _SMALL else LARGEST_WHOLE
        if abs(value) > most:
            return refusal(Reason.QUANTITY_OUT_OF_RANGE, f"{name} is beyond {most}")
    return item


def decode_items(
    frames: Frames, read: Callable[[bytes], Iterable[Item]], *, listed: bool = False
) -> Decoded:
    """Decode records one by one.

    Args:
        read: Gives the usages of a record in order, at least one; raises `Unreadable`.
        listed: Records are elements of a list in a document, what is around it are none.
    """
    rows: list[Item] = []
    place: list[int] = []
    number: list[int] = []
    around = _around(frames) if listed else set()
    for index, piece in enumerate(frames.slices()):
        found = [_AROUND] if index in around else _items(piece, read)
        for item_no, item in enumerate(found):
            rows.append(item)
            place.append(index)
            number.append(item_no)
    frame = places(frames)[place].with_columns(pl.Series("item_no", number, dtype=pl.Int32))
    frame = frame.with_columns(
        _column(name, [row.get(name) for row in rows])
        for name in sorted({name for row in rows for name in row})
    )
    if "reason" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias("reason"))
    return Decoded(check_world(complete(frame)))


def _column(name: str, found: list[object]) -> pl.Series:
    if name == "source_amount":
        texts = pl.Series(name, found, dtype=pl.String)
        return texts.to_frame().select(values.amount(pl.col(name)).alias(name)).to_series()
    return pl.Series(name, found, dtype=DECODED[name])
