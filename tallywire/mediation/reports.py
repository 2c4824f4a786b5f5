"""Reports of counters that never came: those between others, and those that end a session.

Judged by the clock of each access server, which its newest report shows, so that a server that is
silent makes no session silent. A report between others costs nothing: counters go on, the next one
brings its usage. After the last report nothing is known: how long the session went on, and what it
used; what can be told is how much it used until then, and by when its next report was due.
"""

from dataclasses import dataclass
from typing import Any

from tallywire.mediation.deadlines import Deadlines
from tallywire.mediation.findings import Fault, Finding
from tallywire.mediation.patience import Patience
from tallywire.mediation.sessions import Sessions
from tallywire.mediation.spacing import Server, hear, lacking, learn, new_server

WRAP_OCTETS = 2**32
_SERVER = "\x1d"
"""Begins the key of a server; no session's key does."""
_DAY_US = 86_400_000_000
_LEAST_GAP_US = 60_000_000
_MOST_GAPS = 200
_DAYS_OF_WRAPS = 7
_GAPS, _DUE, _SILENT, _TOLD = "gaps", "due", "silent", "told"

Session = dict[str, Any]


@dataclass(frozen=True)
class Before:
    """What was known of a session before a report was counted.

    Attributes:
        session: Its object; none where it was not known.
        at_us: Event time of its newest report.
    """

    session: Session | None
    at_us: int = 0


def before(sessions: Sessions, key: str) -> Before:
    """Look a session up before its report is counted."""
    session = sessions.get(key)
    return Before(session, session["at"] if session else 0)


class Reports:
    """Follows the reports of counters, in the order of rows.

    Args:
        sessions: Of the lane; servers are kept among them.
        patience: A report that lacks is told when its server went on for `idle_us`.
    """

    def __init__(self, sessions: Sessions, patience: Patience) -> None:
        self._sessions, self._patience = sessions, patience

    def take(self, record: dict[str, Any], was: Before, flags: tuple[str, ...]) -> list[Finding]:
        """Take a report that was counted; give what is known by it.

        Args:
            was: Its session before.
            flags: What the counter remarked.
        """
        key, moment = record["session_key"], record["start_us"]
        session = self._sessions.get(key)
        if session is None:
            return []
        server = self._server(session["nas"])
        found: list[Finding] = []
        if session is was.session and record["kind"] != "start":
            found += self._followed(key, session, server, record, was.at_us)
        hear(server, moment)
        if "counter_wrapped" in flags:
            found.append(_wrapped(session["nas"], server, moment))
        self._wait(key, session, server)
        return found + self._due(session["nas"], server)

    def _server(self, name: str) -> Server:
        key = _SERVER + name
        server = self._sessions.get(key) or new_server()
        self._sessions.put(key, server)
        return server

    def _followed(
        self, key: str, session: Session, server: Server, record: dict[str, Any], at_us: int
    ) -> list[Finding]:
        """Hold a report against the one before it, or against a gap that it lies in."""
        moment, found = record["start_us"], []
        gaps: list[list[int]] = session.get(_GAPS, [])
        if moment > at_us:
            gap = moment - at_us
            if record["kind"] != "stop":
                learn(server, gap)
            spacing = server["every_us"]
            if gap > (spacing + spacing // 8 if spacing else _LEAST_GAP_US):
                session[_GAPS] = [*gaps, [at_us, moment]][-_MOST_GAPS:]
                session.pop(_TOLD, None)
            if session.pop(_SILENT, None):
                found.append(Finding(Fault.SILENT, key, record.get("service", ""), closed=True))
        for place, (since, until) in enumerate(gaps):
            if since < moment < until:
                session[_GAPS] = [
                    *gaps[:place], [since, moment], [moment, until], *gaps[place + 1 :]
                ]  # fmt: skip
                if _TOLD in session:
                    found.append(_missing(key, session, server))
        return found

    def _wait(self, key: str, session: Session, server: Server) -> None:
        """Set when a session is looked at next."""
        deadlines = self._of(session["nas"])
        if (session["end"] or _SILENT in session) and (_GAPS not in session or _TOLD in session):
            session.pop(_DUE, None)
            deadlines.drop(key)
            return
        session[_DUE] = max(session["at"], server["clock"]) + self._patience.idle_us
        deadlines.put(key, session[_DUE])

    def _of(self, name: str) -> Deadlines:
        """Give the deadlines of a server's sessions."""
        if self._sessions.due is None:
            self._sessions.due = {}
            for key, session in self._sessions.open.items():
                if _DUE in session:
                    self._of(session["nas"]).put(key, session[_DUE])
        return self._sessions.due.setdefault(name, Deadlines(iter(())))

    def _due(self, name: str, server: Server) -> list[Finding]:
        """Tell of the sessions whose time is over."""
        found: list[Finding] = []
        for _, key in self._of(name).passed(server["clock"]):
            session = self._sessions.get(key)
            if session is None or _DUE not in session:
                continue
            del session[_DUE]
            if _GAPS in session and _TOLD not in session:
                found += _lacking(key, session, server)
            if not session["end"] and _SILENT not in session and server["every_us"]:
                session[_SILENT] = True
                found.append(_silent(key, session, server))
            self._sessions.put(key, session)
        return found


def _lacking(key: str, session: Session, server: Server) -> list[Finding]:
    """Keep the gaps in which something lacks, and tell of it."""
    kept = [gap for gap in session[_GAPS] if lacking(server, *gap)]
    if not kept:
        del session[_GAPS]
        return []
    session[_GAPS], session[_TOLD] = kept, True
    return [_missing(key, session, server)]


def _missing(key: str, session: Session, server: Server) -> Finding:
    """Count what lacks between the reports of a session."""
    counts = [(lacking(server, *gap), gap) for gap in session[_GAPS]]
    told = [(count, gap) for count, gap in counts if count]
    return Finding(
        Fault.REPORTS, key, "", records=sum(count for count, _ in told), closed=not told,
        first_us=min((since for _, (since, _) in told), default=0),
        last_us=max((until for _, (_, until) in told), default=0),
    )  # fmt: skip


def _silent(key: str, session: Session, server: Server) -> Finding:
    """Tell how much a session used, at its own rate, until its next report was due."""
    spacing, used_us = server["every_us"], session["us"]
    most = (session["up"] + session["down"]) * spacing // used_us if used_us else 0
    return Finding(
        Fault.SILENT, key, "", records=1, quantity=most // 2, most=most,
        first_us=session["at"], last_us=session["at"] + spacing,
    )  # fmt: skip


def _wrapped(name: str, server: Server, moment_us: int) -> Finding:
    """Count the wraps of a server and a day."""
    day = moment_us // _DAY_US
    wraps: dict[str, int] = server.setdefault("wraps", {})
    wraps[str(day)] = wraps.get(str(day), 0) + 1
    for one in [one for one in wraps if int(one) < day - _DAYS_OF_WRAPS]:
        del wraps[one]
    count = wraps[str(day)]
    return Finding(
        Fault.WRAPPED, name, "", ((day, day),), count, count * WRAP_OCTETS,
        most=count * WRAP_OCTETS, first_us=day * _DAY_US, last_us=(day + 1) * _DAY_US,
    )  # fmt: skip
