"""Packets and messages changed attribute by attribute, with lengths and proofs made true again."""

import base64
import binascii
import json
from random import Random

from tests import radius

_VALUES = (
    b"", b"\0", b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\xff" * 8, b"\xc3\x28", bytes(16),
    b"\0\0\x28\xaf\x01\x05001", b"\0\0\x28\xaf\x01\xff", b"\0\0\x28\xaf\x01\x01", b"\0\x81" + bytes(16),
    b"a" * 253, "\u0661".encode(), b"\0\1\x7f\0\0\1", b"\0\0\0\1",
)  # fmt: skip
_HEADER, _HEAD, _VENDOR_HEAD = 20, 8, 12


def _attributes(packet: bytes) -> radius.Attributes:
    """Cut a packet, up to where its lengths do not agree."""
    found: radius.Attributes = []
    place = _HEADER
    while place + 2 <= len(packet) and packet[place + 1] >= 2:
        found.append((packet[place], packet[place + 2 : place + packet[place + 1]]))
        place += packet[place + 1]
    return found


def packet(data: bytes, chance: Random) -> bytes:
    """Change attributes of a packet of RADIUS; most come out with a true length and proof."""
    found = _attributes(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        index = chance.randrange(len(found) + 1)
        kind = chance.choice((chance.randrange(256), 26, 33, 40, 44, 55, 80))
        match chance.randrange(4):
            case 0:
                found.insert(index, (kind, chance.choice(_VALUES)))
            case 1:
                del found[index : index + 1]
            case 2:
                found[index : index + 1] = [(kind, value) for _, value in found[index : index + 1]]
            case _:
                found[index : index + 1] = [
                    (one, chance.choice(_VALUES)) for one, _ in found[index : index + 1]
                ]
    made = radius.request(found, chance.randrange(256), signs=chance.random() < 0.3)
    if chance.random() < 0.7:
        return made
    place = chance.choice((0, 1, 2, 3, chance.randrange(len(made))))
    broken = made[:place] + bytes([chance.randrange(256)]) + made[place + 1 :]
    return broken[: chance.choice((len(made), chance.randrange(len(made))))] + bytes(
        chance.choice((0, 0, 7))
    )


def kept(data: bytes, chance: Random) -> bytes:
    """Change the packet in a line that the listener kept."""
    try:
        line = json.loads(data)
        held = base64.b64decode(line["packet"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        return data[: chance.randrange(len(data) + 1)]
    line["packet"] = base64.b64encode(packet(held, chance)).decode()
    if chance.random() < 0.1:
        line["at"] = chance.choice((-1, 0, 2**63, 2**64, 1.5, "1", None))
    return json.dumps(line).encode()


def _pair(code: int, flags: int, rest: bytes) -> bytes:
    size = _HEAD + len(rest)
    return code.to_bytes(4) + bytes([flags]) + size.to_bytes(3) + rest + bytes(-size % 4)


def _pairs(data: bytes) -> list[tuple[int, int, bytes]]:
    """Cut attribute-value pairs, up to where their lengths do not agree: code, flags, the rest."""
    found = []
    place = 0
    while place + _HEAD <= len(data):
        size = int.from_bytes(data[place + 5 : place + 8])
        if not _HEAD <= size <= len(data) - place:
            break
        code = int.from_bytes(data[place : place + 4])
        found.append((code, data[place + 4], data[place + _HEAD : place + size]))
        place += size + -size % 4
    return found


def _changed(data: bytes, chance: Random, depth: int = 0) -> bytes:
    """Change pairs, or those that one of them holds."""
    found = _pairs(data)
    if not found:
        return chance.choice(_VALUES)
    index = chance.randrange(len(found))
    code, flags, rest = found[index]
    head = rest[: _VENDOR_HEAD - _HEAD] if flags & 0x80 else b""
    value = rest[len(head) :]
    match chance.randrange(6):
        case 0 | 1 if _pairs(value) and depth < 6:
            found[index] = (code, flags, head + _changed(value, chance, depth + 1))
        case 2:
            del found[index]
        case 3:
            found.insert(index, chance.choice(found))
        case 4:
            nested = value
            for _ in range(chance.choice((1, 7, 8, 9, 20))):
                nested = _pair(456, 0x40, nested)
            found[index] = (456, 0x40, nested)
        case _:
            found[index] = (code, flags, head + chance.choice(_VALUES))
    made = [_pair(*one) for one in found]
    if chance.random() < 0.1:
        made[-1:] = [one[:5] + chance.randrange(2**24).to_bytes(3) + one[8:] for one in made[-1:]]
    return b"".join(made)


def message(data: bytes, chance: Random) -> bytes:
    """Change pairs of a Diameter message; most come out with a true length."""
    body = data[_HEADER:]
    for _ in range(chance.choice((1, 1, 2, 4))):
        body = _changed(body, chance)[:3_000]
    made = data[:1] + (_HEADER + len(body)).to_bytes(3) + data[4:_HEADER] + body
    if chance.random() < 0.8:
        return made
    place = chance.randrange(_HEADER)
    return made[:place] + bytes([chance.randrange(256)]) + made[place + 1 :]
