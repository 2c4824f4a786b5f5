"""What a message of a feed's topic is taken apart into."""

import base64
import datetime
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflows.kafka import arrow_rows
from dataflows.kafka.messages import Headers, Unwrapper
from tallywire.catalog.snapshot import Feed


@dataclass(frozen=True)
class Sent:
    """A message as the client library hands it over."""

    content: bytes | None
    head: Headers | None = None

    def value(self) -> bytes | None:
        return self.content

    def headers(self) -> Headers | None:
        return self.head


def feed_of(form: str, **options: object) -> Feed:
    return Feed(
        feed_id="f", tenant_id="t", format=form, path="", growing=False, time_zone="UTC",
        home_country="49", trunk_prefix="", international_prefixes=(), source_id="", service="api",
        served=(), options=options, topic="t",
    )  # fmt: skip


EVENTS = Unwrapper(feed_of("cloudevents"))
CALLS = Unwrapper(feed_of("freeswitch_json", per_file="document"))
LINES = Unwrapper(feed_of("declared", layout="delimited", key=[{"column": 1}], start={"column": 2}))
PARAGRAPHS = Unwrapper(feed_of("radius_detail"))


def test_plain_messages_are_records_as_they_are() -> None:
    values = [b'{"id":"%d"}' % number for number in range(5)]
    assert EVENTS.unwrap([Sent(value) for value in values]) == (values, 0)
    assert LINES.unwrap([Sent(b"a;b"), Sent(b"[1]")]) == ([b"a;b", b"[1]"], 0)
    assert EVENTS.unwrap([]) == ([], 0)


def test_a_tombstone_holds_no_record_and_is_counted() -> None:
    sent = [Sent(b"{}"), Sent(None), Sent(b""), Sent(b" \n"), Sent(b"[]"), Sent(b'{"a":1}')]
    assert EVENTS.unwrap(sent) == ([b"{}", b'{"a":1}'], 4)
    assert LINES.unwrap([Sent(None), Sent(b"a;b"), Sent(b"\n")]) == ([b"a;b"], 2)


@pytest.mark.parametrize("unwrapper", [EVENTS, CALLS])
def test_an_array_is_its_elements_byte_by_byte(unwrapper: Unwrapper) -> None:
    value = b' [{"a": 1.50, "b":"\\u00e9 "},\n{"big":123456789012345678901234567890},\n 7]\n'
    assert unwrapper.records(value) == [
        b'{"a": 1.50, "b":"\\u00e9 "}', b'{"big":123456789012345678901234567890}', b"7",
    ]  # fmt: skip


def test_an_array_that_cannot_be_read_stays_one_record_with_its_bytes() -> None:
    for broken in (b'[{"a":1},{"b":]', b"[" * 100_000, b'[{"a":1}\n,'):
        assert EVENTS.records(broken) == [broken]


def test_a_newline_within_json_becomes_a_space() -> None:
    assert EVENTS.records(b'{\r\n "a": "x\\ny"\n}\n') == [b'{   "a": "x\\ny" }']
    assert CALLS.records(b'\xef\xbb\xbf{"a":\n1}') == [b'{"a": 1}']


def test_lines_are_records_and_paragraphs_too() -> None:
    assert LINES.records(b"a;1\r\nb;2\n\nc;3") == [b"a;1", b"b;2", b"c;3"]
    assert EVENTS.records(b'{"a":1}\n{"b":2}\n') == [b'{"a":1}', b'{"b":2}']
    assert EVENTS.records(b'{"a":1}\nbroken') == [b'{"a":1}\nbroken']
    assert PARAGRAPHS.unwrap([Sent(b"Mon\n\tA = 1\n\nTue\n\tB = 2\n")]) == (
        [b"Mon\n\tA = 1", b"Tue\n\tB = 2"], 0
    )  # fmt: skip


_ATTRIBUTES = [
    ("ce_specversion", b"1.0"), ("ce_id", b'a"\n1'), ("ce_source", "/q/ü".encode()),
    ("ce_type", b"call"), ("traceparent", b"\xff"), ("ce_gone", None),
]  # fmt: skip


def _event(value: bytes | None, *more: tuple[str, bytes]) -> dict[str, object]:
    records, empty = EVENTS.unwrap([Sent(value, [*_ATTRIBUTES, *more])])
    assert empty == 0
    (line,) = records
    assert b"\n" not in line
    return dict(orjson.loads(line))


def test_a_binary_event_becomes_a_structured_one() -> None:
    event = _event(b'{"n":\n1.50}', ("content-type", b"application/json"))
    assert event == {
        "specversion": "1.0", "id": 'a"\n1', "source": "/q/ü", "type": "call",
        "datacontenttype": "application/json", "data": {"n": 1.5},
    }  # fmt: skip
    assert b'{"n": 1.50}' in EVENTS.records(b'{"n":\n1.50}', _ATTRIBUTES)[0]


def test_data_that_is_no_json_is_text_or_base64() -> None:
    assert _event(b"<x/>", ("content-type", b"text/xml"))["data"] == "<x/>"
    assert base64.b64decode(str(_event(b"\x01\xff")["data_base64"])) == b"\x01\xff"


def test_an_event_without_data_is_still_an_event() -> None:
    for value in (None, b""):
        assert "data" not in _event(value)


def test_headers_that_are_no_text_leave_the_message_as_it_is() -> None:
    head: Headers = [("ce_specversion", b"1.0"), ("ce_id", b"\xff")]
    assert EVENTS.unwrap([Sent(b"{}", head), Sent(None, head)]) == ([b"{}"], 1)


def test_a_structured_event_with_headers_is_left_alone() -> None:
    head: Headers = [("content-type", b"application/cloudevents+json"), ("trace", b"1")]
    batch: Headers = [("content-type", b"application/cloudevents-batch+json")]
    sent = [Sent(b'{"id":"1"}', head), Sent(b'[{"id":"2"},{"id":"3"}]', batch)]
    assert EVENTS.unwrap(sent) == ([b'{"id":"1"}', b'{"id":"2"}', b'{"id":"3"}'], 0)


def _stream(table: pa.Table, *, compression: str | None = None, file: bool = False) -> bytes:
    out = BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    make = pa.ipc.new_file if file else pa.ipc.new_stream
    with make(out, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=2)
    return out.getvalue()


_MOMENT = datetime.datetime(2026, 3, 1, 12, 0, 0, 123456, datetime.UTC)
_TABLE = pa.table(
    {
        "id": ["a", "b\n", None],
        "big": pa.array([2**63 - 1, -(2**63), 0], pa.int64()),
        "unsigned": pa.array([2**64 - 1, 0, 1], pa.uint64()),
        "money": pa.array(
            [Decimal("1.10"), Decimal("-99999999999999999999.99"), None], pa.decimal128(30, 2)
        ),
        "at": pa.array([_MOMENT] * 3, pa.timestamp("us", "Europe/Oslo")),
        "exactly": pa.array([1_772_366_400_123_456_789] * 3, pa.timestamp("ns", "UTC")),
        "wall": pa.array([_MOMENT.replace(tzinfo=None, microsecond=0)] * 3, pa.timestamp("s")),
        "day": pa.array([_MOMENT.date()] * 3, pa.date32()),
        "raw": [b"\x00\xff", b"", None],
        "word": pa.array(["x", "y", "x"]).dictionary_encode(),
        "nested": [{"n": Decimal("0.5"), "l": [1, 2]}] * 3,
        "nothing": pa.nulls(3),
    }
)


_FIRST_ROW = {
    "id": "a", "big": 2**63 - 1, "unsigned": 2**64 - 1, "money": "1.10",
    "at": "2026-03-01T12:00:00.123456Z", "exactly": "2026-03-01T12:00:00.123456789Z",
    "day": "2026-03-01", "raw": "AP8=", "word": "x", "nothing": None,
}  # fmt: skip


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("file", [False, True])
def test_rows_of_arrow_are_exact_lines(compression: str | None, *, file: bool) -> None:
    lines = EVENTS.records(_stream(_TABLE, compression=compression, file=file))
    rows = [orjson.loads(line) for line in lines]
    assert [row["id"] for row in rows] == ["a", "b\n", None]
    nested = {"wall": "2026-03-01T12:00:00", "nested": {"n": "0.5", "l": [1, 2]}}
    assert rows[0] == _FIRST_ROW | nested
    assert rows[1]["money"] == "-99999999999999999999.99"
    assert not any(b"\n" in line for line in lines)


def test_rows_of_flat_columns_say_the_same() -> None:
    rows = [orjson.loads(line) for line in EVENTS.records(_stream(_TABLE.drop_columns("nested")))]
    assert rows[0] == _FIRST_ROW | {"wall": "2026-03-01T12:00:00.000"}
    assert (rows[1]["id"], rows[1]["money"]) == ("b\n", "-99999999999999999999.99")
    assert rows[2]["raw"] is None


def test_an_instant_beyond_all_calendars_stays_one_record() -> None:
    for nested in (False, True):
        more = {"n": pa.array([[1, None]])} if nested else {}
        for column in (
            pa.array([2**62], pa.timestamp("ms", "UTC")), pa.array([2**31 - 1], pa.date32()),
        ):  # fmt: skip
            value = _stream(pa.table({"at": column, **more}))
            assert EVENTS.records(value) == [value]


def test_arrow_is_known_by_its_content_type_too() -> None:
    value = _stream(_TABLE)
    head: Headers = [("content-type", b"application/vnd.apache.arrow.stream")]
    assert len(EVENTS.records(value, head)) == 3
    assert EVENTS.records(b"{}", head) == [b"{}"]  # it says so, and is not
    assert LINES.records(b"ARROW1\x00\x00;x") == [b"ARROW1\x00\x00;x"]


def test_a_stream_that_unfolds_to_too_much_stays_one_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zeros = _stream(pa.table({"z": pa.array([b"\x00" * 1_000_000])}), compression="zstd")
    words = pa.DictionaryArray.from_arrays(
        pa.array([0] * 20_000, pa.int16()), pa.array(["w" * 10_000])
    )
    repeated = BytesIO()
    table = pa.table({"w": words})
    with pa.ipc.new_stream(repeated, table.schema) as writer:
        writer.write_table(table)
    monkeypatch.setattr(arrow_rows, "LARGEST", 500_000)
    assert len(zeros) < 2_000
    for value in (zeros, repeated.getvalue()):
        assert EVENTS.records(value) == [value]


def test_kinds_that_have_no_json_or_no_size_stay_one_record() -> None:
    for column in (
        pa.array([[None] * 3], pa.list_(pa.null())),
        pa.array([datetime.timedelta(1)], pa.duration("us")),
        pa.array([[{}]], pa.list_(pa.struct([]))),
    ):
        value = _stream(pa.table({"c": column}))
        assert EVENTS.records(value) == [value]
    twice = _stream(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]))
    assert EVENTS.records(twice) == [twice]


@given(st.data())
def test_a_damaged_stream_stays_one_record_or_gives_lines(data: st.DataObject) -> None:
    value = bytearray(_stream(_TABLE, compression=data.draw(st.sampled_from([None, "lz4"]))))
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] ^= data.draw(st.integers(1, 255))
    found = EVENTS.records(bytes(value))
    assert found == [bytes(value)] or all(isinstance(orjson.loads(line), dict) for line in found)


_STARTS = [b"", b"{", b"[", b"\x00\x00\x00\x00\x07", b"ARROW1\x00\x00", b"\xff\xff\xff\xff", b"\n"]
_VALUES = st.none() | st.builds(bytes.__add__, st.sampled_from(_STARTS), st.binary(max_size=40))
_HEADS = st.none() | st.lists(
    st.tuples(
        st.sampled_from(["ce_specversion", "ce_id", "content-type", "x"]) | st.text(max_size=5),
        st.none() | st.binary(max_size=10)
        | st.sampled_from([b"1.0", b"application/vnd.apache.arrow.stream"]),
    ),
    max_size=4,
)  # fmt: skip


@given(st.lists(st.tuples(_VALUES, _HEADS), max_size=6))
def test_nothing_raises_and_nothing_is_lost(
    sent: list[tuple[bytes | None, Headers | None]],
) -> None:
    for unwrapper in (EVENTS, CALLS, LINES, PARAGRAPHS):
        records, empty = unwrapper.unwrap([Sent(*one) for one in sent])
        one_by_one = [unwrapper.records(*one) for one in sent]
        assert records == [record for found in one_by_one for record in found]
        assert empty == sum(not found for found in one_by_one)
        assert all(records)
        for (value, _), found in zip(sent, one_by_one, strict=True):
            assert found or not (value or b"").strip(b" \t\r\n\xef\xbb\xbf[]")


def _length_prefixed(parts: Iterable[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def test_without_a_registry_avro_stays_as_it_is() -> None:
    value = b"\x00\x00\x00\x00\x01" + _length_prefixed([b"a\nb"])
    assert EVENTS.records(value) == [value]
