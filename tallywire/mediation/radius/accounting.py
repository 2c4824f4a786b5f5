"""What an accounting record means, whoever wrote it down: a detail file, or a packet as it came.

Attributes are texts by the names that FreeRADIUS gives them. Counters stay cumulative here;
correlation makes deltas of them.

Source: RFC 2866, RFC 2869 (Gigawords, Event-Timestamp), RFC 4372, RFC 6911, 3GPP TS 29.061.
"""

import datetime
import re
import zoneinfo
from collections.abc import Callable, Mapping
from operator import itemgetter

import orjson
import polars as pl
import xxhash
from pydantic import BaseModel, ConfigDict, Field

from schemas.instants import EPOCH, MICROSECOND
from schemas.reasons import Reason
from schemas.services import QUANTITY_LIMIT, Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.cumulative import NO_DOWN, NO_GIGAWORDS, NO_UP
from tallywire.mediation.decoded import (
    DECODED,
    Decoded,
    Frames,
    check_world,
    complete,
    places,
)

SECOND_US = 1_000_000
_STAMP = re.compile(
    r"^([A-Z][a-z]{2} +[0-9]{1,2} [0-9]{4} [0-9:]{8}) ?([A-Za-z+-][A-Za-z0-9:+-]*)?$"
)
_DIGITS = 18
_STAMP_PATTERN = "%b %d %Y %H:%M:%S"
_GIGAWORD = 2**32
_LATEST_US = 4_102_444_800_000_000  # 2100-01-01
_DELAY_LIMIT_S = 2**32
_VOLATILE = frozenset(
    {"Acct-Delay-Time", "Timestamp", "Event-Timestamp-Received", "Proxy-State",
     "Message-Authenticator"}
)  # fmt: skip
"""What differs when a record is sent again."""
_KINDS = {
    "Start": "start", "Interim-Update": "interim", "Alive": "interim", "Stop": "stop",
    "Accounting-On": "control", "Accounting-Off": "control",
    "1": "start", "2": "stop", "3": "interim", "7": "control", "8": "control",
}  # fmt: skip
_SERVERS = ("NAS-Identifier", "NAS-IP-Address", "NAS-IPv6-Address")
_SEPARATOR = "\x1f"
_FILLED = (
    "natural_key", "content", "kind", "session_key", "linked_id", "start_us", "setup_us", "end_us",
    "service", "direction", "usage_type", "user_name", "customer", "a_raw", "apn", "ip", "imsi",
    "imei", "serving_plmn", "rat", "cause", "attributes", "up_octets", "down_octets", "quantity",
    "unit", "duration_us", "session_time_us", "clock_quality", "quality_flags",
)  # fmt: skip
"""Columns that a record fills."""
_pick = itemgetter(*_FILLED)
_NOTHING = (None,) * len(_FILLED)
_ATTRIBUTES = {
    "charging_id": "3GPP-Charging-Id", "class": "Class",
    "multi_session_id": "Acct-Multi-Session-Id", "nas_port": "NAS-Port",
}  # fmt: skip

Received = Callable[[], int]
"""Gives when a record was received, microseconds UTC, where its own time is not told."""


class RadiusOptions(BaseModel):
    """Options of a RADIUS feed.

    Attributes:
        zone_abbreviations: IANA zone of each abbreviation that Event-Timestamp may carry: WIB is
            Asia/Jakarta to some and nothing to others, so nothing is guessed.
        max_rate_bits_per_s: What a port can carry: a counter that wrapped must fit it.
        idle_minutes: A report that lacks, or an end, is told when its server went on for so long.
    """

    model_config = ConfigDict(extra="forbid")

    zone_abbreviations: dict[str, str] = {}
    max_rate_bits_per_s: int = Field(default=10**10, gt=0)
    idle_minutes: int = Field(default=240, ge=1)


class UnreadableError(ValueError):
    """A record that cannot be read: reason and detail."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def number(found: Mapping[str, str], name: str) -> int:
    """Read a number; absent is 0.

    Raises:
        UnreadableError: If it is none.
    """
    text = found.get(name, "0")
    if not _is_number(text):
        raise UnreadableError(Reason.NUMBER_INVALID, f"{name} {text!r} is no number")
    return int(text)


def _is_number(text: str) -> bool:
    return len(text) <= _DIGITS and text.isascii() and text.isdigit()


def _bounded(value: int, limit: int, reason: Reason, what: str) -> int:
    if value > limit:
        raise UnreadableError(reason, f"{what} {value} is beyond {limit}")
    return value


def _octets(found: Mapping[str, str], name: str) -> int:
    return number(found, f"Acct-{name}-Gigawords") * _GIGAWORD + number(
        found, f"Acct-{name}-Octets"
    )


def wall(text: str, pattern: str, zone: str) -> int:
    """Read a local time of a zone, microseconds UTC.

    Raises:
        ValueError: If it is none.
    """
    moment = datetime.datetime.strptime(text, pattern).replace(tzinfo=zoneinfo.ZoneInfo(zone))
    return (moment - EPOCH) // MICROSECOND


def _stamp(text: str, zone: str, options: RadiusOptions) -> int:
    """Read an Event-Timestamp: seconds since 1970, or local time with a zone of some name."""
    if _is_number(text):
        return int(text) * SECOND_US
    match = _STAMP.match(text)
    if not match:
        raise UnreadableError(Reason.TIME_INVALID, f"Event-Timestamp {text!r} is no time")
    name = match[2] or ""
    if name in {"UTC", "GMT", "Z"}:
        zone = "UTC"
    elif name in options.zone_abbreviations:
        zone = options.zone_abbreviations[name]
    elif name:
        detail = f"zone {name} of Event-Timestamp is not in the feed's `zone_abbreviations`"
        raise UnreadableError(Reason.TIME_INVALID, detail)
    try:
        return wall(match[1], _STAMP_PATTERN, zone)
    except (ValueError, OverflowError) as error:
        detail = f"Event-Timestamp {text!r} is no time"
        raise UnreadableError(Reason.TIME_INVALID, detail) from error


def _moment(found: Mapping[str, str], received: Received, zone: str, options: RadiusOptions) -> int:
    """Find when it happened: the server's own time, else when it was received less the delay."""
    if "Event-Timestamp" in found:
        moment = _stamp(found["Event-Timestamp"], zone, options)
    else:
        delay = number(found, "Acct-Delay-Time")
        _bounded(delay, _DELAY_LIMIT_S, Reason.TIME_OUT_OF_RANGE, "delay")
        moment = received() - delay * SECOND_US
    return _bounded(moment, _LATEST_US, Reason.TIME_OUT_OF_RANGE, "time")


def _kind(found: Mapping[str, str]) -> str:
    status = found.get("Acct-Status-Type", "")
    if status not in _KINDS:
        reason = Reason.RECORD_TYPE_UNKNOWN if status else Reason.FIELD_MISSING
        raise UnreadableError(reason, f"Acct-Status-Type {status or 'is missing'}")
    return _KINDS[status]


def _flags(found: Mapping[str, str], kind: str) -> str:
    """Say what a record that should have counters lacks of them."""
    gigawords = "Acct-Input-Gigawords" in found or "Acct-Output-Gigawords" in found
    flags = [] if gigawords else [NO_GIGAWORDS]
    if kind in {"interim", "stop"}:
        flags += [NO_UP] * ("Acct-Input-Octets" not in found)
        flags += [NO_DOWN] * ("Acct-Output-Octets" not in found)
    return ",".join(flags)


def _attributes(found: Mapping[str, str]) -> str:
    told = {name: found[source] for name, source in _ATTRIBUTES.items() if source in found}
    return orjson.dumps(told).decode() if told else ""


def row(
    found: Mapping[str, str], received: Received, feed: Feed, options: RadiusOptions
) -> dict[str, object]:
    """Give the columns of DECODED that an accounting record fills.

    Args:
        found: Its attributes by name.
        received: When it was received; asked where it has no Event-Timestamp.

    Raises:
        UnreadableError: If it is no usable record: reason and detail.
    """
    kind = _kind(found)
    names = [found[name] for name in _SERVERS if found.get(name)]
    server = names[0] if names else ""
    own = found.get("Acct-Session-Id", "")
    unique = found.get("Acct-Unique-Session-Id", "")
    if not own and not unique and kind != "control":
        raise UnreadableError(Reason.FIELD_MISSING, "no Acct-Session-Id")
    moment = _moment(found, received, feed.time_zone, options)
    up, down = _octets(found, "Input"), _octets(found, "Output")
    session_us = number(found, "Acct-Session-Time") * SECOND_US
    for what, value in (("octets", up + down), ("session time", session_us)):
        _bounded(value, QUANTITY_LIMIT, Reason.QUANTITY_OUT_OF_RANGE, what)
    told = sorted(found.items())
    content = "\n".join([f"{name}={value}" for name, value in told if name not in _VOLATILE])
    # without a time of its own, the time of a record that is sent again is only about the same
    own_time = "Event-Timestamp" in found
    mark = str(moment) if own_time else xxhash.xxh3_128_hexdigest(content.encode())
    key = _SEPARATOR.join([server, own or unique, kind, mark, str(up), str(down)])
    return {
        "natural_key": key, "content": content, "kind": kind,
        "session_key": unique or _SEPARATOR.join([server, own, found.get("User-Name", "")]),
        "linked_id": _SEPARATOR.join(names),
        "start_us": moment, "setup_us": moment - session_us, "end_us": moment,
        "service": feed.service, "direction": "mo",
        "usage_type": found.get("Service-Type", "").strip(":"),
        "user_name": found.get("User-Name", ""),
        "customer": found.get("Chargeable-User-Identity", ""),
        "a_raw": found.get("Calling-Station-Id", ""), "apn": found.get("Called-Station-Id", ""),
        "ip": found.get("Framed-IP-Address") or found.get("Framed-IPv6-Address", ""),
        "imsi": found.get("3GPP-IMSI", ""), "imei": found.get("3GPP-IMEISV", ""),
        "serving_plmn": found.get("3GPP-SGSN-MCC-MNC", ""), "rat": found.get("3GPP-RAT-Type", ""),
        "cause": found.get("Acct-Terminate-Cause", ""), "attributes": _attributes(found),
        "up_octets": up, "down_octets": down, "quantity": up + down, "unit": Unit.OCTET.value,
        "duration_us": session_us, "session_time_us": session_us,
        "clock_quality": "explicit_zone" if own_time else "derived",
        "quality_flags": _flags(found, kind),
    }  # fmt: skip


def decoded(frames: Frames, read: Callable[[bytes], dict[str, object]]) -> Decoded:
    """Decode frames one by one; what cannot be read has its reason.

    Args:
        read: Makes a row of a frame's bytes, or raises UnreadableError.
    """
    rows: list[tuple[object, ...]] = []
    for piece in frames.slices():
        try:
            rows.append((None, "", *_pick(read(piece))))
        except UnreadableError as error:
            rows.append((error.reason.value, error.detail, *_NOTHING))
    if not rows:
        return Decoded(complete(places(frames)))
    made = [
        pl.Series(name, values, DECODED[name])
        for name, values in zip(
            ("reason", "detail", *_FILLED), zip(*rows, strict=True), strict=True
        )
    ]
    return Decoded(check_world(complete(places(frames).with_columns(made))))
