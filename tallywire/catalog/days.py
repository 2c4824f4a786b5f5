"""Days of the week as people write them: `mon-fri, sun, holiday`, `all`."""

import re

MINUTES = 1440
"""Minutes of a day."""

_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
_RANGE = re.compile(r"([a-z]{3})-([a-z]{3})")


def _part(text: str) -> set[int] | None:
    if text == "all":
        return set(range(8))
    if text in _NAMES:
        return {_NAMES.index(text)}
    found = _RANGE.fullmatch(text)
    if not found or found[1] not in _NAMES or found[2] not in _NAMES:
        return None
    first, last = _NAMES.index(found[1]), _NAMES.index(found[2])
    if first <= last:
        return set(range(first, last + 1))
    return set(range(first, 7)) | set(range(last + 1))


def weekdays(text: str) -> frozenset[int] | None:
    """Read days: 0 is Monday, 7 is a holiday; none when the text cannot be read.

    >>> sorted(weekdays("sat-mon, holiday"))
    [0, 5, 6, 7]
    """
    parts = [_part(part.strip()) for part in text.lower().split(",")]
    found: set[int] = set()
    for part in parts:
        if part is None:
            return None
        found |= part
    return frozenset(found)
