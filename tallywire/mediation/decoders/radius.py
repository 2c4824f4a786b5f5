"""RADIUS accounting as the listener keeps it: a JSON line of packet, sender and time."""

from typing import Annotated

import msgspec

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Decoded, Frames
from tallywire.mediation.radius.accounting import RadiusOptions, UnreadableError, decoded, row
from tallywire.mediation.radius.dictionary import named
from tallywire.mediation.radius.packet import ACCOUNTING_REQUEST, Refusal, parse

_LONGEST = 8_192
"""Bytes of the longest line that a packet can make, and some."""
_SERVERS = ("NAS-Identifier", "NAS-IP-Address", "NAS-IPv6-Address")


class Kept(msgspec.Struct):
    """A line.

    Attributes:
        at: When the packet was received, microseconds UTC.
        client: Address that it came from, which may be a proxy's.
        packet: All its bytes.
    """

    at: Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000_000)]
    client: Annotated[str, msgspec.Meta(max_length=64)]
    packet: bytes


_LINE = msgspec.json.Decoder(Kept)


def _kept(piece: bytes) -> tuple[Kept, dict[str, str]]:
    if len(piece) > _LONGEST:
        raise UnreadableError(Reason.RECORD_TOO_LONG, f"{len(piece)} bytes")
    try:
        kept = _LINE.decode(piece)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UnreadableError(Reason.RECORD_UNREADABLE, f"is no kept packet: {error}") from error
    packet = parse(kept.packet)
    if isinstance(packet, Refusal):
        detail = f"holds no packet of RADIUS ({packet.value})"
        raise UnreadableError(Reason.RECORD_UNREADABLE, detail)
    if packet.code != ACCOUNTING_REQUEST:
        detail = f"a packet of code {packet.code} is no accounting"
        raise UnreadableError(Reason.RECORD_TYPE_UNKNOWN, detail)
    return kept, named(packet.raw)


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode kept packets."""
    options = RadiusOptions.model_validate(feed.options)

    def read(piece: bytes) -> dict[str, object]:
        kept, found = _kept(piece)
        if not any(found.get(name) for name in _SERVERS):  # it broke the rule, and is still known
            found["NAS-IP-Address"] = kept.client
        return row(found, lambda: kept.at, feed, options)

    return decoded(frames, read)
