"""`tallywire checks`: run or preview comparisons of any two files or tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from assurance.checks.compare import CheckWrongError, Compared, Difference, compare
from assurance.checks.findings import alerts_of
from assurance.checks.models import Check
from cli.checks.sources import CheckMisuse, checks_of, rows_of
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes, money
from dashboards.queries import rows
from dataflows.catalogs import CatalogStore, tenant_of
from dataflows.controls.put import put_alerts
from dataflows.exits import Exit
from dataflows.settings import Home, Settings
from dataflows.stores import prepare_store, store_of
from dataflows.wall_clock import now_us
from warehouse.client import Client, opened

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
            with _reader(settings) as client:
                made = _compared(check, file.parent, client)
            _store(settings, check, made)
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
            with store_of(settings), _reader(settings) as client:
                found = [(one, _compared(one, file.parent, client)) for file, one in checks]
        else:
            found = [(one, _compared(one, file.parent, None)) for file, one in checks]
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


@contextmanager
def _reader(settings: Settings) -> Iterator[Client]:
    with opened(
        settings.store_url, Home(settings.home).store, database=settings.database, role="reader"
    ) as client:
        yield client


def _compared(check: Check, folder: Path, client: Client | None) -> Compared:
    left, right = (rows_of(one, folder, client) for one in (check.left, check.right))
    return compare(check, left, right)


def _store(settings: Settings, check: Check, made: Compared) -> None:
    """Store alerts; those that would close what is not open say nothing to anybody."""
    tenant, at = tenant_of(CatalogStore(Home(settings.home).catalogs)), now_us()
    where = (settings.store_url, Home(settings.home).store)
    with opened(*where, database=settings.database) as client:
        there = {row["alert_id"] for row in rows(client, "alerts_of_check")}
        alerts = [
            one for one in alerts_of(check, made, tenant, at)
            if one.state == "open" or one.alert_id in there
        ]  # fmt: skip
        put_alerts(client, alerts, at)


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
