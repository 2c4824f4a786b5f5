"""What holds of a decoder for many inputs at once, each cut into records by itself."""

from collections.abc import Callable, Sequence

import numpy as np
from polars.testing import assert_frame_equal

from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Decoded, Frames
from tallywire.mediation.framing import Framing, frame
from tests.laws.cutting import check_covers
from tests.laws.rows import check_rows

Decoder = Callable[[Frames, Feed], Decoded]


def framed(pieces: Sequence[bytes], framing: Framing) -> Frames:
    """Cut inputs that follow each other in a file, none knowing of the next.

    Args:
        pieces: The first is what the file says ahead of its records, where it does.
    """
    head = pieces[0] if pieces else b""
    prologue = head[: framing.prologue(head, at_end=True) or 0]
    data = bytearray()
    starts, lengths = [], []
    for piece in pieces:
        found, consumed = frame(piece, framing, at_end=True, base_offset=len(data))
        assert consumed == len(piece)
        check_covers(found, piece, framing.blank)
        starts.append(found.starts + len(data))
        lengths.append(found.lengths)
        data += piece + framing.separator
    none = np.zeros(0, np.int64)
    return Frames(
        bytes(data), np.concatenate([none, *starts]), np.concatenate([none, *lengths]),
        prologue=prologue,
    )  # fmt: skip


def _part(frames: Frames, first: int, last: int) -> Frames:
    return Frames(
        frames.data,
        frames.starts[first:last],
        frames.lengths[first:last],
        first,
        0,
        frames.prologue,
    )


def check(
    pieces: Sequence[bytes], framing: Framing, decode: Decoder, feed: Feed, *, again: bool
) -> int:
    """Decode inputs: each of their records has its rows.

    Args:
        again: Decode them once more, in two parts: the rows are the same.

    Returns:
        How many records they held.
    """
    frames = framed(pieces, framing)
    made = decode(frames, feed)
    check_rows(frames, made)
    if again and len(frames):
        middle = len(frames) // 2
        parts = [
            decode(_part(frames, *ends), feed).frame
            for ends in ((0, middle), (middle, len(frames)))
        ]
        assert_frame_equal(parts[0].vstack(parts[1]), made.frame)
    return len(frames)
