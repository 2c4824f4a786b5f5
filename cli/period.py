"""`tallywire period`: close, reopen and list billing periods."""

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
import xxhash
from rich.table import Table

from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.partner_work import PartnerSelection, true_up
from cli.printed import as_json_bytes
from cli.reading import reader
from cli.rerate.materialise import lanes_of
from cli.rerate.work import answer
from dashboards.queries import rows
from dataflows.catalogs import CatalogStore
from dataflows.closing import STATES
from dataflows.exits import Exit
from dataflows.files import write_atomic
from dataflows.requests import Asked, Request, settled_position
from dataflows.settings import Home, Settings
from dataflows.sources.log import part_name
from dataflows.stores import store_of
from dataflows.usage_log.spool import USAGE
from schemas.requests import RequestKind, RequestStatus

app = typer.Typer(help="Close, reopen and list billing periods.", no_args_is_help=True)

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
PeriodArgument = Annotated[str, typer.Argument(help="Billing month, for example 2026-11.")]
AccountOption = Annotated[
    list[str] | None,
    typer.Option("--account", help="Only this account, and those it shares allowances with."),
]


def month_of(text: str) -> str:
    """Check a billing month as people write it.

    Raises:
        typer.Exit: With code 2, if it is none.
    """
    if not _MONTH.fullmatch(text):
        typer.echo(f"{text} is no billing month: write it as 2026-11", err=True)
        raise typer.Exit(Exit.USAGE)
    return text


def _routing_ids(settings: Settings, accounts: list[str]) -> list[str]:
    store = CatalogStore(Home(settings.home).catalogs)
    known = store.load(store.current()).identifiers
    routes = dict(known.select("account_id", "routing_id").unique().iter_rows())
    missing = [name for name in accounts if name not in routes]
    if missing:
        typer.echo(f"the catalogue in use has no account {', '.join(missing)}", err=True)
        raise typer.Exit(Exit.USAGE)
    return sorted({routes[name] for name in accounts})


def _requests(
    settings: Settings, kind: RequestKind, period: str, accounts: list[str]
) -> tuple[uuid.UUID, list[Asked]]:
    home = Home(settings.home)
    owned = _routing_ids(settings, accounts)
    lanes = lanes_of(owned, settings.partitions) if owned else {
        part_name(USAGE, number): [] for number in range(settings.partitions)
    }  # fmt: skip
    positions = {lane: settled_position(home, lane) for lane in lanes}
    asked = {"period": period, "accounts": ",".join(accounts)}
    content = orjson.dumps([kind.value, asked, positions], option=orjson.OPT_SORT_KEYS)
    request_id = uuid.UUID(bytes=xxhash.xxh3_128_digest(content))
    return request_id, [
        Asked(
            Request(
                kind=kind, request_id=request_id, lane=lane, position=positions[lane],
                period=period, routing_ids=routing_ids, asked=asked,
            )
        )
        for lane, routing_ids in sorted(lanes.items())
    ]  # fmt: skip


@contextmanager
def _begun(home: Home, month: str) -> Iterator[bool]:
    """Remember that closing a month has begun until partners are trued up for it, too.

    Yields:
        Whether it was begun before, by a process that did not come to the end.
    """
    mark = home.root / f"closing-{month}"
    before = mark.exists()
    write_atomic(mark, b"", durable=True)
    yield before
    mark.unlink()


def _answered(
    settings: Settings, request_id: uuid.UUID, asked: list[Asked]
) -> list[Mapping[str, Any]]:
    """Have the lanes work a request; say what became of it."""
    answer(settings, asked)
    with reader(settings) as client:
        return list(rows(client, "request_outcome", {"id": str(request_id)}))


def _change(
    home: Path | None, kind: RequestKind, period: str, accounts: list[str] | None, *, as_json: bool
) -> None:
    settings = settings_of(home)
    month = month_of(period)
    with plain_errors(), store_of(settings):
        request_id, asked = _requests(settings, kind, month, sorted(set(accounts or [])))
        if kind is RequestKind.CLOSE and not accounts:
            with _begun(Home(settings.home), month) as before:
                found = _answered(settings, request_id, asked)
                closing = before or any(row["status"] == RequestStatus.APPLIED for row in found)
                partners = true_up(settings, PartnerSelection(month, closing=closing))
        else:
            found, partners = _answered(settings, request_id, asked), []
    made = sum(row["rows"] for row in found)
    if as_json:
        content = {
            "request_id": str(request_id),
            "period": month,
            "outcome": found,
            "partners": partners,
        }
        typer.echo(as_json_bytes(content).decode())
        return
    for row in found:
        whom = f"accounts of {row['routing_id']}" if row["routing_id"] else "all accounts"
        changed = "" if row["status"] == "applied" else " (it was already)"
        typer.echo(f"{month}, {whom}: {STATES[kind].value}{changed}")
    if made:
        typer.echo(f"{made:,} closing charges written")
    for one in partners:
        typer.echo(f"{one['routing_id']}: {one['rows']:,} true-ups written")


@app.command(epilog=epilog("period close 2026-11 --soft", "period close 2026-11"))
def close(
    period: PeriodArgument,
    *,
    soft: Annotated[
        bool, typer.Option("--soft", help="Softly: corrections and late usage are still possible.")
    ] = False,
    account: AccountOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Close a billing month: what it leaves to be charged is charged.

    Closed again, it charges the difference to what closing it has charged before.

    Usage that comes late then goes where `late_usage` of operator.yaml says. Corrections of a
    closed month are booked in the next open one.
    """
    kind = RequestKind.SOFT_CLOSE if soft else RequestKind.CLOSE
    _change(home, kind, period, account, as_json=as_json)


@app.command(epilog=epilog("period reopen 2026-11 --account hansen"))
def reopen(
    period: PeriodArgument,
    *,
    account: AccountOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Open a billing month again. What closing it charged stays, until it is closed again."""
    _change(home, RequestKind.REOPEN, period, account, as_json=as_json)


@app.command("list", epilog=epilog("period list", "period list --json"))
def list_(*, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List billing months that were closed or reopened; every other one is open.

    A state of some accounts is shown where it was set after that of all.
    """
    settings = settings_of(home)
    with plain_errors(), reader(settings) as client:
        every = rows(client, "periods")
    whole = {row["period"]: row["since"] for row in every if not row["routing_id"]}
    found = [
        {**row, "state": STATES[RequestKind(row["kind"])].value}
        for row in every
        if not row["routing_id"] or row["since"] >= whole.get(row["period"], row["since"])
    ]
    if as_json:
        typer.echo(as_json_bytes(found).decode())
        return
    table = Table()
    for name in ("period", "accounts", "state", "since (UTC)", "closing charges"):
        table.add_column(name, overflow="fold")
    for row in found:
        table.add_row(
            row["period"], row["routing_id"] or "all", row["state"],
            f"{row['since']:%Y-%m-%d %H:%M:%S}", f"{row['rows']:,}",
        )  # fmt: skip
    console().print(table)
