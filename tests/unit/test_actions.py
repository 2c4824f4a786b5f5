"""Actions: two persons, one state after another, nothing stale, each step sealed."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assurance.actions.asked import ActionRefusedError, Kind, read
from assurance.actions.blocks import blocks
from assurance.actions.fold import Action, State, action_of, actions_of
from assurance.actions.rights import Rights
from assurance.actions.work import (
    SYSTEM,
    Proposal,
    approved,
    approved_by_setting,
    begun,
    done,
    lapsed,
    proposed,
    rejected,
    stale,
)
from assurance.cases.fold import Case
from assurance.cases.ledger import Account, Step, Sums
from assurance.cases.states import State as CaseState
from assurance.cases.work import Hand, moved, opened
from assurance.chains import first_broken
from cli.actions.common import told_to_case
from cli.actions.doing import Booking, Result
from schemas.actions import BlockEvent
from tests.findings import NOW_US, finding

HOUR_US = 3_600_000_000
RIGHTS = Rights(approval_us=HOUR_US)
FIGURES = {"rows": 4, "difference": {"EUR": Decimal("1.20")}}


def _hand(who: str = "anna", after: int = 0) -> Hand:
    return Hand(who, NOW_US + after)


def _case(number: int = 1) -> Case:
    return opened([finding(number)], _hand(), "").case


def _credit(**changes: Any) -> Any:
    asked = {"account": "hansen", "amount": "4.25", "currency": "EUR", "reason": "twice"}
    return read(Kind.CREDIT, {**asked, **changes})


def _action(case: Case | None = None, who: str = "anna", rights: Rights = RIGHTS) -> Action:
    case = case or _case()
    wish = Proposal(Kind.CREDIT, _credit(), FIGURES, list(case.alert_ids))
    return proposed(case, wish, _hand(who), rights)


def test_one_proposes_another_approves_and_it_is_carried_out() -> None:
    action = _action()
    for same in ("anna", " Anna  "):
        with pytest.raises(ActionRefusedError, match="another person decides"):
            approved(action, _hand(same), RIGHTS, "")
    with pytest.raises(ActionRefusedError, match="another person decides"):
        rejected(action, _hand(), RIGHTS, "")
    with pytest.raises(ActionRefusedError, match="only an approved one is carried out"):
        begun(action, _hand("bo"), {})
    action = approved(action, _hand("bo", 1), RIGHTS, "as agreed")
    assert (action.approved_by, action.expires_at) == ("bo", NOW_US + 1 + HOUR_US)
    with pytest.raises(ActionRefusedError, match="only a proposed one is decided"):
        approved(action, _hand("carla"), RIGHTS, "")
    action = begun(action, _hand("bo", 2), {"request_id": "r"})
    with pytest.raises(ActionRefusedError, match="it cannot lapse"):
        lapsed(action, _hand("bo"), "too late")
    action = done(action, _hand("bo", 3), {"rows": 4}, "rerate:r")
    assert (action.state, action.plan, action.result) == (
        State.DONE,
        {"request_id": "r"},
        {"rows": 4},
    )
    assert first_broken((event.step, event) for event in action.steps) is None
    assert actions_of(action.steps[::-1]) == [action]


def test_an_approval_runs_out() -> None:
    action = approved(_action(), _hand("bo"), RIGHTS, "")
    last = NOW_US + HOUR_US
    assert not action.expired(last - 1)
    assert begun(action, Hand("bo", last - 1), {}).state is State.BEGUN
    assert action.expired(last)
    with pytest.raises(ActionRefusedError, match="has run out: propose it again"):
        begun(action, Hand("bo", last), {})
    assert lapsed(action, Hand("bo", last), "over").state is State.LAPSED


def test_rights_are_by_kind_and_those_of_every_kind_stand_in() -> None:
    rights = Rights({"credit": ["Anna"]}, {"every": ["bo"], "block": []})
    with pytest.raises(ActionRefusedError, match=r"carla may not propose a credit; .* may: Anna"):
        rights.check_proposer("carla", Kind.CREDIT)
    rights.check_proposer("anna", Kind.CREDIT)
    rights.check_proposer("anybody", Kind.BLOCK)
    rights.check_decider("bo", Kind.RERATE, "anna")
    with pytest.raises(ActionRefusedError, match=r"`action_approvers` may: nobody"):
        rights.check_decider("bo", Kind.BLOCK, "anna")


def test_only_what_a_setting_proposed_is_approved_by_a_setting() -> None:
    strict = Rights({"every": []}, {"every": []})
    made = approved_by_setting(_action(who=SYSTEM, rights=strict), NOW_US, strict, "auto_rerate")
    assert (made.state, made.approved_by) == (State.APPROVED, SYSTEM)
    with pytest.raises(ActionRefusedError, match="a person decides it"):
        approved_by_setting(_action(), NOW_US, RIGHTS, "auto_rerate")


def test_what_is_stale_says_why() -> None:
    case = _case()
    action = _action(case)
    held = list(case.alert_ids)
    assert stale(action, case, held, FIGURES) == ""
    assert "has closed, or was judged false" in stale(action, case, ["another"], FIGURES)
    changed = {**FIGURES, "rows": 5}
    assert stale(action, case, held, changed) == "its scope has changed (rows was 4, is 5)"
    closed = moved(case, CaseState.CLOSED, _hand(), "").case
    assert "is closed: nothing more is done" in stale(action, closed, held, FIGURES)
    with pytest.raises(ActionRefusedError, match="nothing more is done about it"):
        _action(closed)


@pytest.mark.parametrize(
    ("kind", "asked", "said"),
    [
        (Kind.CREDIT, {"amount": "-1", "account": "a", "currency": "EUR", "reason": "x"}, "above 0"),
        (Kind.CREDIT, {"amount": "1E-10", "account": "a", "currency": "EUR", "reason": "x"}, "9 decimals"),
        (Kind.CREDIT, {"amount": "NaN", "account": "a", "currency": "EUR", "reason": "x"}, "this credit"),
        (Kind.CREDIT, {"amount": "1", "account": "a", "currency": "euro", "reason": "x"}, "currency"),
        (Kind.BLOCK, {"target": "prefix", "value": "+47", "until": NOW_US, "owner": "a", "why": "x"}, "1 to 15 digits"),
        (Kind.BLOCK, {"target": "network", "value": "1", "until": NOW_US, "owner": "a", "why": "x"}, "target"),
        (Kind.RERATE, {"until": 1, "reason": "price_corrected"}, "say what: an account"),
        (Kind.RERATE, {"until": 1, "reason": "r", "account": "a", "zone": "z"}, "needs the tariff"),
        (Kind.RECYCLE, {"attempts": {}}, "attempts"),
        (Kind.RECYCLE, {"attempts": {"s": 1}, "more": 1}, "more"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(kind: Kind, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ActionRefusedError, match=said):
        read(kind, asked)


def test_a_result_is_told_to_its_case_once_and_booked_where_it_is_confirmed() -> None:
    account = Account("EUR", "under")
    booking = Booking(account, Step.RECOVERED, Decimal(12))
    result = Result({}, "4 rows written", "rerate:r", [booking])
    action = _action()
    undecided = told_to_case(_case(), action, result, _hand())
    assert [event.action for event in undecided.steps.made] == ["noted"]  # type: ignore[union-attr]
    assert "money is booked while a case is confirmed" in undecided.unbooked[0]
    case = moved(_case(), CaseState.CONFIRMED, _hand(), "").case
    told = told_to_case(case, action, result, _hand())
    assert told.steps is not None
    assert told.unbooked == []
    sums = told.steps.case.ledger[account]
    assert sums == Sums(Decimal("10.50"), Decimal(12), Decimal(12)), "beyond 10.50 it is confirmed"
    assert {event.reference for event in told.steps.made[1:]} == {"rerate:r"}
    assert told_to_case(told.steps.case, action, result, _hand()).steps is None
    assert first_broken((event.step, event) for event in told.steps.case.steps) is None


def _block(number: int, name: str, action: str, until: int) -> BlockEvent:
    return BlockEvent(
        block_id=name, number=number, at=number, who="bo", action=action, target="prefix",
        value="882", until=until, owner="anna",
    )  # fmt: skip


def test_a_block_holds_until_its_end_or_until_it_is_lifted() -> None:
    events = [
        _block(0, "a1", "begun", 100), _block(1, "a2", "begun", 100), _block(2, "a1", "lifted", 100),
    ]  # fmt: skip
    one, other = blocks(events[::-1])
    assert (one.state(50), one.lifted_by, other.state(50), other.state(100)) == (
        "lifted",
        "bo",
        "active",
        "expired",
    )


_TRIED: dict[str, Callable[[Action, Hand], Action]] = {
    "approve": lambda action, hand: approved(action, hand, RIGHTS, ""),
    "reject": lambda action, hand: rejected(action, hand, RIGHTS, ""),
    "begin": lambda action, hand: begun(action, hand, {}),
    "done": lambda action, hand: done(action, hand, {}, ""),
    "lapse": lambda action, hand: lapsed(action, hand, ""),
}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(_TRIED)),
            st.sampled_from(["anna", "bo"]), st.integers(0, 2 * HOUR_US),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_nothing_is_done_that_another_person_did_not_approve_in_time(
    wishes: list[tuple[str, str, int]],
) -> None:
    """Whatever is tried in whatever order: what is done was approved by another, and is sealed."""
    action, at = _action(), NOW_US
    for wish, who, later in wishes:
        at += later
        hand = Hand(who, at)
        try:
            action = _TRIED[wish](action, hand)
        except ActionRefusedError:
            continue
    words = [event.action for event in action.steps]
    assert words.count("begun") <= 1
    assert words.count("done") <= words.count("begun") <= words.count("approved")
    if "begun" in words:
        approval, beginning = (
            next(event for event in action.steps if event.action == word)
            for word in ("approved", "begun")
        )
        assert approval.who == "bo"
        assert beginning.at < (approval.expires_at or 0)
    assert first_broken((event.step, event) for event in action.steps) is None
    assert action_of(action.steps) == action
