"""Text changed at its seams: fields replaced, dropped, doubled, numbers made extreme."""

import re
from random import Random

_SEAM = re.compile(rb'[,;|\t\n:"=<>{}\[\] /&]')
_NUMBER = re.compile(rb"-?[0-9]+")
_FIELD_BYTES = 80
SNIPPETS = (
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r\n", b"\r", b"\t", b'"', b'""', b"'", b"\\",
    b'\\"', b";", b",", b"|", b"=", b"{", b"}", b"[", b"]", b"[]", b"{}", b"null", b"true", b"NaN",
    b"Infinity", b"0000-01-01 00:00:00", b"1969-12-31T23:59:59Z", b"9999-12-31T23:59:59Z",
    b"2026-02-30T24:00:60+99:99", b"2026-10-25T02:30:00", b"\xc3\x28", b"\xed\xa0\x80", b"\\ud800",
    b"\\u0000", "\u0661\u0662".encode(), "\u2028".encode(), b"<", b">", b"</", b"/>", b"<!--", b"-->",
    b"<![CDATA[", b"]]>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"&#0;", b"&#xD800;",
    b"<?xml version='1.0' encoding='UTF-16'?>", b"%00", b"%zz", b"+", b"\x01", b"\x1f", b"\x7f",
)  # fmt: skip
NUMBERS = (
    b"0", b"-0", b"-1", b"1e9", b"1E-400", b"1e400", b"0.1", b".", b"-", b"1.", b"2147483648",
    b"4294967295", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809",
    b"18446744073709551616", b"99999999999999999999999999999999999999999", b"1000000000000001",
    b"0.0000000000000000000000000001", b"253402300800", b"4102444800", b"00000000000000000001",
)  # fmt: skip


def _range(data: bytes, chance: Random) -> tuple[int, int]:
    """Choose a range between two seams that are not far apart."""
    seams = [0, *(match.start() for match in _SEAM.finditer(data)), len(data)]
    first = chance.randrange(len(seams))
    last = min(first + chance.choice((1, 1, 1, 2, 5)), len(seams) - 1)
    return min(seams[first] + 1, len(data)), max(seams[last], seams[first])


def _number(data: bytes, chance: Random) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return data + chance.choice(NUMBERS)
    match = chance.choice(found)
    return data[: match.start()] + chance.choice(NUMBERS) + data[match.end() :]


def mutate(data: bytes, chance: Random) -> bytes:
    """Change a text in one or a few places."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        start, end = _range(data, chance)
        end = max(start, end)
        match chance.randrange(6):
            case 0:
                data = data[:start] + chance.choice(SNIPPETS) + data[end:]
            case 1:
                data = _number(data, chance)
            case 2:
                data = data[:start] + data[end:]
            case 3:
                data = data[:end] + data[start:end] * chance.choice((1, 2, 9)) + data[end:]
            case 4:
                data = data[:start] + chance.choice(SNIPPETS) + data[start:]
            case _:
                other, until = _range(data, chance)
                data = data[:start] + data[other : max(other, until)] + data[end:]
    return data
