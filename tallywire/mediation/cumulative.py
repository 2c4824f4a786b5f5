"""Cumulative counters to deltas: each update is charged for what it adds, and nothing twice.

A session is worth the most that its counters showed, wraps of 32 bits added. What a counter loses
again is never given back, and what an access server says after the end opens no second session.
"""

from dataclasses import dataclass
from typing import Any

from tallywire.mediation.sessions import Sessions

_WRAP = 2**32
_SECOND_US = 1_000_000
_SEPARATOR = "\x1f"
NO_GIGAWORDS = "no_gigawords"
NO_UP, NO_DOWN = "no_up_octets", "no_down_octets"
_ABSENT = {"up": NO_UP, "down": NO_DOWN}
_KEPT = frozenset({"below_last", "late_update"})
"""Remarks after which the counter known before stays the one that counts."""

_Session = dict[str, Any]


@dataclass(frozen=True)
class Delta:
    """What an accounting record adds to its session.

    Attributes:
        flags: Remarks: `counter_wrapped`, `counter_reset`, `late_update`, `below_last`,
            `after_stop`, `carried_over`, `faster_than_port`.
    """

    up: int
    down: int
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Update:
    """A record against its session.

    Attributes:
        grown_us: How much longer the session is than it was.
        wraps: Its counters have 32 bits.
        ending: It is a Stop, or came after one: it can add, and never begin anew.
        zero: All its counters are 0: no reading of a session that has carried something.
    """

    grown_us: int
    wraps: bool
    ending: bool
    zero: bool
    max_rate: int

    def carries(self, octets: int) -> bool:
        """Tell whether the port could have carried that in the time."""
        return octets * 8 * _SECOND_US <= self.max_rate * self.grown_us


def _counter(value: int, last: int, update: _Update) -> tuple[int, str]:
    """Compare one counter with its last value: what was added, and a remark."""
    if value >= last:
        return value - last, ""
    if update.zero:
        return 0, "below_last"
    if update.grown_us <= 0:
        return 0, "late_update"
    unwrapped = value + _WRAP - last
    # a Stop a little lower than the last interim is a fault of the counter, not 4 GiB
    likely = unwrapped <= _WRAP // 2 or not update.ending
    if update.wraps and likely and update.carries(unwrapped):
        return unwrapped, "counter_wrapped"
    return (0, "below_last") if update.ending else (value, "counter_reset")


def _is_another(session: _Session, record: dict[str, Any]) -> bool:
    """Tell whether a record under a known key is of a later session that was given the same id.

    It then began after what was last heard of the one before. One that never ended was ended
    unheard; that is believed only if its counters began anew.
    """
    begun = record["start_us"] - record["session_time_us"]
    if begun <= session["at"] or not (record["session_time_us"] or record["kind"] == "start"):
        return False
    counters = [(record[f"{name}_octets"], session[name]) for name in ("up", "down")]
    fell = any(value < last for value, last in counters) and any(value for value, _ in counters)
    return bool(session["end"]) or (fell and record["kind"] != "start")


def _is_of_before(session: _Session, record: dict[str, Any]) -> bool:
    """Tell whether a record happened before its session began.

    It is of the session that had the id before, and adds nothing to this one, nor ends it.
    """
    return bool(record["start_us"] < session["at"] - session["us"]) and record["kind"] != "start"


def _begun(record: dict[str, Any]) -> _Session:
    """Begin a session; what a Start has counted already belongs to the session before."""
    carried = record["kind"] == "start"
    return {
        "up": record["up_octets"] if carried else 0,
        "down": record["down_octets"] if carried else 0,
        "us": 0, "at": 0, "nas": record["linked_id"], "end": False,
    }  # fmt: skip


def _measured(session: _Session, record: dict[str, Any], max_rate: int) -> _Update:
    """Hold a record against its session; without a session time its clock says what has grown."""
    timed = record["session_time_us"]
    grown = timed - session["us"] if timed else record["start_us"] - session["at"]
    counters = (record["up_octets"], record["down_octets"])
    return _Update(
        grown, NO_GIGAWORDS in record["quality_flags"].split(","),
        record["kind"] == "stop" or session["end"], not any(counters), max_rate,
    )  # fmt: skip


def advance(sessions: Sessions, record: dict[str, Any], *, max_rate: int, horizon: int) -> Delta:
    """Take one accounting record of a session.

    Args:
        record: A decoded row: kind, session_key, linked_id (names of the access server),
            up_octets, down_octets, session_time_us, start_us, quality_flags.
        max_rate: Bits a second that the port can carry: a wrap must fit it.
        horizon: A session last heard of before this instant is another one, microseconds UTC.
    """
    key = record["session_key"]
    session = sessions.get(key)
    flags: set[str] = set()
    first = session is None or session["at"] < horizon or _is_another(session, record)
    if session is None or first:
        session = _begun(record)
        flags |= {"carried_over"} if session["up"] or session["down"] else set()
    elif _is_of_before(session, record):
        return Delta(0, 0, ("late_update",))
    update = _measured(session, record, max_rate)
    sizes = {"up": 0, "down": 0}
    for name, absent in _ABSENT.items():
        if absent in record["quality_flags"]:  # nothing is said, so nothing is lost
            continue
        value = record[f"{name}_octets"]
        sizes[name], flag = _counter(value, session[name], update)
        flags.add(flag)
        if flag not in _KEPT:
            session[name] = value
    flags |= {"after_stop"} if session["end"] else set()
    if update.grown_us > 0 and not update.carries(max(sizes.values())):
        flags.add("faster_than_port")
    _heard(session, record, first=first)
    sessions.put(key, session)
    return Delta(sizes["up"], sizes["down"], tuple(sorted(flags - {""})))


def _heard(session: _Session, record: dict[str, Any], *, first: bool) -> None:
    """Note how far a session is; a second Start tells nothing of the one that is open."""
    session["us"] = max(session["us"], record["session_time_us"])
    if first or record["kind"] != "start":
        session["at"] = max(session["at"], record["start_us"])
    session["end"] = session["end"] or record["kind"] == "stop"


def close_server(sessions: Sessions, server: str) -> None:
    """End every session of an access server that was switched on or off.

    They stay known: a Stop may still come, and adds what it adds.

    Args:
        server: The server's names, one of which is enough: it may tell its address alone.
    """
    names = set(server.split(_SEPARATOR)) - {""}
    for key, session in list(sessions.open.items()):
        known = session.get("nas", "").split(_SEPARATOR)
        if not session.get("end", True) and not names.isdisjoint(known):
            sessions.put(key, {**session, "end": True})


def expire(sessions: Sessions, horizon: int) -> None:
    """Forget sessions last heard of before an instant; `advance` holds them for absent already."""
    for key, session in list(sessions.open.items()):
        if session.get("at" if "nas" in session else "clock", horizon) < horizon:
            sessions.drop(key)
