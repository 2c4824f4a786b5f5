"""Partial records: parts of one session wait, open, until they can be joined into one event."""

from dataclasses import dataclass
from typing import Any

from tallywire.mediation.sessions import Sessions

_MINUTE_US = 60_000_000
_PARTS = "parts"


@dataclass(frozen=True)
class Chain:
    """Parts that are settled together.

    Attributes:
        parts: Decoded rows in the order of their times.
        complete: They make one event; otherwise they are incomplete for good.
        final: The last part was among them.
    """

    parts: list[dict[str, Any]]
    complete: bool
    final: bool


def _order(part: dict[str, Any]) -> tuple[int, int, int, int]:
    setup = part["setup_us"] if part["setup_us"] is not None else part["start_us"]
    return part["partial_no"], setup, part["record_no"], part["byte_offset"]


def hold(sessions: Sessions, part: dict[str, Any]) -> Chain | None:
    """Take a part; give the chain when it is complete with it."""
    key = part["session_key"]
    session = sessions.get(key) or {_PARTS: []}
    session[_PARTS].append(part)
    parts = sorted(session[_PARTS], key=_order)
    if any(item["is_first"] for item in parts) and any(item["is_last"] for item in parts):
        sessions.drop(key)
        return Chain(parts, complete=True, final=True)
    sessions.put(key, session)
    return None


def _last_heard(session: dict[str, Any]) -> int:
    return max(int(part["end_us"] or part["start_us"]) for part in session[_PARTS])


def _begun(session: dict[str, Any]) -> bool:
    return any(part["is_first"] for part in session[_PARTS])


@dataclass(frozen=True)
class Patience:
    """How long chains may be silent, by the feed's own event time.

    Attributes:
        idle_minutes: A chain with its first part is then joined without its end.
        max_open_minutes: One without is then incomplete.
    """

    idle_minutes: int
    max_open_minutes: int

    def deadline(self, session: dict[str, Any]) -> int:
        """Give the instant after which a session is settled, microseconds UTC."""
        minutes = self.idle_minutes if _begun(session) else self.max_open_minutes
        return _last_heard(session) + minutes * _MINUTE_US


def next_deadline(sessions: Sessions, patience: Patience) -> int | None:
    """Give the earliest deadline of all open chains."""
    chains = [session for session in sessions.open.values() if _PARTS in session]
    return min((patience.deadline(session) for session in chains), default=None)


def settle(sessions: Sessions, watermark: int, patience: Patience) -> list[Chain]:
    """Settle the chains whose deadline has passed, in the order they were opened."""
    settled = []
    for key, session in list(sessions.open.items()):
        if _PARTS in session and watermark > patience.deadline(session):
            sessions.drop(key)
            parts = sorted(session[_PARTS], key=_order)
            settled.append(Chain(parts, complete=_begun(session), final=False))
    return settled


def joined(chain: Chain) -> dict[str, Any]:
    """Make one record of a complete chain: the first part's identity, everything added up."""
    first, last = chain.parts[0], chain.parts[-1]
    event = dict(first)
    for name in ("quantity", "duration_us", "up_octets", "down_octets"):
        event[name] = sum(part[name] or 0 for part in chain.parts)
    ends = [part["end_us"] for part in chain.parts if part["end_us"] is not None]
    event["end_us"] = max(ends) if ends else last["end_us"]
    event["kind"] = "complete"
    flags = {flag for part in chain.parts for flag in part["quality_flags"].split(",") if flag}
    if not chain.final:
        flags.add("no_final")
    event["quality_flags"] = ",".join(sorted(flags | {"joined"}))
    event["input_records"] = len(chain.parts)
    return event
