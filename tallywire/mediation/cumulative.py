"""Cumulative counters to deltas: each update is charged for what it adds, and nothing twice."""

from dataclasses import dataclass
from typing import Any

from tallywire.mediation.sessions import Sessions

_WRAP = 2**32
_SECOND_US = 1_000_000
NO_GIGAWORDS = "no_gigawords"


@dataclass(frozen=True)
class Delta:
    """What an accounting record adds to its session.

    Attributes:
        flags: Remarks: `counter_wrapped`, `counter_reset`, `late_update`, `below_last`,
            `after_stop`.
    """

    up: int
    down: int
    flags: tuple[str, ...] = ()


def _counter(
    value: int, last: int, *, wraps: bool, grown_us: int, max_rate: int
) -> tuple[int, str]:
    """Compare one counter with its last value: what was added, and a remark."""
    if value >= last:
        return value - last, ""
    if grown_us <= 0:
        return 0, "late_update"
    unwrapped = value + _WRAP - last
    if wraps and unwrapped * 8 * _SECOND_US <= max_rate * grown_us:
        return unwrapped, "counter_wrapped"
    return value, "counter_reset"


def advance(sessions: Sessions, record: dict[str, Any], *, max_rate: int, horizon: int) -> Delta:
    """Take one accounting record of a session.

    Args:
        record: A decoded row: kind, session_key, linked_id (the access server), up_octets,
            down_octets, session_time_us, start_us, quality_flags.
        max_rate: Bits a second that the port can carry: a wrap must fit it.
        horizon: A session last heard of before this instant is another one, microseconds UTC.
    """
    key = record["session_key"]
    session = sessions.get(key)
    if session is None or session["at"] < horizon:
        session = {"up": 0, "down": 0, "us": 0, "at": 0, "nas": record["linked_id"], "end": False}
    grown = record["session_time_us"] - session["us"]
    wraps = NO_GIGAWORDS in record["quality_flags"]
    stop = record["kind"] == "stop"
    sizes, flags = {}, set()
    for name in ("up", "down"):
        value, last = record[f"{name}_octets"], session[name]
        added, flag = _counter(value, last, wraps=wraps, grown_us=grown, max_rate=max_rate)
        if stop and flag == "counter_reset":  # a stop never lowers what interims have shown
            added, flag = 0, "below_last"
        sizes[name] = added
        flags.add(flag)
        if flag not in {"below_last", "late_update"}:
            session[name] = value
    if session["end"]:
        flags.add("after_stop")
    session["us"] = max(session["us"], record["session_time_us"])
    session["at"] = max(session["at"], record["start_us"])
    session["end"] = session["end"] or stop
    sessions.put(key, session)
    return Delta(sizes["up"], sizes["down"], tuple(sorted(flags - {""})))


def close_server(sessions: Sessions, server: str) -> None:
    """End every session of an access server that was switched on or off."""
    for key, session in list(sessions.open.items()):
        if session.get("nas") == server:
            sessions.drop(key)


def expire(sessions: Sessions, horizon: int) -> None:
    """Forget sessions last heard of before an instant; `advance` holds them for absent already."""
    for key, session in list(sessions.open.items()):
        if "nas" in session and session["at"] < horizon:
            sessions.drop(key)
