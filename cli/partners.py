"""`tallywire partners`: what partners carried by tiers, and the difference to what was charged."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.partner_work import PartnerSelection, catalogs_of, read_counts, true_up
from cli.period import month_of
from cli.printed import as_json_bytes, money
from cli.rerate.work import told
from dataflows.exits import Exit
from dataflows.stores import store_of
from schemas.requests import RequestStatus
from schemas.services import Unit
from tallywire.money import display
from tallywire.rating.partner_true_up import PartnerCount, difference
from tallywire.rating.wording import money_words, quantity_words

app = typer.Typer(help="What partners carried by tiers, and true-ups.", no_args_is_help=True)

PeriodOption = Annotated[str, typer.Option("--period", help="Only this month, such as 2026-07.")]
PartnerOption = Annotated[str, typer.Option("--partner", help="Only this partner.")]
_WORDS = ("partner", "month", "counter", "counted", "provisional", "final", "trued up", "due", "")
_AMOUNTS = range(4, 8)


def _selection(period: str, partner: str) -> PartnerSelection:
    return PartnerSelection(month_of(period) if period else "", partner)


def _row(count: PartnerCount) -> dict[str, Any]:
    """Give a count for programs; amounts exact, and to nine decimals."""
    amounts = {
        "provisional": count.provisional, "final": count.final,
        "trued_up": difference(count.tiers, count.before), "due": count.due,
    }  # fmt: skip
    return {
        "partner": count.party_id,
        "run": count.run,
        "side": count.side,
        "period": count.period,
        "counter": count.tiers.counter,
        "tariff": count.tariff.tariff_id,
        "measure": count.tiers.measure,
        "unit": count.tariff.unit,
        "units": str(count.units),
        "units_trued_up": str(count.before),
        "currency": count.currency,
        **{name: _exact(amount) for name, amount in amounts.items()},
        "event_id": count.event_id.hex(),
        "catalog_hash": count.catalog_hash,
    }


def _exact(amount: Fraction) -> dict[str, str]:
    return {"exact": str(amount), "decimal": f"{display(amount):f}"}


def _words(count: PartnerCount) -> tuple[str, ...]:
    trued_up = difference(count.tiers, count.before)
    amounts = (count.provisional, count.final, trued_up, count.due)
    return (
        f"{count.party_id}\n{count.run}", count.period,
        f"{count.tiers.counter}\n{count.tariff.tariff_id}", _units(count),
        *(money(display(amount)) for amount in amounts), count.currency,
    )  # fmt: skip


def _units(count: PartnerCount) -> str:
    if count.tiers.measure == "amount":
        return money_words(Fraction(count.units, 10**9), count.currency)
    counting = count.tiers.measure == "count" or count.tariff.conversion is not None
    return quantity_words(count.units, Unit.COUNT if counting else count.tariff.unit)


def _show(counts: list[PartnerCount]) -> None:
    shown = [one for one in counts if one.units or one.due]
    if not shown:
        typer.echo("no partner has carried anything that tiers count per partner")
        return
    table = Table(box=None)
    for number, name in enumerate(_WORDS):
        table.add_column(name, overflow="fold", justify="right" if number in _AMOUNTS else "left")
    for count in shown:
        table.add_row(*_words(count))
    console().print(table)


@app.command("list", epilog=epilog("partners list", "partners list --period 2026-07 --json"))
def list_(
    *,
    period: PeriodOption = "",
    partner: PartnerOption = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List what partners carried, its provisional and its final price, and what is still due."""
    counts = _counts(home, _selection(period, partner))
    if as_json:
        typer.echo(as_json_bytes([_row(one) for one in counts]).decode())
    else:
        _show(counts)


def _counts(home: Path | None, selection: PartnerSelection) -> list[PartnerCount]:
    settings = settings_of(home)
    with plain_errors():
        return list(read_counts(settings, selection, catalogs_of(settings)).counts)


@app.command("true-up", epilog=epilog("partners true-up --period 2026-07 --dry-run"))
def true_up_(
    *,
    period: PeriodOption = "",
    partner: PartnerOption = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be charged; write nothing.")
    ] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Charge what partners are still due for all that they carried: once, and as often as you like.

    The difference between the price of everything counted and what was charged provisionally is
    written by the lane that owns the partner; a volume discount is a negative one.
    """
    selection = _selection(period, partner)
    due = [one for one in _counts(home, selection) if one.due]
    found: list[Mapping[str, Any]] = []
    if not dry_run and due:
        settings = settings_of(home)
        with plain_errors(), store_of(settings):
            found = true_up(settings, selection)
    if as_json:
        content = {"dry_run": dry_run, "due": [_row(one) for one in due], "outcome": found}
        typer.echo(as_json_bytes(content).decode())
    else:
        _report(due, found, dry_run=dry_run)
    refused = any(row["status"] == RequestStatus.REFUSED for row in found)
    raise typer.Exit(told(found) or (Exit.PROBLEMS if refused else Exit.DONE))


def _report(due: list[PartnerCount], found: list[Mapping[str, Any]], *, dry_run: bool) -> None:
    if not due:
        typer.echo("nothing to true up")
        return
    _show(due)
    for row in found:
        if row["detail"]:
            typer.echo(f"{row['routing_id']}: {row['detail']}", err=True)
    rows = sum(row["rows"] for row in found)
    typer.echo(
        f"{len(due):,} true-ups would be written" if dry_run else f"{rows:,} true-ups written"
    )
