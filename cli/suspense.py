"""`tallywire suspense`: what could not be rated, and trying it again."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli import accept
from cli.catalog_common import login
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes, money
from cli.reading import reader
from cli.recycle.requests import put_before_lanes
from cli.recycle.work import work
from cli.suspended import suspense_rows
from cli.times import age_words, stored_micros
from dashboards.queries import rows
from dataflows.exits import Exit
from dataflows.run import compile_into
from dataflows.settings import Home, Settings
from dataflows.shares import check_whole
from dataflows.stores import store_of
from dataflows.wall_clock import now_us
from schemas.reasons import Reason

app = typer.Typer(help="List, show, recycle and accept suspended usage.", no_args_is_help=True)
app.command("accept", epilog=accept.EPILOG)(accept.command)

_MOST = 100_000
ReasonOption = Annotated[str, typer.Option("--reason", help="Only this reason code.")]
FeedOption = Annotated[str, typer.Option("--feed", help="Only this feed.")]


def _list(settings: Settings, reason: str, feed: str, limit: int) -> list[dict[str, Any]]:
    if reason and reason not in set(Reason):
        typer.echo(f"{reason} is no reason code; see docs/reference/reasons.md", err=True)
        raise typer.Exit(Exit.USAGE)
    with reader(settings) as client:
        return rows(client, "suspense_list", {"reason": reason, "feed": feed, "limit": limit})


@app.command("list", epilog=epilog("suspense list", "suspense list --reason account_unknown"))
def list_(
    *,
    reason: ReasonOption = "",
    feed: FeedOption = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=_MOST, help="Most records.")] = 50,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List open suspense, record by record."""
    settings = settings_of(home)
    with plain_errors():
        found = _list(settings, reason, feed, limit)
    if as_json:
        typer.echo(as_json_bytes(found).decode())
        return
    table = Table()
    for name in ("id", "place", "age", "reason", "detail", "worth"):
        table.add_column(name, overflow="fold", no_wrap=name == "id")
    for row in found:
        worth = f"{money(row['estimated_amount'])} {row['estimated_currency']}".strip()
        place = f"{row['file_name']}:{row['record_no'] + 1}"
        age = age_words(now_us() - stored_micros(row["first_seen"]))
        table.add_row(row["suspense_id"], place, age, row["reason"], row["detail"], worth)
    console().print(table)
    typer.echo(f"{len(found)} record{'' if len(found) == 1 else 's'}{_worth(found)}")


def _worth(found: list[dict[str, Any]]) -> str:
    """Add up what records are worth, by currency."""
    sums: dict[str, Decimal] = {}
    for row in found:
        if row["estimated_amount"] is not None:
            key = row["estimated_currency"]
            sums[key] = sums.get(key, Decimal(0)) + row["estimated_amount"]
    told = [f"{money(amount)} {currency}" for currency, amount in sorted(sums.items())]
    return f", worth {', '.join(told)}" if told else ""


@app.command(epilog=epilog("suspense show 1f6c..."))
def show(
    suspense_id: Annotated[str, typer.Argument(help="Id of a suspended record.")],
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show one suspended record: why, where, its bytes, and what was tried."""
    settings = settings_of(home)
    with plain_errors():
        found = suspense_rows(settings, [suspense_id])
        if not found:
            typer.echo(f"no record {suspense_id} is or was in suspense", err=True)
            raise typer.Exit(Exit.PROBLEMS)
    if as_json:
        typer.echo(as_json_bytes([row.model_dump(mode="json") for row in found]).decode())
        return
    for row in found:
        verb = "suspended" if row.change > 0 else "recycled"
        typer.echo(f"{verb}, attempt {row.attempt}: {row.reason} at stage {row.stage}")
        typer.echo(f"  {row.detail}")
        typer.echo(f"  {row.file_name}, record {row.record_no + 1}, byte {row.byte_offset}")
        if row.raw:
            typer.echo(f"  bytes: {row.raw[:2_000]!r}")
        if row.usage:
            typer.echo(f"  usage: {row.usage}")


@app.command("yield", epilog=epilog("suspense yield", "suspense yield --json"))
def yield_(*, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show what recycling brought: how many were tried, how many left suspense, by reason."""
    settings = settings_of(home)
    with plain_errors(), reader(settings) as client:
        found = rows(client, "suspense_yield")
        charged = rows(client, "suspense_recovered")
    if as_json:
        typer.echo(as_json_bytes({"reasons": found, "charged": charged}).decode())
        return
    table = Table()
    for name in ("reason", "held", "tried", "freed", "yield", "open", "open since", "open worth"):
        table.add_column(name, justify="left" if name == "reason" else "right")
    for row in found:
        share = f"{100 * row['freed'] // row['tried']} %" if row["tried"] else ""
        since = age_words(now_us() - stored_micros(row["oldest"])) if row["open_now"] else ""
        worth = f"{money(row['open_estimate'])} {row['currency']}" if row["open_estimate"] else ""
        counts = (f"{row[name]:,}" for name in ("held", "tried", "freed"))
        table.add_row(row["reason"], *counts, share, f"{row['open_now']:,}", since, worth)
    console().print(table)
    for row in charged:
        amount = f"{money(row['amount'])} {row['currency']}"
        typer.echo(f"{row['events']:,} recycled events charged {amount}")


@app.command(
    epilog=epilog("suspense recycle --catalog my-catalog", "suspense recycle --reason zone_unknown")
)
def recycle(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids; without any, all open.")] = None,
    *,
    reason: ReasonOption = "",
    feed: FeedOption = "",
    catalog: Annotated[
        Path | None, typer.Option("--catalog", help="Catalogue folder with the cure.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Try suspended records again, each once; what is now rated leaves suspense.

    A run that is following its inputs takes the records up by itself; otherwise they are worked
    before this command returns.
    """
    settings = settings_of(home)
    place = Home(settings.home)
    with plain_errors(), store_of(settings):
        check_whole(place)
        if catalog:
            compile_into(place, catalog, by=login(), approval=settings.catalog_approval)
        wanted = ids or [row["suspense_id"] for row in _list(settings, reason, feed, _MOST)]
        asked = put_before_lanes(place, suspense_rows(settings, wanted))
        for text in asked.refused:
            typer.echo(text, err=True)
        typer.echo(f"recycling {len(asked.attempts)} records")
        work(settings, asked.attempts)
        left = {row["suspense_id"] for row in _list(settings, "", "", _MOST)}
    typer.echo(f"{len([key for key in wanted if key not in left])} left suspense")
