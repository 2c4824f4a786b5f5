"""What holds of every cut of a file into records, and of every way to read elements of BER."""

import numpy as np

from tallywire.mediation.ber import Octets, children, spans
from tallywire.mediation.decoded import Frames
from tallywire.mediation.framing import Framing, frame


def check_covers(frames: Frames, data: bytes, blank: bytes) -> None:
    """Records are in order, apart, inside; between them is nothing but blank space."""
    ends = frames.starts + frames.lengths
    assert (frames.lengths > 0).all()
    assert (frames.starts[1:] >= ends[:-1]).all()
    left = bytearray(data)
    for start, end in zip(frames.starts.tolist(), ends.tolist(), strict=True):
        left[start:end] = b" " * (end - start)
    assert not bytes(left).translate(None, b" \t\r\n" + blank), "a byte is in no record"


def conserved(data: bytes, framing: Framing) -> list[bytes]:
    """Cut a whole file: every byte is in a record; give the records."""
    frames, consumed = frame(data, framing, at_end=True)
    assert consumed == len(data)
    check_covers(frames, data, framing.blank)
    return frames.slices()


def in_pieces(data: bytes, framing: Framing, sizes: list[int]) -> list[bytes]:
    """Cut a file as it is read: piece by piece, each as large as told, longer where it must be."""
    found: list[bytes] = []
    offset = size = 0
    while offset < len(data):
        size += sizes[len(found) % len(sizes)] if sizes else len(data)
        piece = data[offset : offset + size]
        at_end = offset + size >= len(data)
        frames, consumed = frame(piece, framing, at_end=at_end, base_offset=offset)
        found += frames.slices()
        if consumed:
            offset, size = offset + consumed, 0
        assert consumed or not at_end
    return found


def same_both_ways(pieces: list[bytes]) -> None:
    """By columns and one by one, the same elements are found, broken at the same place."""
    octets = Octets(b"".join(pieces))
    ends = np.cumsum([len(piece) for piece in pieces])
    within = spans(ends - [len(piece) for piece in pieces], [len(piece) for piece in pieces])
    one, many = children(octets, within, few=10**9), children(octets, within, few=0)
    order = np.lexsort((many.start, many.owner))
    first = np.lexsort((one.start, one.owner))
    for name in ("owner", "tag", "start", "length"):
        assert getattr(one, name)[first].tolist() == getattr(many, name)[order].tolist(), name
    assert one.broken.tolist() == many.broken.tolist()
