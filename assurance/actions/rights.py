"""Who may propose an action of a kind, and who may decide it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assurance.actions.asked import ActionRefusedError, Kind
from tallywire.catalog.history import same_person

EVERY = "every"
"""Stands for every kind that has no list of its own."""
Names = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Rights:
    """Names by kind of action, or by `every`; a kind without a list is open to everybody.

    Attributes:
        proposers: Who may propose.
        approvers: Who may approve and reject.
        approval_us: How long an approval holds, microseconds.
    """

    proposers: Names = field(default_factory=dict)
    approvers: Names = field(default_factory=dict)
    approval_us: int = 24 * 3_600_000_000

    def check_proposer(self, who: str, kind: Kind) -> None:
        """Make sure that somebody may propose it.

        Raises:
            ActionRefusedError: If not.
        """
        _check(self.proposers, who, kind, "propose", "action_proposers")

    def check_decider(self, who: str, kind: Kind, proposed_by: str) -> None:
        """Make sure that somebody may approve or reject it: never who proposed it.

        Raises:
            ActionRefusedError: If not.
        """
        if same_person(who, proposed_by):
            msg = f"{who} proposed it: another person decides"
            raise ActionRefusedError(msg)
        _check(self.approvers, who, kind, "decide", "action_approvers")


def _check(names: Names, who: str, kind: Kind, verb: str, setting: str) -> None:
    among = names.get(kind, names.get(EVERY))
    if among is not None and not any(same_person(who, one) for one in among):
        told = ", ".join(among) or "nobody"
        msg = f"{who} may not {verb} a {kind}; by the setting `{setting}` may: {told}"
        raise ActionRefusedError(msg)
