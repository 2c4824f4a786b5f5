"""`tallywire rerate`: rate again what was priced wrongly, and everything that depends on it."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.moments import identifier_of
from cli.printed import as_json_bytes, money
from cli.rerate.late import late_corrected
from cli.rerate.materialise import Correction, affected, identity, materialised
from cli.rerate.preview import preview, shown
from cli.rerate.selection import Selection
from cli.rerate.work import told, worked
from cli.rerate.world import World, world_of
from cli.times import instant
from dataflows.catalogs import CatalogRefused, CatalogStore, read_folder
from dataflows.exits import Exit
from dataflows.requests import Asked
from dataflows.stores import store_of
from schemas.catalog_history import Step
from schemas.requests import CorrectionReason
from tallywire.catalog.snapshot import FOREVER_US

EPILOG = epilog(
    "rerate --account hansen --since 2026-11-01 --reason price_corrected --dry-run",
    "rerate --tariff voice_mobile --zone nordics --catalog my-catalog --reason price_corrected",
    "rerate --event 018f3c1e-0000-0000-0000-000000000000 --reason rating_corrected",
    "rerate --reason late_usage --dry-run",
)
SAME = "same"
_SHOWN = 20


def target_of(store: CatalogStore, given: str, default: str) -> str:
    """Find the catalogue that is meant: a hash, a folder, the one in use, or each event's own.

    Raises:
        CatalogRefused: If a folder has problems.
        CatalogError: If it cannot be read, or is not archived.
    """
    given = given or default
    if given == SAME:
        return ""
    if not given:
        return store.current()
    if Path(given).is_dir():
        files = read_folder(Path(given))
        reading = store.judge(files)
        if reading.snapshot is None:
            raise CatalogRefused(list(reading.problems))
        store.archive(files, reading.snapshot)
        return reading.snapshot.hash
    store.files(given)
    return given


def approved(world: World, target: str) -> bool:
    """Tell whether charges may be made under a catalogue: where two persons decide, they must."""
    if world.settings.catalog_approval != "required" or not target:
        return True
    may = {Step.APPROVE, Step.ACTIVATE, Step.ROLLBACK, Step.USE}
    return any(one.catalog_hash == target and one.step in may for one in world.store.steps())


def corrections(
    world: World, correction: Correction, request_id: uuid.UUID, only: Sequence[str] | None = None
) -> list[Asked]:
    """Read what a correction touches."""
    current = world.catalogs(world.store.current())[1]
    with world.way.store(world.settings) as client:
        touched = affected(client, correction)
        if only is not None:
            touched = {key: first for key, first in touched.items() if key in set(only)}
        return list(
            materialised(
                client, world.settings, correction, request_id, world.catalogs, current, touched
            )
        )


def command(
    *,
    reason: Annotated[CorrectionReason, typer.Option("--reason", help="Why: a published reason.")],
    account: Annotated[str, typer.Option("--account", help="Only charges of this account.")] = "",
    event: Annotated[str, typer.Option("--event", help="Only this event (or charge).")] = "",
    tariff: Annotated[str, typer.Option("--tariff", help="Only charges by this tariff.")] = "",
    zone: Annotated[str, typer.Option("--zone", help="Only charges in this zone.")] = "",
    since: Annotated[str, typer.Option("--since", help="Usage from then on.")] = "",
    until: Annotated[str, typer.Option("--until", help="Usage before then.")] = "",
    catalog: Annotated[
        str,
        typer.Option(
            "--catalog",
            help="Catalogue to rate by: a hash, a folder, or `same` for each event's own; without "
            "it the one in use (for late_usage: same).",
        ),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; write nothing.")
    ] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Rate charges again and correct those that come out differently.

    What is wrong is reversed and replaced; everything after it that drew from the same allowances
    follows, in order. The difference in money is shown first. The work is done by the lanes
    themselves, in their order, exactly once, also while a run follows its inputs. `--reason
    late_usage` alone finds by itself what came late, of tariffs with `order: event_time`.
    """
    settings = settings_of(home)
    by_itself = reason is CorrectionReason.LATE_USAGE and not catalog
    chosen = any((account, event, tariff, since, until))
    if not chosen and not by_itself:
        typer.echo("say what: --account, --event, --tariff, --since or --until", err=True)
        raise typer.Exit(Exit.USAGE)
    if zone and not tariff:
        typer.echo("--zone needs the --tariff whose zone it is", err=True)
        raise typer.Exit(Exit.USAGE)
    selection = Selection(
        account=account, event=identifier_of(event), tariff=tariff, zone=zone,
        since=instant(since, "--since") if since else 0,
        until=instant(until, "--until") if until else FOREVER_US,
    )  # fmt: skip
    default = SAME if reason is CorrectionReason.LATE_USAGE else ""
    with plain_errors(), store_of(settings):
        world = world_of(settings)
        if chosen:
            target = target_of(world.store, catalog, default)
            correction = Correction(selection, reason, target)
            code = work(world, correction, dry_run=dry_run, as_json=as_json)
        else:
            code = late(world, dry_run=dry_run, as_json=as_json)
    raise typer.Exit(code)


def work(world: World, correction: Correction, *, dry_run: bool, as_json: bool) -> int:
    """Show what changes, then do it; give the exit code."""
    request_id = identity(correction, world.settings)
    asked = corrections(world, correction, request_id)
    content = preview(world, asked)
    content = {"request_id": str(request_id), "dry_run": dry_run, **content}
    found: Sequence[Mapping[str, Any]] = ()
    if not as_json:
        show(content)
    if not dry_run and not approved(world, correction.target):
        typer.echo(
            f"catalogue {correction.target} is not approved: approve it first, or use --dry-run",
            err=True,
        )
        return int(Exit.USAGE)
    if not dry_run and content["rows"]:

        def read_again(only: Sequence[str] | None) -> list[Asked]:
            return asked if only is None else corrections(world, correction, request_id, only)

        found = worked(world.settings, request_id, read_again)
    return _end(content, found, as_json=as_json)


def late(world: World, *, dry_run: bool, as_json: bool) -> int:
    """Find late usage, correct it and show what that changed; give the exit code."""
    made = late_corrected(world, dry_run=dry_run)
    if not as_json:
        show(made.content)
    return _end(made.content, made.outcome, as_json=as_json)


def _end(content: dict[str, Any], found: Sequence[Mapping[str, Any]], *, as_json: bool) -> int:
    """Say what was written and what was not."""
    if found:
        content["written"] = sum(row["rows"] for row in found)
    if as_json:
        typer.echo(as_json_bytes(content).decode())
    elif found:
        typer.echo(f"request {content['request_id']}: {content['written']:,} rows written")
    return told(found)


def show(content: dict[str, Any]) -> None:
    """Print a preview."""
    if content["differences"]:
        console().print(shown(content["differences"]))
    for currency, amount in content["totals"].items():
        typer.echo(f"in all {'+' if amount > 0 else ''}{money(amount)} {currency}")
    for one in content["refused"][:_SHOWN]:
        leg = f"the leg {one['run']} of " if one["run"] else ""
        typer.echo(
            f"{leg}event {one['event_id']} stays as charged: {one['reason']}: {one['detail']}",
            err=True,
        )
    if len(content["refused"]) > _SHOWN:
        typer.echo(f"... and {len(content['refused']) - _SHOWN} more that stay", err=True)
    verb = "would be written" if content["dry_run"] else "to write"
    typer.echo(f"{content['rows']:,} rows {verb}" if content["rows"] else "nothing to correct")
