"""`tallywire feeds`: what came of each feed, what is missing since when, and what it is worth."""

import datetime
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table
from typer.core import TyperGroup

from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.feeds_picture import Asked, gaps, incomplete, picture
from cli.printed import as_json_bytes, money
from cli.reading import reader
from cli.times import instant
from dashboards.queries import rows
from dataflows.catalogs import CatalogMisuse, CatalogStore
from dataflows.exits import Exit
from dataflows.settings import Home, Settings
from tallywire.catalog.snapshot import Snapshot
from warehouse.client import Client

_HELP = ("-h", "--help")
_TIMES = ("first_event_time", "last_event_time", "collected_at")


class _Feeds(TyperGroup):
    """Lists feeds unless another command is named: `feeds`, `feeds nordvik`, `feeds --json`."""

    def parse_args(
        self,
        ctx: Any,  # noqa: ANN401  the type of contexts is private to typer
        args: list[str],
    ) -> list[str]:
        """Put in the command that is meant."""
        named = args and (args[0] in self.commands or args[0] in _HELP)
        return super().parse_args(ctx, args if named else ["list", *args])


app = typer.Typer(
    cls=_Feeds, help="What came of each feed, what is missing since when, and what it is worth."
)

SinceOption = Annotated[
    str, typer.Option("--since", help="Only what came from then on: a date (its start) or time.")
]


def _asked(feed: str, since: str) -> Asked:
    return Asked(feed, instant(since, "--since") if since else 0)


def _snapshot(settings: Settings) -> Snapshot | None:
    """Give the catalogue in use, for what it expects of feeds; none where none is in use."""
    catalogs = CatalogStore(Home(settings.home).catalogs)
    try:
        return catalogs.load(catalogs.current())
    except CatalogMisuse:
        return None


def _known(feed: str, client: Client, snapshot: Snapshot | None) -> None:
    """Make sure that there is a feed of a name.

    Raises:
        typer.Exit: With code 2, if there is none.
    """
    ids = {one["feed"] for one in picture(client, snapshot, Asked())}
    if feed and feed not in ids:
        typer.echo(f"there is no feed {feed}; there are {', '.join(sorted(ids))}", err=True)
        raise typer.Exit(Exit.USAGE)


@app.command(
    "list",
    epilog=epilog("feeds", "feeds nordvik", "feeds --since 2026-11-01 --json", "feeds --check"),
)
def list_(
    feed: Annotated[str, typer.Argument(help="Only this feed.")] = "",
    *,
    since: SinceOption = "",
    check: Annotated[
        bool, typer.Option("--check", help="End with code 1 if anything is missing or overdue.")
    ] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show each feed: its last file, its files and records, what is missing and overdue, its worth.

    `feeds` alone is `feeds list`.
    """
    settings = settings_of(home)
    with plain_errors():
        snapshot = _snapshot(settings)
        with reader(settings) as client:
            _known(feed, client, snapshot)
            found = picture(client, snapshot, _asked(feed, since))
    if as_json:
        typer.echo(as_json_bytes(found).decode())
    else:
        _show(found)
    if check and any(incomplete(one) for one in found):
        raise typer.Exit(Exit.PROBLEMS)


@app.command("show", epilog=epilog("feeds show nordvik", "feeds show nordvik --last 500 --json"))
def show(
    feed: Annotated[str, typer.Argument(help="A feed.")],
    *,
    since: SinceOption = "",
    last: Annotated[int, typer.Option("--last", min=1, help="So many files, the newest.")] = 50,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show the files of a feed, the newest first, and each gap."""
    settings = settings_of(home)
    asked = _asked(feed, since)
    with plain_errors():
        snapshot = _snapshot(settings)
        with reader(settings) as client:
            _known(feed, client, snapshot)
            given = {"feed": feed, "since": asked.since_us, "limit": last}
            files, missing = rows(client, "feed_files", given), gaps(client, asked)
    if as_json:
        typer.echo(as_json_bytes({"feed": feed, "files": files, "gaps": missing}).decode())
        return
    for table in (_files(files), _gaps(missing)):
        if table.row_count:
            console().print(table)


def share(part: int, whole: int) -> str:
    """Write a share in per cent, two decimals, cut off.

    >>> share(1, 3), share(0, 0)
    ('33.33 %', '-')
    """
    if not whole:
        return "-"
    hundredths = 10_000 * part // whole
    return f"{hundredths // 100}.{hundredths % 100:02} %"


def _moment(value: datetime.datetime | str | None) -> str:
    return str(value)[:19].replace("T", " ") if value else "-"


def _table(title: str, *columns: str, numbers: tuple[str, ...] = ()) -> Table:
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    return table


def _show(found: list[dict[str, Any]]) -> None:
    came = _table(
        "Feeds", "feed", "last file", "at", "files", "records", "suspended", "duplicate", "copies",
        "resent", "out of order", "overdue since",
        numbers=("files", "records", "suspended", "duplicate", "copies", "resent", "out of order"),
    )  # fmt: skip
    for one in found:
        whole = one["collected"]
        came.add_row(
            one["feed"], one["last_file"] or "-", _moment(one["last_file_at"]),
            f"{one['files']:,}", f"{whole:,}", share(one["suspended"], whole),
            share(one["duplicate"], whole), f"{one['copies']:,}", f"{one['resent']:,}",
            f"{one['out_of_order']:,}", _moment(one["overdue_since"]),
        )  # fmt: skip
    console().print(came)
    missing = _gaps([gap for one in found for gap in one["gaps"]])
    if not missing.row_count:
        typer.echo("nothing is missing")
        return
    console().print(missing)
    worth: dict[str, Any] = {}
    for one in found:
        for amount in one["worth"]:
            worth[amount["currency"]] = worth.get(amount["currency"], 0) + amount["amount"]
    told = ", ".join(f"{money(amount)} {currency}" for currency, amount in sorted(worth.items()))
    typer.echo(f"worth in all, estimated: {told or 'not known'}")


def _gaps(found: list[dict[str, Any]]) -> Table:
    table = _table(
        "Missing", "feed", "of", "what", "missing", "since", "records", "worth", "currency",
        numbers=("missing", "records", "worth"),
    )  # fmt: skip
    for gap in found:
        table.add_row(
            gap["feed"], gap["of"], _numbers(gap),
            f"{gap['missing']:,} {gap['unit']}" if gap["missing"] else "-",
            _moment(gap["since"]), f"{gap['records']:,}" if gap["records"] else "-",
            money(gap["worth"]), gap["currency"],
        )  # fmt: skip
    return table


def _numbers(gap: Mapping[str, Any]) -> str:
    if gap["first"] < 0:
        return str(gap["explanation"])
    return str(gap["first"]) if gap["first"] == gap["last"] else f"{gap['first']} to {gap['last']}"


def _files(found: list[dict[str, Any]]) -> Table:
    table = _table(
        "Files", "file", "number", "status", "records", "suspended", "duplicate", "first event",
        "last event", "collected", numbers=("number", "records", "suspended", "duplicate"),
    )  # fmt: skip
    for row in found:
        table.add_row(
            row["file_name"], str(row["sequence"]) if row["sequence"] >= 0 else "-", row["status"],
            f"{row['records']:,}", f"{row['suspended']:,}", f"{row['duplicates']:,}",
            *(_moment(row[name]) for name in _TIMES),
        )  # fmt: skip
    return table
