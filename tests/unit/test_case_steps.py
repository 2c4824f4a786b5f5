from decimal import Decimal

import pytest

from assurance.cases.figures import figures, middle
from assurance.cases.fold import Case
from assurance.cases.grouping import finding_of, groups
from assurance.cases.ledger import Account, Step, Sums
from assurance.cases.states import CaseRefusedError, State
from assurance.cases.work import (
    Hand,
    assigned,
    booked,
    cured,
    joined,
    merged,
    moved,
    noted,
    opened,
    relapsed,
)
from tests.findings import NOW_US, finding

EUR = Account("EUR", "under")
ANNA = Hand("anna", NOW_US + 60_000_000)


def _opened(*numbers: int, amount: str = "10.50") -> Case:
    return opened([finding(number, amount) for number in numbers], ANNA, "").case


def _confirmed() -> Case:
    return moved(_opened(1), State.CONFIRMED, ANNA, "").case


def test_money_goes_from_identified_to_recovered() -> None:
    case = _confirmed()
    assert case.ledger == {EUR: Sums(identified=Decimal("10.50"), confirmed=Decimal("10.50"))}
    case = booked(case, EUR, Step.RECOVERED, Decimal(10), ANNA, reference="rerate:17").case
    with pytest.raises(
        CaseRefusedError, match=r"0\.50 EUR of case .* is left: recover it or write it off"
    ):
        moved(case, State.RECOVERED, ANNA, "")
    with pytest.raises(CaseRefusedError, match=r"only 0\.50 EUR \(under\) is confirmed and left"):
        booked(case, EUR, Step.RECOVERED, Decimal("0.51"), ANNA, reference="rerate:17")
    case = booked(case, EUR, Step.WRITTEN_OFF, Decimal("0.50"), ANNA).case
    assert moved(case, State.RECOVERED, ANNA, "").case.state is State.RECOVERED


def test_a_case_is_not_recovered_by_saying_so() -> None:
    with pytest.raises(CaseRefusedError, match=r"nothing of case .* was recovered: book it first"):
        moved(_confirmed(), State.RECOVERED, ANNA, "")


def test_writing_off_writes_off_what_is_left() -> None:
    case = booked(
        _confirmed(), EUR, Step.RECOVERED, Decimal("0.5"), ANNA, reference="invoice:1"
    ).case
    gone = moved(case, State.WRITTEN_OFF, ANNA, "").case
    assert gone.ledger[EUR].written_off == Decimal(10)
    assert gone.ledger[EUR].left == 0


def test_an_amount_has_no_more_digits_than_the_store_keeps() -> None:
    with pytest.raises(CaseRefusedError, match="no amount to book"):
        booked(_confirmed(), EUR, Step.CONFIRMED, Decimal("1E-10"), ANNA)
    for wrong in ("NaN", "Infinity", "-1", "0"):
        with pytest.raises(CaseRefusedError, match="no amount to book"):
            booked(_confirmed(), EUR, Step.CONFIRMED, Decimal(wrong), ANNA)


def test_a_case_that_was_decided_takes_nothing_in() -> None:
    with pytest.raises(CaseRefusedError, match="only an undecided case can take more findings"):
        joined(_confirmed(), [finding(2)], ANNA, "")
    with pytest.raises(CaseRefusedError, match="only an undecided case can be merged"):
        merged(_confirmed(), _opened(2), ANNA, "")
    with pytest.raises(CaseRefusedError, match="cannot be merged with itself"):
        merged(_opened(1), _opened(1), ANNA, "")


def test_a_merged_case_gives_findings_and_money_away() -> None:
    one, other = _opened(1), _opened(2, 3)
    gone, taker = (steps.case for steps in merged(one, other, ANNA, ""))
    assert (gone.state, gone.merged_into) == (State.CLOSED, other.case_id)
    assert taker.alert_ids == (*other.alert_ids, *one.alert_ids)
    assert taker.ledger[EUR].identified == Decimal("31.50")
    with pytest.raises(CaseRefusedError, match=f"was merged into {other.case_id}: work that one"):
        assigned(gone, "bo", ANNA, "")


def test_confirmed_money_does_not_vanish_with_a_merged_case() -> None:
    gone = moved(moved(_confirmed(), State.WRITTEN_OFF, ANNA, "").case, State.CLOSED, ANNA, "").case
    again = moved(gone, State.INVESTIGATING, ANNA, "").case
    with pytest.raises(CaseRefusedError, match="was confirmed before: merge the other one into it"):
        merged(again, _opened(2), ANNA, "")
    assert merged(_opened(2), again, ANNA, "")[1].case.ledger[EUR].identified == Decimal(21)


def test_a_case_closes_with_its_last_finding_and_comes_back_with_the_first() -> None:
    case = _opened(1, 2)
    first, second = (finding(number, state="auto_closed") for number in (1, 2))
    assert cured(case, {first.alert_id: first, second.alert_id: finding(2)}, ANNA) is None
    assert cured(case, {first.alert_id: first}, ANNA) is None, "one is not known to have closed"
    both = {first.alert_id: first, second.alert_id: second}
    closed = cured(case, both, ANNA)
    assert closed is not None
    assert closed.case.state is State.CLOSED
    assert cured(closed.case, both, ANNA) is None
    assert relapsed(closed.case, both, ANNA) is None
    back = relapsed(closed.case, {**both, first.alert_id: finding(1)}, ANNA)
    assert back is not None
    assert back.case.state is State.INVESTIGATING
    by_hand = moved(_opened(1), State.CLOSED, ANNA, "nothing to do").case
    assert relapsed(by_hand, {first.alert_id: finding(1)}, ANNA) is None


def test_times_to_detect_and_to_cure() -> None:
    began = NOW_US - 3_600_000_000
    alerts = [finding(1, window_start=began), finding(2)]
    case = opened(alerts, ANNA, "").case
    assert figures(case, alerts).detect_us == 3_600_000_001
    assert figures(case, alerts).cure_us is None
    wrong = moved(moved(case, State.FALSE_POSITIVE, ANNA, "").case, State.CLOSED, ANNA, "").case
    assert figures(wrong, alerts).cure_us is None, "nothing was to be cured"
    gone = moved(moved(case, State.CONFIRMED, ANNA, "").case, State.WRITTEN_OFF, ANNA, "").case
    assert figures(gone, alerts).cure_us == 60_000_000 - 1
    assert figures(gone, []).detect_us is None
    assert [middle(some) for some in ([], [7], [3, 1, 2], [4, 1])] == [None, 7, 2, 1]


def test_findings_share_entities_files_and_roots_of_one_tenant() -> None:
    root = '[{"name": "trunk", "value": "t1"}, {"name": "records", "value": 5}]'
    alike = [
        finding(1, entity="a"), finding(2, entity="a"),
        finding(3, files=["x.csv:17"]), finding(4, files=["x.csv:99:3"]),
        finding(5, features=root), finding(6, features=root),
        finding(7, entity="a", tenant_id="other"), finding(8, features='[{"name": "records", "value": 5}]'),
    ]  # fmt: skip
    made = groups([finding_of(one) for one in alike], 1_000_000)
    numbers = {one.alert_id: place for place, one in enumerate(alike, 1)}
    assert [[numbers[one] for one in group] for group in made] == [[1, 2], [3, 4], [5, 6], [7], [8]]


def test_a_note_needs_words_and_a_closed_case_no_worker() -> None:
    with pytest.raises(CaseRefusedError, match="a note needs words"):
        noted(_opened(1), "  ", ANNA)
    closed = moved(_opened(1), State.CLOSED, ANNA, "").case
    with pytest.raises(CaseRefusedError, match="move it to investigating first"):
        assigned(closed, "bo", ANNA, "")
    again = assigned(assigned(_opened(1), "bo", ANNA, "").case, "carl", ANNA, "").case
    assert (again.state, again.assignee) == (State.ASSIGNED, "carl")
