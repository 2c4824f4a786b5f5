"""A block of the usage log: one batch's share of one partition, framed and checksummed.

A block holds one or more tables, each an Arrow stream named by its record. The header carries the
origin lane and the batch's position in that lane's ledger, so a writer that replays skips what is
already there.
"""

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import xxhash

MAGIC = b"TWB1"
_HEADER = struct.Struct("<4sHHQQQQ")
_TABLE = struct.Struct("<HQ")
_LZ4 = pa.ipc.IpcWriteOptions(compression="lz4")


class BlockDamaged(RuntimeError):  # noqa: N818  it says what is the case
    """Bytes of the log are not what was written."""


@dataclass(frozen=True)
class Header:
    """What stands in front of a block's payload.

    Attributes:
        origin: Lane that wrote it.
        position: The batch's position in that lane's ledger.
        rows: Rows in all its tables.
        length: Bytes of the whole block.
    """

    origin: str
    position: int
    rows: int
    length: int


def _arrow_bytes(frame: pl.DataFrame) -> bytes:
    table = frame.to_arrow(compat_level=pl.CompatLevel.newest())
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=_LZ4) as writer:
        writer.write_table(table)
    return sink.getvalue()


def encode(origin: str, position: int, tables: dict[str, pl.DataFrame]) -> bytes:
    """Write a block.

    Args:
        origin: Lane, at most 65535 bytes of UTF-8.
        position: Ledger position of the batch.
        tables: Record name to rows, in a fixed order.
    """
    parts = []
    for name, frame in tables.items():
        body = _arrow_bytes(frame)
        label = name.encode()
        parts += [_TABLE.pack(len(label), len(body)), label, body]
    payload = b"".join(parts)
    rows = sum(frame.height for frame in tables.values())
    lane = origin.encode()
    checksum = xxhash.xxh3_64_intdigest(payload)
    header = _HEADER.pack(MAGIC, len(lane), len(tables), position, rows, len(payload), checksum)
    return header + lane + payload


def header_at(data: memoryview, offset: int) -> Header | None:
    """Read the header at an offset; `None` when the block is not whole.

    Raises:
        BlockDamaged: If there is something else.
    """
    if len(data) - offset < _HEADER.size:
        return None
    magic, lane_length, _, position, rows, payload, _ = _HEADER.unpack_from(data, offset)
    if magic != MAGIC:
        msg = f"no block of the usage log at byte {offset}: restore the segment from a backup"
        raise BlockDamaged(msg)
    length = _HEADER.size + lane_length + payload
    if len(data) - offset < length:
        return None
    start = offset + _HEADER.size
    return Header(bytes(data[start : start + lane_length]).decode(), position, rows, length)


def read_header(file: BinaryIO, offset: int) -> Header:
    """Read the header of a block that is known to be there.

    Raises:
        BlockDamaged: If it is not.
    """
    file.seek(offset)
    start = file.read(_HEADER.size)
    if len(start) == _HEADER.size:
        magic, lane_length, _, position, rows, payload, _ = _HEADER.unpack(start)
        if magic == MAGIC:
            origin = file.read(lane_length).decode()
            return Header(origin, position, rows, _HEADER.size + lane_length + payload)
    msg = f"no block of the usage log at byte {offset} of a segment: restore it from a backup"
    raise BlockDamaged(msg)


def decode(data: memoryview, offset: int, header: Header) -> dict[str, pl.DataFrame]:
    """Read the tables of the block at an offset.

    Raises:
        BlockDamaged: If its checksum is wrong.
    """
    _, lane_length, count, _, _, size, checksum = _HEADER.unpack_from(data, offset)
    start = offset + _HEADER.size + lane_length
    payload = data[start : start + size]
    if xxhash.xxh3_64_intdigest(payload) != checksum:
        msg = f"block of {header.origin} at byte {offset} is damaged: restore from a backup"
        raise BlockDamaged(msg)
    tables: dict[str, pl.DataFrame] = {}
    place = 0
    for _ in range(count):
        label_length, body_length = _TABLE.unpack_from(payload, place)
        place += _TABLE.size
        label = bytes(payload[place : place + label_length]).decode()
        place += label_length
        body = pa.py_buffer(payload[place : place + body_length])
        place += body_length
        tables[label] = pl.DataFrame(pa.ipc.open_stream(body).read_all())
    return tables
