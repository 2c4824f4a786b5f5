"""`tallywire cases assign`, `note`, `move`, `merge`, `money`: the steps of a case."""

import uuid
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer
from rich.table import Table

from assurance.cases.fold import cases_of
from assurance.cases.ledger import Account, Step, total
from assurance.cases.states import CaseRefusedError, State
from assurance.cases.work import assigned, booked, merged, moved, noted
from assurance.feedback import CONFIRMED, FALSE_POSITIVE
from cli.alerts.judge import keep, verdicts
from cli.cases.common import CaseArgument, NoteOption, case_meant, hand, money_rows, store
from cli.catalog_common import login
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes, money
from dataflows.desk import Desk, DeskMisuse, desk
from warehouse.decisions import alerts_of, case_events, was_applied

_STEPS = (Step.CONFIRMED, Step.RECOVERED, Step.WRITTEN_OFF)


def assign(
    case: CaseArgument,
    *,
    to: Annotated[str, typer.Option("--to", help="Who works it from now on.")],
    note: NoteOption = "",
    home: HomeOption = None,
) -> None:
    """Give a case to somebody."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        made = assigned(case_meant(here.client, case), to, hand(here), note)
        store(here, "cases assign", [made], {"to": to, "note": note})
    typer.echo(f"{made.case.case_id}: {made.case.state}, {to} works it")


def note_(
    case: CaseArgument,
    text: Annotated[str, typer.Argument(help="What you found out.")],
    *,
    home: HomeOption = None,
) -> None:
    """Write something down."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        made = noted(case_meant(here.client, case), text, hand(here))
        store(here, "cases note", [made], {"note": text})
    typer.echo(f"noted: {made.case.case_id}")


def move(
    case: CaseArgument,
    to: Annotated[str, typer.Argument(help=f"One of {', '.join(State)}.", metavar="STATE")],
    *,
    note: NoteOption = "",
    home: HomeOption = None,
) -> None:
    """Move a case to another state; a verdict goes to all its findings, too.

    Confirming confirms the identified money; writing off writes off what is left; recovered needs
    money that was booked as recovered, with a reference, and nothing left.
    """
    if to not in set(State):
        typer.echo(f"{to} is no state: write one of {', '.join(State)}", err=True)
        raise typer.Exit(2)
    with plain_errors(), desk(settings_of(home), login()) as here:
        found = case_meant(here.client, case)
        made = moved(found, State(to), hand(here), note)
        judged = to in {CONFIRMED, FALSE_POSITIVE}
        alerts = [*alerts_of(here.client, found.alert_ids).values()] if judged else []
        said = verdicts(here, alerts, to, note=note, case_id=found.case_id)
        at = store(here, "cases move", [made], {"to": to, "note": note})
        keep(here, said, at)
    typer.echo(f"{made.case.case_id}: {found.state} -> {made.case.state}")


def merge(
    case: CaseArgument,
    *,
    into: Annotated[str, typer.Option("--into", help="Case that takes it over.")],
    note: NoteOption = "",
    home: HomeOption = None,
) -> None:
    """Let an undecided case take another one over: its findings, and what they put at risk."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        gone, taker = case_meant(here.client, case), case_meant(here.client, into)
        made = merged(gone, taker, hand(here), note)
        store(here, "cases merge", made, {"into": taker.case_id, "note": note})
    typer.echo(f"{gone.case_id} is merged into {taker.case_id}")


def _check_shown(here: Desk, reference: str) -> None:
    """Make sure that a re-rating that is named is there; credits and invoices are others' books."""
    kind, _, name = reference.partition(":")
    if kind != "rerate":
        return
    try:
        known = was_applied(here.client, uuid.UUID(name))
    except ValueError:
        known = False
    if not known:
        msg = f"{reference} is no re-rating that changed a charge: write the id that `rerate` told"
        raise CaseRefusedError(msg)


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        msg = f"--amount {text}: write a number such as 1250.50"
        raise CaseRefusedError(msg) from error


def _totals(home_of: HomeOption, *, as_json: bool) -> None:
    with plain_errors(), desk(settings_of(home_of), login()) as here:
        here.audit("cases money", "", {})
        cases = [one for one in cases_of(case_events(here.client)) if not one.merged_into]
    found = money_rows(total(case.ledger for case in cases))
    if as_json:
        typer.echo(as_json_bytes(found).decode())
        return
    names = (
        "currency", "direction", "identified", "confirmed", "recovered", "credited", "written_off",
        "left",
    )  # fmt: skip
    table = Table()
    for name in names:
        table.add_column(name, justify="left" if name in names[:2] else "right")
    for row in found:
        table.add_row(*(row[name] for name in names[:2]), *(money(row[name]) for name in names[2:]))
    console().print(table)


def money_(
    case: Annotated[
        str, typer.Argument(help="Case to book in; none for the totals.", metavar="[CASE]")
    ] = "",
    *,
    step: Annotated[str, typer.Option("--step", help=f"One of {', '.join(_STEPS)}.")] = "",
    amount: Annotated[str, typer.Option("--amount", help="How much, such as 1250.50.")] = "",
    currency: Annotated[str, typer.Option("--currency", help="Of it, such as EUR.")] = "",
    direction: Annotated[
        str, typer.Option("--direction", help="under: revenue lost; over: charged too much.")
    ] = "under",
    reference: Annotated[
        str,
        typer.Option("--reference", help="What shows it: rerate:ID, credit:ID or invoice:ID."),
    ] = "",
    note: NoteOption = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Book money of a confirmed case, or, without a case, show the totals by currency."""
    if not case:
        _totals(home, as_json=as_json)
        return
    with plain_errors():
        if step not in set(_STEPS) or direction not in {"under", "over"} or not currency:
            msg = f"write --step ({', '.join(_STEPS)}), --amount, --currency; see --help"
            raise DeskMisuse(msg)
        with desk(settings_of(home), login()) as here:
            found, by = case_meant(here.client, case), hand(here)
            _check_shown(here, reference)
            account, value = Account(currency, direction), _amount(amount)
            made = booked(found, account, Step(step), value, by, reference=reference, note=note)
            asked = {"step": step, "amount": amount, "currency": currency,
                     "direction": direction, "reference": reference}  # fmt: skip
            store(here, "cases money", [made], asked)
    rows = money_rows(made.case.ledger)
    if as_json:
        typer.echo(as_json_bytes(rows).decode())
        return
    for row in rows:
        typer.echo(f"{row['direction']} {row['currency']}: left {money(row['left'])}")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("assign", epilog=epilog("cases assign c51c8a2f --to anna"))(assign)
    app.command("note", epilog=epilog('cases note c51c8a2f "the partner agrees"'))(note_)
    app.command("move", epilog=epilog("cases move c51c8a2f investigating"))(move)
    app.command("merge", epilog=epilog("cases merge c51c8a2f --into c0d4e1b7"))(merge)
    recover = "cases money c51c8a2f --step recovered --amount 12.50 --currency EUR"
    book = epilog("cases money", f"{recover} --reference credit:CN-17")
    app.command("money", epilog=book)(money_)
