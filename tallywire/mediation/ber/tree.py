"""One element read by itself: for heads and trailers of files, of which there are few."""

from tallywire.mediation.framing.ber import Broken, Unfinished, end_of, header

_MOST = 10_000
_END = 2

Fields = dict[int, list[bytes]]


def fields(value: bytes) -> Fields:
    """Give the values of the elements that a value consists of, by tag; up to what is none."""
    found: Fields = {}
    place = count = 0
    try:
        while place < len(value) and count < _MOST:
            tag, start, length = header(value, place)
            end = end_of(value, place)
            stop = end - _END if length is None else end
            found.setdefault(int.from_bytes(tag), []).append(value[start:stop])
            place, count = end, count + 1
    except (Broken, Unfinished):
        pass
    return found


def within(found: Fields, *path: int) -> Fields:
    """Give the elements of the first element of each tag of a path."""
    for tag in path:
        found = fields(found.get(tag, [b""])[0])
    return found


def text(found: Fields, tag: int) -> str:
    """Read the first text of a tag; empty where there is none."""
    return found.get(tag, [b""])[0].decode(errors="replace").strip()


def whole(found: Fields, tag: int) -> int | None:
    """Read the first whole number of a tag."""
    value = found.get(tag, [b""])[0]
    return int.from_bytes(value, signed=True) if 0 < len(value) <= 8 else None


def offset_minutes(value: str) -> int | None:
    """Read an offset as `+hhmm`, minutes.

    >>> offset_minutes("-0330"), offset_minutes("0330")
    (-210, None)
    """
    if len(value) != 5 or value[0] not in "+-" or not (value[1:].isascii() and value[1:].isdigit()):
        return None
    minutes = int(value[1:3]) * 60 + int(value[3:])
    return -minutes if value[0] == "-" else minutes
