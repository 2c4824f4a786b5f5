"""RADIUS accounting as FreeRADIUS detail files write it: a date line, then `Attribute = value`."""

import re

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import MAX_RECORD_BYTES, Decoded, Frames
from tallywire.mediation.radius.accounting import (
    SECOND_US,
    RadiusOptions,
    UnreadableError,
    decoded,
    number,
    row,
    wall,
)

_ATTRIBUTE = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9.-]*)\s*[:+]?=\s*(.*?)\s*$")
_HEADER_PATTERN = "%a %b %d %H:%M:%S %Y"
_ANSWERS = frozenset({"Packet-Type", "Proxy-State"})


def _attributes(piece: bytes) -> tuple[str, dict[str, str]]:
    """Split a record into its header line and its attributes; the first of a name counts."""
    if len(piece) > MAX_RECORD_BYTES:
        raise UnreadableError(Reason.RECORD_TOO_LONG, f"{len(piece)} bytes")
    try:
        text = piece.decode()
    except UnicodeDecodeError as error:
        detail = f"is not UTF-8 at byte {error.start}"
        raise UnreadableError(Reason.ENCODING_INVALID, detail) from error
    header = ""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _ATTRIBUTE.match(line)
        if match:
            found.setdefault(match[1], match[2].strip("\"'"))
        elif not header and line.strip() and not line.lstrip().startswith("#"):
            header = line.strip()
    if (not found and not header) or (found and set(found) <= _ANSWERS):
        raise UnreadableError(Reason.CONTROL_RECORD, "comment or expected answer")
    return header, found


def _received(header: str, found: dict[str, str], zone: str) -> int:
    """Find when the server that wrote the file received a record."""
    if "Timestamp" in found:
        return number(found, "Timestamp") * SECOND_US
    try:
        return wall(header, _HEADER_PATTERN, zone)
    except (ValueError, OverflowError) as error:
        detail = f"neither Event-Timestamp nor Timestamp, and {header!r} is no date line"
        raise UnreadableError(Reason.TIME_INVALID, detail) from error


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode detail records."""
    options = RadiusOptions.model_validate(feed.options)

    def read(piece: bytes) -> dict[str, object]:
        header, found = _attributes(piece)
        made = row(found, lambda: _received(header, found, feed.time_zone), feed, options)
        local = "Event-Timestamp" not in found and "Timestamp" not in found
        return {**made, "clock_quality": "assumed"} if local else made

    return decoded(frames, read)
