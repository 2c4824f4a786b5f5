"""Which catalogue was, is and will be in use, folded from the steps of its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas.catalog_history import CatalogStep, Step


class State(StrEnum):
    """Where a catalogue stands at an instant."""

    UNKNOWN = "unknown"
    PROPOSED = "proposed"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    IN_USE = "in use"
    USED_BEFORE = "used before"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True)
class Switch:
    """A catalogue comes into use.

    Attributes:
        catalog_hash: Which one.
        effective_us: From when, microseconds UTC.
        back: It is a return to one that was in use before.
    """

    catalog_hash: str
    effective_us: int
    back: bool


def switches(steps: Sequence[CatalogStep]) -> list[Switch]:
    """Give every coming into use, in the order of their instants.

    A rollback withdraws the activations that were recorded before it and not yet due.

    Args:
        steps: The history, oldest first.
    """
    found: list[Switch] = []
    for step in steps:
        if step.effective_at is None:
            continue
        back = step.step is Step.ROLLBACK
        if back:
            found = [one for one in found if one.effective_us <= step.recorded_at]
        found.append(Switch(step.catalog_hash, step.effective_at, back))
    return sorted(found, key=lambda one: one.effective_us)


def scheduled(steps: Sequence[CatalogStep], at_us: int) -> list[Switch]:
    """Give the activations that are not yet due at an instant, next first."""
    return [one for one in switches(steps) if one.effective_us > at_us]


def in_use(steps: Sequence[CatalogStep], at_us: int) -> str:
    """Give the hash of the catalogue in use at an instant, microseconds UTC; "" before the first.

    For an instant to come it is the one that will be in use, as things are arranged.
    """
    due = [one for one in switches(steps) if one.effective_us <= at_us]
    return due[-1].catalog_hash if due else ""


def before(steps: Sequence[CatalogStep], at_us: int) -> str:
    """Give the hash that a rollback at an instant returns to; "" where there is none.

    That is the one in use before the present one. A catalogue that was rolled back is skipped: two
    rollbacks go back by two.
    """
    trail: list[str] = []
    for one in switches(steps):
        if one.effective_us > at_us:
            break
        if one.back and one.catalog_hash in trail:
            while trail[-1] != one.catalog_hash:
                trail.pop()
        elif not trail or trail[-1] != one.catalog_hash:
            trail.append(one.catalog_hash)
    return trail[-2] if len(trail) > 1 else ""


def was_in_use(steps: Sequence[CatalogStep], name: str, at_us: int) -> bool:
    """Tell whether a catalogue was in use at or before an instant."""
    return any(one.catalog_hash == name and one.effective_us <= at_us for one in switches(steps))


def proposers(steps: Sequence[CatalogStep], name: str) -> list[str]:
    """Give who proposed a catalogue."""
    return [one.by for one in steps if one.step is Step.PROPOSE and one.catalog_hash == name]


def approvers(steps: Sequence[CatalogStep], name: str) -> list[str]:
    """Give who approved a catalogue."""
    return [one.by for one in steps if one.step is Step.APPROVE and one.catalog_hash == name]


def state(steps: Sequence[CatalogStep], name: str, at_us: int) -> State:
    """Say where a catalogue stands at an instant."""
    if in_use(steps, at_us) == name:
        return State.IN_USE
    if any(one.catalog_hash == name for one in scheduled(steps, at_us)):
        return State.SCHEDULED
    last = [one for one in steps if name in {one.catalog_hash, one.left_hash}]
    if last and last[-1].left_hash == name:
        return State.ROLLED_BACK
    if was_in_use(steps, name, at_us):
        return State.USED_BEFORE
    if approvers(steps, name):
        return State.APPROVED
    return State.PROPOSED if proposers(steps, name) else State.UNKNOWN


def same_person(one: str, other: str) -> bool:
    """Tell whether two names are one person's: spaces and capitals make no difference.

    >>> same_person("Kari Lie", " kari  lie"), same_person("kari", "ola")
    (True, False)
    """
    return one.casefold().split() == other.casefold().split()
