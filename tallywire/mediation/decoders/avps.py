"""Attribute-value pairs of Diameter: a table of those that matter, and a reader of bytes by it.

Source: RFC 6733, 4 (format and basic types), RFC 8506 (credit control), 3GPP TS 32.299, 7 and
TS 29.061, 16.4.7 (vendor 10415).
"""

import ipaddress
import re
from collections.abc import Callable

from schemas.reasons import Reason
from tallywire.mediation.items import Unreadable

Avps = dict[str, list[object]]
"""Values by name, in order; a grouped value is such a mapping itself. Unknown ones are left out."""

_3GPP = 10_415
_VENDOR_FLAG = 0x80
_MOST_DEPTH = 8
_NTP_TO_UNIX_S = 2_208_988_800
_NTP_ERA_S = 2**32
_SECOND_US = 1_000_000
_WHOLE_BYTES = (4, 8)
_ASCII_DIGITS = re.compile(rb"[0-9]{1,20}")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(Reason.ENCODING_INVALID, "an AVP of text is not UTF-8") from error


def _whole(data: bytes) -> int:
    """Read a number of 32 or 64 bits; what is unsigned by its type is not negative."""
    if len(data) not in _WHOLE_BYTES:
        raise Unreadable(Reason.NUMBER_INVALID, f"an AVP of a number has {len(data)} bytes")
    return int.from_bytes(data)


def _time(data: bytes) -> int:
    """Read seconds since 1900, or since 2036 where their first bit is 0, as microseconds UTC."""
    seconds = _whole(data)
    if len(data) != _WHOLE_BYTES[0]:
        raise Unreadable(Reason.TIME_INVALID, "an AVP of a time has 8 bytes")
    if seconds < _NTP_ERA_S // 2:
        seconds += _NTP_ERA_S
    return (seconds - _NTP_TO_UNIX_S) * _SECOND_US


def _address(data: bytes) -> str:
    try:
        return str(ipaddress.ip_address(data[2:]))
    except ValueError:
        return ""


def _octet(data: bytes) -> str:
    return str(data[0]) if data else ""


def _hex(data: bytes) -> str:
    return data.hex()


def _number_text(data: bytes) -> str:
    return str(int.from_bytes(data[:8]))


def _digits(data: bytes) -> str:
    """Read digits, written as ASCII or as halves of bytes, low half first, F at the end."""
    if _ASCII_DIGITS.fullmatch(data):
        return data.decode()
    return "".join(f"{octet & 15:x}{octet >> 4:x}" for octet in data).rstrip("f")


Reader = Callable[[bytes], object]
_GROUPED: Reader | None = None

AVPS: dict[tuple[int, int], tuple[str, Reader | None]] = {
    (0, 1): ("user_name", _text),
    (0, 30): ("called_station_id", _text),
    (0, 46): ("acct_session_time", _whole),
    (0, 55): ("event_timestamp", _time),
    (0, 263): ("session_id", _text),
    (0, 264): ("origin_host", _text),
    (0, 295): ("termination_cause", _whole),
    (0, 363): ("input_octets", _whole),
    (0, 364): ("output_octets", _whole),
    (0, 412): ("input_octets", _whole),
    (0, 414): ("output_octets", _whole),
    (0, 415): ("request_number", _whole),
    (0, 416): ("request_type", _whole),
    (0, 417): ("service_specific_units", _whole),
    (0, 420): ("time", _whole),
    (0, 421): ("total_octets", _whole),
    (0, 432): ("rating_group", _whole),
    (0, 436): ("requested_action", _whole),
    (0, 437): ("requested_service_unit", _GROUPED),
    (0, 439): ("service_identifier", _whole),
    (0, 443): ("subscription_id", _GROUPED),
    (0, 444): ("subscription_id_data", _text),
    (0, 446): ("used_service_unit", _GROUPED),
    (0, 450): ("subscription_id_type", _whole),
    (0, 452): ("tariff_change_usage", _whole),
    (0, 456): ("multiple_services_credit_control", _GROUPED),
    (0, 458): ("user_equipment_info", _GROUPED),
    (0, 459): ("user_equipment_info_type", _whole),
    (0, 460): ("user_equipment_info_value", _digits),
    (0, 461): ("service_context_id", _text),
    (0, 480): ("accounting_record_type", _whole),
    (0, 485): ("accounting_record_number", _whole),
    (_3GPP, 1): ("imsi", _text),
    (_3GPP, 2): ("charging_id", _number_text),
    (_3GPP, 18): ("sgsn_mcc_mnc", _text),
    (_3GPP, 21): ("rat_type", _octet),
    (_3GPP, 22): ("user_location_info", _hex),
    (_3GPP, 831): ("calling_party_address", _text),
    (_3GPP, 832): ("called_party_address", _text),
    (_3GPP, 872): ("reporting_reason", _whole),
    (_3GPP, 873): ("service_information", _GROUPED),
    (_3GPP, 874): ("ps_information", _GROUPED),
    (_3GPP, 876): ("ims_information", _GROUPED),
    (_3GPP, 1227): ("pdp_address", _address),
    (_3GPP, 2038): ("change_time", _time),
    (_3GPP, 2040): ("service_data_container", _GROUPED),
    (_3GPP, 2043): ("time_first_usage", _time),
    (_3GPP, 2044): ("time_last_usage", _time),
    (_3GPP, 2045): ("time_usage", _whole),
    (_3GPP, 2063): ("local_sequence_number", _whole),
}
"""Name and reader by vendor and code; without a reader the pair holds others."""


def read_avps(data: bytes, depth: int = 0) -> Avps:
    """Read attribute-value pairs that follow each other.

    Raises:
        Unreadable: If a length is impossible, or pairs lie in pairs too deep.
    """
    if depth > _MOST_DEPTH:
        raise Unreadable(Reason.RECORD_UNREADABLE, "grouped AVPs are nested too deep")
    found: Avps = {}
    position = 0
    while position < len(data):
        code = int.from_bytes(data[position : position + 4])
        length = int.from_bytes(data[position + 5 : position + 8])
        flags = data[position + 4] if position + 8 <= len(data) else 0
        head = 12 if flags & _VENDOR_FLAG else 8
        end = position + length
        if length < head or end > len(data):
            detail = f"AVP {code} says it has {length} bytes, {len(data) - position} are there"
            raise Unreadable(Reason.RECORD_TRUNCATED, detail)
        vendor = int.from_bytes(data[position + 8 : position + 12]) if head > 8 else 0
        known = AVPS.get((vendor, code))
        if known:
            name, reader = known
            value = data[position + head : end]
            read = reader(value) if reader else read_avps(value, depth + 1)
            found.setdefault(name, []).append(read)
        position = end + -length % 4
    return found
