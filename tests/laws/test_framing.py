"""Framing: cutting in pieces is cutting at once, and every byte is in a record."""

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallywire.mediation.framing import (
    DOCUMENT,
    LINES,
    PARAGRAPHS,
    Array,
    Ber,
    CdrFile,
    Diameter,
    Elements,
    Framing,
    Lines,
    frame,
)
from tests.ber.cdrs import in_file
from tests.laws.cutting import conserved, in_pieces

TAP = Ber(frozenset({b"\x61"}), b"\x63")
FRAMINGS: dict[str, Framing] = {
    "lines": LINES,
    "headed": Lines(1),
    "paragraphs": PARAGRAPHS,
    "document": DOCUMENT,
    "elements": Elements(("cdr", "ns:call")),
    "array": Array(),
    "array below": Array(("page", "calls")),
    "tlv": Ber(),
    "tap": TAP,
    "messages": Diameter(),
    "cdr file": CdrFile(),
}
QUICK = settings(max_examples=80, suppress_health_check=list(HealthCheck))


def tlv(tag: bytes, *values: bytes, indefinite: bool = False) -> bytes:
    """Encode one BER element."""
    value = b"".join(values)
    if indefinite:
        return tag + b"\x80" + value + b"\0\0"
    if len(value) < 128:
        return tag + bytes([len(value)]) + value
    size = (len(value).bit_length() + 7) // 8
    return tag + bytes([0x80 | size]) + len(value).to_bytes(size) + value


records = st.lists(
    st.dictionaries(st.text(max_size=4), st.text(max_size=6) | st.integers(-9, 9) | st.none(), max_size=3),
    max_size=6,
)  # fmt: skip
sizes = st.lists(st.integers(1, 40), min_size=1, max_size=4)


@QUICK
@given(calls=records, cuts=sizes, spaced=st.booleans())
def test_elements_of_an_array_are_records(
    calls: list[dict[str, object]], cuts: list[int], spaced: bool
) -> None:
    option = orjson.OPT_INDENT_2 if spaced else None
    data = orjson.dumps({"page": {"calls": calls, "next": [1, {"x": 2}]}, "of": "1"}, option=option)
    found = conserved(data, FRAMINGS["array below"])
    assert found[0].endswith(b"[")
    assert found[-1].startswith(b"]")
    assert [orjson.loads(piece) for piece in found[1:-1]] == calls
    assert in_pieces(data, FRAMINGS["array below"], cuts) == found
    plain = orjson.dumps(calls, option=option)
    whole = conserved(plain, FRAMINGS["array"])
    assert [orjson.loads(piece) for piece in whole[1:-1]] == calls
    assert in_pieces(plain, FRAMINGS["array"], cuts) == whole


@QUICK
@given(
    texts=st.lists(st.text("abc &;'\"\n", max_size=8), max_size=6), cuts=sizes, ended=st.booleans()
)
def test_elements_of_xml_are_records(texts: list[str], cuts: list[int], ended: bool) -> None:
    elements = [f"<cdr n='{number}'>{text}</cdr >" for number, text in enumerate(texts)]
    elements += ["<ns:call/>", "<cdrs>no record</cdrs>"]
    end = "</all>" if ended else ""
    data = ("<?xml version='1.0'?>\n<all>\n" + "\n".join(elements) + end).encode()
    found = conserved(data, FRAMINGS["elements"])
    assert [piece for piece in found if piece.startswith((b"<cdr ", b"<ns"))] == [
        element.encode() for element in elements[:-1]
    ]
    assert in_pieces(data, FRAMINGS["elements"], cuts) == found


values = st.binary(max_size=20) | st.binary(min_size=120, max_size=300)


@QUICK
@given(
    events=st.lists(st.tuples(values, st.booleans()), max_size=6), cuts=sizes, long=st.booleans()
)
def test_elements_of_ber_are_records(
    events: list[tuple[bytes, bool]], cuts: list[int], long: bool
) -> None:
    calls = [
        tlv(b"\x7f\x81\x49", tlv(b"\x04", value), indefinite=indefinite)
        for value, indefinite in events
    ]
    head, audit = tlv(b"\x64", tlv(b"\x5f\x6d", b"7")), tlv(b"\x6f", tlv(b"\x02", b"\1"))
    data = tlv(b"\x61", head, tlv(b"\x63", *calls, indefinite=long), audit, indefinite=long)
    found = conserved(data, TAP)
    assert data.startswith(found[0])
    assert found[1:] == [*calls, audit]
    assert in_pieces(data, TAP, cuts) == found
    assert conserved(b"".join(calls), Ber()) == calls


def message(body: bytes, *, code: int = 272) -> bytes:
    """Write a Diameter message."""
    size = 20 + len(body)
    return b"\1" + size.to_bytes(3) + b"\x80" + code.to_bytes(3) + bytes(12) + body


@QUICK
@given(
    parts=st.lists(st.binary(max_size=30) | st.just(b"\1\0\0\x14\x80\0\1"), max_size=6), cuts=sizes
)
def test_messages_are_records_whatever_lies_between(parts: list[bytes], cuts: list[int]) -> None:
    whole = [message(bytes(4 * (len(part) % 5))) for part in parts]
    data = b"".join(one + part for one, part in zip(whole, parts, strict=True)) + message(b"")
    found = conserved(data, FRAMINGS["messages"])
    assert found[0] == (whole[0] if whole else message(b""))
    assert in_pieces(data, FRAMINGS["messages"], cuts) == found
    plain = b"".join(whole) + message(b"", code=999)
    assert conserved(plain, FRAMINGS["messages"]) == [*whole, message(b"", code=999)]


def test_garbage_is_in_records_of_bounded_length() -> None:
    data = b"\2" * 2_500_000 + message(b"")
    found = conserved(data, FRAMINGS["messages"])
    assert [len(piece) for piece in found] == [2**20, 2**20, 2_500_000 - 2**21, 20]
    assert frame(data[: 2**20 + 8], FRAMINGS["messages"], at_end=False)[1] == 2**20


@QUICK
@given(records=st.lists(st.binary(min_size=1, max_size=300), max_size=6), cuts=sizes)
def test_records_of_a_cdr_file_are_records(records: list[bytes], cuts: list[int]) -> None:
    data = in_file(records)
    found = conserved(data, FRAMINGS["cdr file"])
    assert len(found) == 1 + len(records)
    assert [piece[5:] for piece in found[1:]] == records
    assert in_pieces(data, FRAMINGS["cdr file"], cuts) == found


@pytest.mark.parametrize("name", sorted(FRAMINGS))
@QUICK
@given(data=st.binary(max_size=300) | st.text('[]{}",:\\ab<cdr/> \n', max_size=200).map(str.encode))
def test_whatever_the_bytes_are_they_are_in_records(name: str, data: bytes) -> None:
    conserved(data, FRAMINGS[name])


@pytest.mark.parametrize("name", ["lines", "headed", "paragraphs", "elements"])
@QUICK
@given(
    data=st.binary(max_size=300) | st.text("<cdr/> ns:call\n", max_size=200).map(str.encode),
    cuts=sizes,
)
def test_text_is_cut_in_pieces_as_at_once(name: str, data: bytes, cuts: list[int]) -> None:
    assert in_pieces(data, FRAMINGS[name], cuts) == conserved(data, FRAMINGS[name])


def test_a_length_of_a_hundred_gigabytes_is_one_broken_record() -> None:
    data = b"\x61\x85\x17\x48\x76\xe8\x00" + b"\x64\x00" + bytes(range(1, 200))
    assert conserved(data, TAP) == [data]
    assert frame(data, TAP, at_end=False)[1] == 0


def test_nested_without_end_is_refused_not_followed() -> None:
    data = b"\x30\x80" * 100_000
    assert conserved(data, Ber()) == [data]


@pytest.mark.parametrize("name", sorted(FRAMINGS))
@pytest.mark.parametrize("data", [b"\x0b", b"\x0c", b"\x1c"], ids=repr)
def test_what_only_unicode_calls_blank_is_no_blank(name: str, data: bytes) -> None:
    assert conserved(data, FRAMINGS[name]) == [data]


def test_prologues() -> None:
    assert Lines(1).prologue(b"a,b\n1,2\n", at_end=False) == 4
    assert Lines(1).prologue(b"a,b", at_end=False) is None
    assert Lines(1).prologue(b"a,b", at_end=True) == 3
    assert DOCUMENT.prologue(b"{", at_end=False) == 0
    assert Elements(("cdr",)).prologue(b"<x><cdr>", at_end=False) == 3
    assert Array(("a",)).prologue(b'{"b": ["a"], "a": [1', at_end=False) == 19
    assert Array(("a", "c")).prologue(b'{"a": {"b": [], "c": [', at_end=False) == 22
