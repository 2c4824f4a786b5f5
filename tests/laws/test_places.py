"""A record's hash is that of its bytes, whatever lies beside it in its batch."""

import numpy as np
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from tallywire.mediation.decoded import Frames, places

records = st.lists(st.text('a"\n\r\x00\x01é', min_size=1, max_size=4), max_size=4)


@settings(max_examples=300)
@given(texts=records, between=st.sampled_from([b"", b"\n", b"\r\n"]))
def test_a_hash_is_that_of_the_bytes(texts: list[str], between: bytes) -> None:
    pieces = [text.encode() for text in texts]
    data, starts = b"", []
    for piece in pieces:
        data += between if starts else b""
        starts.append(len(data))
        data += piece
    lengths = np.array([len(piece) for piece in pieces], np.int64)
    frames = Frames(data, np.array(starts, np.int64), lengths)
    assert places(frames)["raw_hash"].to_list() == [xxhash.xxh3_64_intdigest(x) for x in pieces]
