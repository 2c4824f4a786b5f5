"""The states of a case, and which may follow which."""

from collections.abc import Mapping
from enum import StrEnum


class CaseRefusedError(ValueError):
    """A step that a case does not allow: which, why, and what to do."""


class State(StrEnum):
    """Where a case stands."""

    NEW = "new"
    ASSIGNED = "assigned"
    INVESTIGATING = "investigating"
    CONFIRMED = "confirmed"
    FALSE_POSITIVE = "false_positive"
    RECOVERED = "recovered"
    WRITTEN_OFF = "written_off"
    CLOSED = "closed"


UNDECIDED = frozenset({State.NEW, State.ASSIGNED, State.INVESTIGATING})
"""Nobody has said yet whether it is right: findings may come to it, it may merge or be cured."""

MOVES: Mapping[State, frozenset[State]] = {
    State.NEW: frozenset(
        {State.ASSIGNED, State.INVESTIGATING, State.CONFIRMED, State.FALSE_POSITIVE, State.CLOSED}
    ),
    State.ASSIGNED: frozenset(
        {State.INVESTIGATING, State.CONFIRMED, State.FALSE_POSITIVE, State.CLOSED}
    ),
    State.INVESTIGATING: frozenset(
        {State.ASSIGNED, State.CONFIRMED, State.FALSE_POSITIVE, State.CLOSED}
    ),
    State.CONFIRMED: frozenset({State.RECOVERED, State.WRITTEN_OFF}),
    State.FALSE_POSITIVE: frozenset({State.INVESTIGATING, State.CLOSED}),
    State.RECOVERED: frozenset({State.CLOSED}),
    State.WRITTEN_OFF: frozenset({State.CLOSED}),
    State.CLOSED: frozenset({State.INVESTIGATING}),
}
"""Every move that there is. What is confirmed ends with money: recovered, or written off."""


def check_move(before: State, after: State) -> None:
    """Make sure that a state may follow another.

    Raises:
        CaseRefusedError: If it may not, naming those that may.
    """
    if after not in MOVES[before]:
        known = ", ".join(sorted(MOVES[before]))
        msg = f"a case that is {before} cannot become {after}; it can become: {known}"
        raise CaseRefusedError(msg)
