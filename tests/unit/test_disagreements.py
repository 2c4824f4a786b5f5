"""When a difference between the raters is answered, and what a fold of both scopes says."""

from typing import Any

import polars as pl
import pytest

from assurance.actions.asked import Kind
from assurance.actions.fold import Action, State
from assurance.actions.rights import Rights
from assurance.actions.work import (
    SYSTEM,
    Proposal,
    approved_by_setting,
    begun,
    done,
    lapsed,
    proposed,
    rejected,
)
from assurance.cases.work import Hand, opened
from cli.actions.disagreements import Scope, is_answered, scope_of
from cli.rerate.selection import Selection
from schemas.alerts import Alert
from schemas.columns import polars_schema
from schemas.rated import RatedEvent
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater, by_the_book
from tests.findings import NOW_US, finding
from tests.priced import group, one_tariff
from tests.unit.test_shadow import rated

SCOPE = Scope("voice", 2, "se")
RIGHTS = Rights()
_FEATURES = (
    '[{"name": "tariff", "value": "voice"}, {"name": "revision", "value": "2"}, '
    '{"name": "zone", "value": "se"}]'
)


def _alert(at: int = NOW_US) -> Alert:
    return finding(1, at=at, features=_FEATURES)


def _action(until: str, scope: Scope = SCOPE, who: str = SYSTEM) -> Action:
    """Give an action that stands there, each step a second behind the one before."""
    case = opened([_alert()], Hand(SYSTEM, NOW_US), "").case
    hands = iter([Hand("bo", NOW_US + second * 1_000_000) for second in range(1, 9)])
    wish = Proposal(Kind.RERATE, scope.asked(NOW_US), {"rows": 1}, list(case.alert_ids))
    action = proposed(case, wish, Hand(who, NOW_US), RIGHTS)
    if until == State.REJECTED:
        return rejected(action, next(hands), RIGHTS, "")
    if until == State.LAPSED:
        return lapsed(action, next(hands), "")
    if until != State.PROPOSED:
        action = approved_by_setting(action, next(hands).at, RIGHTS, "auto_rerate")
    if until in {State.BEGUN, State.DONE}:
        action = begun(action, next(hands), {})
    return done(action, next(hands), {}, "") if until == State.DONE else action


def test_the_scope_of_a_finding_stands_in_its_features() -> None:
    assert scope_of(_alert()) == SCOPE
    assert scope_of(finding(1)) is None
    asked = SCOPE.asked(7)
    assert (asked.since, asked.until, asked.revision, asked.rater) == (0, 7, 2, "rulebook")


@pytest.mark.parametrize(
    ("state", "answered"),
    [(State.PROPOSED, True), (State.APPROVED, True), (State.BEGUN, True), (State.REJECTED, True),
     (State.LAPSED, False), (State.DONE, True)],
)  # fmt: skip
def test_what_is_proposed_is_not_proposed_again(state: State, *, answered: bool) -> None:
    actions = [_action(State.LAPSED), _action(state)]
    assert is_answered(_alert(), SCOPE, actions) is answered
    assert not is_answered(_alert(), Scope("voice", 3, "se"), actions)


def test_more_that_is_found_after_it_was_done_is_answered_anew() -> None:
    made = _action(State.DONE)
    assert is_answered(_alert(made.steps[-1].at), SCOPE, [made])
    assert not is_answered(_alert(made.steps[-1].at + 1), SCOPE, [made])


def test_what_a_person_proposed_answers_nothing() -> None:
    assert not is_answered(_alert(), SCOPE, [_action(State.PROPOSED, who="anna")])


def test_a_selection_may_be_of_one_revision() -> None:
    rows = pl.DataFrame(
        {"tariff_id": ["a", "a", "b"], "tariff_revision": [1, 2, 2], "start_time": [5, 5, 5]},
        schema_overrides={"tariff_revision": polars_schema(RatedEvent)["tariff_revision"]},
    )
    chosen = rows.select(Selection(tariff="a", revision=2).expression()).to_series()
    assert chosen.to_list() == [False, True, False]
    assert Selection(tariff="a", revision=2).told() == {"tariff": "a", "revision": "2"}
    assert Selection(tariff="a").told() == {"tariff": "a"}


def test_the_rulebook_alone_rates_as_the_columns_do() -> None:
    snapshot: Snapshot = one_tariff(group(0, 1, "0.12"))
    columns = rated(snapshot, 200)
    usage = columns.select(pl.col(name) for name in UsageEvent.model_fields)

    def catalogs(_name: str) -> tuple[Rater, Snapshot]:
        return Rater(snapshot), snapshot

    book = by_the_book(catalogs)("any")[0].rate(usage, Counters())
    names: list[Any] = ["event_id", "amount", "amount_numerator", "zone_id", "rated_quantity"]
    assert book.rated.select(names).equals(columns.select(names))
    assert set(columns["rater"]) == {"columnar"}
    assert set(book.rated["rater"]) == {"rulebook"}
