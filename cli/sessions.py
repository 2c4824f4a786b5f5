"""`tallywire sessions`: what waits for the rest of its session, and what that is worth."""

from typing import Annotated, Any

import typer
from rich.table import Table

from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes, money
from cli.reading import reader
from dashboards.queries import rows
from dataflows.reports import read_reports
from dataflows.settings import Home, Settings

EPILOG = epilog("sessions", "sessions --feed roamers --limit 500", "sessions --json")

_MOST = 100_000


def _content(settings: Settings, feed: str, limit: int) -> dict[str, Any]:
    """Read what is open, what it is worth, and which sessions lack records."""
    asked = {"feed": feed, "limit": limit}
    with reader(settings) as client:
        found = {
            "sessions": rows(client, "open_sessions", asked),
            "exposure": rows(client, "open_exposure", {"feed": feed}),
            "lacking": rows(client, "sessions_lacking", asked),
        }
    followed = sum(
        figures.open_sessions
        for report in read_reports(Home(settings.home)).reports.values()
        for lane, figures in report.lanes.items()
        if feed in {"", lane}
    )
    return {**found, "followed": followed}


def _worth(amount: Any, currency: str) -> str:  # noqa: ANN401  a decimal of the store, or none
    return f"{money(amount)} {currency}".strip()


def _open(found: list[dict[str, Any]]) -> Table:
    table = Table(title="Open sessions", title_justify="left")
    for name in ("feed", "session", "since", "last heard", "parts", "worth", "settled after"):
        right = name in {"parts", "worth"}
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in found:
        moments = (f"{row[name]:%Y-%m-%d %H:%M:%S}" for name in ("since", "last_heard"))
        table.add_row(
            row["feed_id"], row["session_id"], *moments, f"{row['parts']:,}",
            _worth(row["estimated_amount"], row["estimated_currency"]),
            f"{row['settles_at']:%Y-%m-%d %H:%M:%S}",
        )  # fmt: skip
    return table


def _lacking(found: list[dict[str, Any]]) -> Table:
    table = Table(title="Sessions of which records are missing", title_justify="left")
    for name in ("feed", "records", "worth", "finding"):
        right = name in {"records", "worth"}
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in found:
        worth = _worth(row["money_at_risk"], row["currency"])
        table.add_row(row["feed_id"], f"{row['records']:,}", worth, row["explanation"])
    return table


def command(
    *,
    feed: Annotated[str, typer.Option("--feed", help="Only this feed.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=_MOST, help="Most sessions.")] = 50,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List sessions that wait for their other parts, and what they are worth.

    A session is settled when the usage of its feed has passed the time shown, unless more of it
    comes.
    """
    settings = settings_of(home)
    with plain_errors():
        content = _content(settings, feed, limit)
    if as_json:
        typer.echo(as_json_bytes(content).decode())
        return
    if content["sessions"]:
        console().print(_open(content["sessions"]))
    if content["lacking"]:
        console().print(_lacking(content["lacking"]))
    sessions = sum(int(row["sessions"]) for row in content["exposure"])
    parts = sum(int(row["parts"]) for row in content["exposure"])
    amounts = [
        _worth(row["estimated_amount"], row["currency"])
        for row in content["exposure"]
        if row["estimated_amount"] is not None
    ]
    typer.echo(f"{sessions:,} open, {parts:,} parts, exposure {' and '.join(amounts) or 'unknown'}"
               if sessions else "nothing is open")  # fmt: skip
    typer.echo(f"{content['followed']:,} sessions are followed, by counters and numbers, too")
