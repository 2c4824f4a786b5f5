"""`tallywire canary`: list what is declared, try it, send one now, show what became of them."""

import os
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from assurance.canary_runs import not_sent
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes, money
from cli.reading import reader
from cli.times import age_words
from dashboards.queries import rows
from dataflows.canaries.key import canary_key
from dataflows.canaries.rehearsal import rehearsed
from dataflows.canaries.sender import sender_of
from dataflows.catalogs import CatalogStore
from dataflows.exits import Exit
from dataflows.settings import Home, Settings
from dataflows.stores import prepare_store, store_of
from dataflows.wall_clock import now_us
from schemas.instants import micros_from_text, text_from_micros
from tallywire.catalog import Snapshot
from tallywire.catalog.canaries import Canary
from tallywire.money import display
from warehouse.client import opened

app = typer.Typer(
    help="Known usage that must arrive once, in time, at its price: list, try, send, status.",
    no_args_is_help=True,
)
_DAY_US = 86_400_000_000
_SECOND_US = 1_000_000
_NONE = "the catalogue in use declares no canary: write one into canaries/*.yaml"


def _snapshot(settings: Settings) -> Snapshot:
    catalogs = CatalogStore(Home(settings.home).catalogs)
    return catalogs.load(catalogs.current())


def _declared(one: Canary) -> dict[str, Any]:
    return {
        "canary": one.canary_id, "feed": one.feed_id, "account": one.account_id,
        "quantity": one.quantity, "b_number": one.b_number, "amount": display(one.amount),
        "currency": one.currency, "every_s": one.every_us // _SECOND_US,
        "within_s": one.within_us // _SECOND_US,
    }  # fmt: skip


@app.command("list", epilog=epilog("canary list", "canary list --json"))
def _list(*, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List the canaries of the catalogue in use: what is sent, how often, what it must cost."""
    settings = settings_of(home)
    with plain_errors():
        found = [_declared(one) for _, one in sorted(_snapshot(settings).canaries.items())]
    if as_json:
        typer.echo(as_json_bytes(found))
        return
    if not found:
        typer.echo(_NONE)
        return
    table = Table("canary", "feed", "account", "units", "must cost", "every", "within")
    for row in found:
        table.add_row(
            row["canary"], row["feed"], row["account"], f"{row['quantity']:,}",
            f"{money(row['amount'])} {row['currency']}", f"{row['every_s']} s",
            f"{row['within_s']} s",
        )  # fmt: skip
    console().print(table)


@app.command("try", epilog=epilog("canary try", "canary try voice-national"))
def _try(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[CANARY]...", help="Which; all without one.")
    ] = None,
    *,
    home: HomeOption = None,
) -> None:
    """Read the record of a canary as its feed does; nothing is sent or kept.

    It tells what would keep the canary from being known: a field that the feed does not read, a
    number that is stored otherwise. It does not price it: that is what the canary is for. Exit
    code 1 says that one would not be known.
    """
    settings = settings_of(home)
    with plain_errors():
        snapshot = _snapshot(settings)
        key = canary_key(Home(settings.home), os.environ)
        found = {
            one.canary_id: rehearsed(one, snapshot, key, now_us())
            for one in _chosen(snapshot, names or [])
        }
    for name, faults in found.items():
        for text in faults or ["is known as it will be sent"]:
            typer.echo(f"{name}: {text}")
    if any(found.values()):
        raise typer.Exit(Exit.PROBLEMS)


@app.command("send", epilog=epilog("canary send", "canary send voice-national"))
def _send(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[CANARY]...", help="Which; all without one.")
    ] = None,
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Send canaries once, now; a run that follows, or the next one, collects them.

    Each is written down in the store first, so that one that is lost is missed. `up` and
    `run --follow` send them by themselves.
    """
    settings = settings_of(home)
    with plain_errors(), store_of(settings):
        snapshot = _snapshot(settings)
        chosen = _chosen(snapshot, names or [])
        prepare_store(settings)
        place = Home(settings.home)
        sender = sender_of(place, now_us)
        with opened(settings.store_url, place.store, database=settings.database) as client:
            sent = [sender.send(client, one, snapshot) for one in chosen]
    if as_json:
        typer.echo(as_json_bytes([one.model_dump(mode="json") for one in sent]))
        return
    for one in sent:
        typer.echo(
            f"sent {one.canary_id} {one.sequence} as {one.file_name}: {money(one.amount)} "
            f"{one.currency} within {one.within_us // _SECOND_US} s"
        )


def _chosen(snapshot: Snapshot, names: list[str]) -> list[Canary]:
    unknown = sorted(set(names) - set(snapshot.canaries))
    if unknown or not snapshot.canaries:
        known = ", ".join(sorted(snapshot.canaries))
        text = f"there is no canary {unknown[0]}; declared are {known}" if known else _NONE
        typer.echo(text, err=True)
        raise typer.Exit(Exit.USAGE)
    return [snapshot.canaries[name] for name in names or sorted(snapshot.canaries)]


@app.command("status", epilog=epilog("canary status", "canary status --json"))
def _status(*, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show what became of the canaries of the last day.

    Runs that did not happen are times at which nobody was there to send: nothing is missing of
    them, and nothing was watched. Exit code 1 says that there are findings.
    """
    settings = settings_of(home)
    with plain_errors():
        canaries, now = _snapshot(settings).canaries, now_us()
        with reader(settings) as client:
            lately = {
                str(row["canary_id"]): row
                for row in rows(client, "canaries_lately", {"since": now - _DAY_US})
            }
            open_now = rows(client, "canary_findings")
    found = [_stands(one, lately.get(name, {}), now) for name, one in sorted(canaries.items())]
    for row in found:
        row["findings"] = {
            str(one["pattern"]): int(one["canaries"])
            for one in open_now
            if one["canary_id"] == row["canary"]
        }
    if as_json:
        typer.echo(as_json_bytes(found))
    else:
        _print(found, now)
    if any(row["findings"] for row in found):
        raise typer.Exit(Exit.PROBLEMS)


def _stands(one: Canary, row: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Tell how a canary stands."""
    times = [int(at) for at in row.get("times", ())]
    newest = int(row.get("newest_us", 0))
    return {
        "canary": one.canary_id, "sent": int(row.get("sent", 0)),
        "arrived": int(row.get("arrived", 0)), "newest": int(row.get("newest_no", 0)),
        "newest_at": text_from_micros(newest) if newest else "",
        "took_ms": int(row["took_us"]) // 1_000 if row.get("arrived") else None,
        "runs_not_happened": not_sent(times, one.every_us, now),
    }  # fmt: skip


def _print(found: list[dict[str, Any]], now: int) -> None:
    if not found:
        typer.echo(_NONE)
        return
    table = Table(
        "canary", "sent", "arrived", "newest", "ago", "took", "runs that did not happen",
        "findings", title="The last day", title_justify="left",
    )  # fmt: skip
    for row in found:
        at = row["newest_at"]
        table.add_row(
            row["canary"], f"{row['sent']:,}", f"{row['arrived']:,}",
            f"{row['newest']}" if at else "-", age_words(now - _micros(at)) if at else "-",
            f"{row['took_ms']:,} ms" if row["took_ms"] is not None else "-",
            f"{row['runs_not_happened']:,}",
            ", ".join(f"{name} {count}" for name, count in row["findings"].items()) or "-",
        )  # fmt: skip
    console().print(table)


def _micros(text: str) -> int:
    return int(str(micros_from_text(text)))
