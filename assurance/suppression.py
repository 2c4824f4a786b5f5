"""Suppressions: for a time, what a control finds of an entity is kept and marked, but not told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from schemas.decisions import SuppressionEvent

LONGEST_US = 366 * 86_400_000_000
"""A suppression ends within a year: whoever still wants it then says so again."""


class SuppressionRefusedError(ValueError):
    """A suppression that would hide everything, for ever, or without an owner."""


@dataclass(frozen=True)
class Suppression:
    """What is not told, and until when.

    Attributes:
        control_id: Empty for every control.
        entity_id: Empty for every entity.
        until: When it ends by itself, microseconds UTC.
        ended_at: When somebody ended it before.
    """

    suppression_id: str
    control_id: str
    entity_id: str
    until: int
    owner: str
    why: str
    who: str
    at: int
    ended_at: int | None = None

    def active(self, at: int) -> bool:
        """Tell whether it holds at an instant."""
        return self.at <= at < (self.until if self.ended_at is None else self.ended_at)

    def covers(self, control_id: str, entity_id: str) -> bool:
        """Tell whether it is about findings of a control about an entity."""
        return self.control_id in {"", control_id} and self.entity_id in {"", entity_id}


def begun(event: SuppressionEvent) -> SuppressionEvent:
    """Check what somebody wants to suppress.

    Raises:
        SuppressionRefusedError: Saying what to change.
    """
    wrong = ""
    if not event.control_id and not event.entity_id:
        wrong = "name a control, an entity, or both: all findings cannot be suppressed"
    elif not event.owner.strip() or not event.why.strip():
        wrong = "say who owns the suppression and why it is right"
    elif event.until is None or event.until <= event.at:
        wrong = "its end must lie in the future"
    elif event.until - event.at > LONGEST_US:
        wrong = "it may last a year at most: choose an earlier end, and renew it then"
    if wrong:
        raise SuppressionRefusedError(wrong)
    return event


def suppressions(events: Iterable[SuppressionEvent]) -> list[Suppression]:
    """Give what the events come to, in the order in which the suppressions began.

    Args:
        events: In any order; what ended once stays ended.
    """
    found: dict[str, Suppression] = {}
    ordered = sorted(events, key=lambda one: (one.action != "begun", one.at, one.suppression_id))
    for event in ordered:
        known = found.get(event.suppression_id)
        if event.action == "begun" and known is None:
            found[event.suppression_id] = Suppression(
                event.suppression_id, event.control_id, event.entity_id, event.until or event.at,
                event.owner, event.why, event.who, event.at,
            )  # fmt: skip
        elif event.action == "ended" and known is not None and known.ended_at is None:
            ended = min(event.at, known.until)
            found[event.suppression_id] = replace(known, ended_at=ended)
    return list(found.values())


def active(held: Sequence[Suppression], at: int) -> list[Suppression]:
    """Give those that hold at an instant."""
    return [one for one in held if one.active(at)]
