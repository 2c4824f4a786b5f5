"""`tallywire status`: what was collected, what became of it, what it is worth."""

from typing import Annotated, Any

import typer
from rich.table import Table

from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.moments import AsOfOption, as_of_micros
from cli.printed import as_json_bytes, money
from cli.reading import reader
from dashboards.queries import rows
from dataflows.exits import Exit
from dataflows.settings import Home, Settings

EPILOG = epilog(
    "status", "status --json", "status --as-of 2026-11-03T00:00:00Z", "status --live",
    "status --lanes --json",
)  # fmt: skip


def summary(settings: Settings) -> dict[str, Any]:
    """Read the whole picture from the store."""
    with reader(settings) as client:
        fates = rows(client, "fates")[0]
        return {
            **{name: int(value) for name, value in fates.items()},
            "revenue": rows(client, "revenue"),
            "partners": rows(client, "partners"),
            "suspense": rows(client, "suspense"),
            "filters": rows(client, "filters"),
            "alerts": rows(client, "alerts"),
            "conservation": rows(client, "conservation"),
            "files": rows(client, "files"),
        }


def summary_as_of(settings: Settings, moment_us: int) -> dict[str, Any]:
    """Read what was known at an instant: fates, revenue, suspense."""
    asked = {"as_of": moment_us}
    with reader(settings) as client:
        fates = rows(client, "fates_as_of", asked)[0]
        return {
            **{name: int(value) for name, value in fates.items()},
            "revenue": rows(client, "revenue_as_of", asked),
            "suspense": rows(client, "suspense_as_of", asked),
            "filters": [],
            "alerts": [],
        }


def _fates(content: dict[str, Any]) -> Table:
    table = Table(title="Input records by fate", title_justify="left")
    table.add_column("fate")
    table.add_column("records", justify="right")
    for name in ("rated", "duplicate", "suspended", "filtered", "merged", "open"):
        table.add_row(name, f"{content[name]:,}")
    table.add_row("collected", f"{content['collected']:,}", style="bold")
    table.add_row("difference", f"{content['conservation_difference']:,}")
    return table


def _revenue(content: dict[str, Any]) -> Table:
    table = Table(title="Revenue by service", title_justify="left")
    table.add_column("service")
    table.add_column("events", justify="right")
    table.add_column("amount", justify="right")
    table.add_column("currency")
    for row in content["revenue"]:
        table.add_row(row["service"], f"{row['events']:,}", money(row["amount"]), row["currency"])
    return table


def _partners(content: dict[str, Any]) -> Table:
    table = Table(title="Legs of partners", title_justify="left")
    table.add_column("partner")
    table.add_column("run")
    for name in ("revenue", "cost"):
        table.add_column(name, justify="right")
    table.add_column("currency")
    for row in content["partners"]:
        amounts = (money(row[name]) for name in ("revenue", "cost"))
        table.add_row(row["party_id"], row["run"], *amounts, row["currency"])
    return table


def _suspense(content: dict[str, Any]) -> Table:
    table = Table(title="Suspense and its estimated worth", title_justify="left")
    table.add_column("reason")
    table.add_column("records", justify="right")
    table.add_column("worth", justify="right")
    table.add_column("currency")
    for row in content["suspense"]:
        table.add_row(
            row["reason"], f"{row['records']:,}", money(row["estimated_amount"]), row["currency"]
        )
    return table


def _filters(content: dict[str, Any]) -> Table:
    table = Table(title="Set aside by filters", title_justify="left")
    table.add_column("filter")
    table.add_column("feed")
    table.add_column("records", justify="right")
    for row in content["filters"]:
        table.add_row(row["filter"], row["feed_id"], f"{row['records']:,}")
    return table


def _alerts(content: dict[str, Any]) -> Table:
    table = Table(title="Findings", title_justify="left")
    table.add_column("control")
    table.add_column("finding", overflow="fold")
    table.add_column("at risk", justify="right")
    for row in content["alerts"]:
        if row["state"] == "open":
            risk = money(row["money_at_risk"]) if row["money_at_risk"] is not None else ""
            table.add_row(f"{row['control_id']} {row['pattern']}", row["explanation"], risk)
    return table


def tables(content: dict[str, Any]) -> list[Table]:
    """Make the tables of a summary; empty ones are left out."""
    makers = (_fates, _revenue, _partners, _suspense, _filters, _alerts)
    found = [make(content) for make in makers]
    return [table for table in found if table.row_count]


def show(settings: Settings, *, as_json: bool, as_of: str = "") -> dict[str, Any]:
    """Print the summary, of now or of an instant; give it."""
    content = summary_as_of(settings, as_of_micros(as_of)) if as_of else summary(settings)
    if as_json:
        typer.echo(as_json_bytes(content).decode())
    else:
        for table in tables(content):
            console().print(table)
    return content


def command(
    *,
    live: Annotated[
        bool, typer.Option("--live", help="Processes and lanes, again each second until Ctrl-C.")
    ] = False,
    lanes: Annotated[bool, typer.Option("--lanes", help="Processes and lanes, once.")] = False,
    as_of: AsOfOption = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show records by fate, revenue, suspense and findings.

    With `--as-of` it is told as it was known then: what was corrected later is as it was charged.
    `--live` and `--lanes` show what the processes say of themselves, without the store.

    Exit code 1 says that conservation does not hold: some record's fate is not known.
    """
    settings = settings_of(home)
    with plain_errors():
        if live or lanes:
            from cli.status_live import show_lanes  # noqa: PLC0415  sums need no tables

            show_lanes(Home(settings.home), live=live, as_json=as_json)
            return
        content = show(settings, as_json=as_json, as_of=as_of)
        if content["conservation_difference"]:
            typer.echo("conservation does not hold; if a run is under way, look again", err=True)
            raise typer.Exit(Exit.PROBLEMS)
