"""`tallywire actions`: what is done about cases, proposed by one and approved by another."""

from typing import Annotated

import typer
from rich.table import Table

from assurance.actions.asked import Kind
from assurance.actions.fold import ENDED, State, actions_of
from cli.actions import decide, lists, propose, run
from cli.actions.common import ActionArgument, action_meant
from cli.actions.told import as_json_of, lines_of, row_of
from cli.catalog_common import login
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes
from dataflows.desk import desk
from warehouse.actions import action_events

app = typer.Typer(
    help="Propose, approve and carry out what is done about cases.", no_args_is_help=True
)
app.add_typer(propose.app, name="propose")
decide.register(app)
run.register(app)
lists.register(app)
_STATES = (*State, "expired")


@app.command("list", epilog=epilog("actions list", "actions list --state approved --json"))
def list_(
    *,
    state: Annotated[str, typer.Option("--state", help=f"One of {', '.join(_STATES)}.")] = "",
    kind: Annotated[str, typer.Option("--kind", help=f"One of {', '.join(Kind)}.")] = "",
    case: Annotated[str, typer.Option("--case", help="Only about this case.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List what waits to be decided or carried out, in the order in which it was proposed."""
    if state and state not in _STATES:
        typer.echo(f"--state {state}: write one of {', '.join(_STATES)}", err=True)
        raise typer.Exit(2)
    with plain_errors(), desk(settings_of(home), login()) as here:
        asked = {"state": state, "kind": kind, "case": case, "all": every}
        at = here.audit("actions list", "", asked)
        held = actions_of(action_events(here.client))
    found = [
        row_of(one, at)
        for one in held
        if (every or state or one.state not in ENDED)
        and kind in {"", one.kind}
        and one.case_id.startswith(case)
    ]
    found = [row for row in found if state in {"", row["state"]}]
    if as_json:
        typer.echo(as_json_bytes(found).decode())
        return
    table = Table("action", "state", "case", "what", "proposed by", "approved by")
    for row in found:
        names = ("action_id", "state", "case_id", "what", "proposed_by", "approved_by")
        table.add_row(*(row[name] for name in names))
    console().print(table)


@app.command(epilog=epilog("actions show a51c8a2f", "actions show a51c8a2f --json"))
def show(action: ActionArgument, *, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show an action: what is to be done, what it comes to, every step, and what came of it."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        found = action_meant(here.client, action)
        at = here.audit("actions show", found.action_id, {})
    if as_json:
        typer.echo(as_json_bytes(as_json_of(found, at)).decode())
        return
    for line in lines_of(found, at):
        typer.echo(line)
