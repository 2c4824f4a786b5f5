"""Rows of an Arrow stream as JSON lines, exact, and never more bytes than a bound.

What a small message may claim to hold is checked before it is unfolded: compressed buffers by the
lengths that they declare, dictionaries by their size, lists by having elements that take room.

Source: Apache Arrow columnar format, sections "IPC Streaming Format" and "Compression".
"""

import base64
import struct
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

LARGEST = 64 * 1024 * 1024
"""Bytes that the records of one message may take; a message of more stays as it is."""
FILE_MAGIC = b"ARROW1\x00\x00"
STREAM_MAGIC = b"\xff\xff\xff\xff"
_MOST_ROWS = 1_000_000
_SLICE = 8_192
_FRACTION: dict[str, str] = {"ms": "%.3f", "us": "%.6f", "ns": "%.9f"}
_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_S = 86_400
_FIRST_YEAR_S, _LAST_YEAR_S = -62_135_596_800, 253_402_300_800
_NARROW = (
    pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal,
    pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary,
    pa.types.is_large_binary, pa.types.is_timestamp, pa.types.is_date, pa.types.is_time,
)  # fmt: skip


class Unfit(ValueError):  # noqa: N818  it says what is the case
    """These bytes are not turned into rows; the message stays one record."""


def plain(value: object) -> object:
    """Give JSON what it has no kind for: decimals and UUIDs as text, bytes in base64."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, uuid.UUID):
        return str(value)
    msg = f"no JSON for a {type(value).__name__}"
    raise Unfit(msg)


def dumps(value: object) -> bytes:
    """Write a line of JSON: instants in UTC end with Z, times without a zone have no offset."""
    return orjson.dumps(value, default=plain, option=orjson.OPT_UTC_Z)


class _Table:
    """A table of a flatbuffer, as far as the metadata of Arrow's messages need it."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data, self._place = data, place
        self._vtable = place - self._number("<i", place)

    def _number(self, kind: str, place: int) -> int:
        if place < 0:
            msg = "a reference out of the metadata"
            raise Unfit(msg)
        return int(struct.unpack_from(kind, self._data, place)[0])

    def _field(self, slot: int) -> int:
        """Give the place of a field, 0 where it is absent."""
        offset = 4 + 2 * slot
        if offset >= self._number("<H", self._vtable):
            return 0
        found = self._number("<H", self._vtable + offset)
        return self._place + found if found else 0

    def below(self, slot: int) -> "_Table | None":
        """Give the table in a field."""
        place = self._field(slot)
        return _Table(self._data, place + self._number("<I", place)) if place else None

    def buffers(self, slot: int) -> list[tuple[int, int]]:
        """Give offset and length of each buffer in a field."""
        place = self._field(slot)
        if not place:
            return []
        start = place + self._number("<I", place)
        count = self._number("<I", start)
        return list(struct.iter_unpack("<qq", self._data[start + 4 : start + 4 + 16 * count]))


def _declared(message: Any) -> int:  # noqa: ANN401  pyarrow has no types
    """Tell how many bytes the buffers of a message declare to be when they are unpacked."""
    data = message.metadata.to_pybytes()
    header = _Table(data, struct.unpack_from("<I", data)[0]).below(2)
    if header is not None and message.type == "dictionary":
        header = header.below(1)
    if header is None or message.body is None:
        return 0
    if header.below(3) is None:
        return int(message.body.size)
    body = memoryview(message.body)
    total = 0
    for offset, length in header.buffers(2):
        if length:
            declared = struct.unpack_from("<q", body, offset)[0]
            total += declared if declared >= 0 else length
    return total


def _check_size(stream: bytes) -> None:
    """Refuse a stream whose buffers declare too much, before any of them is unpacked."""
    total = 0
    for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(stream)):
        if message.type in {"record batch", "dictionary"}:
            total += _declared(message)
        if total > LARGEST:
            msg = f"more than {LARGEST} bytes when unpacked"
            raise Unfit(msg)


def _check_kind(kind: Any, *, inside: bool = False) -> None:  # noqa: ANN401  as above
    """Refuse kinds that JSON has no words for, and those whose elements take no room in a list.

    Names are read on the way: one that is no text raises here, before polars meets it.
    """
    if pa.types.is_timestamp(kind):
        str(kind.tz)
    if pa.types.is_dictionary(kind):
        _check_kind(kind.value_type, inside=True)
    elif pa.types.is_struct(kind) and kind.num_fields:
        for field in kind:
            str(field.name)
            _check_kind(field.type, inside=True)
    elif (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    ):
        _check_kind(kind.value_type, inside=True)
    elif pa.types.is_fixed_size_binary(kind) and kind.byte_width:
        return
    elif not any(is_kind(kind) for is_kind in _NARROW) and (inside or not pa.types.is_null(kind)):
        msg = f"no JSON for a column of {kind}"
        raise Unfit(msg)


def _check_instants(batch: Any) -> None:  # noqa: ANN401  as above
    """Refuse instants of years that are written with more than four digits, or before Christ."""
    for column in batch.columns:
        if pa.types.is_timestamp(column.type):
            _check_years(column.view(pa.int64()), _SECOND[column.type.unit], 1)
        elif pa.types.is_date32(column.type):
            _check_years(column.view(pa.int32()), 1, _DAY_S)
        elif pa.types.is_date64(column.type):
            _check_years(column.view(pa.int64()), _SECOND["ms"], 1)


def _check_years(counts: Any, per_second: int, seconds: int) -> None:  # noqa: ANN401  as above
    least, most = (value.as_py() or 0 for value in pc.min_max(counts).values())
    if least * seconds < _FIRST_YEAR_S * per_second or most * seconds >= _LAST_YEAR_S * per_second:
        msg = "an instant beyond the years 1 to 9999"
        raise Unfit(msg)


def _width(batch: Any) -> int:  # noqa: ANN401  as above
    """Give bytes that a row may take beyond those of its own values: names, dictionaries' words."""
    names = sum(len(name) + 8 for name in batch.schema.names)
    words = sum(
        column.dictionary.nbytes for column in batch.columns if pa.types.is_dictionary(column.type)
    )
    return int(names + words)


def _column(column: Any) -> list[Any]:  # noqa: ANN401  as above
    """Give a column's values; instants as RFC 3339 with every digit that they have."""
    kind = column.type
    if not pa.types.is_timestamp(kind):
        return list(column.to_pylist())
    zoned = kind.tz is not None
    text = pc.strftime(
        column.cast(pa.timestamp(kind.unit, "UTC")) if zoned else column,
        format="%Y-%m-%dT%H:%M:%S",
    )
    return [value and value + "Z" for value in text.to_pylist()] if zoned else text.to_pylist()


def _expression(name: str, kind: pl.DataType) -> pl.Expr | None:
    """Give a column as JSON can have it; `None` where only Python can make that of it."""
    column = pl.col(name)
    if kind.is_integer() or kind.is_float() or kind in {pl.Boolean, pl.String, pl.Null}:
        return column
    if isinstance(kind, pl.Decimal | pl.Categorical | pl.Enum):
        return column.cast(pl.String)
    if isinstance(kind, pl.Date):
        return column.dt.to_string("%Y-%m-%d")
    if kind == pl.Binary:
        return column.bin.encode("base64")
    return _instant(column, kind) if isinstance(kind, pl.Datetime) else None


def _instant(column: pl.Expr, kind: pl.Datetime) -> pl.Expr:
    text = "%Y-%m-%dT%H:%M:%S" + _FRACTION[kind.time_unit]
    if kind.time_zone is None:
        return column.dt.to_string(text)
    return column.dt.convert_time_zone("UTC").dt.to_string(text + "Z")


def _fast_lines(batch: Any) -> list[bytes] | None:  # noqa: ANN401  as above
    """Give the lines of a piece without a loop over its rows; `None` where a column is nested."""
    frame = pl.DataFrame(pl.from_arrow(batch))
    columns = [_expression(name, kind) for name, kind in frame.schema.items()]
    known = [column for column in columns if column is not None]
    if len(known) < len(columns) or not columns:
        return None
    return frame.select(known).write_ndjson().encode().splitlines()


def _lines(batch: Any) -> Iterator[bytes]:  # noqa: ANN401  as above
    names = batch.schema.names
    step = max(1, min(_SLICE, LARGEST // max(1, _width(batch))))
    for start in range(0, batch.num_rows, step):
        part = batch.slice(start, step)
        fast = _fast_lines(part)
        if fast is not None:
            yield from fast
            continue
        columns = [_column(column) for column in part.columns]
        rows = zip(*columns, strict=True) if columns else iter([()] * part.num_rows)
        for row in rows:
            yield dumps(dict(zip(names, row, strict=True)))


def rows_of(value: bytes) -> list[bytes]:
    """Turn an Arrow stream, or a file of one, into lines of JSON, in order.

    Raises:
        Exception: Whatever is wrong with the bytes, of whatever kind; nothing else.
    """
    try:
        return _rows(value.removeprefix(FILE_MAGIC))
    except pl.exceptions.PanicException as error:  # is no Exception
        raise Unfit(str(error)) from error


def _rows(stream: bytes) -> list[bytes]:
    _check_size(stream)
    reader = pa.ipc.open_stream(pa.py_buffer(stream))
    if len(set(reader.schema.names)) != len(reader.schema.names):
        msg = "two columns of one name"
        raise Unfit(msg)
    for kind in reader.schema.types:
        _check_kind(kind, inside=False)
    found: list[bytes] = []
    total = 0
    for batch in reader:
        batch.validate(full=True)
        _check_instants(batch)
        if len(found) + batch.num_rows > _MOST_ROWS:
            msg = f"more than {_MOST_ROWS} rows"
            raise Unfit(msg)
        for line in _lines(batch):
            total += len(line)
            if total > LARGEST:
                msg = f"more than {LARGEST} bytes as JSON"
                raise Unfit(msg)
            found.append(line)
    return found
