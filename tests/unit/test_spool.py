"""The usage log: whole blocks, durable before visible, never written twice."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import polars as pl
import pytest

from dataflows.usage_log.blocks import BlockDamaged, decode, encode, header_at
from dataflows.usage_log.spool import SpoolReader, SpoolWriter, read_durable

ROWS = pl.DataFrame({"n": [1, 2, 3], "text": ["a", "", "ø"]})
LARGE = 1 << 30


Open = Callable[..., SpoolWriter]


@pytest.fixture
def write() -> Iterator[Open]:
    """Open writers that are closed after the test."""
    with ExitStack() as stack:
        yield lambda *given, **named: stack.enter_context(closing(SpoolWriter(*given, **named)))


def _block(position: int, rows: pl.DataFrame = ROWS, origin: str = "pbx") -> bytes:
    return encode(origin, position, {"usage_events": rows})


def test_a_block_is_read_as_it_was_written() -> None:
    data = memoryview(encode("pbx", 7, {"usage_events": ROWS, "alerts": ROWS.head(1)}))
    header = header_at(data, 0)
    assert header is not None
    assert (header.origin, header.position, header.rows, header.length) == ("pbx", 7, 4, len(data))
    tables = decode(data, 0, header)
    assert tables["usage_events"].equals(ROWS)
    assert tables["alerts"].equals(ROWS.head(1))


def test_readers_see_only_what_is_durable(tmp_path: Path, write: Open) -> None:
    writer = write(tmp_path, LARGE)
    writer.append("pbx", 0, _block(0))
    assert read_durable(tmp_path).length == 0
    writer.sync()
    assert read_durable(tmp_path).length == writer.length > 0


def test_a_replaying_writer_skips_what_is_there(tmp_path: Path, write: Open) -> None:
    writer = write(tmp_path, LARGE)
    for position in range(3):
        writer.append("pbx", position, _block(position))
    writer.sync()
    length = writer.length
    writer.close()
    again = write(tmp_path, LARGE)
    for position in range(3):
        again.append("pbx", position, _block(position))
    assert again.length == length
    again.append("pbx", 3, _block(3))
    assert again.length > length


def test_a_torn_tail_is_cut_at_every_byte(tmp_path: Path, write: Open) -> None:
    writer = write(tmp_path, LARGE)
    writer.append("pbx", 0, _block(0))
    first = writer.length
    writer.append("pbx", 1, _block(1))
    writer.close()
    path = next(tmp_path.glob("*.segment"))
    whole = path.read_bytes()
    for length in range(first, len(whole), 17):
        path.write_bytes(whole[:length])
        opened = write(tmp_path, LARGE)
        assert opened.length == first
        opened.close()


def test_ranges_stop_at_rows_and_at_segments(tmp_path: Path, write: Open) -> None:
    writer = write(tmp_path, segment_bytes=2_000)
    for position in range(12):
        writer.append("pbx", position, _block(position))
    writer.sync()
    assert len(list(tmp_path.glob("*.segment"))) > 1
    reader = SpoolReader(tmp_path)
    offset, rows = 0, []
    while offset < writer.length:
        last, count, _ = reader.plan(offset, writer.length, 5)
        data = reader.read(offset, last)
        place = 0
        while place < len(data):
            header = header_at(data, place)
            assert header is not None
            rows += decode(data, place, header)["usage_events"]["n"].to_list()
            place += header.length
        assert 3 <= count <= 5
        offset = last
    assert rows == [1, 2, 3] * 12


def test_a_flipped_bit_is_named(tmp_path: Path, write: Open) -> None:
    writer = write(tmp_path, LARGE)
    writer.append("pbx", 0, _block(0))
    writer.sync()
    path = next(tmp_path.glob("*.segment"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    view = SpoolReader(tmp_path).read(0, len(data))
    header = header_at(view, 0)
    assert header is not None
    with pytest.raises(BlockDamaged, match="pbx at byte 0 is damaged"):
        decode(view, 0, header)


def test_lanes_that_ended_are_told(tmp_path: Path, write: Open) -> None:
    writer = write(tmp_path, LARGE)
    writer.end("pbx", "run-1")
    assert read_durable(tmp_path).ended == {}
    writer.sync()
    assert read_durable(tmp_path).ended == {"pbx": "run-1"}
    writer.close()
    assert write(tmp_path, LARGE) is not None
    assert read_durable(tmp_path).ended == {"pbx": "run-1"}
