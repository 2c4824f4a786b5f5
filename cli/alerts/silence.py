"""`tallywire alerts suppress`, `suppressions`, `unsuppress`: not told for a time, by an owner."""

from typing import Annotated, Any

import typer
import xxhash
from rich.table import Table

from assurance.suppression import Suppression, begun, suppressions
from cli.catalog_common import login
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes
from cli.times import instant
from dataflows.desk import DeskMisuse, desk
from dataflows.wall_clock import now_us
from schemas.decisions import SuppressionEvent
from schemas.instants import text_from_micros
from warehouse.decisions import suppression_events

_SUPPRESS = epilog(
    'alerts suppress --control C6 --entity pbx-oslo --until 2026-12-24 --owner anna --why "test"'
)


def suppress(
    *,
    until: Annotated[str, typer.Option("--until", help="When it ends: a date, or an instant.")],
    owner: Annotated[str, typer.Option("--owner", help="Who answers for it.")],
    why: Annotated[str, typer.Option("--why", help="Why it is right.")],
    control: Annotated[str, typer.Option("--control", help="Findings of this control.")] = "",
    entity: Annotated[str, typer.Option("--entity", help="Findings about this entity.")] = "",
    home: HomeOption = None,
) -> None:
    """Neither send nor rank findings of a control, about an entity, or both, until a date.

    They are still found, stored and marked.
    """
    ends = instant(until, "--until")
    asked = {"control": control, "entity": entity, "until": until, "owner": owner, "why": why}
    who = login()
    at = now_us()
    name = "s" + xxhash.xxh3_64_hexdigest(f"{control}\x1f{entity}\x1f{owner}\x1f{at}".encode())
    event = SuppressionEvent(
        suppression_id=name, at=at, who=who, action="begun", control_id=control, entity_id=entity,
        until=ends, owner=owner, why=why,
    )  # fmt: skip
    with plain_errors():
        begun(event)
        with desk(settings_of(home), who) as here:
            moment = here.audit("alerts suppress", name, asked)
            here.keep("alert_suppressions", [event], moment, f"{name}-begun")
    typer.echo(f"suppressed until {text_from_micros(ends)}: {name}")


def _row(one: Suppression, at: int) -> dict[str, Any]:
    ended = "ended" if one.ended_at is not None else "expired"
    return {
        "suppression_id": one.suppression_id,
        "state": "active" if one.active(at) else ended,
        "control_id": one.control_id,
        "entity_id": one.entity_id,
        "until": text_from_micros(one.until),
        "owner": one.owner,
        "why": one.why,
        "begun_by": one.who,
        "begun_at": text_from_micros(one.at),
    }


def suppressions_(
    *,
    every: Annotated[bool, typer.Option("--all", help="Ended and expired ones, too.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List what is suppressed, until when, by whom and why."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        at = here.audit("alerts suppressions", "", {"all": every})
        held = suppressions(suppression_events(here.client))
    found = [_row(one, at) for one in held if every or one.active(at)]
    if as_json:
        typer.echo(as_json_bytes(found).decode())
        return
    names = ("suppression_id", "state", "control_id", "entity_id", "until", "owner", "why")
    table = Table(*names)
    for row in found:
        table.add_row(*(row[name] for name in names))
    console().print(table)


def unsuppress(
    suppression: Annotated[str, typer.Argument(help="Id of a suppression.", metavar="ID")],
    *,
    why: Annotated[str, typer.Option("--why", help="Why it ends before its time.")] = "",
    home: HomeOption = None,
) -> None:
    """End a suppression before its time; findings are told again from now on."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        held = {one.suppression_id: one for one in suppressions(suppression_events(here.client))}
        found = held.get(suppression)
        if found is None or not found.active(now_us()):
            msg = f"{suppression} is no suppression that holds: see `tallywire alerts suppressions`"
            raise DeskMisuse(msg)
        at = here.audit("alerts unsuppress", suppression, {"why": why})
        event = SuppressionEvent(
            suppression_id=suppression, at=at, who=here.who, action="ended", why=why
        )
        here.keep("alert_suppressions", [event], at, f"{suppression}-ended")
    typer.echo(f"ended: {suppression}")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("suppress", epilog=_SUPPRESS)(suppress)
    app.command("suppressions", epilog=epilog("alerts suppressions --all"))(suppressions_)
    app.command("unsuppress", epilog=epilog("alerts unsuppress s51c8a2f09b3d77e0"))(unsuppress)
