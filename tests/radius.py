"""Packets of RADIUS made by hand, apart from the product's own code, for tests and benches."""

import base64
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Sequence

SECRET = b"a secret of sixteen"
START, STOP, INTERIM, ON, OFF = 1, 2, 3, 7, 8
ACCOUNTING, STATUS = 4, 12

Attributes = list[tuple[int, bytes]]


def number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def accounting(
    status: int, session: str = "s1", *, user: str = "anna", nas: str = "192.0.2.1", seconds: int = 0,
    down: int = 0, up: int = 0, at: int = 0, delay: int | None = None, more: Sequence[tuple[int, bytes]] = (),
) -> Attributes:  # fmt: skip
    """Attributes of a record as a server of subscriber lines sends it."""
    found = [(40, number(status)), (4, ipaddress.ip_address(nas).packed), (44, session.encode())]
    if status in {START, STOP, INTERIM}:
        found += [(1, user.encode()), (5, number(7)), (6, number(2)), (8, b"\xc0\x00\x02\x63")]
    if status in {STOP, INTERIM}:
        found += [(42, number(up % 2**32)), (43, number(down % 2**32)), (46, number(seconds))]
        found += [(52, number(up // 2**32)), (53, number(down // 2**32))]
    if status == STOP:
        found.append((49, number(1)))
    if at:
        found.append((55, number(at)))
    if delay is not None:
        found.append((41, number(delay)))
    return [*found, *more]


def written(code: int, identifier: int, authenticator: bytes, attributes: Attributes) -> bytes:
    body = b"".join(bytes((kind, len(value) + 2)) + value for kind, value in attributes)
    return bytes((code, identifier)) + (20 + len(body)).to_bytes(2, "big") + authenticator + body


def attributes_of(packet: bytes) -> Attributes:
    """Cut a packet whose lengths agree."""
    found, rest = [], packet[20:]
    while rest:
        found.append((rest[0], rest[2 : rest[1]]))
        rest = rest[rest[1] :]
    return found


def request(
    attributes: Attributes, identifier: int = 1, secret: bytes = SECRET, *, signs: bool = False
) -> bytes:
    """An Accounting-Request; `signs`: with a Message-Authenticator."""
    zeros = bytes(16)
    if signs:
        bare = written(ACCOUNTING, identifier, zeros, [*attributes, (80, zeros)])
        attributes = [*attributes, (80, hmac.new(secret, bare, hashlib.md5).digest())]
    bare = written(ACCOUNTING, identifier, zeros, attributes)
    return bare[:4] + hashlib.md5(bare + secret).digest() + bare[20:]  # noqa: S324  the protocol's


def status_server(identifier: int = 1, secret: bytes = SECRET, *, signs: bool = True) -> bytes:
    """A Status-Server (RFC 5997)."""
    authenticator = bytes(range(16))
    if not signs:
        return written(STATUS, identifier, authenticator, [])
    bare = written(STATUS, identifier, authenticator, [(80, bytes(16))])
    signature = hmac.new(secret, bare, hashlib.md5).digest()
    return written(STATUS, identifier, authenticator, [(80, signature)])


def kept(packet: bytes, at_us: int, client: str = "192.0.2.1") -> bytes:
    """A line as the listener keeps it."""
    line = {"at": at_us, "client": client, "packet": base64.b64encode(packet).decode()}
    return json.dumps(line).encode()
