"""Actions, told: for people in lines, for programs as JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from assurance.actions.fold import Action, State
from cli.actions.kinds import KINDS, asked_of
from schemas.actions import ActionEvent
from schemas.instants import text_from_micros


def figures_told(figures: Mapping[str, Any]) -> Iterator[str]:
    """Give a line for each figure."""
    for name, value in figures.items():
        told = _value(value)
        if told:
            yield f"{name.replace('_', ' ')}: {told}"


def _value(value: Any) -> str:  # noqa: ANN401  any value of JSON
    if isinstance(value, Mapping):
        return ", ".join(f"{amount} {name}" for name, amount in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)


def standing(action: Action, now: int) -> str:
    """Say where an action stands; an approval that has run out is said to be."""
    return "expired" if action.expired(now) else action.state.value


def row_of(action: Action, now: int) -> dict[str, Any]:
    """Give an action for JSON and tables."""
    return {
        "action_id": action.action_id,
        "kind": action.kind.value,
        "state": standing(action, now),
        "case_id": action.case_id,
        "what": KINDS[action.kind].words(asked_of(action)),
        "proposed_by": action.proposed_by,
        "proposed_at": text_from_micros(action.proposed_at),
        "approved_by": action.approved_by,
        "expires_at": text_from_micros(action.expires_at) if action.expires_at else None,
        "asked": action.asked,
        "figures": action.figures,
        "result": action.result,
        "reference": action.reference,
    }


def as_json_of(action: Action, now: int) -> dict[str, Any]:
    """Give an action with every step."""
    return {**row_of(action, now), "steps": [_step(event) for event in action.steps]}


def _step(event: ActionEvent) -> dict[str, Any]:
    content = event.model_dump(mode="json")
    for name in ("alert_ids", "asked", "figures", "plan", "result"):
        content[name] = orjson.loads(content[name])
    return content


def lines_of(action: Action, now: int) -> Iterator[str]:
    """Tell an action for people."""
    words = KINDS[action.kind].words(asked_of(action))
    yield f"action {action.action_id}: {standing(action, now)}"
    yield f"  {words}, about case {action.case_id}"
    for line in figures_told(action.figures):
        yield f"  {line}"
    if action.state is State.APPROVED:
        yield f"  may be begun until {text_from_micros(action.expires_at)}"
    for event in action.steps:
        parts = [text_from_micros(event.at), event.who, event.action, event.reference, event.note]
        yield "  " + " ".join(part for part in parts if part)
    for line in figures_told(action.result or {}):
        yield f"  result: {line}"
