"""Packets of RADIUS: what is proven, what is refused, what is answered; pyrad is the oracle."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad.client import Client
from pyrad.dictionary import Dictionary
from pyrad.packet import AcctPacket, AuthPacket, StatusServer

from tallywire.mediation.radius.dictionary import ATTRIBUTES, named
from tallywire.mediation.radius.packet import Packet, Refusal, answer, parse, proven, server_of
from tests import radius

DICTIONARY = Dictionary(io.StringIO("""
ATTRIBUTE User-Name 1 string
ATTRIBUTE NAS-IP-Address 4 ipaddr
ATTRIBUTE Framed-IP-Address 8 ipaddr
ATTRIBUTE NAS-Identifier 32 string
ATTRIBUTE Proxy-State 33 octets
ATTRIBUTE Acct-Status-Type 40 integer
ATTRIBUTE Acct-Delay-Time 41 integer
ATTRIBUTE Acct-Input-Octets 42 integer
ATTRIBUTE Acct-Output-Octets 43 integer
ATTRIBUTE Acct-Session-Id 44 string
ATTRIBUTE Acct-Session-Time 46 integer
ATTRIBUTE Acct-Input-Gigawords 52 integer
ATTRIBUTE Acct-Output-Gigawords 53 integer
ATTRIBUTE Event-Timestamp 55 date
ATTRIBUTE Message-Authenticator 80 octets
ATTRIBUTE NAS-IPv6-Address 95 ipv6addr
"""))  # fmt: skip


def _parsed(data: bytes) -> Packet:
    found = parse(data)
    assert isinstance(found, Packet)
    return found


def _judged(data: bytes, secret: bytes = radius.SECRET, *, must_sign: bool = False) -> str | None:
    found = parse(data)
    return found if isinstance(found, Refusal) else proven(found, secret, must_sign=must_sign)


def _oracle(**more: object) -> AcctPacket:
    return Client("127.0.0.1", secret=radius.SECRET, dict=DICTIONARY).CreateAcctPacket(
        User_Name="anna", Acct_Status_Type=1, Acct_Session_Id="s1", **more
    )


@pytest.mark.parametrize("signs", [False, True])
def test_requests_of_another_library_are_proven(signs: bool) -> None:
    packet = _oracle()
    if signs:
        packet.add_message_authenticator()
    data = packet.RequestPacket()
    assert _judged(data) is None
    assert _judged(data, must_sign=True) == (None if signs else "not_signed")
    assert _judged(data, b"another") == "secret_wrong"


@pytest.mark.parametrize("signs", [False, True])
def test_another_library_takes_our_answers(signs: bool) -> None:
    packet = _oracle(Proxy_State=[b"\x01\x02", b"", b"third"])
    if signs:
        packet.add_message_authenticator()
    data = packet.RequestPacket()
    said = answer(_parsed(data), radius.SECRET)
    reply = packet.CreateReply(packet=said)
    assert packet.VerifyReply(reply, said, enforce_ma=signs)
    assert reply[33] == [b"\x01\x02", b"", b"third"]
    assert not packet.VerifyReply(reply, answer(_parsed(data), b"another"))


def test_status_server_must_be_signed_and_is_answered_signed() -> None:
    packet = AuthPacket(StatusServer, secret=radius.SECRET, dict=DICTIONARY, id=9)
    packet.add_message_authenticator()
    data = packet.RequestPacket()
    assert _judged(data) is None
    said = answer(_parsed(data), radius.SECRET)
    assert said[0] == 5
    assert packet.VerifyReply(packet.CreateReply(packet=said), said, enforce_ma=True)
    assert _judged(radius.status_server(signs=False)) == "not_signed"
    assert _judged(radius.status_server(secret=b"another")) == "secret_wrong"


def test_a_signature_that_is_wrong_is_refused_though_the_authenticator_is_right() -> None:
    attributes = radius.accounting(radius.START)
    for signature in (bytes(16), b"short"):
        data = radius.request([*attributes, (80, signature)])
        assert _judged(data) == "secret_wrong"
    twice = radius.request([*attributes, (80, bytes(16))], signs=True)
    assert _judged(twice) == "secret_wrong"


GOOD = radius.request(radius.accounting(radius.START))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "malformed"),
        (GOOD[:19], "malformed"),
        (GOOD[:-1], "malformed"),  # shorter than it says
        (GOOD[:2] + b"\x00\x13" + GOOD[4:], "malformed"),
        (radius.written(4, 1, bytes(16), []) + b"", "secret_wrong"),
        (GOOD[:20] + b"\x28\x01" + GOOD[22:], "malformed"),  # an attribute of length 1
        (GOOD[:20] + b"\x28\xff" + GOOD[22:], "malformed"),  # one longer than the packet
        (GOOD[:2] + b"\x10\x01" + GOOD[4:] + bytes(4_100), "too_long"),
        (bytes(4_097), "too_long"),
        (b"\x01" + GOOD[1:], "code_unknown"),
        (b"\x05" + GOOD[1:], "code_unknown"),
        (GOOD, None),
        (GOOD + b"padding", None),
    ],
)
def test_what_is_refused(data: bytes, expected: str | None) -> None:
    assert _judged(data) == expected


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=20))
def test_any_bytes_are_judged(data: bytes, secret: bytes) -> None:
    """Nothing raises, and nobody who does not know the secret is proven."""
    assert _judged(data, secret) is not None


@given(
    place=st.integers(0, len(GOOD) * 8 - 1),
    cut=st.integers(0, len(GOOD)),
    more=st.binary(max_size=20),
)
def test_a_packet_changed_anywhere_is_refused(place: int, cut: int, more: bytes) -> None:
    flipped = bytearray(GOOD)
    flipped[place // 8] ^= 1 << place % 8
    assert _judged(bytes(flipped)) is not None
    assert (_judged(GOOD[:cut] + more) is None) == (GOOD[:cut] + more)[: len(GOOD)].startswith(GOOD)


@given(st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=253)), max_size=12))
def test_any_attributes_are_named_and_answered(attributes: list[tuple[int, bytes]]) -> None:
    packet = _parsed(radius.request([one for one in attributes if one[0] != 80]))
    assert proven(packet, radius.SECRET, must_sign=False) is None
    said = _parsed(answer(packet, radius.SECRET))
    states = [value for kind, value in attributes if kind == 33]
    assert [value for kind, value in radius.attributes_of(said.raw) if kind == 33] == states
    names = named(packet.raw)
    assert all(isinstance(value, str) for value in names.values())
    assert {
        name
        for kind, _ in radius.attributes_of(packet.raw)
        if (name := ATTRIBUTES.get(kind, ("",))[0])
    } <= {*names}
    assert server_of(packet, "client")


def test_values_read_as_the_trade_writes_them() -> None:
    imsi = b"\x00\x00\x28\xaf\x01\x11" + b"242010000000001"
    rat = b"\x00\x00\x28\xaf\x15\x03\x06" + b"\x12\x07" + b"24201"
    packet = radius.request([
        (8, bytes((192, 0, 2, 99))), (168, bytes.fromhex("20010db8" + "00" * 11 + "01")),
        (97, bytes.fromhex("003020010db8abcd")), (49, radius.number(2)), (6, radius.number(2)),
        (49, radius.number(9)), (1, b"\xff\xfeanna"), (26, imsi), (26, rat), (42, b"\x00" * 9),
        (26, b"\x00\x00\x28\xaf\x01\x40x"), (26, b"\x00\x00\x00\x09\x01\x03x"),
    ])  # fmt: skip
    assert named(_parsed(packet).raw) == {
        "Framed-IP-Address": "192.0.2.99", "Framed-IPv6-Address": "2001:db8::1",
        "Framed-IPv6-Prefix": "2001:db8:abcd::/48", "Acct-Terminate-Cause": "Lost-Carrier",
        "Service-Type": "Framed-User", "User-Name": "\\xff\\xfeanna", "3GPP-IMSI": "242010000000001",
        "3GPP-RAT-Type": "6", "3GPP-SGSN-MCC-MNC": "24201", "Acct-Input-Octets": "0x" + "00" * 9,
    }  # fmt: skip


def test_a_server_has_one_name_whatever_else_it_tells() -> None:
    """Its address counts before its name, wherever it stands; the sender's address counts last."""
    address, name = (4, b"\xc0\x00\x02\x01"), (32, b"bras")
    known = {
        server_of(_parsed(radius.request(found)), "10.0.0.1")
        for found in ([address], [address, name], [name, address])
    }
    assert len(known) == 1
    assert server_of(_parsed(radius.request([name])), "10.0.0.1") not in known
    assert server_of(_parsed(radius.request([])), "10.0.0.1") == "10.0.0.1"
