"""One input of the fuzzer as several records: each is an input to a decoder of its own.

A decoder of columns costs as much for one record as for some hundred, so it is given many at once.
"""

from collections.abc import Callable, Sequence

_SIZE = 3


def packed(pieces: Sequence[bytes]) -> bytes:
    """Put pieces behind one another, each behind its length.

    >>> packed([b"ab", b""]).hex()
    '0000026162000000'
    """
    return b"".join(len(piece).to_bytes(_SIZE) + piece for piece in pieces)


def unpacked(data: bytes) -> list[bytes]:
    r"""Give the pieces of any bytes; the last may be shorter than it says.

    >>> unpacked(packed([b"ab", b""])), unpacked(b"\0\0\x09ab")
    ([b'ab', b''], [b'ab'])
    """
    found: list[bytes] = []
    place = 0
    while place + _SIZE <= len(data):
        end = place + _SIZE + int.from_bytes(data[place : place + _SIZE])
        found.append(data[place + _SIZE : end])
        place = end
    return found


def smallest(pieces: Sequence[bytes], fails: Callable[[Sequence[bytes]], bool]) -> Sequence[bytes]:
    """Leave out records, the first of all excepted, as long as what is left fails, too.

    >>> smallest([b"h", b"a", b"b", b"c", b"d"], lambda left: b"c" in left)
    [b'h', b'c']
    """
    kept = list(pieces)
    size = max(1, len(kept) // 2)
    while True:
        place = 1
        while place < len(kept):
            fewer = kept[:place] + kept[place + size :]
            if fails(fewer):
                kept = fewer
            else:
                place += size
        if size == 1:
            return kept
        size //= 2
