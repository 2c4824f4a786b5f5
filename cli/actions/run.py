"""`tallywire actions run`: what is approved is carried out, once, whatever ends it in between.

The step `begun` names what is done before it is done, so that whoever goes on behind a crash does
the same thing: a lane knows a request that it has worked, the store an entry that it has.
"""

from typing import Annotated, Any

import typer

from assurance.actions.asked import ActionRefusedError
from assurance.actions.fold import Action, State, actions_of
from assurance.actions.work import begun, done
from cli.actions.common import action_meant, hand, keep, told_to_case
from cli.actions.decide import end_stale, figures_now, read_first, why_stale
from cli.actions.doing import Doing, Result
from cli.actions.kinds import KINDS
from cli.cases.common import case_meant
from cli.cases.common import store as store_steps
from cli.catalog_common import login
from cli.common import HomeOption, epilog, plain_errors, settings_of
from cli.reading import reader
from dataflows.desk import desk
from dataflows.exits import Exit
from dataflows.files import lock
from dataflows.settings import Home, Settings
from dataflows.stores import store_of
from dataflows.wall_clock import now_us
from warehouse.actions import action_events

_EXPIRED = "its approval has run out before it was begun"


def carried_out(
    settings: Settings, who: str, action_id: str, doing: Doing[Any] | None = None
) -> Result | None:
    """Carry an approved action out, or go on with one that was begun; none if not all was done.

    Args:
        doing: How it is done, where that is not as a person's command does.

    Raises:
        ActionRefusedError: If it is not approved, or is stale; then it has lapsed.
        LaneTaken: If another process of this home carries actions out.
    """
    with lock(Home(settings.home).root / "locks" / "actions", "the carrying out of actions"):
        action = read_first(settings, action_id)
        if action.state is not State.BEGUN:
            action = _begun(settings, who, action)
        result = (doing or KINDS[action.kind]).carry_out(settings, who, action)
        if result is not None:
            _done(settings, who, action.action_id, result)
    return result


def _begun(settings: Settings, who: str, action: Action) -> Action:
    """Make sure that it is still what was approved, and write down that it begins."""
    waits = action.state is State.APPROVED and not action.expired(now_us())
    now = figures_now(settings, action) if waits else {}
    with desk(settings, who) as here:
        action = action_meant(here.client, action.action_id)
        if action.expired(now_us()):
            raise end_stale(here, action, _EXPIRED)
        if action.state is State.APPROVED and (why := why_stale(here, action, now)):
            raise end_stale(here, action, why)
        made = begun(action, hand(here), KINDS[action.kind].plan(action))
        keep(here, "actions run", made, {})
    return made


def _done(settings: Settings, who: str, action_id: str, result: Result) -> None:
    """Tell its case what came of it, then write down that it is done."""
    with desk(settings, who) as here:
        action = action_meant(here.client, action_id)
        case = case_meant(here.client, action.case_id)
        told = told_to_case(case, action, result, hand(here))
        if told.steps is not None:
            store_steps(here, "cases note", [told.steps], {"action": action_id})
        made = done(action, hand(here), result.content, result.reference)
        keep(here, "actions done", made, {})
    for why in told.unbooked:
        typer.echo(f"not booked in case {case.case_id}: {why}", err=True)


def _waiting(settings: Settings) -> list[str]:
    """Name what is to be carried out, in the order in which it was proposed."""
    with reader(settings) as client:
        found = actions_of(action_events(client))
    return [one.action_id for one in found if one.state in {State.APPROVED, State.BEGUN}]


def run(
    action: Annotated[
        str, typer.Argument(help="Action; without one all that are approved.", metavar="[ACTION]")
    ] = "",
    *,
    home: HomeOption = None,
) -> None:
    """Carry out what is approved, exactly once; what a crash has cut short is finished.

    What differs from what was approved is not done: it lapses, and says why.
    """
    settings, code = settings_of(home), Exit.DONE
    with plain_errors(), store_of(settings):
        names = [action] if action else _waiting(settings)
        for name in names:
            try:
                result = carried_out(settings, login(), name)
            except ActionRefusedError as error:
                typer.echo(str(error), err=True)
                code = Exit.PROBLEMS
                continue
            if result is None:
                typer.echo(f"{name}: not all of it could be done yet; run it again", err=True)
                code = Exit.INCOMPLETE
            else:
                typer.echo(f"done: {name}: {result.told}")
                _nobody_told(settings, result)
    if not names:
        typer.echo("no action waits to be carried out")
    raise typer.Exit(code)


def _nobody_told(settings: Settings, result: Result) -> None:
    """Say so where a credit or a block is published to nobody."""
    kind = result.reference.partition(":")[0]
    if kind in {"credit", "block"} and not settings.action_webhooks:
        typer.echo("nobody is sent it: name an endpoint in the setting `action_webhooks`", err=True)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("run", epilog=epilog("actions run a51c8a2f", "actions run"))(run)
