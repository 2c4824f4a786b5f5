"""3GPP charging data records, written by our own encoder, for tests and benches."""

from collections.abc import Sequence

from tallywire.mediation.ber.encode import digits, element, integer, stamp
from tallywire.mediation.ber.reader import context

OPENED = "261024115500+0200"
FIRST, LAST = "261024120000+0200", "261024121000+0200"


def field(number: int, value: bytes | int | str) -> bytes:
    """Write a field with a context tag."""
    if isinstance(value, int):
        value = integer(value)
    return element(context(number), value.encode() if isinstance(value, str) else value)


def made(number: int, *values: bytes) -> bytes:
    """Write a field that consists of fields."""
    return element(context(number, made=True), *values)


def number(text: str) -> bytes:
    """Write an international number with its type."""
    return b"\x91" + digits(text)


def ip(text: str) -> bytes:
    """Write an IPv4 address as a choice."""
    return field(0, bytes(int(part) for part in text.split(".")))


def service_data(up: int, down: int, *, group: int = 7, last: str = LAST) -> bytes:
    """Write a container of one rating group."""
    return element(
        0x30, field(1, group), field(2, "default-rule"), field(3, 2001), field(4, 1),
        field(5, stamp(FIRST)), field(6, stamp(last)), field(7, 600),
        field(8, b"\x05\x00\x80\x00\x00\x00"), made(9, field(1, 9), field(6, 10)),
        made(10, ip("10.0.0.7")), field(12, up), field(13, down), field(14, stamp(last)),
        field(17, 42), field(20, bytes.fromhex("8242f2000001" + "42f20000000001")),
    )  # fmt: skip


def traffic(up: int, down: int, changed: str) -> bytes:
    """Write a container of traffic volumes."""
    return element(
        0x30, field(3, up), field(4, down), field(5, 2), field(6, stamp(changed)),
        made(9, field(1, 9)),
    )  # fmt: skip


def pgw(
    charging_id: int, sequence: int | None, containers: Sequence[bytes], *, cause: int = 0,
    local: int = 1, imsi: str = "242011234567890", again: bool = False, tag: int = 79,
) -> bytes:  # fmt: skip
    """Write a record of a packet gateway; `tag=78` is one of a serving gateway."""
    listed = 34 if tag == 79 else 12
    return made(
        tag, field(0, 85 if tag == 79 else 84), field(3, digits(imsi)), made(4, ip("10.1.1.1")),
        field(5, charging_id), made(6, ip("10.2.2.2")), field(7, "internet"),
        field(8, b"\xf1\x21"), made(9, made(0, ip("100.64.3.9"))), field(11, b"\xff"),
        field(13, stamp(OPENED)), field(14, 1500), field(15, cause),
        *([] if sequence is None else [field(17, sequence)]), field(18, "pgw-oslo-1"),
        field(20, local), field(21, 0), field(22, number("4790010002")),
        field(23, b"\x08\x00"), field(24, 3), field(27, bytes.fromhex("42f210")),
        field(29, digits("3534901234567801")), field(30, 6), field(31, b"\x40\x00"),
        field(32, bytes.fromhex("8242f2000001" + "42f20000000001")),
        *([made(listed, *containers)] if containers else []),
        made(35, element(0x0A, b"\x02")), field(37, bytes.fromhex("42f210")),
        *([field(52, b"")] if again else []),
    )  # fmt: skip


def call(
    direction: str, reference: int, seconds: int, *, cause: int = 0, sequence: int | None = None,
    answered: str = FIRST, released: str = LAST, answer: bool = True,
) -> bytes:  # fmt: skip
    """Write a record of a call by a mobile switch."""
    mo = direction == "mo"
    served, other = "4790010001", "4741234567"
    parts = [
        field(0, 0 if mo else 1), field(1, digits("242011234567890")),
        field(2, digits("3534901234567801")), field(3, number(served)),
    ]  # fmt: skip
    place = [field(0, b"\x00\x2a"), field(1, b"\x00\x07")]
    if mo:
        tags = (9, 10, 11, 12, 14, 22, 23, 24, 25, 30, 32, 33)
        parts += [field(5, number(other))]
    else:
        tags = (6, 7, 8, 9, 11, 19, 20, 21, 22, 27, 29, 30)
        parts += [field(4, number(other))]
    recorder, inward, outward, where, service, seized, begun, ended, length, why, ref, seq = tags
    parts += [
        field(recorder, number("4790000001")), made(inward, field(1, "RAN1")),
        made(outward, field(0, 17)), made(where, *place), made(service, field(3, b"\x11")),
        field(seized, stamp("261024115950+0200")),
        *([field(begun, stamp(answered))] if answer else []), field(ended, stamp(released)),
        field(length, seconds), field(why, cause), field(ref, reference.to_bytes(4)),
        *([] if sequence is None else [field(seq, sequence)]),
    ]  # fmt: skip
    return made(0 if mo else 1, *parts)


def sms(direction: str, reference: int, *, failed: bool = False) -> bytes:
    """Write a record of a short message by a mobile switch."""
    if direction == "mo":
        return made(
            6, field(0, 6), field(1, digits("242011234567890")),
            field(2, digits("3534901234567801")), field(3, number("4790010001")), field(4, b"\x57"),
            field(5, number("4790000099")), field(6, number("4790000001")),
            made(7, field(0, b"\x00\x2a"), field(1, b"\x00\x07")),
            field(8, bytes([reference % 256])), field(9, stamp(FIRST)),
            *([made(10, field(0, 38))] if failed else []),
            field(12, b"\x0a\x91" + digits("4741234567")),
        )  # fmt: skip
    return made(
        7, field(0, 7), field(1, number("4790000099")), field(2, digits("242011234567890")),
        field(3, digits("3534901234567801")), field(4, number("4790010001")),
        field(5, b"\x57"), field(6, number("4790000001")), field(8, stamp(FIRST)),
        *([made(9, field(0, 38))] if failed else []),
    )  # fmt: skip


def ims(
    session: str, *, tag: int = 63, method: str = "INVITE", role: int = 0, answered: bool = True,
    calling: str = "sip:+4790010001@ims.example", called: str = "tel:+4741234567",
    sequence: int | None = None, cause: int = 0,
) -> bytes:  # fmt: skip
    """Write a record of an IMS node."""
    return made(
        tag, field(0, tag), field(2, method), field(3, role),
        made(4, field(1, "scscf1.ims.example")), field(5, session),
        made(6, field(0, calling)), made(7, field(1 if called.startswith("tel") else 0, called)),
        field(8, "alice@ims.example"), field(9, stamp("261024115955+0200")),
        *([field(10, stamp(FIRST)), field(11, stamp("261024120130+0200"))] if answered else []),
        field(12, stamp("261024115955+0200")), field(15, 77),
        *([] if sequence is None else [field(16, sequence)]), field(17, cause),
        field(19, f"icid-{session}"), field(38, 250), field(39, 750),
    )  # fmt: skip


def in_file(
    records: Sequence[bytes], *, number: int = 12, lost: int = 0, count: int | None = None
) -> bytes:
    """Write a file with a header, and a header to each record."""
    body = b"".join(len(one).to_bytes(2) + b"\xe0\x2b\x0f" + one for one in records)
    rest = bytes([0xE0, 0xE0]) + bytes(8)
    rest += (len(records) if count is None else count).to_bytes(4) + number.to_bytes(4)
    rest += (
        b"\x00" + bytes(16) + bytes([10, 1, 1, 1]) + bytes([lost]) + b"\0\0" + b"\0\0" + b"\x0f\x0f"
    )
    length = len(rest) + 8
    return (length + len(body)).to_bytes(4) + length.to_bytes(4) + rest + body


def many_pgw(count: int, containers: int = 2) -> bytes:
    """Write records of a packet gateway with so many containers each, for benches."""
    return b"".join(
        pgw(n, 1 + n % 3, [service_data(n + k, 9, group=7 + k) for k in range(containers)], local=n)
        for n in range(count)
    )
