"""`tallywire actions approve`, `reject`: what another person than the proposer decides."""

from collections.abc import Mapping
from typing import Any

import typer

from assurance.actions.asked import ActionRefusedError
from assurance.actions.fold import Action
from assurance.actions.work import approved, check_decidable, lapsed, rejected, stale
from assurance.cases.states import CaseRefusedError
from cli.actions.common import (
    ActionArgument,
    ByOption,
    action_meant,
    hand,
    keep,
    open_ids,
    person,
    rights_of,
)
from cli.actions.kinds import KINDS, asked_of
from cli.cases.common import NoteOption, case_meant
from cli.common import HomeOption, epilog, plain_errors, settings_of
from cli.reading import reader
from dataflows.desk import Desk, desk
from dataflows.settings import Settings
from dataflows.stores import store_of
from schemas.instants import text_from_micros


def read_first(settings: Settings, start: str) -> Action:
    """Read an action before anybody sits down at the desk."""
    with reader(settings) as client:
        return action_meant(client, start)


def figures_now(settings: Settings, action: Action) -> Mapping[str, Any] | str:
    """Say what an action comes to now, or in words why it cannot be done any more."""
    try:
        return KINDS[action.kind].figures(settings, asked_of(action))
    except ActionRefusedError as error:
        return str(error)


def why_stale(here: Desk, action: Action, now: Mapping[str, Any] | str) -> str:
    """Say why an action is not any more what was proposed; empty where it is."""
    if isinstance(now, str):
        return now
    case = case_meant(here.client, action.case_id)
    try:
        KINDS[action.kind].check(here, case, asked_of(action))
    except (ActionRefusedError, CaseRefusedError) as error:
        return str(error)
    return stale(action, case, open_ids(here.client, case), now)


def end_stale(here: Desk, action: Action, why: str) -> ActionRefusedError:
    """End an action that is stale; give what whoever asked is told."""
    keep(here, "actions lapse", lapsed(action, hand(here), why), {"why": why})
    return ActionRefusedError(
        f"action {action.action_id} is stale and has lapsed: {why}; propose it again if it is "
        "still wanted"
    )


def approve(
    action: ActionArgument, *, note: NoteOption = "", by: ByOption = "", home: HomeOption = None
) -> None:
    """Approve what another person proposed; it is worked out again, and refused if it differs."""
    settings = settings_of(home)
    with plain_errors(), store_of(settings):
        who, rights = person(settings, by), rights_of(settings)
        found = read_first(settings, action)
        check_decidable(found, who, rights)
        now = figures_now(settings, found)
        with desk(settings, who) as here:
            found = action_meant(here.client, found.action_id)
            check_decidable(found, who, rights)
            if why := why_stale(here, found, now):
                raise end_stale(here, found, why)
            made = approved(found, hand(here), rights, note)
            keep(here, "actions approve", made, {"note": note})
    typer.echo(
        f"approved: {made.action_id}, to be begun until {text_from_micros(made.expires_at)}: "
        f"tallywire actions run {made.action_id}"
    )


def reject(
    action: ActionArgument, *, note: NoteOption = "", by: ByOption = "", home: HomeOption = None
) -> None:
    """Reject what another person proposed."""
    settings = settings_of(home)
    with plain_errors(), store_of(settings), desk(settings, person(settings, by)) as here:
        found = action_meant(here.client, action)
        made = rejected(found, hand(here), rights_of(settings), note)
        keep(here, "actions reject", made, {"note": note})
    typer.echo(f"rejected: {made.action_id}")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("approve", epilog=epilog("actions approve a51c8a2f"))(approve)
    app.command("reject", epilog=epilog('actions reject a51c8a2f --note "the wrong zone"'))(reject)
