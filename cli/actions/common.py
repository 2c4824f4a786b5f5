"""What the verbs about actions share: who decides, which action is meant, how steps are stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import typer

from assurance.actions.asked import ActionRefusedError
from assurance.actions.fold import Action, action_of
from assurance.actions.rights import Rights
from assurance.actions.work import SYSTEM
from assurance.cases.fold import Case
from assurance.cases.ledger import Step, Sums
from assurance.cases.states import CaseRefusedError
from assurance.cases.work import Hand, Steps, booked
from assurance.feedback import FALSE_POSITIVE
from assurance.money import added
from cli.actions.doing import Booking, Result
from cli.catalog_common import login
from dataflows.desk import Desk, DeskMisuse
from dataflows.settings import Settings
from dataflows.wall_clock import now_us
from tallywire.catalog.history import same_person
from warehouse.actions import action_events, action_ids_beginning
from warehouse.client import Client
from warehouse.decisions import alerts_of, feedback_of

ActionArgument = Annotated[
    str, typer.Argument(help="Id of an action, or the beginning of it.", metavar="ACTION")
]
ByOption = Annotated[
    str,
    typer.Option(
        "--by", help="Your name, where `action_by` lets people give it; else your login is taken."
    ),
]
_HOUR_US = 3_600_000_000


def person(settings: Settings, by: str) -> str:
    """Say who decides: whom the machine knows, or whom the settings let be named.

    Raises:
        ActionRefusedError: If a name is given that is not to be believed.
    """
    if same_person(by, SYSTEM):
        msg = f"--by {by} is no person's name"
        raise ActionRefusedError(msg)
    if by and not settings.action_by:
        msg = "--by is believed only with the setting `action_by = true`; else your login counts"
        raise ActionRefusedError(msg)
    return by or login()


def rights_of(settings: Settings) -> Rights:
    """Give who may do what, as the settings say."""
    proposers = {str(kind): names for kind, names in settings.action_proposers.items()}
    approvers = {str(kind): names for kind, names in settings.action_approvers.items()}
    return Rights(proposers, approvers, settings.action_approval_hours * _HOUR_US)


def action_meant(client: Client, start: str) -> Action:
    """Read the action that is meant.

    Raises:
        DeskMisuse: If there is none, or several begin so.
    """
    found = action_ids_beginning(client, start) if start else []
    if len(found) != 1:
        what = "several actions begin" if found else "no action begins"
        msg = f"{what} with {start!r}; `tallywire actions list --all` shows their ids"
        raise DeskMisuse(msg)
    return action_of(action_events(client, found))


def open_ids(client: Client, case: Case) -> list[str]:
    """Name the findings of a case that are open and not judged false."""
    verdicts: dict[str, str] = {}
    for one in feedback_of(client, case.alert_ids):
        verdicts[one.alert_id] = one.verdict
    return [
        name
        for name, alert in alerts_of(client, case.alert_ids).items()
        if alert.state != "auto_closed" and verdicts.get(name) != FALSE_POSITIVE
    ]


def hand(here: Desk) -> Hand:
    """Say who does something now."""
    return Hand(here.who, now_us())


def keep(here: Desk, verb: str, action: Action, detail: object) -> None:
    """Append to the trail, then store the newest step of an action."""
    newest = action.steps[-1]
    told = {"step": newest.action, "login": login(), "asked": detail}
    at = here.audit(verb, action.action_id, told)
    here.keep("action_events", [newest], at, f"action-{newest.hash}")


@dataclass(frozen=True)
class Told:
    """What the result of an action brought to its case.

    Attributes:
        steps: To be stored; none where they are there already.
        unbooked: Why money was not booked, a sentence each.
    """

    steps: Steps | None
    unbooked: list[str]


def told_to_case(case: Case, action: Action, result: Result, by: Hand) -> Told:
    """Note the result in its case, once, and book its money where the case is confirmed."""
    name = f"action:{action.action_id}"
    if any(event.reference == name for event in case.steps):
        return Told(None, [])
    note = f"{action.kind} done: {result.told}"
    steps = Steps(case, by).add("noted", note=note, reference=name)
    unbooked: list[str] = []
    for one in result.bookings:
        try:
            for step, amount in _amounts(steps.case, one):
                made = booked(steps.case, one.account, step, amount, by, reference=result.reference)
                steps.made += made.made
                steps.case = made.case
        except CaseRefusedError as error:
            unbooked.append(str(error))
    return Told(steps, unbooked)


def _amounts(case: Case, one: Booking) -> Iterator[tuple[Step, Decimal]]:
    """Give what is booked: what came back beyond what was confirmed is confirmed by that."""
    left = case.ledger.get(one.account, Sums()).left
    if one.step is Step.RECOVERED and one.amount > left:
        yield Step.CONFIRMED, added([one.amount, -left])
    yield one.step, one.amount
