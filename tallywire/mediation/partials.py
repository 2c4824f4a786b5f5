"""Partial records: parts of one session wait, open, until they can be joined into one event."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.reasons import Reason
from tallywire.mediation.deadlines import Deadlines
from tallywire.mediation.patience import Patience
from tallywire.mediation.sessions import Sessions
from tallywire.mediation.worked import Part, part_of, row_of

SPAN = "span"
_PARTS, _HEARD = "parts", "heard"
_NUMBERED_AT_MOST = 100_000
"""Numbers further apart do not count the parts of one session."""


@dataclass(frozen=True)
class Chain:
    """Parts that are settled together.

    Attributes:
        parts: Decoded rows in the order of their times.
        final: The last part was among them.
        reason: Why they make no event, or none where they make one.
        detail: What to do about it.
        open_us: How long it was open, at most, where its end never came.
        missing: Numbers between the first and the last part that never came.
    """

    parts: list[dict[str, Any]]
    final: bool
    reason: Reason | None = None
    detail: str = ""
    open_us: int = 0
    missing: tuple[int, ...] = ()


def _order(part: Part) -> tuple[int, int, int, int, int]:
    setup = part["setup_us"] if part["setup_us"] is not None else part["start_us"]
    return part["partial_no"], setup, part["record_no"], part["byte_offset"], part["item_no"]


def _any(parts: list[Part], mark: str) -> bool:
    return any(part.get(mark, True) for part in parts)


def _spans(parts: list[Part]) -> bool:
    return any(part.get("join") == SPAN for part in parts)


def _end(part: Part) -> int:
    """Give the latest instant that a part tells of."""
    end = part.get("end_us")
    return int(part["start_us"] if end is None else end)


def _missing(parts: list[Part]) -> tuple[int, ...]:
    """Name the numbers that lack between the first part and the last, where parts are numbered."""
    firsts = [part.get("partial_no", 0) for part in parts if part.get("is_first", True)]
    lasts = [part.get("partial_no", 0) for part in parts if part.get("is_last", True)]
    if not firsts or not lasts or not 0 < max(lasts) - min(firsts) < _NUMBERED_AT_MOST:
        return ()
    seen = {part.get("partial_no", 0) for part in parts}
    return tuple(number for number in range(min(firsts), max(lasts)) if number not in seen)


def _whole(parts: list[Part]) -> bool:
    ends = _any(parts, "is_first") and _any(parts, "is_last")
    return ends and (_spans(parts) or not _missing(parts))


def heard(session: dict[str, Any]) -> int:
    """Give the instant a chain was last heard of; sessions of older versions kept parts only."""
    since: int = session.get(_HEARD, 0)
    return max(since, *(_end(part) for part in session[_PARTS]))


def _deadline(session: dict[str, Any], patience: Patience) -> int:
    """Give the instant after which a chain is settled, microseconds UTC."""
    parts = session[_PARTS]
    joins = _any(parts, "is_first") and not _spans(parts)
    return heard(session) + (patience.idle_us if joins else patience.open_us)


def _deadlines(sessions: Sessions, patience: Patience) -> Deadlines:
    """Give the deadlines of all chains; they are made anew when the patience is another one."""
    if sessions.deadlines is None or sessions.patience != patience:
        sessions.patience = patience
        sessions.deadlines = Deadlines(
            (key, _deadline(session, patience))
            for key, session in sessions.open.items()
            if _PARTS in session
        )
    return sessions.deadlines


@dataclass(frozen=True)
class Held:
    """A part that waits.

    Attributes:
        heard_us: When its session was last heard of, by the feed's event time.
        settles_us: The session is settled after this instant, unless more comes.
    """

    part: Part
    heard_us: int
    settles_us: int


def hold(
    sessions: Sessions, row: dict[str, Any], watermark: int, patience: Patience
) -> Chain | Held:
    """Take a part: it waits, or makes the chain whole.

    Args:
        row: A worked row.
        watermark: The feed's event time: a part that comes late is waited for from then on.
    """
    key = row["session_key"]
    deadlines = _deadlines(sessions, patience)
    session = sessions.get(key) or {_PARTS: [], _HEARD: 0}
    part = part_of(row)
    parts = [*session[_PARTS], part]
    if _whole(parts):
        sessions.drop(key)
        deadlines.drop(key)
        return _completed(_sorted(parts))
    session = {_PARTS: parts, _HEARD: max(session.get(_HEARD, 0), watermark, _end(part))}
    sessions.put(key, session)
    due = _deadline(session, patience)
    deadlines.put(key, due)
    return Held(part, heard(session), due)


def _sorted(parts: list[Part]) -> list[dict[str, Any]]:
    """Put parts in the order of a session; a span begins with the part that is its first."""
    rows = sorted((row_of(part) for part in parts), key=_order)
    return sorted(rows, key=lambda row: not row["is_first"]) if _spans(parts) else rows


def _completed(parts: list[dict[str, Any]]) -> Chain:
    if _spans(parts) and _span_end(parts) < parts[0]["start_us"]:
        detail = f"session {parts[0]['session_key']} ends before it begins"
        return Chain(parts, final=True, reason=Reason.DURATION_INCONSISTENT, detail=detail)
    return Chain(parts, final=True)


def _span_end(parts: list[dict[str, Any]]) -> int:
    return max(_end(part) for part in parts if part["is_last"])


@dataclass(frozen=True)
class Due:
    """A chain whose time is over, as it was.

    Attributes:
        instant: Its deadline.
        opened: Place of the part that came first, by which chains are settled.
    """

    instant: int
    opened: tuple[int, int, int, int, str]
    session: dict[str, Any]


def due(sessions: Sessions, watermark: int, patience: Patience) -> list[Due]:
    """Take out the chains whose deadline has passed."""
    found = []
    for instant, key in _deadlines(sessions, patience).passed(watermark):
        session = sessions.open[key]
        sessions.drop(key)
        first = session[_PARTS][0]
        places = (first["record_no"], first["byte_offset"], first.get("item_no", 0))
        opened = (first["collected_at"], *places, key)
        found.append(Due(instant, opened, session))
    return found


def settled(chain: Due, watermark: int, patience: Patience) -> Chain:
    """Decide what becomes of a chain whose time is over, as of an instant of the feed."""
    parts = _sorted(chain.session[_PARTS])
    key, minutes = parts[0]["session_key"], patience.max_open_minutes
    if not _any(parts, "is_first"):
        detail = (
            f"the first part of session {key} never came within {minutes} minutes; "
            "when it has come, recycle both"
        )
        return Chain(parts, final=False, reason=Reason.PARTIAL_INCOMPLETE, detail=detail)
    if _spans(parts):
        detail = (
            f"the end of session {key} never came within {minutes} minutes; "
            "when it has come, recycle both"
        )
        open_us = min(watermark - parts[0]["start_us"], patience.open_us)
        return Chain(
            parts, final=False, reason=Reason.SESSION_OPEN_TOO_LONG, detail=detail, open_us=open_us
        )
    return Chain(parts, final=_any(parts, "is_last"), missing=_missing(parts))


def joined(chain: Chain) -> dict[str, Any]:
    """Make one record of a complete chain: the first part's identity, everything added up.

    The usage of a span lasts from the first part's start to the last part's end.
    """
    parts = chain.parts
    event = dict(parts[0])
    for name in ("quantity", "duration_us", "up_octets", "down_octets"):
        event[name] = sum(part[name] or 0 for part in parts)
    if _spans(parts):
        event["end_us"] = _span_end(parts)
        event["quantity"] = event["duration_us"] = event["end_us"] - event["start_us"]
    else:
        ends = [part["end_us"] for part in parts if part["end_us"] is not None]
        event["end_us"] = max(ends) if ends else parts[-1]["end_us"]
    event["kind"] = "complete"
    event["quality_flags"] = ",".join(sorted(set(_flags(chain))))
    event["input_records"] = len(parts)
    return event


def _flags(chain: Chain) -> Iterator[str]:
    for part in chain.parts:
        yield from (flag for flag in part["quality_flags"].split(",") if flag)
    yield "joined"
    if not chain.final:
        yield "no_final"
    if chain.missing:
        yield "parts_missing"
