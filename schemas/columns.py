"""Column types of every record, and the polars, Arrow and ClickHouse forms derived from them.

A record is a pydantic model whose fields carry one of the types below. The type says once how the
field is written as JSON, kept in a DataFrame, sent as Arrow and stored in ClickHouse.
"""

import decimal
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, TypeVar, get_args, get_origin

import numpy as np
import polars as pl
import pyarrow as pa
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from pydantic.fields import FieldInfo

from schemas.instants import micros_from_text, text_from_micros

UUID_BYTES = 16


@dataclass(frozen=True)
class Column:
    """How one field is kept outside Python.

    Attributes:
        polars: Type in a DataFrame.
        arrow: Exact type on the wire to the store.
        clickhouse: Column type in the store.
        codec: Compression in the store.
    """

    polars: pl.DataType
    arrow: pa.DataType
    clickhouse: str
    codec: str = "ZSTD(1)"


def _maybe_text(micros: int | None) -> str | None:
    return None if micros is None else text_from_micros(micros)


def _decimal_from_text(value: object) -> object:
    if isinstance(value, float):
        msg = f"{value!r} is a binary fraction; write money and quantities as text or whole numbers"
        raise ValueError(msg)  # noqa: TRY004  pydantic collects ValueError, not TypeError
    return value


_UUID_PARTS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
_INT64 = pl.Int64()
_INT32 = pl.Int32()

Text = Annotated[str, Column(pl.String(), pa.large_string(), "String")]
Label = Annotated[str, Column(pl.String(), pa.large_string(), "LowCardinality(String)")]
Flag = Annotated[bool, Column(pl.Boolean(), pa.bool_(), "Bool")]
Small = Annotated[int, Column(_INT32, pa.int32(), "Int32", "T64, ZSTD(1)")]
Whole = Annotated[int, Column(_INT64, pa.int64(), "Int64", "T64, ZSTD(1)")]
_DIGITS = PlainSerializer(str, when_used="json")
"""Beyond 53 bits many readers of JSON lose digits of a number, so it is written as text."""
Hash64 = Annotated[int, _DIGITS, Column(pl.UInt64(), pa.uint64(), "UInt64")]
Uuid = Annotated[uuid.UUID, Column(pl.Binary(), pa.binary(UUID_BYTES), "UUID")]
MaybeUuid = Annotated[
    uuid.UUID | None, Column(pl.Binary(), pa.binary(UUID_BYTES), "Nullable(UUID)")
]
_INSTANT = Column(_INT64, pa.timestamp("us", tz="UTC"), "DateTime64(6, 'UTC')", "Delta, ZSTD(1)")
_MAYBE_INSTANT = Column(
    _INT64, pa.timestamp("us", tz="UTC"), "Nullable(DateTime64(6, 'UTC'))", "ZSTD(1)"
)
Instant = Annotated[
    int,
    BeforeValidator(micros_from_text),
    PlainSerializer(text_from_micros, when_used="json"),
    _INSTANT,
]
MaybeInstant = Annotated[
    int | None,
    BeforeValidator(micros_from_text),
    PlainSerializer(_maybe_text, when_used="json"),
    _MAYBE_INSTANT,
]
Money = Annotated[
    decimal.Decimal,
    BeforeValidator(_decimal_from_text),
    Column(pl.Decimal(38, 9), pa.decimal128(38, 9), "Decimal(38, 9)"),
]
MaybeMoney = Annotated[
    decimal.Decimal | None,
    BeforeValidator(_decimal_from_text),
    Column(pl.Decimal(38, 9), pa.decimal128(38, 9), "Nullable(Decimal(38, 9))"),
]
Exact = Annotated[int, _DIGITS, Column(pl.Decimal(38, 0), pa.decimal128(38, 0), "Decimal(38, 0)")]
Blob = Annotated[bytes, Column(pl.Binary(), pa.large_binary(), "String")]


class Record(BaseModel):
    """A record that crosses a boundary: strict, closed, immutable."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, ser_json_bytes="base64", val_json_bytes="base64"
    )


AnyRecord = TypeVar("AnyRecord", bound=Record)


def _column_of(name: str, field: FieldInfo) -> Column:
    for meta in field.metadata:
        if isinstance(meta, Column):
            return meta
    for argument in get_args(field.annotation) if get_origin(field.annotation) else ():
        for meta in getattr(argument, "__metadata__", ()):
            if isinstance(meta, Column):
                return meta
    msg = f"field {name!r} has no column type from schemas.columns"
    raise TypeError(msg)


@cache
def columns(record: type[Record]) -> Mapping[str, Column]:
    """Name every column of a record, in order.

    Raises:
        TypeError: If a field has no column type.
    """
    return {name: _column_of(name, field) for name, field in record.model_fields.items()}


@cache
def polars_schema(record: type[Record]) -> pl.Schema:
    """Derive the DataFrame schema of a record."""
    return pl.Schema({name: column.polars for name, column in columns(record).items()})


@cache
def arrow_schema(record: type[Record]) -> pa.Schema:
    """Derive the Arrow schema of a record, exact to the store's types."""
    return pa.schema([pa.field(name, column.arrow) for name, column in columns(record).items()])


def clickhouse_columns(record: type[Record]) -> list[str]:
    """Write the column lines of a record's table, types and codecs included.

    The names are this product's own field names, never user text.
    """
    return [
        f"`{name}` {column.clickhouse} CODEC({column.codec})"
        for name, column in columns(record).items()
    ]


def _default_of(field: FieldInfo) -> object:
    return None if field.is_required() else field.get_default(call_default_factory=True)


@cache
def defaults(record: type[Record]) -> Mapping[str, object]:
    """Name the default of every field that has one."""
    return {
        name: _default_of(field)
        for name, field in record.model_fields.items()
        if not field.is_required()
    }


def conform(frame: pl.DataFrame, record: type[Record]) -> pl.DataFrame:
    """Give a DataFrame exactly the columns of a record: cast, ordered, absent ones defaulted.

    Raises:
        polars.exceptions.PolarsError: If a value does not fit its column (never truncates).
        KeyError: If a required column is absent.
    """
    expressions = []
    for name, column in columns(record).items():
        if name in frame.columns:
            expressions.append(pl.col(name).cast(column.polars))
        else:
            value = defaults(record)[name]
            expressions.append(pl.lit(value, dtype=column.polars).alias(name))
    return frame.select(expressions)


def lean(frame: pl.DataFrame, record: type[Record]) -> pl.DataFrame:
    """Leave out columns in which every row has the record's default; `conform` puts them back."""
    kept = []
    for name, value in defaults(record).items():
        column = frame[name]
        same = column.null_count() == len(column) if value is None else _all_equal(column, value)
        if same:
            kept.append(name)
    return frame.drop(kept)


def _all_equal(column: pl.Series, value: object) -> bool:
    """Tell whether all values are one; the first row decides cheaply in most cases."""
    if not len(column) or column.dtype == pl.Binary():
        return False
    return bool(column[0] == value and (column == value).all())


def _constant(column: pl.Series) -> bool:
    return len(column) > 1 and bool((column == column[0]).all())


def to_arrow(frame: pl.DataFrame, record: type[Record]) -> pa.Table:
    """Turn a conforming DataFrame into the record's exact Arrow table.

    A label that is the same in all rows is sent once, as a dictionary of one value.

    Raises:
        pyarrow.ArrowInvalid: If a value would lose digits.
    """
    labels = [name for name, column in columns(record).items() if "LowC" in column.clickhouse]
    same = [name for name in labels if _constant(frame[name])]
    plain = frame.drop(same).to_arrow(compat_level=pl.CompatLevel.oldest())
    schema = arrow_schema(record)
    plain = plain.cast(pa.schema([field for field in schema if field.name not in same]))
    zeros = pa.array(np.zeros(frame.height, np.int8))
    arrays = [
        pa.DictionaryArray.from_arrays(zeros, pa.array([frame[field.name][0]], pa.string()))
        if field.name in same
        else plain.column(field.name)
        for field in schema
    ]
    return pa.table(dict(zip(schema.names, arrays, strict=True)))


def from_arrow(table: pa.Table, record: type[Record]) -> pl.DataFrame:
    """Read what the store gives back: the DataFrame that `to_arrow` was given."""
    plain = {}
    for name, column in columns(record).items():
        values = table.column(name).combine_chunks()
        if isinstance(values, pa.ExtensionArray):
            values = values.storage
        if column.polars == pl.Binary():
            values = values.cast(pa.large_binary())
        plain[name] = values.cast(pa.int64()) if column.polars == _INT64 else values
    return conform(pl.DataFrame(pa.table(plain)), record)


def rows_to_frame(rows: Sequence[AnyRecord], record: type[AnyRecord]) -> pl.DataFrame:
    """Put validated records into a DataFrame."""
    data = [row.model_dump(mode="python") for row in rows]
    for row in data:
        for name, value in row.items():
            if isinstance(value, uuid.UUID):
                row[name] = value.bytes
            elif isinstance(value, bool) or not isinstance(value, int):
                continue
            elif columns(record)[name].polars == pl.Decimal(38, 0):
                row[name] = decimal.Decimal(value)
    return pl.DataFrame(data, schema=polars_schema(record), orient="row")


def frame_to_rows(frame: pl.DataFrame, record: type[AnyRecord]) -> list[AnyRecord]:
    """Read a conforming DataFrame back into validated records.

    Raises:
        pydantic.ValidationError: If a row breaks the record's rules.
    """
    identifiers = [name for name, column in columns(record).items() if "UUID" in column.clickhouse]
    rows = []
    for row in frame.iter_rows(named=True):
        for name in identifiers:
            if row[name] is not None:
                row[name] = uuid.UUID(bytes=row[name])
        rows.append(record.model_validate(row))
    return rows


def as_written(frame: pl.DataFrame, record: type[Record]) -> pl.DataFrame:
    """Give a conforming DataFrame's values as JSON of its records writes them, in their order.

    Of records without bytes. What a record leaves to its default is given as that default.
    """
    return frame.select(_in_json(name, column) for name, column in columns(record).items())


def _in_json(name: str, column: Column) -> pl.Expr:
    value = pl.col(name)
    if "DateTime64" in column.clickhouse:
        return pl.from_epoch(value, "us").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").alias(name)
    if "UUID" in column.clickhouse:
        digits = value.bin.encode("hex")
        parts = [digits.str.slice(first, length) for first, length in _UUID_PARTS]
        return pl.concat_str(parts, separator="-").alias(name)
    if isinstance(column.polars, pl.UInt64 | pl.Decimal):
        return value.cast(pl.String)
    return value
