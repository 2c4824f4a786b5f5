"""`tallywire cases build`: findings of one cause become one case; cured cases close."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from assurance.cases.fold import Case, cases_of
from assurance.cases.grouping import finding_of, groups
from assurance.cases.states import UNDECIDED, State
from assurance.cases.work import Hand, Steps, cured, joined, opened, relapsed
from cli.alerts.common import held_now
from cli.cases.common import hand, store
from cli.catalog_common import login
from cli.common import HomeOption, epilog, plain_errors, settings_of
from dataflows.desk import Desk, desk
from schemas.alerts import Alert
from warehouse.decisions import alerts_of, case_events, open_alerts

_HOUR_US = 3_600_000_000
_MOST = 20_000
"""Findings of one go: nobody else decides meanwhile."""


@dataclass(frozen=True)
class Built:
    """What became of findings without a case.

    Attributes:
        steps: Steps of the cases that are opened or get more findings.
        alike: Cases that share a cause, by id: a person may merge them.
    """

    steps: list[Steps]
    alike: list[list[str]]


def _outcome(
    group: Sequence[str], alerts: Mapping[str, Alert], homes: Mapping[str, Case], by: Hand
) -> Iterator[Steps | list[str]]:
    fresh = [alerts[one] for one in group if one not in homes]
    cases = {homes[one].case_id: homes[one] for one in group if one in homes}
    known = sorted(cases.values(), key=lambda case: (case.opened_at, case.case_id))
    if fresh and known:
        yield joined(known[0], fresh, by, "of the same cause")
    elif fresh:
        yield opened(fresh, by, "grouped by cause")
    if len(known) > 1:
        yield [case.case_id for case in known]


def built(
    fresh: Sequence[Alert],
    held: Mapping[str, Alert],
    cases: Sequence[Case],
    window_us: int,
    by: Hand,
) -> Built:
    """Group findings by cause with each other and with those of undecided cases.

    Args:
        fresh: Findings in no case.
        held: Findings of the cases, by id.
        cases: Undecided cases.
    """
    homes = {one: case for case in cases for one in case.alert_ids if one in held}
    alerts = {**{one.alert_id: one for one in fresh}, **held}
    outcomes = [
        outcome
        for group in groups([finding_of(one) for one in alerts.values()], window_us)
        for outcome in _outcome(group, alerts, homes, by)
    ]
    return Built(
        [one for one in outcomes if isinstance(one, Steps)],
        [one for one in outcomes if isinstance(one, list)],
    )


def _turned(
    cases: Sequence[Case], held: Mapping[str, Alert], by: Hand
) -> tuple[list[Steps], list[Case]]:
    """Close what is cured, take up what relapsed; give these steps, and the other cases."""
    steps, others = [], []
    for case in cases:
        made = cured(case, held, by) or relapsed(case, held, by)
        if made is not None:
            steps.append(made)
        elif case.state in UNDECIDED:
            others.append(case)
    return steps, others


def _work(here: Desk, window_us: int) -> tuple[Built, list[Steps], bool]:
    waiting = {*UNDECIDED, State.CLOSED}
    every = cases_of(case_events(here.client))
    cases = [one for one in every if one.state in waiting and not one.merged_into]
    held = alerts_of(here.client, [one for case in cases for one in case.alert_ids])
    by = hand(here)
    turned, left = _turned(cases, held, by)
    still = {one: held[one] for case in left for one in case.alert_ids if one in held}
    hushed = held_now(here.client)
    found = open_alerts(here.client, _MOST)
    fresh = [
        one
        for one in found
        if not any(rule.covers(one.control_id, one.entity_id) for rule in hushed)
    ]
    return built(fresh, still, left, window_us, by), turned, len(found) == _MOST


def build(
    *,
    window_hours: Annotated[
        int,
        typer.Option("--window-hours", min=1, max=8_784, help="Longest time between two."),
    ] = 24,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it; write nothing.")] = False,
    home: HomeOption = None,
) -> None:
    """Make cases of open findings: those that share an entity, a file or a root are of one cause.

    Suppressed findings wait. Findings come to the undecided case that shares their cause, or to a
    new one. Cases whose findings have all closed by themselves are closed. Cases that turn out to
    be of one cause are named, for you to merge.
    """
    with plain_errors(), desk(settings_of(home), login()) as here:
        made, turned, more = _work(here, window_hours * _HOUR_US)
        if not dry_run and (made.steps or turned):
            detail = {"window_hours": window_hours, "dry_run": dry_run}
            store(here, "cases build", [*turned, *made.steps], detail)
    for line in [*_told(made, turned)] or ["no finding waits for a case"]:
        typer.echo(line)
    if more:
        typer.echo("more findings wait: run it again")
    if dry_run:
        typer.echo("nothing was written")


def _told(made: Built, turned: Sequence[Steps]) -> Iterator[str]:
    for steps in made.steps:
        count = len(steps.case.alert_ids)
        fresh = steps.made[0].action == "opened"
        yield f"{'opened' if fresh else 'more for'} {steps.case.case_id}: {count} findings"
    for steps in turned:
        yield f"{steps.case.case_id} is {steps.case.state}: {steps.made[-1].note}"
    for first, *others in made.alike:
        for other in others:
            yield f"of one cause: tallywire cases merge {other} --into {first}"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("build", epilog=epilog("cases build", "cases build --window-hours 6 --dry-run"))(
        build
    )
