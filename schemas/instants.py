"""Instants: microseconds since 1970, UTC, and how they are written."""

import datetime

UTC = datetime.UTC
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = datetime.timedelta(microseconds=1)


def micros_from_text(value: object) -> object:
    """Read an instant: RFC 3339 text with an offset, or integer microseconds since 1970, UTC.

    Raises:
        ValueError: If the text is no instant or has no offset.

    >>> micros_from_text("2026-03-29T01:00:00.5Z")
    1774746000500000
    """
    if isinstance(value, datetime.datetime):
        moment = value
    elif isinstance(value, str):
        moment = datetime.datetime.fromisoformat(value)
    else:
        return value
    if moment.tzinfo is None:
        msg = f"{value!r} has no offset from UTC; write for example 2026-03-29T01:00:00Z"
        raise ValueError(msg)
    return (moment - EPOCH) // MICROSECOND


def text_from_micros(micros: int) -> str:
    """Write microseconds since 1970 as RFC 3339 in UTC.

    >>> text_from_micros(1774746000500000)
    '2026-03-29T01:00:00.500000Z'
    """
    moment = EPOCH + datetime.timedelta(microseconds=micros)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
