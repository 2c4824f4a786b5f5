"""`tallywire close`: the certificate of a month: what it came to, and what is still open."""

import datetime
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
import typer
from rich.table import Table

from assurance.certificate import certificate, differences
from assurance.registry import reconciliations, stream_controls
from cli.catalog_common import login
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.period import month_of
from cli.printed import as_json_bytes, money
from dashboards.queries import rows
from dataflows.catalogs import CatalogStore
from dataflows.desk import desk
from dataflows.exits import Exit
from dataflows.files import write_atomic
from dataflows.settings import Home, Settings
from dataflows.stores import store_of
from tallywire.catalog import Snapshot
from warehouse.client import Client

EPILOG = epilog(
    "close 2026-10", "close 2026-10 --out october.json", "close 2026-10 --verify october.json"
)
_SECOND = 1_000_000


def command(
    period: Annotated[str, typer.Argument(help="Billing month, for example 2026-10.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="File that the certificate is written to.")
    ] = None,
    verify: Annotated[
        Path | None, typer.Option("--verify", help="Hold one of before against the store.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Make the certificate of a month, or verify one.

    It says whether records add up, what usage of the month came to, what of it is on no bill, what
    rounding gave or took, what is open (suspense, sessions, findings), and which controls ran. It
    has a hash over all of it and no clock: the same store gives the same certificate. What is open
    is that of now, so it differs later where something was cured. Making and verifying one stands
    in the audit trail. Exit code 1: there are problems, or it differs.
    """
    month_of(period)
    settings = settings_of(home)
    with plain_errors(), store_of(settings):
        snapshot = _snapshot(settings)
        with desk(settings, login()) as here:
            made = _made(here.client, snapshot, period)
            told = {"sha256": made["sha256"], "verify": str(verify or "")}
            here.audit("close", period, told)
        if verify is not None:
            _verify(verify, made)
            return
        if out is not None:
            write_atomic(out, orjson.dumps(made, option=orjson.OPT_INDENT_2), durable=True)
    if as_json:
        typer.echo(as_json_bytes(made))
    else:
        _print(made)
    if made["problems"]:
        raise typer.Exit(Exit.PROBLEMS)


def _snapshot(settings: Settings) -> Snapshot:
    catalogs = CatalogStore(Home(settings.home).catalogs)
    return catalogs.load(catalogs.current())


def _made(client: Client, snapshot: Snapshot, period: str) -> dict[str, Any]:
    first, last = _bounds(period, snapshot.time_zone)
    bounds = {"first": first, "last": last}
    parts = {
        "conservation": rows(client, "close_fates", bounds),
        "revenue": rows(client, "close_revenue", bounds),
        "exposure": rows(client, "close_exposure"),
        "controls": rows(client, "close_controls", bounds),
    }
    plain = {name: [_plain(row) for row in found] for name, found in parts.items()}
    names = sorted(one.__name__ for one in (*stream_controls(), *reconciliations()))
    return certificate(period, snapshot.time_zone, snapshot.hash, plain, names)


def _bounds(period: str, zone: str) -> tuple[int, int]:
    """Give the first instant of a month in a zone, and that of the next."""
    year, month = (int(part) for part in period.split("-"))
    begins = [
        datetime.datetime(year + number // 12, number % 12 + 1, 1, tzinfo=ZoneInfo(zone))
        for number in (month - 1, month)
    ]
    return int(begins[0].timestamp()) * _SECOND, int(begins[1].timestamp()) * _SECOND


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: f"{value.normalize():f}" if isinstance(value, Decimal) else value
        for name, value in row.items()
    }


def _verify(path: Path, made: Mapping[str, Any]) -> None:
    try:
        before = orjson.loads(path.read_bytes())
        found = differences(before, made)
    except (OSError, orjson.JSONDecodeError, AttributeError) as error:
        typer.echo(f"{path} is no certificate: {error}", err=True)
        raise typer.Exit(Exit.USAGE) from error
    for text in found:
        typer.echo(text)
    if found:
        raise typer.Exit(Exit.PROBLEMS)
    typer.echo(f"{path} holds: the store gives the same certificate")


def _print(made: Mapping[str, Any]) -> None:
    screen = console()
    revenue = Table("leg", "service", "events", "amount", "on no bill", "rounding", title="Usage")
    for row in made["revenue"]:
        currency, events = row["currency"], f"{row['events']:,}"
        amounts = (f"{money(Decimal(row[name]))} {currency}" for name in ("amount", "unbilled"))
        revenue.add_row(row["run"], row["service"], events, *amounts, row["rounding"])
    screen.print(revenue)
    exposure = Table("open", "number", "worth", title="Exposure, now")
    for row in made["exposure"]:
        worth = f"{money(Decimal(row['worth']))} {row['currency']}" if row["currency"] else "-"
        exposure.add_row(row["what"], f"{row['number']:,}", worth)
    screen.print(exposure)
    collected = sum(int(row["collected_records"]) for row in made["conservation"])
    lacking = sum(abs(int(row["lacking"])) for row in made["conservation"])
    typer.echo(f"records collected in the month: {collected:,}, without a fate: {lacking:,}")
    typer.echo(f"controls that ran: {len(made['controls'])}")
    for problem in made["problems"]:
        typer.echo(f"problem: {problem}")
    typer.echo(f"sha256 {made['sha256']}")
