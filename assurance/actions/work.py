"""The steps of an action, each sealed behind the one before; a step not allowed is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import xxhash

from assurance.actions.asked import ActionRefusedError, Asked, Kind
from assurance.actions.fold import ENDED, Action, State, action_of
from assurance.actions.rights import Rights
from assurance.cases.fold import Case
from assurance.cases.states import State as CaseState
from assurance.cases.work import Hand
from assurance.chains import seal
from schemas.actions import ActionEvent

SYSTEM = "setting:auto_rerate"
"""Who proposes what a setting asks for, and approves it where the setting says so: no person."""
_OVER = frozenset({CaseState.CLOSED, CaseState.FALSE_POSITIVE, CaseState.WRITTEN_OFF})


@dataclass(frozen=True)
class Proposal:
    """What somebody wants to be done.

    Attributes:
        figures: What it comes to now.
        open_ids: Findings of the case that are open now.
    """

    kind: Kind
    asked: Asked
    figures: Mapping[str, Any]
    open_ids: Sequence[str]
    note: str = ""


def written(content: object) -> str:
    """Write values as JSON, the same ones always alike: amounts as text, keys sorted."""
    return orjson.dumps(content, default=str, option=orjson.OPT_SORT_KEYS).decode()


def proposed(case: Case, wish: Proposal, hand: Hand, rights: Rights) -> Action:
    """Propose an action about a case.

    Raises:
        ActionRefusedError: If who proposes may not, or the case is over.
    """
    if hand.who != SYSTEM:
        rights.check_proposer(hand.who, wish.kind)
    check_case(case)
    asked = wish.asked.model_dump(mode="json")
    name = f"{case.case_id}\x1f{wish.kind}\x1f{written(asked)}\x1f{hand.at}"
    event = ActionEvent(
        action_id="a" + xxhash.xxh3_64_hexdigest(name.encode()), step=0, at=hand.at, who=hand.who,
        action=State.PROPOSED, kind=wish.kind, case_id=case.case_id,
        alert_ids=written(list(wish.open_ids)), asked=written(asked),
        figures=written(wish.figures), note=wish.note,
    )  # fmt: skip
    return action_of([seal(event, "")])


def check_case(case: Case) -> None:
    """Make sure that something may still be done about a case.

    Raises:
        ActionRefusedError: If it is over.
    """
    if case.merged_into:
        msg = f"case {case.case_id} was merged into {case.merged_into}: propose it there"
        raise ActionRefusedError(msg)
    if case.state in _OVER:
        msg = f"case {case.case_id} is {case.state}: nothing more is done about it"
        raise ActionRefusedError(msg)


def stale(action: Action, case: Case, open_ids: Sequence[str], figures: Mapping[str, Any]) -> str:
    """Say why what was proposed is not what would be done now; empty where it still is.

    Args:
        open_ids: Findings of the case that are open now.
        figures: What the action comes to now.
    """
    try:
        check_case(case)
    except ActionRefusedError as error:
        return str(error)
    if action.alert_ids and not set(action.alert_ids) & set(open_ids):
        return "every finding that was open when it was proposed has closed, or was judged false"
    now = orjson.loads(written(figures))
    changed = sorted(
        name for name in {*now, *action.figures} if now.get(name) != action.figures.get(name)
    )
    if changed:
        told = ", ".join(
            f"{name} was {_short(action.figures.get(name))}, is {_short(now.get(name))}"
            for name in changed
        )
        return f"its scope has changed ({told})"
    return ""


_SHORT = 80


def _short(value: object) -> str:
    text = written(value)
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}..."


def _added(action: Action, state: State, hand: Hand, **content: Any) -> Action:  # noqa: ANN401  fields of a step
    event = ActionEvent(
        action_id=action.action_id, tenant_id=action.tenant_id, step=len(action.steps), at=hand.at,
        who=hand.who, action=state, kind=action.kind, case_id=action.case_id, **content,
    )  # fmt: skip
    return action_of([*action.steps, seal(event, action.head)])


def check_decidable(action: Action, who: str, rights: Rights) -> None:
    """Make sure that somebody may decide an action now.

    Raises:
        ActionRefusedError: If it was decided before, or who decides may not.
    """
    if action.state is not State.PROPOSED:
        msg = f"action {action.action_id} is {action.state}: only a proposed one is decided"
        raise ActionRefusedError(msg)
    rights.check_decider(who, action.kind, action.proposed_by)


def approved(action: Action, hand: Hand, rights: Rights, note: str) -> Action:
    """Approve an action, for as long as the setting says.

    Raises:
        ActionRefusedError: If it was decided before, or who decides may not.
    """
    check_decidable(action, hand.who, rights)
    until = hand.at + rights.approval_us
    return _added(action, State.APPROVED, hand, expires_at=until, note=note)


def approved_by_setting(action: Action, at: int, rights: Rights, setting: str) -> Action:
    """Let a setting approve what it proposed itself."""
    if action.proposed_by != SYSTEM or action.state is not State.PROPOSED:
        msg = f"action {action.action_id} was not proposed by a setting: a person decides it"
        raise ActionRefusedError(msg)
    note = f"approved by the setting {setting}"
    until = at + rights.approval_us
    return _added(action, State.APPROVED, Hand(SYSTEM, at), expires_at=until, note=note)


def rejected(action: Action, hand: Hand, rights: Rights, note: str) -> Action:
    """Reject an action.

    Raises:
        ActionRefusedError: If it was decided before, or who decides may not.
    """
    check_decidable(action, hand.who, rights)
    return _added(action, State.REJECTED, hand, note=note)


def lapsed(action: Action, hand: Hand, why: str) -> Action:
    """End an action that is stale, or whose approval has run out."""
    if action.state in ENDED or action.state is State.BEGUN:
        msg = f"action {action.action_id} is {action.state}: it cannot lapse"
        raise ActionRefusedError(msg)
    return _added(action, State.LAPSED, hand, note=why)


def begun(action: Action, hand: Hand, plan: Mapping[str, Any]) -> Action:
    """Write down that it is carried out, and what is done once.

    Raises:
        ActionRefusedError: If nobody has approved it, or the approval has run out.
    """
    if action.state is not State.APPROVED:
        msg = f"action {action.action_id} is {action.state}: only an approved one is carried out"
        raise ActionRefusedError(msg)
    if action.expired(hand.at):
        msg = f"the approval of action {action.action_id} has run out: propose it again"
        raise ActionRefusedError(msg)
    return _added(action, State.BEGUN, hand, plan=written(plan))


def done(action: Action, hand: Hand, result: Mapping[str, Any], reference: str) -> Action:
    """Write down what came of it.

    Raises:
        ActionRefusedError: If it was not begun.
    """
    if action.state is not State.BEGUN:
        msg = f"action {action.action_id} is {action.state}: it was not begun"
        raise ActionRefusedError(msg)
    return _added(action, State.DONE, hand, result=written(result), reference=reference)
