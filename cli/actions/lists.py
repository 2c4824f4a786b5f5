"""`tallywire actions credits`, `blocks`, `lift`: what came of actions, as others receive it."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from assurance.actions.blocks import Block, blocks
from cli.catalog_common import login
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes, money
from dataflows.desk import DeskMisuse, desk
from dataflows.wall_clock import now_us
from schemas.actions import BlockEvent
from schemas.instants import text_from_micros
from warehouse.actions import block_events, credits_of, next_number


def credits_(*, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List credits in the order in which they are published."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        here.audit("actions credits", "", {})
        found = credits_of(here.client)
    if as_json:
        typer.echo(as_json_bytes([one.model_dump(mode="json") for one in found]).decode())
        return
    table = Table("number", "credit", "account", "amount", "reason", "case", "approved by")
    for one in found:
        table.add_row(
            str(one.number), one.credit_id, one.account_id,
            f"{money(one.amount)} {one.currency}", one.reason, one.case_id, one.approved_by,
        )  # fmt: skip
    console().print(table)


def _row(one: Block, now: int) -> dict[str, Any]:
    begun = one.begun
    return {
        "block_id": begun.block_id, "state": one.state(now), "target": begun.target,
        "value": begun.value, "until": text_from_micros(begun.until), "owner": begun.owner,
        "why": begun.why, "case_id": begun.case_id,
    }  # fmt: skip


def blocks_(
    *,
    every: Annotated[bool, typer.Option("--all", help="Lifted and expired ones, too.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List what is blocked, until when, by whom and why."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        at = here.audit("actions blocks", "", {"all": every})
        held = blocks(block_events(here.client))
    found = [_row(one, at) for one in held if every or one.active(at)]
    if as_json:
        typer.echo(as_json_bytes(found).decode())
        return
    _print(found)


def _print(found: Sequence[dict[str, Any]]) -> None:
    names = ("block_id", "state", "target", "value", "until", "owner", "why")
    table = Table(*names)
    for row in found:
        table.add_row(*(row[name] for name in names))
    console().print(table)


def lift(
    block: Annotated[str, typer.Argument(help="Id of a block.", metavar="BLOCK")],
    *,
    why: Annotated[str, typer.Option("--why", help="Why it ends before its time.")],
    home: HomeOption = None,
) -> None:
    """End a block before its time; whoever receives the list is told."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        found = blocks(block_events(here.client, block))
        if not found or not found[0].active(now_us()):
            msg = f"{block} is no block that holds: see `tallywire actions blocks`"
            raise DeskMisuse(msg)
        begun = found[0].begun
        at = here.audit("actions lift", block, {"why": why})
        event = BlockEvent(
            block_id=begun.block_id, tenant_id=begun.tenant_id, at=at, who=here.who,
            number=next_number(here.client, "block_events"), action="lifted",
            target=begun.target, value=begun.value, until=begun.until, owner=begun.owner,
            why=why, case_id=begun.case_id,
        )  # fmt: skip
        here.keep("block_events", [event], at, f"block-{block}-lifted")
    typer.echo(f"lifted: {block}")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("credits", epilog=epilog("actions credits", "actions credits --json"))(credits_)
    app.command("blocks", epilog=epilog("actions blocks --all"))(blocks_)
    app.command("lift", epilog=epilog('actions lift a51c8a2f09b3d77e --why "a school"'))(lift)
