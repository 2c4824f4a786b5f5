"""`tallywire alerts ack`, `confirm`, `reject`: what a person found a finding to be."""

from collections.abc import Sequence

import typer

from assurance.feedback import ACKNOWLEDGED, CONFIRMED, FALSE_POSITIVE, Judged, proposal
from cli.alerts.common import AlertArgument, Desk, NoteOption, finding
from cli.catalog_common import login
from cli.common import HomeOption, epilog, plain_errors, settings_of
from dataflows.desk import desk
from dataflows.wall_clock import now_us
from schemas.alerts import Alert
from schemas.decisions import FeedbackEvent
from warehouse.decisions import judged_of


def _proposed(here: Desk, alert: Alert, verdict: str) -> str:
    if verdict == ACKNOWLEDGED:
        return ""
    held = judged_of(here.client, alert.control_id, alert.pattern)
    others = [Judged(*one) for one in held if one[0] != alert.alert_id]
    return proposal(alert, verdict, [*others, Judged(alert.alert_id, verdict, alert.score)])


def verdicts(
    here: Desk, alerts: Sequence[Alert], verdict: str, *, note: str, case_id: str = ""
) -> list[FeedbackEvent]:
    """Make the verdicts on findings, with what each proposes."""
    at = now_us()
    return [
        FeedbackEvent(
            alert_id=alert.alert_id, at=at, who=here.who, verdict=verdict,
            control_id=alert.control_id, case_id=case_id, note=note,
            proposal=_proposed(here, alert, verdict),
        )
        for alert in alerts
    ]  # fmt: skip


def keep(here: Desk, made: Sequence[FeedbackEvent], at: int) -> None:
    """Store verdicts, and tell what they propose, each text once."""
    here.keep("alert_feedback", made, at, f"feedback-{at}")
    for text in dict.fromkeys(one.proposal for one in made if one.proposal):
        typer.echo(text)


def _judge(verb: str, alert: str, verdict: str, note: str, here: Desk) -> None:
    found = finding(here.client, alert)
    made = verdicts(here, [found], verdict, note=note)
    keep(here, made, here.audit(verb, found.alert_id, {"note": note}))
    typer.echo(f"{verdict}: {found.alert_id}")


def ack(alert: AlertArgument, *, note: NoteOption = "", home: HomeOption = None) -> None:
    """Say that you have seen a finding and look after it: nobody else is called about it."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        _judge("alerts ack", alert, ACKNOWLEDGED, note, here)


def confirm(alert: AlertArgument, *, note: NoteOption = "", home: HomeOption = None) -> None:
    """Say that a finding is right; a change of threshold may be proposed, none is made."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        _judge("alerts confirm", alert, CONFIRMED, note, here)


def reject(alert: AlertArgument, *, note: NoteOption = "", home: HomeOption = None) -> None:
    """Say that a finding is a false positive; a change is proposed for review, none is made."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        _judge("alerts reject", alert, FALSE_POSITIVE, note, here)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("ack", epilog=epilog("alerts ack 8f14e45f"))(ack)
    app.command("confirm", epilog=epilog('alerts confirm 8f14e45f --note "invoice 17"'))(confirm)
    app.command("reject", epilog=epilog('alerts reject 8f14e45f --note "call centre"'))(reject)
