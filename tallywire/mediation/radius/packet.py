"""RADIUS packets as bytes: cut into attributes, proven by the shared secret, answered.

Nothing here raises, whatever the bytes are. MD5 is what the protocol is made of; a secret is known
by both ends and by nobody else.

Source: RFC 2865 (packets), RFC 2866 (accounting), RFC 2869 and RFC 5080 (Message-Authenticator),
RFC 5997 (Status-Server).
"""

import hmac
from enum import StrEnum
from hashlib import md5
from typing import NamedTuple

ACCOUNTING_REQUEST, ACCOUNTING_RESPONSE, STATUS_SERVER = 4, 5, 12
SHORTEST, LONGEST = 20, 4_096
"""Bytes of a packet."""

NAS_IP_ADDRESS, NAS_IDENTIFIER, NAS_IPV6_ADDRESS = 4, 32, 95
_PROXY_STATE, _MESSAGE_AUTHENTICATOR = 33, 80
_SIGNATURE = 16
_ZEROS = bytes(_SIGNATURE)
_RANKS = {NAS_IP_ADDRESS: 0, NAS_IPV6_ADDRESS: 1, NAS_IDENTIFIER: 2}
"""Names of an access server, the best first."""
_MARKED = frozenset({*_RANKS, _PROXY_STATE, _MESSAGE_AUTHENTICATOR})


class Refusal(StrEnum):
    """Why a packet is dropped without an answer. Published as values of a metric."""

    CLIENT_UNKNOWN = "client_unknown"
    TOO_LONG = "too_long"
    MALFORMED = "malformed"
    CODE_UNKNOWN = "code_unknown"
    SECRET_WRONG = "secret_wrong"  # noqa: S105  a reason
    NOT_SIGNED = "not_signed"


class Packet(NamedTuple):
    """A packet whose lengths agree.

    Attributes:
        raw: Its bytes, without padding behind the length that it says.
        marked: Type and value of those attributes that taking a packet in asks for, in order:
            names of the server, Proxy-State, Message-Authenticator.
    """

    raw: bytes
    marked: list[tuple[int, bytes]]

    @property
    def code(self) -> int:
        """What it asks."""
        return self.raw[0]


def parse(data: bytes) -> Packet | Refusal:
    """Walk a packet's attributes: whether their lengths agree, and those that are asked for.

    What lies behind the length that a packet says is padding (RFC 2865, 3).
    """
    if len(data) > LONGEST:
        return Refusal.TOO_LONG
    if len(data) < SHORTEST:
        return Refusal.MALFORMED
    end = data[2] << 8 | data[3]
    if end > LONGEST:
        return Refusal.TOO_LONG
    if end < SHORTEST or end > len(data):
        return Refusal.MALFORMED
    raw = data if end == len(data) else data[:end]
    marked: list[tuple[int, bytes]] = []
    place, last = SHORTEST, end - 1
    while place < last:
        length = raw[place + 1]
        if length < 2:
            return Refusal.MALFORMED
        if raw[place] in _MARKED:
            marked.append((raw[place], raw[place + 2 : place + length]))
        place += length
    return Packet(raw, marked) if place == end else Refusal.MALFORMED


def proven(packet: Packet, secret: bytes, *, must_sign: bool) -> Refusal | None:
    """Find out whether whoever sent a request knows the secret.

    Args:
        must_sign: A Message-Authenticator is required of accounting, too; of Status-Server it
            always is.

    Returns:
        Why it is refused; `None` where it is proven.
    """
    raw, code = packet.raw, packet.raw[0]
    if code not in {ACCOUNTING_REQUEST, STATUS_SERVER}:
        return Refusal.CODE_UNKNOWN
    if code == ACCOUNTING_REQUEST:
        digest = md5(raw[:4] + _ZEROS + raw[20:] + secret, usedforsecurity=False).digest()
        if not hmac.compare_digest(digest, raw[4:20]):
            return Refusal.SECRET_WRONG
    signatures = [value for kind, value in packet.marked if kind == _MESSAGE_AUTHENTICATOR]
    if not signatures:
        return Refusal.NOT_SIGNED if must_sign or code == STATUS_SERVER else None
    return None if _signed(packet, signatures, secret) else Refusal.SECRET_WRONG


def _signed(packet: Packet, signatures: list[bytes], secret: bytes) -> bool:
    """Check the one Message-Authenticator; it is counted over a packet in which it is zero."""
    if len(signatures) != 1 or len(signatures[0]) != _SIGNATURE:
        return False
    raw = packet.raw
    place = _place(packet)
    authenticator = _ZEROS if raw[0] == ACCOUNTING_REQUEST else raw[4:20]
    bare = raw[:4] + authenticator + raw[20:place] + _ZEROS + raw[place + _SIGNATURE :]
    return hmac.compare_digest(hmac.digest(secret, bare, "md5"), signatures[0])


def _place(packet: Packet) -> int:
    """Find where the value of the Message-Authenticator begins."""
    place = SHORTEST
    while packet.raw[place] != _MESSAGE_AUTHENTICATOR:
        place += packet.raw[place + 1]
    return place + 2


def answer(packet: Packet, secret: bytes) -> bytes:
    """Write the Accounting-Response to a request: Proxy-State comes back, a signature is signed.

    No RFC says how the answer to accounting is signed; the servers and clients there are count it
    over zeros, and the one to Status-Server over the authenticator of the request.
    """
    body, signs = b"", False
    for kind, value in packet.marked:
        if kind == _PROXY_STATE:
            body += bytes((_PROXY_STATE, len(value) + 2)) + value
        signs = signs or kind == _MESSAGE_AUTHENTICATOR
    length = SHORTEST + len(body) + (2 + _SIGNATURE if signs else 0)
    head = bytes((ACCOUNTING_RESPONSE, packet.raw[1])) + length.to_bytes(2, "big")
    asked = packet.raw[4:20]
    if signs:
        opened = bytes((_MESSAGE_AUTHENTICATOR, 2 + _SIGNATURE))
        over = asked if packet.code == STATUS_SERVER else _ZEROS
        signature = hmac.digest(secret, head + over + opened + _ZEROS + body, "md5")
        body = opened + signature + body
    digest = md5(head + asked + body + secret, usedforsecurity=False).digest()
    return head + digest + body


def server_of(packet: Packet, client: str) -> str:
    """Name the access server that a packet is from, so that one server always has one name.

    Its address counts before its name, since `Accounting-On` may come with the address alone; the
    address that the packet came from, which may be a proxy's, counts last.
    """
    best, found = 3, client
    for kind, value in packet.marked:
        rank = _RANKS.get(kind, 3)
        if rank < best:
            best, found = rank, f"{kind}:{value.hex()}"
    return found
