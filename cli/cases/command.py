"""`tallywire cases`: findings of one cause, worked by people until the money is back."""

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from assurance.cases.figures import Figures, figures, middle
from assurance.cases.fold import Case, cases_of
from assurance.cases.states import State
from assurance.cases.work import opened
from cli.alerts.common import SHORT, finding
from cli.cases import build, steps
from cli.cases.common import CaseArgument, NoteOption, case_meant, hand, money_rows, store
from cli.catalog_common import login
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes, money
from cli.times import age_words
from dataflows.desk import DeskMisuse, desk
from schemas.alerts import Alert
from schemas.instants import text_from_micros
from warehouse.decisions import alerts_of, case_events, case_of_alert

app = typer.Typer(
    help="Group findings into cases, work them, and account for the money.", no_args_is_help=True
)
_BOOKED = ("identified", "confirmed", "recovered", "credited", "written_off", "left")
build.register(app)
steps.register(app)


def _times(found: Figures) -> dict[str, Any]:
    return {
        "seconds_to_detect": None if found.detect_us is None else found.detect_us // 1_000_000,
        "seconds_to_cure": None if found.cure_us is None else found.cure_us // 1_000_000,
    }


def _content(case: Case, alerts: Sequence[Alert]) -> dict[str, Any]:
    return {
        "case_id": case.case_id,
        "state": case.state,
        "assignee": case.assignee,
        "opened_at": text_from_micros(case.opened_at),
        "merged_into": case.merged_into,
        "alerts": list(case.alert_ids),
        "money": money_rows(case.ledger),
        **_times(figures(case, alerts)),
    }


def _words(seconds: int | None) -> str:
    return "-" if seconds is None else age_words(seconds * 1_000_000)


@app.command(
    "list", epilog=epilog("cases list", "cases list --state confirmed", "cases list --all")
)
def list_(
    *,
    state: Annotated[str, typer.Option("--state", help=f"One of {', '.join(State)}.")] = "",
    assignee: Annotated[str, typer.Option("--assignee", help="Only of this person.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Closed and merged ones, too.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List cases, the oldest first, with their money, time to detect and time to cure."""
    if state and state not in set(State):
        typer.echo(f"--state {state}: write one of {', '.join(State)}", err=True)
        raise typer.Exit(2)
    with plain_errors(), desk(settings_of(home), login()) as here:
        here.audit("cases list", "", {"state": state, "assignee": assignee, "all": every})
        held = [
            case
            for case in cases_of(case_events(here.client))
            if (every or state or (case.state is not State.CLOSED and not case.merged_into))
            and state in {"", case.state}
            and assignee in {"", case.assignee}
        ]
        alerts = alerts_of(here.client, [one for case in held for one in case.alert_ids])
    found = [
        _content(case, [alerts[one] for one in case.alert_ids if one in alerts]) for case in held
    ]
    if as_json:
        typer.echo(as_json_bytes(found).decode())
        return
    _print(found)


def _print(found: Sequence[dict[str, Any]]) -> None:
    names = ("case", "state", "assignee", "findings", "money", "to detect", "to cure")
    table = Table(*names)
    for row in found:
        told = [
            f"{one['direction']} {money(one['confirmed'] or one['identified'])} {one['currency']}"
            for one in row["money"]
        ]
        table.add_row(
            row["case_id"], row["state"], row["assignee"], str(len(row["alerts"])),
            ", ".join(told) or "-", _words(row["seconds_to_detect"]),
            _words(row["seconds_to_cure"]),
        )  # fmt: skip
    console().print(table)
    for name, what in (("seconds_to_detect", "detect"), ("seconds_to_cure", "cure")):
        half = middle([row[name] for row in found if row[name] is not None])
        if half is not None:
            typer.echo(f"half of them took {_words(half)} or less to {what}")


@app.command(epilog=epilog("cases show c51c8a2f", "cases show c51c8a2f --json"))
def show(case: CaseArgument, *, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show a case: its findings, its money, and every step that was taken."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        found = case_meant(here.client, case)
        here.audit("cases show", found.case_id, {})
        alerts = alerts_of(here.client, found.alert_ids)
    held = [alerts[one] for one in found.alert_ids if one in alerts]
    content = {
        **_content(found, held),
        "findings": [
            {"alert_id": one.alert_id, "state": one.state, "explanation": one.explanation}
            for one in held
        ],
        "steps": [event.model_dump(mode="json") for event in found.steps],
    }
    if as_json:
        typer.echo(as_json_bytes(content).decode())
        return
    _tell(found, content)


def _tell(case: Case, content: dict[str, Any]) -> None:
    typer.echo(f"case {case.case_id}: {case.state}, {case.assignee or 'nobody'} works it")
    if case.merged_into:
        typer.echo(f"  merged into {case.merged_into}")
    for one in content["findings"]:
        typer.echo(f"  {one['alert_id'][:SHORT]} {one['state']}: {one['explanation']}")
    for row in content["money"]:
        booked = [f"{name} {money(row[name])}" for name in _BOOKED]
        typer.echo(f"  {row['direction']} {row['currency']}: {', '.join(booked)}")
    detect, cure = _words(content["seconds_to_detect"]), _words(content["seconds_to_cure"])
    typer.echo(f"  time to detect {detect}, time to cure {cure}")
    for event in case.steps:
        parts = [text_from_micros(event.at), event.who, event.action]
        if event.to_state:
            parts.append(f"{event.from_state or 'nothing'} -> {event.to_state}")
        parts += [event.assignee, event.other_case]
        if event.amount is not None:
            parts += [event.money_step, f"{money(event.amount)} {event.currency}", event.reference]
        if event.alert_ids != "[]":
            parts.append(f"{len(orjson.loads(event.alert_ids))} findings")
        parts.append(event.note)
        typer.echo("  " + " ".join(part for part in parts if part))


@app.command("open", epilog=epilog('cases open 8f14e45f 1b2c3d4e --note "tariff of November"'))
def open_(
    alerts: Annotated[list[str], typer.Argument(help="Findings of one cause.", metavar="ALERT...")],
    *,
    note: NoteOption = "",
    home: HomeOption = None,
) -> None:
    """Open a case of findings that you know to be of one cause."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        found = {one.alert_id: one for one in (finding(here.client, text) for text in alerts)}
        taken = case_of_alert(here.client, list(found))
        for alert_id, case_id in taken.items():
            msg = f"finding {alert_id[:SHORT]} is in case {case_id} already: work that one"
            raise DeskMisuse(msg)
        made = opened(list(found.values()), hand(here), note)
        store(here, "cases open", [made], {"alerts": list(found), "note": note})
    typer.echo(f"opened: {made.case.case_id}")
