"""Decoding is total: it never raises and never loses a byte, whatever the bytes are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import DECODED, Frames
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import frame
from tests.laws import cases
from tests.laws.cutting import check_covers
from tests.laws.feeds import SNAPSHOT, VALID
from tests.laws.rows import check_rows

FORMATS = sorted(VALID)
QUICK = cases(20)
SNIPPETS = st.sampled_from(
    [b"\x00", b"\xff\xfe", b"\n", b"\r\n", b'"', b";", b",", b"{", b"}", b"99999999999999999999",
     b"-1", b"0000-01-01 00:00:00", b"1969-12-31T23:59:59Z", b"2099-01-01T00:00:00Z",
     b"9999-12-31T23:59:59Z", b"null", b"\xc3\x28", b"1e9", b"0.1", b"[]", b"\t", b"=", b" "]
)  # fmt: skip


def _feed(key: str) -> Feed:
    return SNAPSHOT.feeds[VALID[key].feed_id]


def _cut(key: str, data: bytes) -> Frames:
    feed = _feed(key)
    framing = DECODERS[feed.format].framing(feed)
    head = data[: framing.prologue(data, at_end=True) or 0]
    frames, consumed = frame(data, framing, at_end=True, prologue=head)
    assert consumed == len(data)
    return frames


def _decoded(key: str, data: bytes) -> None:
    frames = _cut(key, data)
    feed = _feed(key)
    check_covers(frames, data, DECODERS[feed.format].framing(feed).blank)
    check_rows(frames, DECODERS[feed.format].decode(frames, feed))


@pytest.mark.parametrize("key", FORMATS)
@QUICK
@given(data=st.binary(max_size=400))
def test_any_bytes_become_rows(key: str, data: bytes) -> None:
    _decoded(key, data)


@pytest.mark.parametrize("key", FORMATS)
@QUICK
@given(
    cuts=st.lists(
        st.tuples(st.integers(0, 5_000), st.integers(0, 40), SNIPPETS), min_size=1, max_size=6
    )
)
def test_a_broken_file_becomes_rows(key: str, cuts: list[tuple[int, int, bytes]]) -> None:
    data = VALID[key].data
    for place, length, snippet in cuts:
        start = place % (len(data) + 1)
        data = data[:start] + snippet + data[start + length :]
    _decoded(key, data)


@pytest.mark.parametrize("key", FORMATS)
def test_a_flipped_bit_anywhere_becomes_rows(key: str) -> None:
    data = VALID[key].data
    for place in np.random.default_rng(3).integers(0, 8 * len(data), 60).tolist():
        broken = bytearray(data)
        broken[place // 8] ^= 1 << place % 8
        _decoded(key, bytes(broken))


@pytest.mark.parametrize("key", FORMATS)
def test_a_file_cut_anywhere_becomes_rows(key: str) -> None:
    data = VALID[key].data
    for length in range(0, len(data), max(1, len(data) // 40)):
        _decoded(key, data[:length])


@pytest.mark.parametrize("key", FORMATS)
@QUICK
@given(garbage=st.binary(min_size=1, max_size=60))
def test_a_good_record_does_not_depend_on_its_neighbours(key: str, garbage: bytes) -> None:
    """The same rows, whether a broken record stands between them or not."""
    data = VALID[key].data
    feed = _feed(key)
    framing = DECODERS[feed.format].framing(feed)
    end = framing.separator
    alone = DECODERS[feed.format].decode(_cut(key, data), feed).frame
    mixed = DECODERS[feed.format].decode(_cut(key, data.rstrip(b"\n") + end + garbage), feed).frame
    kept = [name for name in DECODED if name not in {"record_no", "byte_offset"}]
    assert_frame_equal(mixed.head(alone.height - 1).select(kept), alone.head(-1).select(kept))


@pytest.mark.parametrize(
    "data",
    [b"", b"\n\n\n", b"\x00" * 5_000, "æøå".encode("utf-16"), b"," * 1_000_000 + b"\n",
     b"9" * 2_000_000, b'"' * 999],
    ids=["empty", "blank", "nul", "utf-16", "million columns", "two million digits", "quotes"],
)  # fmt: skip
@pytest.mark.parametrize("key", FORMATS)
def test_what_people_send(key: str, data: bytes) -> None:
    _decoded(key, data)
