from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assurance.cases.fold import Case, case_of
from assurance.cases.grouping import Finding, groups
from assurance.cases.ledger import Account, Step, Sums, check_booking, ledger_of, total
from assurance.cases.states import MOVES, CaseRefusedError, State
from assurance.cases.work import Hand, Steps, moved, opened
from assurance.chains import Head, first_broken, seal
from schemas.decisions import AuditEvent
from tests.findings import finding

KEYS = st.frozensets(
    st.tuples(st.sampled_from(["entity", "file", "root"]), st.sampled_from("abcde")), max_size=3
)
FINDINGS = st.lists(
    st.builds(Finding, st.uuids().map(str), st.integers(0, 100), KEYS), max_size=25, unique_by=lambda one: one.alert_id
)  # fmt: skip
AMOUNTS = st.decimals(Decimal("0.000000001"), Decimal(10**15), places=9)


def _by_definition(findings: list[Finding], window: int) -> set[frozenset[str]]:
    """Spread from each finding to all that share a key within the window, until nothing changes."""
    left, found = {one.alert_id: one for one in findings}, set()
    while left:
        group, border = set(), [next(iter(left.values()))]
        while border:
            one = border.pop()
            if one.alert_id in group:
                continue
            group.add(one.alert_id)
            border += [
                other
                for other in findings
                if one.keys & other.keys and abs(one.at - other.at) <= window
            ]
        found.add(frozenset(group))
        left = {name: one for name, one in left.items() if name not in group}
    return found


@given(FINDINGS, st.integers(0, 50))
def test_groups_are_what_spreading_finds(findings: list[Finding], window: int) -> None:
    made = groups(findings, window)
    assert {frozenset(group) for group in made} == _by_definition(findings, window)
    assert sorted(one for group in made for one in group) == sorted(
        one.alert_id for one in findings
    )


@given(FINDINGS, st.integers(0, 50), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order(
    findings: list[Finding], window: int, chance: st.DrawFn
) -> None:
    mixed = list(findings)
    chance.shuffle(mixed)
    assert groups(mixed, window) == groups(findings, window)


@given(FINDINGS, st.integers(0, 50), st.integers(0, 50))
def test_a_wider_window_never_parts_a_group(findings: list[Finding], one: int, other: int) -> None:
    narrow, wide = sorted((one, other))
    homes = {name: number for number, group in enumerate(groups(findings, wide)) for name in group}
    for group in groups(findings, narrow):
        assert len({homes[name] for name in group}) == 1


def test_every_state_can_come_to_an_end() -> None:
    reached = {State.CLOSED}
    for _ in State:
        reached |= {before for before, afters in MOVES.items() if afters & reached}
    assert reached == set(State) == set(MOVES)


@given(st.lists(st.sampled_from(State), max_size=12))
def test_no_case_leaves_the_table_of_moves(wishes: list[State]) -> None:
    steps = opened([finding(1)], Hand("anna", 1), "")
    case = steps.case
    for at, wish in enumerate(wishes, 2):
        try:
            after = moved(case, wish, Hand("anna", at), "").case
        except CaseRefusedError:
            continue
        assert wish in MOVES[case.state]
        case = after
    assert first_broken((event.step, event) for event in case.steps) is None
    assert case_of(case.steps[::-1]) == case
    for sums in case.ledger.values():
        assert sums.left >= 0


@given(
    st.lists(
        st.tuples(st.sampled_from(Step), AMOUNTS, st.sampled_from(["EUR", "NOK"]), st.booleans()),
        max_size=20,
    )
)
def test_money_is_never_recovered_twice(wishes: list[tuple[Step, Decimal, str, bool]]) -> None:
    """Whatever is asked: recovered and written off together stay below what was confirmed."""
    steps = Steps(Case("c"), Hand("anna", 1))
    for step, amount, currency, shown in wishes:
        account, reference = Account(currency, "under"), "credit:1" if shown else ""
        try:
            check_booking(steps.case.ledger, account, step, amount, reference)
        except CaseRefusedError:
            continue
        assert shown or step is not Step.RECOVERED
        steps.book(account, step, amount, reference=reference)
    for account, sums in steps.case.ledger.items():
        settled = sums.recovered + sums.credited + sums.written_off
        assert settled + sums.left == sums.confirmed
        assert sums.left >= 0
        for step in Step:
            booked = [
                e.amount
                for e in steps.made
                if e.currency == account.currency and e.money_step == step
            ]
            assert getattr(sums, step) == sum(booked, Decimal(0))


@given(
    st.lists(st.lists(st.tuples(AMOUNTS, st.sampled_from(["EUR", "NOK"])), max_size=5), max_size=5)
)
def test_totals_are_the_sums_of_the_cases(cases: list[list[tuple[Decimal, str]]]) -> None:
    made = []
    for amounts in cases:
        steps = Steps(Case("c"), Hand("anna", 1))
        for amount, currency in amounts:
            steps.book(Account(currency, "over"), Step.IDENTIFIED, amount)
        made.append(steps)
    together = ledger_of(event for steps in made for event in steps.made)
    assert total(steps.case.ledger for steps in made) == together


def _trail(count: int) -> list[AuditEvent]:
    made: list[AuditEvent] = []
    for number in range(count):
        event = AuditEvent(
            sequence=number, at=number, who="anna", verb="cases move", object=str(number)
        )
        made.append(seal(event, made[-1].hash if made else ""))
    return made


@given(st.integers(1, 12), st.data())
def test_no_row_can_be_changed_cut_or_doubled_unseen(count: int, data: st.DataObject) -> None:
    trail = _trail(count)
    head = Head(trail[-1].sequence, trail[-1].hash)
    assert first_broken([(one.sequence, one) for one in trail], head) is None
    place = data.draw(st.integers(0, count - 1))
    how = data.draw(
        st.sampled_from(["who", "detail", "at", "hash", "removed", "doubled", "resealed"])
    )
    changed = list(trail)
    if how == "removed":
        del changed[place]
    elif how == "doubled":
        changed.insert(place, trail[place])
    elif how == "resealed":  # whoever can write rows can compute hashes, too: the next link tells
        changed[place] = seal(
            trail[place].model_copy(update={"who": "mallory"}), trail[place].previous
        )
    else:
        value = data.draw(st.integers(100, 200)) if how == "at" else data.draw(st.text(min_size=1))
        assume(value != getattr(trail[place], how))
        changed[place] = trail[place].model_copy(update={how: value})
    found = first_broken([(one.sequence, one) for one in changed], head)
    assert found is not None
    expected = place + 1 if how == "resealed" and place < count - 1 else place
    assert found.number == expected


@pytest.mark.parametrize(
    "reference", ["", "credit", "credit:", "bill:1", "credit: 1", "x credit:1"]
)
def test_recovered_money_needs_what_shows_it(reference: str) -> None:
    ledger = {Account("EUR", "under"): Sums(confirmed=Decimal(10))}
    with pytest.raises(CaseRefusedError, match="needs what shows that it came back"):
        check_booking(ledger, Account("EUR", "under"), Step.RECOVERED, Decimal(1), reference)
