"""`tallywire suspense`: what could not be rated, and trying it again."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import xxhash
from rich.table import Table

from cli import accept
from cli.catalog_common import login
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes, money
from cli.reading import reader
from cli.suspended import suspense_rows
from dashboards.queries import rows
from dataflows.exits import Exit
from dataflows.files import LaneTaken, write_atomic
from dataflows.groups import COLLECTION
from dataflows.run import RunPlan, compile_into, run
from dataflows.settings import Home, Settings
from dataflows.shares import check_whole
from dataflows.sources.openings import RECYCLE_FOLDER
from dataflows.stores import store_of
from schemas.outcomes import SuspenseEvent
from schemas.reasons import Reason
from tallywire.mediation.recycle import Request
from tallywire.suspense import RAW_BYTES

app = typer.Typer(help="List, show, recycle and accept suspended usage.", no_args_is_help=True)
app.command("accept", epilog=accept.EPILOG)(accept.command)

_NOT_RECYCLED = {
    Reason.RESTATEMENT.value: "a restatement would be charged beside the first content: "
    "`tallywire suspense accept` lets it hold instead",
}
_MOST = 100_000
_PATIENCE_S, _LOOK_S = 60.0, 0.3
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
    for name in ("id", "place", "reason", "detail", "worth"):
        table.add_column(name, overflow="fold", no_wrap=name == "id")
    for row in found:
        worth = f"{money(row['estimated_amount'])} {row['estimated_currency']}".strip()
        place = f"{row['file_name']}:{row['record_no'] + 1}"
        table.add_row(row["suspense_id"], place, row["reason"], row["detail"], worth)
    console().print(table)
    typer.echo(f"{len(found)} record{'' if len(found) == 1 else 's'}")


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


def _requests(events: list[SuspenseEvent]) -> tuple[dict[str, list[Request]], list[str]]:
    """Make recycle requests by lane from the latest open row of each record; say what cannot be."""
    latest: dict[str, SuspenseEvent] = {}
    for event in events:
        if event.change > 0:
            latest[event.suspense_id] = event
    requests: dict[str, list[Request]] = {}
    refused = []
    for key, event in sorted(latest.items()):
        if event.reason in _NOT_RECYCLED:
            refused.append(f"{key}: {_NOT_RECYCLED[event.reason]}")
        elif not event.usage and (
            not event.raw or max(event.byte_length, len(event.file_head) + 1) > RAW_BYTES
        ):
            refused.append(f"{key}: its bytes are not kept whole; collect its file again")
        else:
            request = Request(suspended=event, attempt=event.attempt + 1)
            requests.setdefault(event.lane, []).append(request)
    return requests, refused


def _write(home: Home, lane: str, requests: list[Request]) -> Path:
    """Put a recycle file before the feed's lane; the same requests are the same file."""
    lines = b"".join(request.model_dump_json().encode() + b"\n" for request in requests)
    folder = home.lane(COLLECTION, lane) / RECYCLE_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{xxhash.xxh3_128_hexdigest(lines)}.jsonl"
    if not path.exists():
        write_atomic(path, lines, durable=True)
    return path


def _work(settings: Settings, attempts: Mapping[str, int]) -> None:
    """Work what was put before the lanes, or wait while a run that follows its inputs does.

    Args:
        attempts: Attempt that each suspended record is at then.

    Raises:
        typer.Exit: If it cannot be worked.
    """
    try:
        result = run(RunPlan(settings, None, [], follow=False), lambda _progress: None)
    except LaneTaken:
        deadline = time.monotonic() + _PATIENCE_S
        while attempts and time.monotonic() < deadline:
            made = {(row.suspense_id, row.attempt) for row in suspense_rows(settings, [*attempts])}
            if set(attempts.items()) <= made:
                return
            time.sleep(_LOOK_S)
        return
    if result.reason:
        typer.echo(result.reason, err=True)
        raise typer.Exit(result.code)


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
        requests, refused = _requests(suspense_rows(settings, wanted))
        for text in refused:
            typer.echo(text, err=True)
        for lane, found in sorted(requests.items()):
            _write(place, lane, found)
        total = sum(len(found) for found in requests.values())
        typer.echo(f"recycling {total} records")
        attempts = {one.suspended.suspense_id: one.attempt for found in requests.values()
                    for one in found}  # fmt: skip
        _work(settings, attempts)
        left = {row["suspense_id"] for row in _list(settings, "", "", _MOST)}
    typer.echo(f"{len([key for key in wanted if key not in left])} left suspense")
