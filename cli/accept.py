"""`tallywire suspense accept`: a restatement holds; what was charged first is corrected."""

import os
from typing import Annotated

import typer

from cli.common import HomeOption, JsonOption, epilog, plain_errors, settings_of
from cli.reading import reader
from cli.rerate.command import SAME, target_of, work
from cli.rerate.materialise import Correction, affected
from cli.rerate.selection import Selection
from cli.rerate.world import World, world_of
from cli.suspended import open_suspense
from dataflows.canaries.key import canary_key
from dataflows.exits import Exit
from dataflows.settings import Home
from dataflows.stores import store_of
from schemas.outcomes import SuspenseEvent
from schemas.reasons import Reason
from schemas.requests import CorrectionReason, RequestKind
from tallywire.mediation.lane import BatchContext
from tallywire.mediation.resolve import IdentifierIndex
from tallywire.mediation.restated import restated_usage
from tallywire.suspense import RAW_BYTES

EPILOG = epilog("suspense accept 1f6c... --dry-run", "suspense accept 1f6c...")


def _refuse(*, unless: bool, text: str) -> None:
    if not unless:
        typer.echo(text, err=True)
        raise typer.Exit(Exit.PROBLEMS)


def _correction(world: World, held: SuspenseEvent, target: str) -> Correction:
    """Make usage of the restatement's bytes."""
    snapshot = world.catalogs(target or world.store.current())[1]
    _refuse(
        unless=held.feed_id in snapshot.feeds,
        text=f"the catalogue has no feed {held.feed_id}: give one that has, by --catalog",
    )
    home = Home(world.settings.home)
    key = canary_key(home, os.environ) if snapshot.canaries else b""
    context = BatchContext(
        feed=snapshot.feeds[held.feed_id], snapshot=snapshot,
        index=IdentifierIndex(snapshot.identifiers), lane=held.lane,
        file_id=held.file_id, file_name=held.file_name, collected_at=held.collected_at,
        frames=None, canary_key=key,
    )  # fmt: skip
    usage, wrong = restated_usage(held, context)
    text = f"the restatement {held.suspense_id} cannot be used: {wrong}"
    _refuse(unless=not wrong, text=text)
    return Correction(
        Selection(event=str(held.event_id)), CorrectionReason.USAGE_CORRECTED, target,
        kind=RequestKind.RESTATEMENT, replaced=usage, suspended=held,
    )  # fmt: skip


def _check_charge(world: World, correction: Correction) -> None:
    """Refuse a restatement that does not correct a charge of the same accounts."""
    with reader(world.settings) as client:
        routing_ids = list(affected(client, correction))
    _refuse(
        unless=bool(routing_ids),
        text="its first content is not charged: recycle that one, or look for it in suspense",
    )
    account, routing_id = correction.replaced.row(0, named=True), routing_ids[0]
    _refuse(
        unless=account["routing_id"] == routing_id,
        text=f"its content belongs to {account['account_id']}, the charge to an account of "
        f"{routing_id}: they share no allowances; correct the accounts first",
    )


def command(
    suspense_id: Annotated[str, typer.Argument(help="Id of a suspended restatement.")],
    *,
    catalog: Annotated[
        str, typer.Option("--catalog", help="Catalogue to rate it by; without it the one in use.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; write nothing.")
    ] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Let a restatement hold: its content replaces what was charged first.

    The first charge is reversed, the new content is charged in its place, and what drew from the
    same allowances after it follows. The record leaves suspense.
    """
    settings = settings_of(home)
    if catalog == SAME:
        typer.echo("--catalog same: name a catalogue for the new content", err=True)
        raise typer.Exit(Exit.USAGE)
    with plain_errors(), store_of(settings):
        held = open_suspense(settings, suspense_id)
        text = f"{suspense_id} is no open restatement; see `tallywire suspense list`"
        _refuse(unless=held is not None and held.reason == Reason.RESTATEMENT, text=text)
        assert held is not None  # noqa: S101  refused above
        text = f"{suspense_id}: its bytes are not kept whole; collect its file again"
        _refuse(unless=bool(held.raw) and held.byte_length <= RAW_BYTES, text=text)
        world = world_of(settings)
        target = target_of(world.store, catalog, "")
        correction = _correction(world, held, target)
        _check_charge(world, correction)
        code = work(world, correction, dry_run=dry_run, as_json=as_json)
    raise typer.Exit(code)
