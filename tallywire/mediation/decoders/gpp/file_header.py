"""What the header of a 3GPP CDR file says of the file.

Source: 3GPP TS 32.297, clause 6.1.1.
"""

from collections.abc import Mapping

_UNKNOWN = 0xFFFF_FFFF
_FIXED = 50


def said(header: bytes) -> Mapping[str, int]:
    """Read the number of a file, how many records it holds, and how many its node lost.

    Returns:
        `sequence`, `declared_octets` and, where the file was closed, `declared_records`; the lost
        CDR indicator where it is not zero.
    """
    if len(header) < _FIXED:
        return {}
    found = {
        "sequence": int.from_bytes(header[22:26]),
        "declared_octets": int.from_bytes(header[0:4]),
    }
    records, lost = int.from_bytes(header[18:22]), header[47]
    if records != _UNKNOWN:
        found["declared_records"] = records
    if found["declared_octets"] == _UNKNOWN:
        del found["declared_octets"]
    if lost:
        found["lost_indicator"] = lost
    return found


def sentence(header: bytes) -> str:
    """Say what a file header is about."""
    known = said(header)
    if not known:
        return "file header, too short to read"
    lost = known.get("lost_indicator", 0)
    told = "" if not lost else f"; its node lost records (lost CDR indicator {lost})"
    return (
        f"file header: file {known['sequence']}, {known.get('declared_records', 'unknown')} "
        f"records, closed for reason {header[26]}{told}"
    )
