"""RADIUS accounting as FreeRADIUS detail files write it: a date line, then `Attribute = value`.

Source: RFC 2866, RFC 2869 (Gigawords, Event-Timestamp). Counters stay cumulative here; correlation
makes deltas of them.
"""

import datetime
import re
import zoneinfo

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from schemas.instants import EPOCH, MICROSECOND
from schemas.reasons import Reason
from schemas.services import QUANTITY_LIMIT, Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.cumulative import NO_GIGAWORDS
from tallywire.mediation.decoded import (
    MAX_RECORD_BYTES,
    Decoded,
    Frames,
    check_world,
    complete,
    places,
)

_ATTRIBUTE = re.compile(r"^\s*([A-Za-z][A-Za-z0-9.-]*)\s*[:+]?=\s*(.*?)\s*$")
_NUMBER = re.compile(r"^[0-9]{1,18}$")
_STAMP = re.compile(
    r"^([A-Z][a-z]{2} +[0-9]{1,2} [0-9]{4} [0-9:]{8}) ?([A-Za-z+-][A-Za-z0-9:+-]*)?$"
)
_HEADER_PATTERN = "%a %b %d %H:%M:%S %Y"
_STAMP_PATTERN = "%b %d %Y %H:%M:%S"
_SECOND_US = 1_000_000
_GIGAWORD = 2**32
_LATEST_US = 4_102_444_800_000_000  # 2100-01-01
_VOLATILE = ("Acct-Delay-Time", "Timestamp", "Event-Timestamp-Received")
_KINDS = {
    "Start": "start", "Interim-Update": "interim", "Alive": "interim", "Stop": "stop",
    "Accounting-On": "control", "Accounting-Off": "control",
    "1": "start", "2": "stop", "3": "interim", "7": "control", "8": "control",
}  # fmt: skip


class RadiusOptions(BaseModel):
    """Options of a RADIUS feed.

    Attributes:
        zone_abbreviations: IANA zone of each abbreviation that Event-Timestamp may carry: WIB is
            Asia/Jakarta to some and nothing to others, so nothing is guessed.
        max_rate_bits_per_s: What a port can carry: a counter that wrapped must fit it.
    """

    model_config = ConfigDict(extra="forbid")

    zone_abbreviations: dict[str, str] = {}
    max_rate_bits_per_s: int = Field(default=10**10, gt=0)


class _UnreadableError(ValueError):
    """A record that cannot be read: reason and detail."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def _attributes(piece: bytes) -> tuple[str, dict[str, str]]:
    """Split a record into its header line and its attributes; the first of a name counts."""
    if len(piece) > MAX_RECORD_BYTES:
        raise _UnreadableError(Reason.RECORD_TOO_LONG, f"{len(piece)} bytes")
    try:
        text = piece.decode()
    except UnicodeDecodeError as error:
        detail = f"is not UTF-8 at byte {error.start}"
        raise _UnreadableError(Reason.ENCODING_INVALID, detail) from error
    header = ""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _ATTRIBUTE.match(line)
        if match:
            found.setdefault(match[1], match[2].strip("\"'"))
        elif not header and line.strip() and not line.lstrip().startswith("#"):
            header = line.strip()
    if not found and not header:
        return "#", {}
    return header, found


def _number(found: dict[str, str], name: str) -> int:
    text = found.get(name, "0")
    if not _NUMBER.match(text):
        raise _UnreadableError(Reason.NUMBER_INVALID, f"{name} {text!r} is no number")
    return int(text)


def _bounded(value: int, limit: int, reason: Reason, what: str) -> int:
    if value > limit:
        raise _UnreadableError(reason, f"{what} {value} is beyond {limit}")
    return value


def _counter(found: dict[str, str], name: str) -> int:
    return _number(found, f"Acct-{name}-Gigawords") * _GIGAWORD + _number(
        found, f"Acct-{name}-Octets"
    )


def _wall(text: str, pattern: str, zone: str) -> int:
    moment = datetime.datetime.strptime(text, pattern).replace(tzinfo=zoneinfo.ZoneInfo(zone))
    return (moment - EPOCH) // MICROSECOND


def _event_timestamp(text: str, zone: str, options: RadiusOptions) -> int:
    if _NUMBER.match(text):
        return int(text) * _SECOND_US
    match = _STAMP.match(text)
    if not match:
        raise _UnreadableError(Reason.TIME_INVALID, f"Event-Timestamp {text!r} is no time")
    name = match[2] or ""
    if name in {"UTC", "GMT", "Z"}:
        zone = "UTC"
    elif name in options.zone_abbreviations:
        zone = options.zone_abbreviations[name]
    elif name:
        detail = f"zone {name} of Event-Timestamp is not in the feed's `zone_abbreviations`"
        raise _UnreadableError(Reason.TIME_INVALID, detail)
    return _wall(match[1], _STAMP_PATTERN, zone)


def _time(header: str, found: dict[str, str], zone: str, options: RadiusOptions) -> int:
    """Find when it happened: the NAS's own time, else when it was received less the delay."""
    try:
        if "Event-Timestamp" in found:
            return _event_timestamp(found["Event-Timestamp"], zone, options)
        if "Timestamp" in found:
            received = _number(found, "Timestamp") * _SECOND_US
        else:
            received = _wall(header, _HEADER_PATTERN, zone)
    except (ValueError, OverflowError) as error:
        if isinstance(error, _UnreadableError):
            raise
        detail = f"neither Event-Timestamp nor Timestamp, and {header!r} is no date line"
        raise _UnreadableError(Reason.TIME_INVALID, detail) from error
    return received - _number(found, "Acct-Delay-Time") * _SECOND_US


def _row(piece: bytes, feed: Feed, options: RadiusOptions) -> dict[str, object]:
    header, found = _attributes(piece)
    if header == "#" or (found and set(found) <= {"Packet-Type", "Proxy-State"}):
        raise _UnreadableError(Reason.CONTROL_RECORD, "comment or expected answer")
    status = found.get("Acct-Status-Type", "")
    if status not in _KINDS:
        missing = not status
        reason = Reason.FIELD_MISSING if missing else Reason.RECORD_TYPE_UNKNOWN
        raise _UnreadableError(reason, f"Acct-Status-Type {status or 'is missing'}")
    kind = _KINDS[status]
    server = found.get("NAS-Identifier") or found.get("NAS-IP-Address") or ""
    own = found.get("Acct-Session-Id", "")
    unique = found.get("Acct-Unique-Session-Id", "")
    if not own and not unique and kind != "control":
        raise _UnreadableError(Reason.FIELD_MISSING, "no Acct-Session-Id")
    moment = _bounded(
        _time(header, found, feed.time_zone, options), _LATEST_US, Reason.TIME_OUT_OF_RANGE, "time"
    )
    up, down = _counter(found, "Input"), _counter(found, "Output")
    session_us = _number(found, "Acct-Session-Time") * _SECOND_US
    for what, value in (("octets", up + down), ("session time", session_us)):
        _bounded(value, QUANTITY_LIMIT, Reason.QUANTITY_OUT_OF_RANGE, what)
    has = "Acct-Input-Gigawords" in found or "Acct-Output-Gigawords" in found
    content = "\n".join(f"{name}={found[name]}" for name in sorted(found) if name not in _VOLATILE)
    key = "\x1f".join([server, own or unique, kind, str(moment), str(up), str(down)])
    return {
        "natural_key": key, "content": content, "kind": kind,
        "session_key": unique or f"{server}\x1f{own}\x1f{found.get('User-Name', '')}",
        "linked_id": server, "start_us": moment, "setup_us": moment - session_us, "end_us": moment,
        "service": feed.service, "direction": "mo",
        "usage_type": found.get("Service-Type", "").strip(":"),
        "user_name": found.get("User-Name", ""), "a_raw": found.get("Calling-Station-Id", ""),
        "apn": found.get("Called-Station-Id", ""), "ip": found.get("Framed-IP-Address", ""),
        "imsi": found.get("3GPP-IMSI", ""), "serving_plmn": found.get("3GPP-SGSN-MCC-MNC", ""),
        "rat": found.get("3GPP-RAT-Type", ""), "cause": found.get("Acct-Terminate-Cause", ""),
        "up_octets": up, "down_octets": down, "quantity": up + down,
        "unit": Unit.OCTET.value,
        "duration_us": session_us, "session_time_us": session_us,
        "clock_quality": "explicit_zone" if "Event-Timestamp" in found
        else "derived" if "Timestamp" in found else "assumed",
        "quality_flags": "" if has else NO_GIGAWORDS,
    }  # fmt: skip


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode detail records."""
    options = RadiusOptions.model_validate(feed.options)
    rows: list[dict[str, object]] = []
    for piece in frames.slices():
        try:
            rows.append({"reason": None, "detail": "", **_row(piece, feed, options)})
        except _UnreadableError as error:
            rows.append({"reason": error.reason.value, "detail": error.detail})
    names = sorted({name for row in rows for name in row})
    columns = {name: [row.get(name) for row in rows] for name in names}
    made = pl.DataFrame(columns, infer_schema_length=None, strict=False)
    frame = places(frames).with_columns(made.get_columns())
    return Decoded(check_world(complete(frame))) if names else Decoded(complete(places(frames)))
