"""Controls over the numbers of sessions: missing, repeated, beyond the end, without an end."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from assurance.alerts import Control, Worth, alert
from schemas.alerts import Alert
from tallywire.catalog.snapshot import Snapshot
from tallywire.mediation.findings import Fault, Finding
from tallywire.worth import lost

MISSING = Control(
    "C8", "session_records_missing", "leakage", "critical", "under",
    "ask the network element for these records of the session; they are charged when they come",
)  # fmt: skip
AFTER_END = Control(
    "C8", "session_number_after_end", "misrating", "warning", "over",
    "ask whether the network element used the session's id again, or went on after its end",
)  # fmt: skip
REPEATED = Control(
    "C8", "session_number_repeated", "duplicate", "warning", "over",
    "compare the two records: both were charged, they carry the same number with other keys",
)  # fmt: skip
REPORTS = Control(
    "C8", "session_reports_missing", "completeness", "warning", "under",
    "ask the access server for its log: reports were lost on their way; the next ones brought all "
    "usage",
)  # fmt: skip
WRAPPED = Control(
    "C8", "counter_wraps_assumed", "misrating", "warning", "over",
    "let the access server send Gigawords: without them each wrap is an assumption",
)  # fmt: skip
NEVER_ENDED = Control(
    "C8", "session_never_ended", "leakage", "warning", "under",
    "ask the network element for the last record of the session",
)  # fmt: skip

_CONTROLS = {
    Fault.MISSING: MISSING,
    Fault.AFTER_END: AFTER_END,
    Fault.REPEATED: REPEATED,
    Fault.NEVER_ENDED: NEVER_ENDED,
    Fault.SILENT: NEVER_ENDED,
    Fault.REPORTS: REPORTS,
    Fault.WRAPPED: WRAPPED,
}
_LOST = {Fault.MISSING, Fault.NEVER_ENDED, Fault.SILENT}
_COUNTED = {Fault.REPORTS, Fault.WRAPPED}
_BY_NUMBER = {Fault.REPEATED, Fault.WRAPPED}
"""Of one session there may be several of these."""
_MOST_SPANS = 20
_MOST_VALUED = 1_000
"""More missing numbers are no list of lost records, they are another numbering."""


def numbers_text(finding: Finding) -> str:
    """Write the numbers of a finding: `3, 7-9`."""
    texts = [f"{first}" if first == last else f"{first}-{last}" for first, last in finding.numbers]
    more = len(texts) - _MOST_SPANS
    return ", ".join(texts[:_MOST_SPANS]) + (f" and {more} more" if more > 0 else "")


def _explanation(finding: Finding) -> str:
    numbers, session = numbers_text(finding), _name(finding)
    if finding.fault in _COUNTED or (finding.fault is Fault.SILENT and finding.closed):
        return _of_counters(finding)
    if finding.fault is Fault.MISSING and finding.closed:
        return f"The records of session {session} that were missing have come."
    if finding.fault is Fault.MISSING:
        return f"Numbers of session {session} are missing: {numbers}."
    if finding.fault is Fault.AFTER_END:
        return f"Numbers of session {session} came beyond its last record: {numbers}."
    if finding.fault is Fault.REPEATED:
        return f"Number {numbers} of session {session} came twice, in records with other keys."
    return f"Session {session} fell silent without its last record.{_unknown(finding)}"


def _name(finding: Finding) -> str:
    """Name a session as people read it; sessions of counters have parts with a sign between."""
    counted = finding.fault in _COUNTED or finding.fault is Fault.SILENT
    return finding.session.replace("\x1f", " ") if counted else finding.session


def _of_counters(finding: Finding) -> str:
    """Tell of sessions whose reports are counters."""
    session, count = _name(finding), finding.records
    if finding.fault is Fault.SILENT:
        return f"The session {session} was heard of again, or ended."
    if finding.fault is Fault.WRAPPED:
        often = "once" if count == 1 else f"{count} times"
        return (
            f"Counters of {session}, which sends no Gigawords, fell {often} in a day as if they "
            "had passed 32 bits: each time 4 GiB were charged by that rule."
        )
    if finding.closed:
        return f"The reports of session {session} that lacked have come."
    plural = "s" if count > 1 else ""
    return (
        f"{count} report{plural} of session {session} never came; the next one brought all usage, "
        "so nothing is lost."
    )


def _unknown(finding: Finding) -> str:
    """Say what cannot be known of usage behind the last report."""
    if finding.fault is not Fault.SILENT:
        return ""
    if not finding.most:
        return " What it used was never reported, and how much that is nobody knows."
    return (
        " What it used since its last report was never reported and is not charged: at its own "
        f"rate at most {finding.most} octets by the time its next report was due."
    )


def session_faults(
    findings: Iterable[Finding], feed_id: str, at: int, snapshot: Snapshot
) -> list[Alert]:
    """Report what is wrong with the numbers of a feed's sessions, with what is lost.

    Of a finding that changed, what it has come to.

    Args:
        at: Ledger time, microseconds UTC.
        snapshot: Prices, for what missing records are worth.
    """
    alerts = (_alert(finding, feed_id, at, snapshot) for finding in findings)
    return [*{found.alert_id: found for found in alerts}.values()]


def _alert(finding: Finding, feed_id: str, at: int, snapshot: Snapshot) -> Alert:
    lacks = finding.fault in _LOST or finding.fault is Fault.REPORTS
    episode = f"number-{numbers_text(finding)}" if finding.fault in _BY_NUMBER else "numbers"
    kind = "server" if finding.fault is Fault.WRAPPED else "session"
    return alert(
        _CONTROLS[finding.fault], tenant_id=snapshot.tenant_id, feed_id=feed_id,
        entity=(kind, f"{feed_id}/{_name(finding)}"), episode=episode, at=at,
        explanation=_explanation(finding), expected=finding.records if lacks else 0,
        observed=0 if lacks else finding.records, unit="records",
        worth=_worth(finding, feed_id, snapshot),
        state="auto_closed" if finding.closed else "open",
        window=(finding.first_us or None, finding.last_us or None),
    )  # fmt: skip


def _worth(finding: Finding, feed_id: str, snapshot: Snapshot) -> Worth:
    """Value what is missing, or in question; bounds where only they are known."""

    def of(quantity: int) -> Worth:
        return Worth(*lost(finding.service, finding.records, quantity, feed_id, snapshot))

    if finding.closed:
        return Worth()
    if finding.fault is Fault.REPORTS:
        return Worth(Decimal(0), of(0).currency, "counters_went_on")
    if finding.fault in {Fault.SILENT, Fault.WRAPPED} and finding.most:
        amount, most = of(finding.quantity), of(finding.most)
        return replace(amount, low=Decimal(0), high=most.amount, confidence=90)
    valued = finding.fault in _LOST and 0 < finding.records <= _MOST_VALUED
    return of(finding.quantity) if valued else Worth()
