"""Reading BER: by columns as one by one, as two other decoders read it, and what we write."""

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallywire.mediation.ber import Octets, children, spans, values
from tallywire.mediation.ber.encode import digits, element, integer, stamp
from tallywire.mediation.ber.reader import Reader, context, read
from tallywire.mediation.ber.tree import fields
from tallywire.mediation.decoders.tap.charges import decimal_text
from tallywire.mediation.decoders.tap.head import shifted
from tests.laws.cutting import same_both_ways

QUICK = settings(max_examples=60, suppress_health_check=list(HealthCheck))
GRAMMAR = """
Sample DEFINITIONS IMPLICIT TAGS ::= BEGIN
Record ::= SET {
    name [1] IA5String, volume [2] INTEGER, long [300] INTEGER,
    parts [34] SEQUENCE OF Part, seen [5] OCTET STRING
}
Part ::= SEQUENCE { up [12] INTEGER, down [13] INTEGER OPTIONAL }
END
"""

tags = st.sampled_from([0x80, 0x9F1F, 0xBF22, 0x30, 0x5F816D, 0xA4])
leaves = st.builds(element, tags, st.binary(max_size=140))
trees = st.recursive(
    leaves, lambda inner: st.builds(lambda tag, parts: element(tag, *parts), tags, st.lists(inner, max_size=5)),
    max_leaves=12,
)  # fmt: skip


instants = st.integers(978_400_000, 4_070_000_000).map(
    lambda second: datetime.datetime.fromtimestamp(second, datetime.UTC)
)


def _endless(value: bytes) -> bytes:
    return b"\x30\x80" + value + b"\0\0"


@QUICK
@given(
    st.lists(
        st.lists(trees, max_size=6).map(b"".join) | st.binary(max_size=60), min_size=1, max_size=8
    )
)
def test_by_columns_is_one_by_one(pieces: list[bytes]) -> None:
    same_both_ways(pieces)
    same_both_ways([_endless(piece) for piece in pieces] + [_endless(_endless(pieces[0]))])


@QUICK
@given(st.lists(trees, max_size=6).map(b"".join), st.integers(0, 200))
def test_a_cut_record_is_broken_or_shorter_never_an_error(data: bytes, length: int) -> None:
    same_both_ways([data[:length]] * 3)


@QUICK
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30))
def test_integers_of_64_bits_come_back(numbers: list[int]) -> None:
    reader = _records([element(0x80, integer(number)) for number in numbers])
    assert reader.integer(0x80).to_list() == numbers


def test_integers_beyond_64_bits_are_told_not_guessed() -> None:
    data = [integer(2**64), b"\0" + (2**63).to_bytes(8), b"", b"\0" + (2**62).to_bytes(8)]
    reader = _records([element(0x80, value) for value in data])
    assert reader.integer(0x80).to_list() == [None, None, None, 2**62]
    assert reader.unread(integers=(0x80,)).to_list() == [True, True, True, False]


@QUICK
@given(st.lists(st.text("0123456789", max_size=20), min_size=1, max_size=30), st.booleans())
def test_digits_come_back(texts: list[str], swapped: bool) -> None:
    reader = _records([element(0x80, digits(text, swapped=swapped)) for text in texts])
    assert reader.digits(0x80, swapped=swapped).to_list() == texts


@QUICK
@given(st.lists(st.tuples(instants, st.integers(-1439, 1439)), min_size=1, max_size=30))
def test_time_stamps_are_the_instants_they_say(
    moments: list[tuple[datetime.datetime, int]],
) -> None:
    pieces, expected = [], []
    for moment, minutes in moments:
        zone = datetime.timezone(datetime.timedelta(minutes=minutes))
        local = moment.replace(tzinfo=zone)
        sign = "-" if minutes < 0 else "+"
        offset = f"{sign}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
        pieces.append(element(0x80, stamp(local.strftime("%y%m%d%H%M%S") + offset)))
        expected.append(int(local.timestamp()) * 1_000_000)
    reader = _records(pieces)
    assert reader.stamp(0x80).to_list() == expected
    assert reader.offset(0x80).to_list() == [minutes for _, minutes in moments]


@pytest.mark.parametrize("text", ["260230120000+0200", "261301120000+0200", "261024240000+0200"])
def test_a_day_that_there_is_not_is_no_time(text: str) -> None:
    assert _records([element(0x80, stamp(text))]).stamp(0x80).to_list() == [None]


def test_addresses_networks_and_numbers() -> None:
    reader = _records(
        [
            element(0x80, bytes([10, 0, 0, 9])) + element(0x81, bytes.fromhex("42f210"))
            + element(0x82, b"\x91" + digits("4790010001")),
            element(0x80, bytes(15) + b"\1") + element(0x81, bytes.fromhex("130041"))
            + element(0x82, b"\x0a\x91" + digits("4790010001")),
            element(0x80, b"no") + element(0x82, b"\x21\x80" + digits("12")),
            element(0x82, b"\xa1" + digits("90010001")) + element(0x81, b"\1"),
        ]
    )  # fmt: skip
    assert reader.binary_address(0x80).to_list() == ["10.0.0.9", "::1", "", ""]
    assert reader.network(0x81).to_list() == ["24201", "310140", "", ""]
    assert reader.number(0x82).to_list() == ["+4790010001", "+4790010001", "12", "90010001"]


@QUICK
@given(st.lists(st.text(max_size=12), min_size=1, max_size=12))
def test_texts_come_back_without_control_characters(texts: list[str]) -> None:
    reader = _records([element(0x80, text.encode()) for text in texts])
    kept = ["".join("?" if ord(one) < 32 else one for one in text) for text in texts]
    assert reader.text(0x80).to_list() == kept


@QUICK
@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(0, 9))
def test_money_is_shifted_exactly(value: int, places: int) -> None:
    told = pl.DataFrame({"v": [value]}).select(decimal_text(pl.col("v"), places)).item()
    assert told == shifted(value, places)


@pytest.fixture(scope="module")
def compiled() -> Any:
    """The grammar, compiled by asn1tools."""
    asn1tools = pytest.importorskip("asn1tools", reason="asn1tools is not installed")
    return asn1tools.compile_string(GRAMMAR, "ber")


parts = st.fixed_dictionaries(
    {"up": st.integers(0, 2**62)}, optional={"down": st.integers(-5, 2**40)}
)


@QUICK
@given(
    st.lists(
        st.fixed_dictionaries({
            "name": st.text("abc.", max_size=9), "volume": st.integers(-(2**60), 2**60),
            "long": st.integers(0, 9), "parts": st.lists(parts, max_size=4),
            "seen": st.binary(max_size=12),
        }), min_size=1, max_size=40,
    )
)  # fmt: skip
def test_another_decoder_reads_the_same(compiled: Any, records: list[dict[str, object]]) -> None:
    data = [compiled.encode("Record", record) for record in records]
    reader = _records([fields(piece)[0x31][0] for piece in data])
    assert reader.text(context(1)).to_list() == [record["name"] for record in records]
    assert reader.integer(context(2)).to_list() == [record["volume"] for record in records]
    assert reader.integer(context(300)).to_list() == [record["long"] for record in records]
    assert reader.hexadecimal(context(5)).to_list() == [record["seen"].hex() for record in records]  # type: ignore[attr-defined]
    owner, items = reader.inside(context(34, made=True)).items(0x30)
    expected = [
        (n, part["up"], part.get("down"))
        for n, record in enumerate(records)
        for part in record["parts"]
    ]  # type: ignore[attr-defined]
    found = zip(owner.tolist(), items.integer(context(12)), items.integer(context(13)), strict=True)
    assert list(found) == expected


def _records(pieces: list[bytes]) -> Reader:
    lengths = np.array([len(piece) for piece in pieces])
    return read(Octets(b"".join(pieces)), spans(np.cumsum(lengths) - lengths, lengths))


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"\x30\x80" * 50_000,
        lambda: b"\x04\x85\x17\x48\x76\xe8\x00" + bytes(50),
        lambda: b"\x04\x88" + b"\xff" * 8 + bytes(50),
        lambda: b"\x80\x00" * 300_000,
        lambda: b"\x1f" + b"\xff" * 400,
    ],
    ids=["nested", "a hundred gigabytes", "all ones", "300,000 elements", "a tag without end"],
)
def test_hostile_bytes_are_broken_soon(make: Callable[[], bytes]) -> None:
    data = make()
    for few in (0, 10**9):
        found = children(Octets(data), spans([0], [len(data)]), few=few)
        assert found.broken.tolist() == [True]
    assert values.texts(Octets(data), spans([0], [len(data)])).len() == 1
