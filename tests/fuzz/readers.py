"""What holds of the layers below the decoders, for any one input: cutting, elements, packets.

Each law raises nothing but `AssertionError`, whatever the bytes are.
"""

import contextlib
import hashlib
from collections.abc import Sequence

import numpy as np

from tallywire.mediation.ber import Octets, children, spans, values
from tallywire.mediation.ber.tree import fields
from tallywire.mediation.decoders.avps import read_avps
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
)
from tallywire.mediation.items import Unreadable
from tallywire.mediation.radius.accounting import RadiusOptions, UnreadableError, row
from tallywire.mediation.radius.dictionary import named
from tallywire.mediation.radius.packet import Packet, answer, parse, proven, server_of
from tests import radius
from tests.laws.cutting import conserved, in_pieces, same_both_ways
from tests.laws.feeds import SNAPSHOT

_FILES: tuple[Framing, ...] = (
    Ber(frozenset({b"\x61"}), b"\x63"),
    Ber(frozenset({b"\x61"}), b"\x62"),
    Ber(frozenset({b"\x7f\x84\x16"}), b"\x7f\x84\x18"),
    CdrFile(),
)
_TEXT: tuple[Framing, ...] = (
    LINES, Lines(1), PARAGRAPHS, DOCUMENT, Elements(("cdrData", "call")), Array(),
    Array(("of", "calls")),
)  # fmt: skip
_WHOLE_ONLY = (Array,)
"""What is no JSON is cut elsewhere when it is read in pieces; every byte is in a record still."""
_VALUES = (
    values.texts, values.integer_column, values.digits, values.hexadecimal, values.networks,
    values.addresses, values.numbers_of,
)  # fmt: skip
_MOMENTS = (values.stamps, values.walls, values.offsets)
_RECEIVED_US = 1_792_843_200_000_000


def _cut(data: bytes, framings: tuple[Framing, ...]) -> None:
    sizes = [1 + len(data) // 3, 1 + len(data) // 5]
    for framing in framings:
        whole = conserved(data, framing)
        if not isinstance(framing, _WHOLE_ONLY):
            assert in_pieces(data, framing, sizes) == whole, f"{framing} cuts pieces elsewhere"


def ber(pieces: Sequence[bytes]) -> None:
    """Cut, and read as elements of elements: by columns as one by one, each value of any kind."""
    for number, piece in enumerate(pieces):
        _cut(piece, (Ber(), _FILES[number % len(_FILES)]))
        fields(piece)
    same_both_ways(list(pieces))
    octets = Octets(b"".join(pieces))
    lengths = [len(piece) for piece in pieces]
    ends = np.cumsum(lengths)
    found = children(octets, spans(ends - lengths, lengths))
    assert (found.start + found.length <= ends[found.owner]).all(), "an element reaches too far"
    inner = spans(found.start, found.length)
    children(octets, inner)
    for column in _VALUES:
        assert len(column(octets, inner)) == len(inner)
    for moment in _MOMENTS:
        assert all(len(part) == len(inner) for part in moment(octets, inner))


def _answered(asked: Packet) -> None:
    reply = answer(asked, radius.SECRET)
    assert isinstance(parse(reply), Packet), "an answer is no packet"
    assert len(reply) <= len(asked.raw), "an answer is longer than what was asked"
    proof = hashlib.md5(reply[:4] + asked.raw[4:20] + reply[20:] + radius.SECRET)  # noqa: S324  the protocol's
    assert reply[4:20] == proof.digest(), "an answer is not proven"


def radius_packet(data: bytes) -> None:
    """Take a packet in as the listener does, answer it, and read what it says."""
    found = parse(data)
    if not isinstance(found, Packet):
        return
    assert data.startswith(found.raw)
    bare, signed = (proven(found, radius.SECRET, must_sign=must) for must in (False, True))
    assert signed is not None or bare is None
    if bare is None:
        _answered(found)
    assert server_of(found, "192.0.2.1")
    told = named(found.raw)
    with contextlib.suppress(UnreadableError):
        row(told, lambda: _RECEIVED_US, SNAPSHOT.feeds["live"], RadiusOptions())


def diameter(data: bytes) -> None:
    """Cut messages, and read their pairs."""
    _cut(data, (Diameter(),))
    for start in (0, 20, len(data) // 2):
        with contextlib.suppress(Unreadable):
            read_avps(data[start:])


def text(data: bytes) -> None:
    """Cut lines, paragraphs, elements or arrays: which, its length decides."""
    _cut(data, (_TEXT[len(data) % len(_TEXT)],))
