"""One finding, told: for people in lines, for programs as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import typer

from assurance.money import expected_loss
from assurance.suppression import Suppression
from cli.printed import money
from schemas.alerts import Alert
from schemas.decisions import FeedbackEvent
from schemas.instants import text_from_micros

_JSON = ("evidence", "features", "reference_versions", "feedback")
_MOST_EVIDENCE = 10


def _timeline(
    versions: Sequence[Alert], feedback: Sequence[FeedbackEvent]
) -> list[tuple[int, str]]:
    """Tell what happened to a finding, in order, as far as the store still has it."""
    return sorted(_happened(versions, feedback), key=lambda one: one[0])


def _happened(
    versions: Sequence[Alert], feedback: Sequence[FeedbackEvent]
) -> Iterator[tuple[int, str]]:
    yield versions[0].opened_at, f"opened by {versions[0].control_id}"
    before = ""
    for one in versions:
        if one.state != before:
            yield one.ledgered_at or one.detected_at, f"{one.state}: {one.explanation}"
        before = one.state
    for event in feedback:
        yield event.at, f"{event.verdict} by {event.who}{f': {event.note}' if event.note else ''}"
        if event.proposal:
            yield event.at, event.proposal


def as_json_of(
    found: Alert,
    versions: Sequence[Alert],
    feedback: Sequence[FeedbackEvent],
    case: str,
    held: Sequence[Suppression],
) -> dict[str, Any]:
    """Give a finding with what happened to it."""
    content = found.model_dump(mode="json")
    for name in _JSON:
        content[name] = orjson.loads(content[name])
    return {
        **content,
        "case_id": case,
        "expected_loss": expected_loss(found.money_at_risk, found.confidence),
        "suppressed_by": [one.suppression_id for one in held],
        "timeline": [
            {"at": text_from_micros(at), "what": what} for at, what in _timeline(versions, feedback)
        ],
    }


def _money(found: Alert) -> str:
    if found.money_at_risk is None:
        return "money at risk: not known"
    loss = expected_loss(found.money_at_risk, found.confidence)
    bounds = f"{money(found.money_low)} to {money(found.money_high)}"
    known = found.money_low is not None or found.money_high is not None
    return (
        f"money at risk: {money(found.money_at_risk)} {found.currency}"
        f"{f' ({bounds})' if known else ''}, by {found.money_method}; "
        f"{found.confidence} % sure: expected loss {money(loss)} {found.currency}"
    )


def _evidence(found: Alert) -> Iterator[str]:
    held = orjson.loads(found.evidence)
    yield f"evidence: {found.evidence_count:,}"
    for one in held[:_MOST_EVIDENCE]:
        yield f"  {one.get('place', '')}: {one.get('why', '')}"
    if found.evidence_count > _MOST_EVIDENCE:
        kept = f"{len(held) - _MOST_EVIDENCE} more with --json"
        yield f"  {kept if len(held) > _MOST_EVIDENCE else 'the others are not kept'}"


def tell(
    found: Alert,
    versions: Sequence[Alert],
    feedback: Sequence[FeedbackEvent],
    case: str,
    held: Sequence[Suppression],
) -> None:
    """Print a finding for people."""
    sided = "charged too much" if found.direction == "over" else "revenue lost"
    typer.echo(found.explanation)
    typer.echo(f"  {found.alert_id}: {found.control_id} {found.pattern}, {found.severity}, {sided}")
    typer.echo(f"  {found.entity_type} {found.entity_id}, feed {found.feed_id or '-'}")
    typer.echo(f"  {_money(found)}")
    if found.unit:
        typer.echo(f"  expected {found.expected:,} {found.unit}, observed {found.observed:,}")
    for line in _evidence(found):
        typer.echo(f"  {line}")
    for one in orjson.loads(found.features):
        typer.echo(f"  {one.get('name')}: {one.get('value')}")
    typer.echo(f"  what to do: {found.suggested_action}")
    if case:
        typer.echo(f"  case {case}")
    for suppression in held:
        ends = text_from_micros(suppression.until)
        typer.echo(f"  suppressed until {ends} by {suppression.owner}: {suppression.why}")
    for at, what in _timeline(versions, feedback):
        typer.echo(f"  {text_from_micros(at)} {what}")
