"""What the steps of a case come to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import orjson

from assurance.cases.ledger import Account, Sums, ledger_of
from assurance.cases.states import State
from schemas.decisions import CaseEvent


@dataclass(frozen=True)
class Case:
    """A case as it stands.

    Attributes:
        alert_ids: Its findings, in the order in which they came.
        merged_into: Case that took it over; empty while it is one of its own.
        opened_at: Microseconds UTC.
        ledger: Money by currency and direction.
        steps: All that happened, in order.
    """

    case_id: str
    state: State = State.NEW
    assignee: str = ""
    alert_ids: tuple[str, ...] = ()
    merged_into: str = ""
    opened_at: int = 0
    ledger: dict[Account, Sums] = field(default_factory=dict)
    steps: tuple[CaseEvent, ...] = ()

    @property
    def head(self) -> str:
        """Hash of its newest step; empty before the first."""
        return self.steps[-1].hash if self.steps else ""


def _after(case: Case, event: CaseEvent) -> Case:
    known = set(case.alert_ids)
    fresh = [one for one in orjson.loads(event.alert_ids) if one not in known]
    return replace(
        case,
        state=State(event.to_state) if event.to_state else case.state,
        assignee=event.assignee or case.assignee,
        alert_ids=(*case.alert_ids, *fresh),
        merged_into=event.other_case if event.action == "merged" else case.merged_into,
    )


def case_of(events: Sequence[CaseEvent]) -> Case:
    """Fold the steps of one case, in any order."""
    ordered = sorted(events, key=lambda event: event.step)
    case = Case(ordered[0].case_id, opened_at=ordered[0].at)
    for event in ordered:
        case = _after(case, event)
    return replace(case, ledger=ledger_of(ordered), steps=tuple(ordered))


def cases_of(events: Iterable[CaseEvent]) -> list[Case]:
    """Fold the steps of many cases; give them in the order in which they were opened."""
    ordered = sorted(events, key=lambda event: event.case_id)
    found = [case_of(list(group)) for _, group in groupby(ordered, lambda one: one.case_id)]
    return sorted(found, key=lambda case: (case.opened_at, case.case_id))
