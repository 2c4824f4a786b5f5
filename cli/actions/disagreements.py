"""What follows where the raters disagree: all of that scope is rated again, by the rulebook.

A difference is confirmed when charges of the finding that still stand come out otherwise once more.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from assurance.actions.asked import ActionRefusedError, Kind, RerateAsked
from assurance.actions.fold import Action, State, action_of, actions_of
from assurance.actions.work import SYSTEM, approved_by_setting, check_case
from assurance.cases.fold import Case, case_of
from assurance.cases.work import opened
from assurance.following.shadow import SCOPE
from cli.actions.common import hand, keep, rights_of
from cli.actions.propose import propose
from cli.actions.rerate import Rerating
from cli.actions.run import carried_out
from cli.alerts.raters import SHADOW, sides_of
from cli.cases.common import case_meant
from cli.cases.common import store as store_steps
from cli.rerate.world import Way
from dashboards.queries import rows
from dataflows.catalogs import CatalogError
from dataflows.desk import Desk, desk
from dataflows.files import LaneTaken
from dataflows.groups import GroupsWrong
from dataflows.settings import Settings
from dataflows.wall_clock import now_us
from schemas.alerts import Alert
from schemas.requests import CorrectionReason
from warehouse.actions import action_events
from warehouse.client import Client
from warehouse.decisions import case_events, case_of_alert, open_of_control

_MOST = 1_000
_TRIED = 3
"""Charges of a finding that are rated once more."""
_EVERY_S = 60.0
_MOST_CHARGES = 500_000
"""Of a scope: its figures hold all of them in memory, and the controls must go on working."""
_NOTE = "the rulebook and the rating disagree"
_NOT_NOW = (ActionRefusedError, CatalogError, GroupsWrong, LaneTaken)
"""What keeps a re-rating from being proposed or done, and is no reason for a run to end."""


@dataclass(frozen=True)
class Scope:
    """What is rated again: all charges by a revision of a tariff in a zone."""

    tariff: str
    revision: int
    zone: str

    def asked(self, until: int) -> RerateAsked:
        """Give the re-rating of all of it, from its beginning."""
        return RerateAsked(
            tariff=self.tariff, revision=self.revision, zone=self.zone, until=until,
            reason=CorrectionReason.RATING_CORRECTED.value, rater="rulebook",
        )  # fmt: skip


def scope_of(alert: Alert) -> Scope | None:
    """Read the scope of a finding; findings from before they named it have none."""
    held = {one["name"]: str(one["value"]) for one in orjson.loads(alert.features)}
    if not set(SCOPE) <= set(held):
        return None
    return Scope(held["tariff"], int(held["revision"]), held["zone"])


def is_answered(alert: Alert, scope: Scope, actions: Sequence[Action]) -> bool:
    """Tell whether something was proposed for a scope that still says what is to be done.

    What has lapsed is proposed anew; what was done, when more was found since.
    """
    mine = [
        one
        for one in actions
        if one.kind is Kind.RERATE
        and one.proposed_by == SYSTEM
        and (one.asked["tariff"], one.asked["revision"], one.asked["zone"])
        == (scope.tariff, scope.revision, scope.zone)
    ]
    if not mine or mine[-1].state is State.LAPSED:
        return False
    return mine[-1].state is not State.DONE or alert.ledgered_at <= mine[-1].steps[-1].at


class Answerer:
    """Answers confirmed differences as the setting says, looking once a minute at most.

    Args:
        way: How the store is read, and how lanes come to work.
    """

    def __init__(self, settings: Settings, way: Way | None = None) -> None:
        self._settings, self._way = settings, way or Way()
        self._doing = Rerating(way)
        self._next = 0.0

    def look(self) -> list[str]:
        """Propose, or do, what is to be done; tell it, a sentence each.

        Raises:
            StoreUnavailable: If the store does not answer.
        """
        if self._settings.auto_rerate == "off" or time.monotonic() < self._next:
            return []
        self._next = time.monotonic() + _EVERY_S
        with self._way.store(self._settings) as client:
            waiting = self._waiting(client)
        return [text for scope, alert in waiting.items() if (text := self._answer(scope, alert))]

    def _waiting(self, client: Client) -> dict[Scope, Alert]:
        """Find scopes whose difference is confirmed and that nothing was proposed for."""
        found = open_of_control(client, SHADOW, _MOST)
        actions = actions_of(action_events(client)) if found else []
        waiting: dict[Scope, Alert] = {}
        for alert in found:
            scope = scope_of(alert)
            if scope is None or scope in waiting or is_answered(alert, scope, actions):
                continue
            if self._confirmed(client, alert):
                waiting[scope] = alert
        return waiting

    def _confirmed(self, client: Client, alert: Alert) -> bool:
        """Tell whether charges of a finding come out otherwise once more."""
        try:
            tried = sides_of(client, self._settings, alert, _TRIED)
        except CatalogError:
            return False  # without its catalogue nobody can tell: `alerts show` says which
        return any(one.stands and one.differ for one in tried)

    def _answer(self, scope: Scope, alert: Alert) -> str:
        """Propose the re-rating of a scope; carry it out where the setting says so."""
        settings, asked = self._settings, scope.asked(now_us())
        if (charges := self._charges(scope)) > _MOST_CHARGES:
            return _too_many(scope, charges)
        try:
            figures = self._doing.figures(settings, asked)
            if not figures["rows"]:
                return ""  # what differs is corrected already: the finding closes by itself
            with desk(settings, SYSTEM) as here:
                case = _case_for(here, alert)
            action = propose(settings, SYSTEM, case.case_id, Kind.RERATE, asked, _NOTE, figures)
            told = f"{self._doing.words(asked)}: {_figures(figures)}: action {action.action_id}"
            return self._run(action, told) if settings.auto_rerate == "run" else f"proposed: {told}"
        except _NOT_NOW as error:
            return f"no re-rating of {scope.tariff} in {scope.zone}: {error}"

    def _charges(self, scope: Scope) -> int:
        asked = {"tariff": scope.tariff, "revision": scope.revision, "zone": scope.zone}
        with self._way.store(self._settings) as client:
            return int(rows(client, "charges_of_scope", asked)[0]["charges"])

    def _run(self, action: Action, told: str) -> str:
        settings = self._settings
        with desk(settings, SYSTEM) as here:
            action = action_of(action_events(here.client, [action.action_id]))
            made = approved_by_setting(action, now_us(), rights_of(settings), "auto_rerate")
            keep(here, "actions approve", made, {})
        result = carried_out(settings, SYSTEM, action.action_id, self._doing)
        if result is None:
            return f"begun: {told}; not all of it could be done yet: tallywire actions run"
        return f"done: {told}: {result.told}"


def _too_many(scope: Scope, charges: int) -> str:
    return (
        f"no re-rating of {scope.tariff} in {scope.zone} is proposed by itself: it has {charges:,} "
        "charges; propose it in parts: tallywire actions propose rerate --case CASE --rulebook "
        f"--tariff {scope.tariff} --zone {scope.zone} --since DAY --until DAY --reason "
        "rating_corrected"
    )


def _figures(figures: Mapping[str, Any]) -> str:
    money = ", ".join(f"{amount:f} {name}" for name, amount in figures["difference"].items())
    return f"{figures['charges']:,} charges, difference {money or 'nothing'}"


def _case_for(here: Desk, alert: Alert) -> Case:
    """Give the case that a finding is in; where it is in none, open one.

    Raises:
        ActionRefusedError: If its case is over: a person has decided.
    """
    name = case_of_alert(here.client, [alert.alert_id]).get(alert.alert_id)
    if name is None:
        made = opened([alert], hand(here), _NOTE)
        store_steps(here, "cases open", [made], {"alerts": [alert.alert_id], "note": _NOTE})
        return made.case
    case = case_meant(here.client, name)
    while case.merged_into:
        case = case_of(case_events(here.client, [case.merged_into]))
    check_case(case)
    return case
