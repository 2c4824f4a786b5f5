"""`tallywire audit`: who decided or looked at what, and whether the trail is whole."""

from typing import Annotated

import typer
from rich.table import Table

from assurance.actions.fold import actions_of
from assurance.cases.fold import cases_of
from assurance.chains import Broken, first_broken
from cli.catalog_common import login
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes
from dataflows.desk import Desk, desk, known_head
from dataflows.exits import Exit
from schemas.instants import text_from_micros
from warehouse.actions import action_events
from warehouse.decisions import audit_events, case_events, newest_audit, newest_audits

app = typer.Typer(help="Who decided or looked at what: list and verify.", no_args_is_help=True)


@app.command("list", epilog=epilog("audit list", "audit list --verb cases --who anna --json"))
def list_(
    *,
    verb: Annotated[str, typer.Option("--verb", help="Only verbs that begin so.")] = "",
    who: Annotated[str, typer.Option("--who", help="Only of this person.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Most events.")] = 50,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List the newest events of the trail, the newest first; looking at it is one, too."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        here.audit("audit list", "", {"verb": verb, "who": who})
        found = newest_audits(here.client, limit, verb, who)
    if as_json:
        content = [event.model_dump(mode="json") for event in found]
        typer.echo(as_json_bytes(content).decode())
        return
    table = Table("number", "at", "who", "verb", "about", "detail")
    for event in found:
        table.add_row(
            str(event.sequence), text_from_micros(event.at), event.who, event.verb, event.object,
            event.detail,
        )  # fmt: skip
    console().print(table, markup=False)


def _broken(here: Desk) -> tuple[str, Broken] | None:
    """Find the first link that does not hold: of the trail, of each case, of each action."""
    trail = ((event.sequence, event) for event in audit_events(here.client))
    found = first_broken(trail, known_head(here.home))
    if found is not None:
        return "audit trail", found
    for case in cases_of(case_events(here.client)):
        found = first_broken((event.step, event) for event in case.steps)
        if found is not None:
            return f"case {case.case_id}", found
    for action in actions_of(action_events(here.client)):
        found = first_broken((event.step, event) for event in action.steps)
        if found is not None:
            return f"action {action.action_id}", found
    return None


@app.command(epilog=epilog("audit verify", "audit verify --json"))
def verify(*, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Follow the trail, and the steps of cases and actions, link by link; name the first broken."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        found = _broken(here)
        number, newest = newest_audit(here.client)
    if as_json:
        broken = found and {"where": found[0], "number": found[1].number, "why": found[1].why}
        content = {"whole": found is None, "events": number + 1, "head": newest, "broken": broken}
        typer.echo(as_json_bytes(content).decode())
    elif found is None:
        typer.echo(f"the trail is whole: {number + 1} events; the newest is {newest or '-'}")
    else:
        typer.echo(f"{found[0]}: {found[1].why}", err=True)
    if found is not None:
        raise typer.Exit(Exit.PROBLEMS)
