"""From bodies to records: every content type, compression within bounds, bytes as they were sent."""

import gzip
import json

import pytest

from dataflows.ingest.bodies import (
    Content,
    attributes_of,
    compressed,
    content_of,
    decompressed,
    records_of,
)
from dataflows.ingest.problems import Problem

EVENT = b'{"id": "1",  "n": 1.10, "d": {"a": "x\\ny"}}'


@pytest.mark.parametrize(
    ("header", "binary", "content"),
    [
        ("application/cloudevents+json", False, Content.EVENT),
        ("application/cloudevents-batch+json; charset=UTF-8", False, Content.BATCH),
        ("Application/JSON", False, Content.JSON),
        ('application/x-ndjson; charset="utf-8"', False, Content.LINES),
        ("application/json", True, Content.BINARY),
    ],
)
def test_content_types_that_are_taken(header: str, binary: bool, content: Content) -> None:
    assert content_of(header, binary=binary) is content


@pytest.mark.parametrize(
    ("header", "binary"),
    [("", False), ("text/plain", False), ("application/json; charset=latin-1", False),
     ("application/cloudevents+json", True), ("application/json with ce- headers", False)],
)  # fmt: skip
def test_content_types_that_are_not(header: str, binary: bool) -> None:
    with pytest.raises(Problem) as told:
        content_of(header, binary=binary)
    assert told.value.kind.status == 415


def test_records_keep_their_bytes() -> None:
    array = b" [" + EVENT + b" , " + EVENT + b"]\n"
    assert records_of(array, Content.JSON, {}) == [EVENT, EVENT]
    assert records_of(array, Content.BATCH, {}) == [EVENT, EVENT]
    assert records_of(b"\n " + EVENT + b"\n", Content.EVENT, {}) == [EVENT]
    lines = EVENT + b"\r\n\n" + EVENT + b"\nnothing"
    assert records_of(lines, Content.LINES, {}) == [EVENT, EVENT, b"nothing"]


def test_a_record_over_lines_comes_onto_one() -> None:
    spread = b'{"a":\r\n 1.100000000000000000000001,\n "b": "\\n"}'
    assert records_of(b"[" + spread + b"]", Content.JSON, {}) == [
        b'{"a":1.100000000000000000000001,"b":"\\n"}'
    ]


def test_binary_mode_is_written_as_structured_mode() -> None:
    headers = [("ce-id", "a%20b"), ("ce-source", "/s"), ("ce-data", "no"), ("host", "x")]
    attributes = attributes_of(headers)
    found = records_of(b'{"n":\n1.0}', Content.BINARY, attributes)
    assert found[0].endswith(b',"data":{"n":1.0}}')
    assert json.loads(found[0]) == {
        "id": "a b", "source": "/s", "datacontenttype": "application/json", "data": {"n": 1.0}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b"", Content.JSON), (b"[", Content.JSON), (b"{} x", Content.JSON),
        (b"[" * 100_000, Content.JSON), (b'["a\nb"]', Content.JSON), (b"\xff", Content.JSON),
        (b"{}", Content.BATCH), (b"[{}]", Content.EVENT), (b"<x/>", Content.BINARY),
    ],
)  # fmt: skip
def test_bodies_that_are_no_json(body: bytes, content: Content) -> None:
    with pytest.raises(Problem) as told:
        records_of(body, content, {})
    assert told.value.kind.status == 400


def test_gzip_is_read_within_its_bound() -> None:
    assert compressed("GZIP")
    assert not compressed("identity")
    assert decompressed(gzip.compress(EVENT), len(EVENT)) == EVENT
    bomb = gzip.compress(bytes(100_000_000))
    assert len(bomb) < 100_000
    with pytest.raises(Problem) as told:
        decompressed(bomb, 1_000_000)
    assert told.value.kind.status == 413


@pytest.mark.parametrize(
    "body",
    [b"", b"no gzip", gzip.compress(EVENT)[:-1], gzip.compress(EVENT) + b"more"],
    ids=["empty", "no gzip", "cut", "more behind"],
)
def test_broken_gzip_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as told:
        decompressed(body, 1_000)
    assert told.value.kind.status == 400


def test_other_encodings_are_refused() -> None:
    with pytest.raises(Problem) as told:
        compressed("zstd")
    assert told.value.kind.status == 415
