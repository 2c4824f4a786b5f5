"""`tallywire checks`: run or preview comparisons of any two files or tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from assurance.checks.compare import CheckWrongError, Compared, Difference
from assurance.checks.models import Check
from cli.checks.sources import CheckMisuse, checks_of
from cli.checks.work import compared, store
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.following import running_store
from cli.printed import as_json_bytes, money
from dataflows.exits import Exit
from dataflows.stores import prepare_store, store_of

app = typer.Typer(
    help="Compare any two files or tables, as a check says; differences are alerts.",
    no_args_is_help=True,
)
_Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH...", help="Checks, or folders of them.")
]
_SHOWN = 20


@app.command("run", epilog=epilog("checks run checks/", "checks run recurring_fees.yaml --json"))
def _run(paths: _Paths, *, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Run checks and store what they find as alerts; what is gone since closes.

    Exit code 1 says that something was found.
    """
    settings = settings_of(home)
    with plain_errors(), _misuse(), store_of(settings):
        prepare_store(settings)
        found = []
        for file, check in list(checks_of(paths)):
            with running_store(settings) as client:
                made = compared(check, file.parent, client)
            store(settings, check, made)
            found.append((check, made))
    _print(found, as_json=as_json)
    if any(made.differences for _, made in found):
        raise typer.Exit(Exit.PROBLEMS)


@app.command("preview", epilog=epilog("checks preview recurring_fees.yaml"))
def _preview(paths: _Paths, *, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show what checks would find, and the first differences; nothing is stored."""
    settings = settings_of(home)
    with plain_errors(), _misuse():
        checks = list(checks_of(paths))
        asks = any(source.sql for _, check in checks for source in (check.left, check.right))
        if asks:
            with store_of(settings), running_store(settings) as client:
                found = [(one, compared(one, file.parent, client)) for file, one in checks]
        else:
            found = [(one, compared(one, file.parent, None)) for file, one in checks]
    _print(found, as_json=as_json)
    if not as_json:
        for check, made in found:
            _print_rows(check, made.differences[:_SHOWN])


@contextmanager
def _misuse() -> Iterator[None]:
    try:
        yield
    except (CheckMisuse, CheckWrongError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(Exit.USAGE) from error


def _print(found: Sequence[tuple[Check, Compared]], *, as_json: bool) -> None:
    if as_json:
        typer.echo(as_json_bytes([_plain(*one) for one in found]))
        return
    table = Table("check", "left", "right", "matched", "found", "explained", "money")
    for check, made in found:
        worth = sum(one.money for one in made.differences if one.money is not None)
        currency = check.money.currency if check.money else ""
        table.add_row(
            check.id, f"{made.left:,}", f"{made.right:,}", f"{made.matched:,}",
            f"{len(made.differences):,}", f"{sum(made.explained.values()):,}",
            f"{money(worth)} {currency}" if worth else "-",
        )  # fmt: skip
    console().print(table)
    for check, made in found:
        for problem in made.problems[:_SHOWN]:
            typer.echo(f"{check.id}: {problem}", err=True)


def _plain(check: Check, made: Compared) -> dict[str, Any]:
    return {
        "check": check.id, "left": made.left, "right": made.right, "matched": made.matched,
        "explained": made.explained, "problems": list(made.problems),
        "differences": [{**vars(one), "keys": dict(one.keys)} for one in made.differences],
    }  # fmt: skip


def _print_rows(check: Check, found: Sequence[Difference]) -> None:
    table = Table("row", "keys", "what", "money", title=check.title)
    for one in found:
        keys = ", ".join(f"{name} {value}" for name, value in one.keys.items())
        table.add_row(str(one.row), keys, one.told, money(one.money))
    console().print(table)
