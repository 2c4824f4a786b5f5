"""What people do with a case, as the steps that it adds; a step that is not allowed is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
import xxhash

from assurance.cases.fold import Case, case_of
from assurance.cases.ledger import Account, Ledger, Step, check_booking, ledger_of
from assurance.cases.states import UNDECIDED, CaseRefusedError, State, check_move
from assurance.chains import seal
from schemas.alerts import Alert
from schemas.decisions import CaseEvent

_CURED = "all its findings have closed by themselves"


@dataclass(frozen=True)
class Hand:
    """Who does it, and when (microseconds UTC)."""

    who: str
    at: int


class Steps:
    """Steps that are being added to a case, each sealed behind the one before."""

    def __init__(self, case: Case, hand: Hand) -> None:
        self.case, self._hand = case, hand
        self.made: list[CaseEvent] = []

    def add(self, action: str, **content: Any) -> "Steps":  # noqa: ANN401  fields of a step
        """Add a step."""
        event = CaseEvent(
            case_id=self.case.case_id, step=len(self.case.steps), at=self._hand.at,
            who=self._hand.who, action=action, **content,
        )  # fmt: skip
        sealed = seal(event, self.case.head)
        self.made.append(sealed)
        self.case = case_of([*self.case.steps, sealed])
        return self

    def move(self, after: State, note: str) -> "Steps":
        """Add a move that the table of states allows."""
        check_move(self.case.state, after)
        return self.add("moved", from_state=self.case.state, to_state=after, note=note)

    def book(self, account: Account, step: Step, amount: Decimal, **content: str) -> "Steps":
        """Add an amount."""
        return self.add(
            "money", money_step=step, amount=amount, currency=account.currency,
            direction=account.direction, **content,
        )  # fmt: skip


def _ids(alerts: Sequence[Alert]) -> str:
    return orjson.dumps([one.alert_id for one in alerts]).decode()


def _identified(alerts: Sequence[Alert]) -> Ledger:
    """Add up the money at risk of findings."""
    return ledger_of(
        CaseEvent(
            case_id="", step=0, at=0, who="", action="", money_step=Step.IDENTIFIED,
            amount=alert.money_at_risk, currency=alert.currency, direction=alert.direction,
        )
        for alert in alerts
    )  # fmt: skip


def _book_identified(steps: Steps, ledger: Ledger) -> None:
    for account, sums in ledger.items():
        if sums.identified:
            steps.book(account, Step.IDENTIFIED, sums.identified)


def case_id_of(alerts: Sequence[Alert]) -> str:
    """Name a case by its earliest finding: whoever groups the same findings names the same case."""
    first = min(alerts, key=lambda one: (one.opened_at, one.alert_id))
    return "c" + xxhash.xxh3_64_hexdigest(first.alert_id.encode())


def opened(alerts: Sequence[Alert], hand: Hand, note: str) -> Steps:
    """Open a case of findings that are in no other, with the money that they put at risk."""
    steps = Steps(Case(case_id_of(alerts), opened_at=hand.at), hand)
    steps.add("opened", to_state=State.NEW, alert_ids=_ids(alerts), note=note)
    _book_identified(steps, _identified(alerts))
    return steps


def joined(case: Case, alerts: Sequence[Alert], hand: Hand, note: str) -> Steps:
    """Let findings come to a case that nobody has decided yet."""
    _check_undecided(case, "take more findings")
    steps = Steps(case, hand)
    steps.add("alerts_added", alert_ids=_ids(alerts), note=note)
    _book_identified(steps, _identified(alerts))
    return steps


def assigned(case: Case, assignee: str, hand: Hand, note: str) -> Steps:
    """Give a case to somebody; one that is new becomes assigned."""
    _check_own(case)
    if case.state is State.CLOSED:
        msg = f"case {case.case_id} is closed: move it to investigating first"
        raise CaseRefusedError(msg)
    fresh = case.state is State.NEW
    states = {"from_state": case.state, "to_state": State.ASSIGNED} if fresh else {}
    return Steps(case, hand).add("assigned", assignee=assignee, note=note, **states)


def noted(case: Case, note: str, hand: Hand) -> Steps:
    """Write something down."""
    if not note.strip():
        msg = "a note needs words"
        raise CaseRefusedError(msg)
    return Steps(case, hand).add("noted", note=note)


def booked(
    case: Case, account: Account, step: Step, amount: Decimal, hand: Hand, **content: str
) -> Steps:
    """Book an amount of a case that is confirmed.

    Raises:
        CaseRefusedError: If it may not be booked.
    """
    _check_own(case)
    if step is Step.IDENTIFIED:
        msg = "identified amounts come of findings; book confirmed, recovered or written_off"
        raise CaseRefusedError(msg)
    if case.state is not State.CONFIRMED:
        msg = f"case {case.case_id} is {case.state}: money is booked while a case is confirmed"
        raise CaseRefusedError(msg)
    check_booking(case.ledger, account, step, amount, content.get("reference", ""))
    return Steps(case, hand).book(account, step, amount, **content)


def moved(case: Case, after: State, hand: Hand, note: str) -> Steps:
    """Move a case; its money follows where the move says what became of it.

    Confirming confirms what was identified, where nothing was confirmed in that account before.
    Writing off writes off what is left. Recovered is a case of which something was recovered, with
    a reference, and nothing is left.

    Raises:
        CaseRefusedError: If the move is not allowed, or the money is not where it says.
    """
    _check_own(case)
    steps = Steps(case, hand)
    check_move(case.state, after)
    if after is State.RECOVERED:
        _check_recovered(case)
    if after is State.WRITTEN_OFF:
        for account, sums in case.ledger.items():
            if sums.left > 0:
                steps.book(account, Step.WRITTEN_OFF, sums.left, note=note)
    steps.move(after, note)
    if after is State.CONFIRMED:
        for account, sums in case.ledger.items():
            if sums.identified > 0 and not sums.confirmed:
                steps.book(account, Step.CONFIRMED, sums.identified)
    return steps


def _check_recovered(case: Case) -> None:
    left = {account: sums.left for account, sums in case.ledger.items() if sums.left > 0}
    if not any(sums.recovered > 0 or sums.credited > 0 for sums in case.ledger.values()):
        msg = (
            f"nothing of case {case.case_id} was recovered: book it first, with what shows it "
            "(cases money CASE --step recovered --reference rerate:ID, credit:ID or invoice:ID)"
        )
        raise CaseRefusedError(msg)
    if left:
        told = ", ".join(f"{amount:f} {one.currency}" for one, amount in left.items())
        msg = f"{told} of case {case.case_id} is left: recover it or write it off first"
        raise CaseRefusedError(msg)


def merged(case: Case, into: Case, hand: Hand, note: str) -> list[Steps]:
    """Let a case take another one over: its findings and what they put at risk.

    Raises:
        CaseRefusedError: If they are the same, one of them is decided already, or money of the
            one that goes was confirmed.
    """
    if case.case_id == into.case_id:
        msg = f"case {case.case_id} cannot be merged with itself"
        raise CaseRefusedError(msg)
    _check_undecided(case, "be merged")
    _check_undecided(into, "take another one over")
    if any(sums.confirmed for sums in case.ledger.values()):
        msg = f"money of case {case.case_id} was confirmed before: merge the other one into it"
        raise CaseRefusedError(msg)
    fresh = [one for one in case.alert_ids if one not in set(into.alert_ids)]
    gone = Steps(case, hand).add(
        "merged", from_state=case.state, to_state=State.CLOSED, other_case=into.case_id, note=note
    )
    taken = Steps(into, hand).add(
        "absorbed", other_case=case.case_id, alert_ids=orjson.dumps(fresh).decode(), note=note
    )
    _book_identified(taken, case.ledger)
    return [gone, taken]


def cured(case: Case, alerts: Mapping[str, Alert], hand: Hand) -> Steps | None:
    """Close a case that nobody has decided, when all its findings have closed by themselves."""
    states = {alerts[one].state if one in alerts else "open" for one in case.alert_ids}
    if case.merged_into or case.state not in UNDECIDED or states != {"auto_closed"}:
        return None
    return Steps(case, hand).move(State.CLOSED, _CURED)


def relapsed(case: Case, alerts: Mapping[str, Alert], hand: Hand) -> Steps | None:
    """Take a case up again that closed by itself, when a finding of it is open once more."""
    by_itself = case.state is State.CLOSED and case.steps[-1].note == _CURED
    states = {alerts[one].state for one in case.alert_ids if one in alerts}
    if case.merged_into or not by_itself or states <= {"auto_closed"}:
        return None
    return Steps(case, hand).move(State.INVESTIGATING, "a finding of it is open again")


def _check_own(case: Case) -> None:
    if case.merged_into:
        msg = f"case {case.case_id} was merged into {case.merged_into}: work that one"
        raise CaseRefusedError(msg)


def _check_undecided(case: Case, what: str) -> None:
    _check_own(case)
    if case.state not in UNDECIDED:
        msg = f"case {case.case_id} is {case.state}: only an undecided case can {what}"
        raise CaseRefusedError(msg)


__all__ = [
    "Hand", "Steps", "assigned", "booked", "case_id_of", "cured", "joined", "merged",
    "moved", "noted", "opened", "relapsed",
]  # fmt: skip
