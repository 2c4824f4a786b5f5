"""Names of the attributes that accounting carries, and how their values read.

Source: RFC 2865, 2866, 2869, 3162, 4372, 4818, 6911, 8044; 3GPP TS 29.061, 16.4.7 (vendor 10415).
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence

from tallywire.mediation.radius.packet import SHORTEST

VENDOR_SPECIFIC = 26
_3GPP = (10_415).to_bytes(4, "big")
_LONGEST_NUMBER = 8


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _number(value: bytes) -> str:
    """Read a number of whatever width, big end first; what is none reads as it is."""
    if 0 < len(value) <= _LONGEST_NUMBER:
        return str(int.from_bytes(value))
    return _octets(value)


def _octets(value: bytes) -> str:
    return f"0x{value.hex()}"


def _address(value: bytes) -> str:
    if len(value) == 4:
        return f"{value[0]}.{value[1]}.{value[2]}.{value[3]}"
    return _address6(value)


def _address6(value: bytes) -> str:
    return str(ipaddress.IPv6Address(value)) if len(value) == 16 else _octets(value)


def _prefix6(value: bytes) -> str:
    """Read an IPv6 prefix: a reserved octet, its length, as many octets as it needs."""
    if not 2 <= len(value) <= 18 or value[1] > 128:
        return _octets(value)
    return f"{ipaddress.IPv6Address(value[2:].ljust(16, bytes(1)))}/{value[1]}"


def _named(names: Sequence[str]) -> Callable[[bytes], str]:
    """Read a number as its name; names are counted from 1."""
    by_value = {number.to_bytes(4, "big"): name for number, name in enumerate(names, start=1)}
    return lambda value: by_value.get(value) or _number(value)


_SERVICES = (
    "Login-User", "Framed-User", "Callback-Login-User", "Callback-Framed-User", "Outbound-User",
    "Administrative-User", "NAS-Prompt-User", "Authenticate-Only", "Callback-NAS-Prompt",
    "Call-Check", "Callback-Administrative",
)  # fmt: skip
_CAUSES = (
    "User-Request", "Lost-Carrier", "Lost-Service", "Idle-Timeout", "Session-Timeout",
    "Admin-Reset", "Admin-Reboot", "Port-Error", "NAS-Error", "NAS-Request", "NAS-Reboot",
    "Port-Unneeded", "Port-Preempted", "Port-Suspended", "Service-Unavailable", "Callback",
    "User-Error", "Host-Request",
)  # fmt: skip

Attribute = tuple[str, Callable[[bytes], str]]

ATTRIBUTES: Mapping[int, Attribute] = {
    1: ("User-Name", _text),
    4: ("NAS-IP-Address", _address),
    5: ("NAS-Port", _number),
    6: ("Service-Type", _named(_SERVICES)),
    8: ("Framed-IP-Address", _address),
    25: ("Class", _octets),
    30: ("Called-Station-Id", _text),
    31: ("Calling-Station-Id", _text),
    32: ("NAS-Identifier", _text),
    40: ("Acct-Status-Type", _number),
    41: ("Acct-Delay-Time", _number),
    42: ("Acct-Input-Octets", _number),
    43: ("Acct-Output-Octets", _number),
    44: ("Acct-Session-Id", _text),
    45: ("Acct-Authentic", _number),
    46: ("Acct-Session-Time", _number),
    47: ("Acct-Input-Packets", _number),
    48: ("Acct-Output-Packets", _number),
    49: ("Acct-Terminate-Cause", _named(_CAUSES)),
    50: ("Acct-Multi-Session-Id", _text),
    51: ("Acct-Link-Count", _number),
    52: ("Acct-Input-Gigawords", _number),
    53: ("Acct-Output-Gigawords", _number),
    55: ("Event-Timestamp", _number),
    61: ("NAS-Port-Type", _number),
    85: ("Acct-Interim-Interval", _number),
    87: ("NAS-Port-Id", _text),
    89: ("Chargeable-User-Identity", _text),
    95: ("NAS-IPv6-Address", _address6),
    96: ("Framed-Interface-Id", _octets),
    97: ("Framed-IPv6-Prefix", _prefix6),
    123: ("Delegated-IPv6-Prefix", _prefix6),
    168: ("Framed-IPv6-Address", _address6),
}
"""By type."""

ATTRIBUTES_3GPP: Mapping[int, Attribute] = {
    1: ("3GPP-IMSI", _text),
    2: ("3GPP-Charging-Id", _number),
    3: ("3GPP-PDP-Type", _number),
    4: ("3GPP-CG-Address", _address),
    6: ("3GPP-SGSN-Address", _address),
    7: ("3GPP-GGSN-Address", _address),
    8: ("3GPP-IMSI-MCC-MNC", _text),
    9: ("3GPP-GGSN-MCC-MNC", _text),
    10: ("3GPP-NSAPI", _text),
    11: ("3GPP-Session-Stop-Indicator", _octets),
    12: ("3GPP-Selection-Mode", _text),
    13: ("3GPP-Charging-Characteristics", _text),
    18: ("3GPP-SGSN-MCC-MNC", _text),
    20: ("3GPP-IMEISV", _text),
    21: ("3GPP-RAT-Type", _number),
    22: ("3GPP-Location-Info", _octets),
    23: ("3GPP-MS-TimeZone", _octets),
}
"""By the vendor's own type."""


def named(packet: bytes) -> dict[str, str]:
    """Give the attributes of a packet by name, as text.

    The first of a name counts, and one without a name does not.

    Args:
        packet: All its bytes; its lengths agree.
    """
    found: dict[str, str] = {}
    place, known = SHORTEST, ATTRIBUTES.get
    while place < len(packet):
        kind, following = packet[place], place + packet[place + 1]
        told = known(kind)
        if told is not None:
            if told[0] not in found:
                found[told[0]] = told[1](packet[place + 2 : following])
        elif kind == VENDOR_SPECIFIC and packet[place + 2 : place + 6] == _3GPP:
            _of_vendor(packet[place + 2 : following], found)
        place = following
    return found


def _of_vendor(value: bytes, found: dict[str, str]) -> None:
    """Take what a vendor's attribute holds, up to where its lengths do not agree."""
    place = 4
    while place + 2 <= len(value):
        following = place + value[place + 1]
        if following < place + 2 or following > len(value):
            return
        if (known := ATTRIBUTES_3GPP.get(value[place])) is not None:
            found.setdefault(known[0], known[1](value[place + 2 : following]))
        place = following
