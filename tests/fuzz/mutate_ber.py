"""BER changed as a tree: tags, lengths and nesting, with the lengths around a change kept true."""

from copy import deepcopy
from random import Random

_MANY, _CONSTRUCTED = 0x1F, 0x20
_DEPTH, _MOST_BYTES = 12, 1_500
_VALUES = (
    b"", b"\0", b"\xff", b"\x80", b"\x7f\xff\xff\xff\xff\xff\xff\xff", b"\x80" + bytes(7),
    b"\0\xff\xff\xff\xff\xff\xff\xff\xff", b"\1" * 9, b"\0\0", b"\x99\x99\x99\x99\x99\x99+\x99\x99",
    bytes.fromhex("2610241200002b0200"), bytes.fromhex("2613321200002d2599"), b"20261024120000",
    b"20261324250000", b"+0200", b"-9999", b"\xff\xfe\xfd", b"0" * 40, b"\x91\x74\x09\x10\x20\xf3",
    "\u0661".encode(), b"\x00\x01\x02\x03", b"\xf2\x14\x02",
)  # fmt: skip
_LENGTHS = (
    b"\x80", b"\x81\x00", b"\x84\xff\xff\xff\xff", b"\x88" + b"\xff" * 8, b"\x88\x7f" + b"\xff" * 7,
    b"\x89" + bytes(9), b"\xff", b"\x83\x10\x00\x01", b"\x82\x00\x01", b"\x7f", b"\x00",
)  # fmt: skip


class Node:
    """An element: its identifier octets, what it holds, how its length is written."""

    def __init__(self, tag: bytes, inner: "list[Node] | bytes") -> None:
        self.tag, self.inner = tag, inner
        self.length: bytes | None = None
        self.endless = False

    def written(self) -> bytes:
        """Write it, with a length that is true unless told otherwise."""
        inner = self.inner
        value = inner if isinstance(inner, bytes) else b"".join(one.written() for one in inner)
        if self.endless:
            return self.tag + b"\x80" + value + b"\0\0"
        return self.tag + (self.length or _length(len(value))) + value


def _length(size: int) -> bytes:
    if size < 128:
        return bytes([size])
    octets = (size.bit_length() + 7) // 8
    return bytes([0x80 | octets]) + size.to_bytes(octets)


def _header(data: bytes, place: int) -> tuple[bytes, int, int] | None:
    """Read a tag and a definite length: the tag, where the value begins and ends."""
    begun, first = place, data[place]
    place += 1
    if first & _MANY == _MANY:
        while place < len(data) and data[place] & 0x80:
            place += 1
        place += 1
    if place >= len(data):
        return None
    tag, size = data[begun:place], data[place]
    place += 1
    if size & 0x80:
        octets = size & 0x7F
        size = int.from_bytes(data[place : place + octets])
        place += octets
        if not 0 < octets < 9:
            return None
    return (tag, place, place + size) if place + size <= len(data) else None


def tree(data: bytes, depth: int = 0) -> list[Node] | None:
    """Read elements that follow each other; nothing where the bytes are not such.

    >>> [one.tag.hex() for one in tree(bytes.fromhex("3003020101")) or []]
    ['30']
    """
    found: list[Node] = []
    place = 0
    while place < len(data):
        header = _header(data, place)
        if header is None:
            return None
        tag, start, end = header
        value = data[start:end]
        inner = tree(value, depth + 1) if tag[0] & _CONSTRUCTED and depth < _DEPTH else None
        found.append(Node(tag, value if inner is None else inner))
        place = end
    return found


def _lists(nodes: list[Node]) -> list[list[Node]]:
    """Give every list of elements that is not empty."""
    found = [nodes] if nodes else []
    for node in nodes:
        if isinstance(node.inner, list):
            found += _lists(node.inner)
    return found


def _retagged(tag: bytes, chance: Random) -> bytes:
    match chance.randrange(4):
        case 0:
            return bytes([tag[0] ^ _CONSTRUCTED]) + tag[1:]
        case 1:
            return tag[:-1] + bytes([tag[-1] & 0x80 | chance.randrange(0x80)])
        case 2:
            return bytes([chance.choice((0x1F, 0x3F, 0x5F, 0x7F, 0x9F, 0xBF))]) + bytes(
                [0x80 | chance.randrange(128)] * chance.randrange(6)
            ) + bytes([chance.randrange(128)])  # fmt: skip
        case _:
            return bytes([chance.randrange(256)])


def _change(nodes: list[Node], chance: Random) -> None:
    """Change one element."""
    among = chance.choice(_lists(nodes))
    index = chance.randrange(len(among))
    node = among[index]
    match chance.randrange(9):
        case 0:
            node.tag = _retagged(node.tag, chance)
        case 1:
            node.length = chance.choice(_LENGTHS)
        case 2:
            node.endless = True
        case 3:
            among[index] = Node(chance.choice((b"\x30", b"\xa0", node.tag)), [node])
        case 4:
            among.insert(index, deepcopy(chance.choice(chance.choice(_lists(nodes)))))
        case 5:
            del among[index]
        case 6:
            other = chance.choice(chance.choice(_lists(nodes)))
            if isinstance(other.inner, bytes):
                node.inner = other.inner
        case 7:
            deep = chance.choice((3, 20, 63, 70))
            node.inner = b"\x30\x80" * deep + bytes(2 * chance.choice((0, deep - 1, deep)))
        case _:
            node.inner = chance.choice(_VALUES)


def mutate(data: bytes, chance: Random) -> bytes:
    """Change elements of a tree; bytes where there is none."""
    nodes = tree(data)
    if not nodes:
        place = chance.randrange(len(data) + 1)
        return (
            data[:place] + chance.choice(_VALUES + _LENGTHS) + data[place + chance.randrange(3) :]
        )
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        if nodes:
            _change(nodes, chance)
    made = b"".join(node.written() for node in nodes)
    return made if len(made) <= _MOST_BYTES else data[: chance.randrange(len(data) + 1)]
