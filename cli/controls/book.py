"""`tallywire controls book`: the price book of record against the catalogue in use."""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from assurance.price_book.compare import Prices, Stretch, compare, stretches
from assurance.price_book.entries import BookEntry, Sheet, midnights, read_book
from assurance.price_book.findings import CONTROLS, Charged, money_of, told
from cli.common import HomeOption, JsonOption, console, plain_errors, settings_of
from cli.controls.outside import Work, work
from cli.printed import as_json_bytes, money
from dashboards.queries import rows
from dataflows.exits import Exit
from dataflows.stores import store_of
from dataflows.wall_clock import now_us
from schemas.alerts import Alert
from tallywire.catalog import Snapshot
from warehouse.client import Client

_DAYS = 31
_DAY_US = 86_400_000_000


def hold(
    book: Annotated[Path, typer.Argument(help="CSV of the prices that were signed.")],
    *,
    first: Annotated[
        str, typer.Option("--from", help="First day, such as 2026-10-01; by default 31 days ago.")
    ] = "",
    last: Annotated[str, typer.Option("--to", help="Last day; by default today.")] = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Hold the catalogue in use against the price book of record, line by line and day by day.

    Calls that never were are charged by both; each difference is an alert with its cause, and with
    the money that calls of the store were charged wrongly; what is gone since closes. Exit code 1
    says that there are some.
    """
    settings = settings_of(home)
    with plain_errors(), store_of(settings), work(settings) as at_work:
        alerts = held(at_work, book, _days(first, last))
    _print(alerts, as_json=as_json)
    if alerts:
        raise typer.Exit(Exit.PROBLEMS)


def held(at_work: Work, book: Path, period: tuple[date, date]) -> list[Alert]:
    """Hold the catalogue in use against a book, store what differs, and give it."""
    snapshot = at_work.snapshot
    entries = _entries(book, snapshot)
    days = list(midnights(*period, snapshot.time_zone))
    found = stretches(compare(entries, Prices(snapshot), days))
    alerts = _alerts(at_work, entries, found)
    tariffs = {one.tariff for one in entries}
    at_work.settle(
        CONTROLS.values(), alerts, (days[0], days[-1]), len(entries),
        about=lambda price: price.rpartition("/")[0] in tariffs,
    )  # fmt: skip
    return alerts


def _entries(book: Path, snapshot: Snapshot) -> list[BookEntry]:
    entries, problems = read_book(book.read_text(encoding="utf-8-sig"), snapshot.time_zone)
    unknown = sorted({one.tariff for one in entries} - set(snapshot.tariffs))
    problems += [f"the catalogue in use has no tariff {name}" for name in unknown]
    for problem in problems:
        typer.echo(f"{book.name}, {problem}", err=True)
    if problems:
        raise typer.Exit(Exit.USAGE)
    return entries


def _days(first: str, last: str) -> tuple[date, date]:
    try:
        end = date.fromisoformat(last) if last else date.fromordinal(_today())
        begin = date.fromisoformat(first) if first else end - timedelta(days=_DAYS)
    except ValueError as error:
        typer.echo(f"--from and --to are days such as 2026-10-01: {error}", err=True)
        raise typer.Exit(Exit.USAGE) from error
    if begin > end:
        typer.echo(f"--from {begin} lies behind --to {end}", err=True)
        raise typer.Exit(Exit.USAGE)
    return begin, end


def _today() -> int:
    return date(1970, 1, 1).toordinal() + now_us() // _DAY_US


def _alerts(at_work: Work, entries: Sequence[BookEntry], found: Sequence[Stretch]) -> list[Alert]:
    """Find the money of each difference, and tell it."""
    alerts, snapshot = [], at_work.snapshot
    for one in found:
        tariff = one.example.entry.tariff
        sheet = Sheet([entry for entry in entries if entry.tariff == tariff])
        made = money_of(one, sheet, _calls(at_work.client, one))
        currency = snapshot.tariffs[tariff].currency
        alerts.append(told(one, made, snapshot.tenant_id, currency, at_work.at))
    return alerts


def _calls(client: Client, one: Stretch) -> list[Charged]:
    prefix = one.entries[0].prefix if len(one.entries) == 1 else ""
    until = max(entry.valid_to_us for entry in one.entries)
    asked = {
        "tariff": one.example.entry.tariff, "prefix": prefix, "first": one.first_us,
        "last": min(one.last_us + _DAY_US, until - 1),
    }  # fmt: skip
    return [
        Charged(row["number"], row["at_us"], row["duration_us"], Fraction(row["amount"]),
                row["sign"], row["place"])
        for row in rows(client, "calls_of_price", asked)
    ]  # fmt: skip


def _print(alerts: Sequence[Alert], *, as_json: bool) -> None:
    ranked = sorted(alerts, key=lambda one: (-(one.money_at_risk or 0), one.entity_id))
    if as_json:
        typer.echo(as_json_bytes([one.model_dump(mode="json") for one in ranked]))
        return
    if not ranked:
        typer.echo("the catalogue charges as the book says")
        return
    table = Table("price", "cause", "calls", "direction", "money", "what")
    for one in ranked:
        table.add_row(
            one.entity_id, one.pattern.removeprefix("price_book_"), str(one.observed),
            one.direction, f"{money(one.money_at_risk)} {one.currency}", one.explanation,
        )  # fmt: skip
    console().print(table)
