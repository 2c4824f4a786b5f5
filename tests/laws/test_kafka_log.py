"""The usage log on Kafka: whatever writers repeat and readers restart, each block is worked once."""

from collections import deque
from collections.abc import Callable
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflows.kafka.fetcher import Buffer
from dataflows.lane import entry
from dataflows.sources.log import folded
from dataflows.usage_log.blocks import encode
from dataflows.usage_log.kafka import Heading, KafkaLog, pieces
from schemas.columns import lean, polars_schema
from schemas.feeds import LedgerEntry
from schemas.usage import UsageEvent

EMPTY = pl.DataFrame(schema=polars_schema(UsageEvent))


def _block(lane: str, position: int, rows: int) -> bytes:
    frame = EMPTY.clear(rows).with_columns(
        pl.lit(lane).alias("lane"), pl.lit(position, dtype=pl.Int64).alias("record_no")
    )
    frame = frame.with_columns(
        [pl.col(name).fill_null(strategy="zero") for name, kind in frame.schema.items()
         if kind.is_numeric() and name != "record_no"]
    )  # fmt: skip
    return encode(lane, position, {"usage_events": lean(frame, UsageEvent)})


class Message:
    """What a broker gives back."""

    def __init__(self, offset: int, value: bytes, head: Heading) -> None:
        self._offset, self._value, self._head = offset, value, head

    def offset(self) -> int:
        return self._offset

    def value(self) -> bytes:
        return self._value

    def headers(self) -> list[tuple[str, bytes]]:
        return [(key, str(text).encode()) for key, text in self._head.headers().items()]


class Partition:
    """A broker's partition, and a fetcher that gives messages as they are asked for."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def produce(self, value: bytes, head: Heading) -> None:
        self.messages.append(Message(len(self.messages), value, head))

    def open(self, topic: str, partition: int, offset: int) -> Buffer:
        self.buffer = Buffer(topic, partition, offset)
        self.buffer.messages = deque(self.messages[offset:])  # type: ignore[arg-type]
        return self.buffer

    def poll(self) -> int:
        return 0

    def check(self, _buffer: Buffer) -> None: ...

    def end(self, _buffer: Buffer) -> int:
        return len(self.messages)

    def until(self, _buffer: Buffer, ready: Callable[[], bool]) -> None:
        assert ready()

    def note(self, _offsets: object) -> None: ...

    def close(self) -> None: ...


def _reader(partition: Partition) -> KafkaLog:
    fetcher: Any = partition
    return KafkaLog(fetcher, "usage", 0, lambda: fetcher, lambda _text: None)


def _work(
    partition: Partition, ledger: list[LedgerEntry], committed: int, cuts: list[int]
) -> list[tuple[str, int]]:
    """Read as a lane does: ledgered ranges again, then new ones; give what came from each."""
    reader = _reader(partition)
    reader.resume(folded({}, ledger[: committed // 2]), ledger[committed // 2 : committed])
    found = []
    for cut in ledger[committed:]:
        found += _rows(reader.read(cut))
    offset = ledger[-1].last if ledger else 0
    for most in cuts:
        planned = reader.plan(offset, most)
        if not planned.rows:
            break
        cut = entry("usage-0000", len(ledger), "usage", (offset, planned.last), planned.rows,
                    lambda _at: "hash", planned.detail)  # fmt: skip
        ledger.append(cut)
        found += _rows(reader.read(cut))
        offset = planned.last
    return found


def _rows(tables: dict[str, pl.DataFrame]) -> list[tuple[str, int]]:
    return list(tables["usage_events"].select("lane", "record_no").iter_rows()) if tables else []


STARTS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.integers(1, 4)), max_size=8
)


@settings(max_examples=80, deadline=None)
@given(
    starts=STARTS,
    cuts=st.lists(st.lists(st.integers(1, 6), max_size=6), max_size=5),
    data=st.data(),
)
def test_each_block_is_worked_once_in_its_lane_s_order(
    starts: list[tuple[str, int, int]], cuts: list[list[int]], data: st.DataObject
) -> None:
    """Writers begin again somewhere behind where they were; readers resume at any committed range."""
    partition, reached = Partition(), {"a": 0, "b": 0}
    for generation, (lane, back, blocks) in enumerate(starts, start=1):
        first = max(0, reached[lane] - back)
        for position in range(first, first + blocks):
            for sequence, piece in pieces(lane, position, _block(lane, position, 2)):
                partition.produce(piece, Heading(lane, generation, sequence, 2))
        reached[lane] = max(reached[lane], first + blocks)
        partition.produce(b"", Heading(lane, generation, 0, 0, f"run-{generation}"))
    ledger: list[LedgerEntry] = []
    worked: list[tuple[str, int]] = []
    committed = 0
    for most in [*cuts, [1_000] * (len(partition.messages) + 1)]:
        seen = sum(one.records for one in ledger[:committed])
        worked = worked[:seen] + _work(partition, ledger, committed, most)
        committed = data.draw(st.integers(committed, len(ledger)))
    for lane, count in reached.items():
        mine = [position for name, position in worked if name == lane]
        assert mine == [position for position in range(count) for _ in range(2)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4)), max_size=12))
def test_a_replaced_owner_s_blocks_are_dropped(sent: list[tuple[int, int]]) -> None:
    """Once a newer owner has written, nothing of an older one counts."""
    partition = Partition()
    for generation, position in sent:
        partition.produce(_block("a", position, 1), Heading("a", generation, position << 16, 1))
    expected, newest, last = [], 0, -1
    for generation, position in sent:
        if generation < newest:
            continue
        newest = generation
        if position > last:
            last = position
            expected.append(("a", position))
    assert _work(partition, [], 0, [1] * (len(sent) + 1)) == expected


def test_a_block_that_is_too_large_is_sent_in_pieces(monkeypatch: Any) -> None:
    monkeypatch.setattr("dataflows.usage_log.kafka._MOST_BYTES", 10_000)
    block = _block("a", 3, 4_000)
    cut = list(pieces("a", 3, block))
    assert len(cut) > 1
    assert [sequence for sequence, _ in cut] == [3 << 16 | number for number in range(len(cut))]
    partition = Partition()
    for sequence, piece in [*cut, *cut]:  # the writer was killed in the middle, and began again
        partition.produce(piece, Heading("a", 1, sequence, 1))
    assert len(_work(partition, [], 0, [1_000])) == 4_000
