"""`tallywire catalog lint` and `compile`: what is wrong, what is odd, and putting into use."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli.catalog_common import (
    Folder,
    archive_of,
    count_words,
    epilog,
    found,
    judged_folder,
    listed,
    login,
    print_json,
    stop,
)
from cli.catalog_lint import Asked, ordinary_warnings, usage_hits, warnings_of
from cli.common import HomeOption, JsonOption, plain_errors, settings_of
from dataflows.activation import put_into_use
from dataflows.catalogs import judged
from dataflows.exits import Exit
from dataflows.wall_clock import now_us
from schemas.instants import text_from_micros
from tallywire.catalog import Problem, Snapshot, history
from tallywire.rating.one_by_one import sequential

Strict = Annotated[bool, typer.Option("--strict", help="Let warnings refuse, too.")]

LINT = epilog(
    "lint fjordline", "lint fjordline --json", "lint fjordline --strict",
    "lint fjordline --previous 21b4e266 --usage usage.jsonl",
    "lint fjordline --cost voice_mobile=termination",
)  # fmt: skip
COMPILE = epilog("compile fjordline", "compile fjordline --home /srv/tw")


def _warn(folder: Path, warnings: Sequence[Problem], *, strict: bool, as_json: bool) -> None:
    """Tell warnings; where they refuse, exit with 1."""
    refused = strict and bool(warnings)
    if as_json and refused:
        print_json({"ok": False, "hash": None, "problems": [], "warnings": listed(warnings)})
    for warning in () if as_json else warnings:
        typer.echo(f"{folder}/{warning.told('warning')}")
    if refused:
        typer.echo(f"{count_words(warnings, 'warning')}, refused by --strict", err=True)
        raise typer.Exit(Exit.PROBLEMS)


def _asked(
    snapshot: Snapshot, previous: str, usage: Path | None, costs: Sequence[str], home: Path | None
) -> Asked:
    """Read what lint is to compare with; name what is not there."""
    pairs = []
    for text in costs:
        retail, _, cost = text.partition("=")
        for name in (retail, cost):
            if name not in snapshot.tariffs:
                names = ", ".join(sorted(snapshot.tariffs)) or "none"
                message = f"--cost {text}: there is no tariff {name!r}; tariffs here: {names}"
                raise stop(Exit.USAGE, message)
        pairs.append((retail, cost))
    before = found(previous, home) if previous else None
    if usage is None:
        return Asked(before, None, tuple(pairs))
    if not usage.is_file():
        message = f"{usage}: no such file; name a file of usage events as JSON lines"
        raise stop(Exit.USAGE, message)
    hits = usage_hits(before or snapshot, usage)
    typer.echo(f"usage: {hits.rated} events have a price, {hits.others} lines none", err=True)
    return Asked(before, hits.by_prefix, tuple(pairs))


def lint(
    folder: Folder,
    *,
    strict: Strict = False,
    previous: Annotated[
        str, typer.Option(help="Compare prices with this catalogue: a folder or an archived hash.")
    ] = "",
    usage: Annotated[
        Path | None, typer.Option(help="Usage events as JSON lines: who meets a deleted prefix.")
    ] = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(metavar="RETAIL=COST", help="Name prices of one tariff below another's."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a catalogue folder: name every problem and warning with file, line and key.

    Problems refuse the catalogue: what is wrong, and price assertions that do not hold. Warnings
    are told and refuse nothing, but with --strict.
    """
    with plain_errors():
        _, reading, snapshot = judged_folder(folder, judged, as_json=as_json)
        asked = _asked(snapshot, previous, usage, cost or (), home)
        warnings = warnings_of(reading, snapshot, asked)
        notes = sequential(snapshot)
    _warn(folder, warnings, strict=strict, as_json=as_json)
    if as_json:
        told = {"problems": [], "warnings": listed(warnings), "notes": notes}
        print_json({"ok": True, "hash": snapshot.hash, **told})
        return
    more = f", {count_words(warnings, 'warning')}" if warnings else ""
    typer.echo(f"no problems{more}; catalogue {snapshot.hash}")
    for note in notes:
        typer.echo(f"note: {note}")


def compile_(
    folder: Folder,
    *,
    home: HomeOption = None,
    use: Annotated[bool, typer.Option(help="Put it into use.")] = True,
    strict: Strict = False,
    as_json: JsonOption = False,
) -> None:
    """Compile a catalogue folder, keep it in the archive and put it into use.

    Where approval is required (TALLYWIRE_CATALOG_APPROVAL) only an approved catalogue is used.
    """
    settings = settings_of(home)
    with plain_errors():
        store = archive_of(home)
        files, reading, snapshot = judged_folder(folder, store.judge, as_json=as_json)
        warnings = ordinary_warnings(reading)
        _warn(folder, warnings, strict=strict, as_json=as_json)
        store.archive(files, snapshot)
        if use:
            required = settings.catalog_approval == "required"
            put_into_use(
                store, snapshot.hash, by=login(), now_us=now_us(), approval_required=required
            )
        to_come = history.scheduled(store.steps(), now_us())
    if as_json:
        told = {"problems": [], "warnings": listed(warnings)}
        print_json({"ok": True, "hash": snapshot.hash, "in_use": use, **told})
        return
    state = "now in use" if use else "archived, not in use"
    typer.echo(f"catalogue {snapshot.hash} compiled, {state}")
    for one in to_come:
        when = text_from_micros(one.effective_us)
        typer.echo(f"catalogue {one.catalog_hash[:12]} comes into use at {when}", err=True)
