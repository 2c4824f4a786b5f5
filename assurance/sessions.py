"""Controls over the numbers of sessions: missing, repeated, beyond the end, without an end."""

from collections.abc import Iterable

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
NEVER_ENDED = Control(
    "C8", "session_never_ended", "leakage", "warning", "under",
    "ask the network element for the last record of the session",
)  # fmt: skip

_CONTROLS = {
    Fault.MISSING: MISSING,
    Fault.AFTER_END: AFTER_END,
    Fault.REPEATED: REPEATED,
    Fault.NEVER_ENDED: NEVER_ENDED,
}
_LOST = {Fault.MISSING, Fault.NEVER_ENDED}
_MOST_SPANS = 20
_MOST_VALUED = 1_000
"""More missing numbers are no list of lost records, they are another numbering."""


def numbers_text(finding: Finding) -> str:
    """Write the numbers of a finding: `3, 7-9`."""
    texts = [f"{first}" if first == last else f"{first}-{last}" for first, last in finding.numbers]
    more = len(texts) - _MOST_SPANS
    return ", ".join(texts[:_MOST_SPANS]) + (f" and {more} more" if more > 0 else "")


def _explanation(finding: Finding) -> str:
    numbers, session = numbers_text(finding), finding.session
    if finding.fault is Fault.MISSING and finding.closed:
        return f"The records of session {session} that were missing have come."
    if finding.fault is Fault.MISSING:
        return f"Numbers of session {session} are missing: {numbers}."
    if finding.fault is Fault.AFTER_END:
        return f"Numbers of session {session} came beyond its last record: {numbers}."
    if finding.fault is Fault.REPEATED:
        return f"Number {numbers} of session {session} came twice, in records with other keys."
    return f"Session {session} fell silent without its last record."


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
    valued = finding.fault in _LOST and 0 < finding.records <= _MOST_VALUED
    worth = Worth()
    if valued:
        records, quantity = finding.records, finding.quantity
        worth = Worth(*lost(finding.service, records, quantity, feed_id, snapshot))
    is_lost = finding.fault in _LOST
    episode = f"number-{numbers_text(finding)}" if finding.fault is Fault.REPEATED else "numbers"
    return alert(
        _CONTROLS[finding.fault], tenant_id=snapshot.tenant_id, feed_id=feed_id,
        entity=("session", f"{feed_id}/{finding.session}"), episode=episode, at=at,
        explanation=_explanation(finding), expected=finding.records if is_lost else 0,
        observed=0 if is_lost else finding.records, unit="records", worth=worth,
        state="auto_closed" if finding.closed else "open",
    )  # fmt: skip
