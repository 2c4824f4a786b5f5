"""What the verbs about cases share: which case is meant, and how its steps are stored."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer

from assurance.cases.fold import Case, case_of
from assurance.cases.ledger import Account, Ledger, Sums
from assurance.cases.work import Hand, Steps
from dataflows.desk import Desk, DeskMisuse
from dataflows.wall_clock import now_us
from warehouse.client import Client
from warehouse.decisions import case_events, case_ids_beginning

CaseArgument = Annotated[
    str, typer.Argument(help="Id of a case, or the beginning of it.", metavar="CASE")
]
NoteOption = Annotated[str, typer.Option("--note", help="Why, for whoever reads it.")]


def case_meant(client: Client, start: str) -> Case:
    """Read the case that is meant.

    Raises:
        DeskMisuse: If there is none, or several begin so.
    """
    found = case_ids_beginning(client, start) if start else []
    if len(found) != 1:
        what = "several cases begin" if found else "no case begins"
        msg = f"{what} with {start!r}; `tallywire cases list --all` shows their ids"
        raise DeskMisuse(msg)
    return case_of(case_events(client, found))


def hand(here: Desk) -> Hand:
    """Say who does something now."""
    return Hand(here.who, now_us())


def store(here: Desk, verb: str, made: Sequence[Steps], detail: object) -> int:
    """Append to the trail, then store the steps of cases; give the moment."""
    about = ",".join(steps.case.case_id for steps in made)
    at = here.audit(verb, about, detail)
    events = [event for steps in made for event in steps.made]
    if events:
        here.keep("case_events", events, at, f"case-{events[-1].hash}")
    return at


def sums_of(account: Account, sums: Sums) -> dict[str, Any]:
    """Give what was booked in an account, for JSON and tables."""
    figures: dict[str, Decimal] = {
        "identified": sums.identified,
        "confirmed": sums.confirmed,
        "recovered": sums.recovered,
        "credited": sums.credited,
        "written_off": sums.written_off,
        "left": sums.left,
    }
    return {"currency": account.currency, "direction": account.direction, **figures}


def money_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """Give the accounts of a ledger, for JSON and tables."""
    return [sums_of(account, sums) for account, sums in ledger.items()]
