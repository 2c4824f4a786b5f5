"""What every kind of action is: figures to decide by, a check, a plan, and work that is done once.

One kind is one file and a line in `kinds.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic

from assurance.actions.asked import AnyAsked
from assurance.actions.fold import Action
from assurance.cases.fold import Case
from assurance.cases.ledger import Account, Step
from dataflows.desk import Desk
from dataflows.settings import Settings


@dataclass(frozen=True)
class Booking:
    """An amount that the result of an action brings into the ledger of its case."""

    account: Account
    step: Step
    amount: Decimal


@dataclass(frozen=True)
class Result:
    """What came of an action.

    Attributes:
        content: Figures for JSON.
        told: The same in a sentence.
        reference: What shows it to a case; empty where nothing changed.
        bookings: Of its case; made where the case is confirmed.
    """

    content: Mapping[str, Any]
    told: str
    reference: str = ""
    bookings: Sequence[Booking] = field(default_factory=tuple)


class Doing(ABC, Generic[AnyAsked]):
    """One kind of action. The store of the home runs while it is asked."""

    @abstractmethod
    def figures(self, settings: Settings, asked: AnyAsked) -> dict[str, Any]:
        """Say what it comes to now, for whoever decides: what differs later is another scope.

        Raises:
            ActionRefusedError: If it cannot be done.
        """

    def check(self, here: Desk, case: Case, asked: AnyAsked) -> None:
        """Make sure that it may be done now, at the desk.

        Raises:
            ActionRefusedError: If it may not, any more.
            CaseRefusedError: If its case does not allow it.
        """

    def plan(self, action: Action) -> dict[str, Any]:
        """Write down what is done exactly once, however often it is begun again."""
        return {"action_id": action.action_id}

    @abstractmethod
    def carry_out(self, settings: Settings, who: str, action: Action) -> Result | None:
        """Do it; what was done before by the same action is not done again.

        Returns:
            What came of it; none where some of it could not be done yet.
        """

    @abstractmethod
    def words(self, asked: AnyAsked) -> str:
        """Say in a few words what is to be done."""
