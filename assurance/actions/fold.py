"""What the steps of an action come to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Any

import orjson

from assurance.actions.asked import Kind
from schemas.actions import ActionEvent


class State(StrEnum):
    """Where an action stands: named as the step that led there."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    BEGUN = "begun"
    DONE = "done"
    LAPSED = "lapsed"


ENDED = frozenset({State.REJECTED, State.DONE, State.LAPSED})


@dataclass(frozen=True)
class Action:
    """An action as it stands.

    Attributes:
        alert_ids: Findings of its case that were open when it was proposed.
        asked: What is to be done, by name.
        figures: What it comes to, as it was shown.
        proposed_by, approved_by: Persons; nobody approved it while that is empty.
        expires_at: Until when it may be begun, microseconds UTC; 0 before it is approved.
        plan: What is done once; empty before it has begun.
        steps: All that happened, in order.
    """

    action_id: str
    kind: Kind
    case_id: str
    state: State
    proposed_at: int
    proposed_by: str
    alert_ids: tuple[str, ...]
    asked: dict[str, Any]
    figures: dict[str, Any]
    approved_by: str = ""
    expires_at: int = 0
    plan: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    reference: str = ""
    tenant_id: str = "default"
    steps: tuple[ActionEvent, ...] = ()

    @property
    def head(self) -> str:
        """Hash of its newest step."""
        return self.steps[-1].hash if self.steps else ""

    def expired(self, now: int) -> bool:
        """Tell whether its approval has run out before it was begun."""
        return self.state is State.APPROVED and now >= self.expires_at


def _proposed(event: ActionEvent) -> Action:
    return Action(
        event.action_id, Kind(event.kind), event.case_id, State.PROPOSED, event.at, event.who,
        tuple(orjson.loads(event.alert_ids)), orjson.loads(event.asked),
        orjson.loads(event.figures), tenant_id=event.tenant_id,
    )  # fmt: skip


def _after(action: Action, event: ActionEvent) -> Action:
    state = State(event.action)
    if state is State.APPROVED:
        expires = event.expires_at or 0
        return replace(action, state=state, approved_by=event.who, expires_at=expires)
    if state is State.BEGUN:
        return replace(action, state=state, plan=orjson.loads(event.plan))
    if state is State.DONE:
        result = orjson.loads(event.result)
        return replace(action, state=state, result=result, reference=event.reference)
    return replace(action, state=state)


def action_of(events: Sequence[ActionEvent]) -> Action:
    """Fold the steps of one action, in any order."""
    first, *others = sorted(events, key=lambda event: event.step)
    action = _proposed(first)
    for event in others:
        action = _after(action, event)
    return replace(action, steps=(first, *others))


def actions_of(events: Iterable[ActionEvent]) -> list[Action]:
    """Fold the steps of many actions; give them in the order in which they were proposed."""
    ordered = sorted(events, key=lambda event: event.action_id)
    found = [action_of(list(group)) for _, group in groupby(ordered, lambda one: one.action_id)]
    return sorted(found, key=lambda one: (one.proposed_at, one.action_id))
