"""`tallywire catalog`: check, compile, show and compare catalogues."""

import dataclasses
from typing import Annotated

import typer

from cli import catalog_activation as activation
from cli import catalog_backtest, catalog_check, catalog_import
from cli.catalog_common import (
    Folder,
    Which,
    epilog,
    found,
    print_json,
    print_table,
    stop,
)
from cli.catalog_money import money_values, print_money, print_samples, sample_values
from cli.catalog_view import overview, tariff_rows
from cli.common import HomeOption, JsonOption, plain_errors, settings_of
from cli.printed import as_json_bytes
from cli.usage_source import SinceOption, StoreOption, UntilOption, UsageOption, source_of
from dataflows.catalogs import example_folder, read_folder, write_folder
from dataflows.exits import Exit
from tallywire.catalog import Change, Snapshot, diff
from tallywire.rating.backtest import Backtest

app = typer.Typer(
    help="Check, compile, activate, show, compare and backtest catalogues.",
    no_args_is_help=True,
)
app.command("lint", epilog=catalog_check.LINT)(catalog_check.lint)
app.command("compile", epilog=catalog_check.COMPILE)(catalog_check.compile_)
app.command("propose", epilog=activation.PROPOSE)(activation.propose)
app.command("approve", epilog=activation.APPROVE)(activation.approve)
app.command("activate", epilog=activation.ACTIVATE)(activation.activate)
app.command("rollback", epilog=activation.ROLLBACK)(activation.rollback)
app.command("history", epilog=activation.HISTORY)(activation.history_)
app.add_typer(catalog_import.app, name="import")
app.command("backtest", epilog=catalog_backtest.EPILOG)(catalog_backtest.command)


@app.command(
    epilog=epilog(
        "show",
        "show fjordline",
        "show fjordline --tariff voice_mobile",
        "show 21b4e266",
        "show --as-of 2026-11-03T12:00:00Z",
    )
)
def show(
    which: Which = "",
    *,
    tariff: Annotated[str, typer.Option(help="Show the prices of this tariff.")] = "",
    as_of: Annotated[
        str, typer.Option("--as-of", help="The one in use then: an instant, or a date (UTC).")
    ] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a catalogue: the one in use, a folder, or an archived one; or one tariff's prices."""
    if which and as_of:
        raise stop(Exit.USAGE, "name a catalogue, or --as-of an instant, not both")
    with plain_errors():
        snapshot = found(activation.in_use_at(home, as_of) if as_of else which, home)
    if tariff and tariff not in snapshot.tariffs:
        names = ", ".join(sorted(snapshot.tariffs)) or "none"
        raise stop(Exit.USAGE, f"there is no tariff {tariff!r}; tariffs here: {names}")
    columns: tuple[str, ...]
    if tariff:
        columns, rows = (
            ("zone", "price", "valid", "prefixes"),
            tariff_rows(snapshot.tariffs[tariff]),
        )
    else:
        columns, rows = ("kind", "id", "what"), overview(snapshot)
    if as_json:
        named = [dict(zip(columns, row, strict=True)) for row in rows]
        print_json({"hash": snapshot.hash, "rows": named})
    else:
        print_table(columns, rows)


@app.command(
    "diff",
    epilog=epilog(
        "diff before after", "diff 21b4e266 fjordline --json",
        "diff before after --store --since 2026-10-01", "diff before after --usage usage.jsonl",
    ),
)  # fmt: skip
def diff_(
    old: Which,
    new: Which,
    *,
    usage: UsageOption = None,
    store: StoreOption = False,
    since: SinceOption = "",
    until: UntilOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what changed from one catalogue to another, in words and in money.

    Without usage, what a changed price means for everyday usage; with usage, what it means over
    that usage, and for whom.
    """
    settings = settings_of(home)
    with plain_errors():
        before, after = found(old, home), found(new, home)
        changes = diff(before, after)
        made, code = None, Exit.DONE
        if usage or store or since or until:
            source = source_of(settings, usage, store=store, since=since, until=until)
            made = catalog_backtest.replayed(before, after, source)
            code = Exit.INCOMPLETE if source.unreadable else Exit.DONE
        _print_diff(before, after, changes, made, as_json=as_json)
    raise typer.Exit(code)


def _print_diff(
    before: Snapshot,
    after: Snapshot,
    changes: list[Change],
    made: Backtest | None,
    *,
    as_json: bool,
) -> None:
    if as_json:
        listed = [dataclasses.asdict(change) for change in changes]
        extra = {"money": money_values(made)} if made else {"samples": sample_values(before, after)}
        typer.echo(as_json_bytes({"changes": listed, **extra}).decode())
        return
    if not changes:
        typer.echo("no differences")
    else:
        print_table(
            ("kind", "id", "what", "difference"), [dataclasses.astuple(one) for one in changes]
        )
    if made:
        print_money(made)
    else:
        print_samples(before, after)


@app.command(epilog=epilog("init fjordline"))
def init(folder: Folder) -> None:
    """Write the example catalogue, a small operator, into a new folder to start from."""
    with plain_errors():
        write_folder(read_folder(example_folder()), folder)
    typer.echo(f"wrote the example catalogue to {folder}; next: tallywire catalog lint {folder}")
