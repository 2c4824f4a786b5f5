"""`tallywire ingest`: the gateway that takes usage by HTTP, and the keys of those who send it."""

import datetime
from contextlib import ExitStack, closing
from importlib import import_module
from typing import Annotated

import typer
from rich.table import Table

from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes
from cli.topics_only import check_topics
from dataflows.catalogs import CatalogStore
from dataflows.exporter import serve as serve_metrics
from dataflows.ingest.keys import add_key, read_keys, revoke_key
from dataflows.ingest.log import IngestMisuse
from dataflows.settings import Home

app = typer.Typer(help="Take usage by HTTP, and manage the keys for it.", no_args_is_help=True)
keys = typer.Typer(help="Make, list and revoke keys of senders.", no_args_is_help=True)
app.add_typer(keys, name="keys")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@app.command(
    "serve",
    epilog=epilog("ingest serve", "ingest serve --open", "ingest serve --topics-only --metrics"),
)
def _serve(
    *,
    open_: Annotated[
        bool, typer.Option("--open", help="Take requests without a key; on 127.0.0.1 only.")
    ] = False,
    topics_only: Annotated[
        bool, typer.Option("--topics-only", help="Refuse feeds that take HTTP without a topic.")
    ] = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Serve metrics, too; without a supervisor.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Serve until stopped; an answer of 202 says that the records are durable.

    Address and bounds are settings `ingest_*`. SIGTERM or Ctrl-C ends it when all that is in work
    is answered.
    """
    settings = settings_of(home)
    with plain_errors(), ExitStack() as beside:
        if topics_only:
            check_topics(settings, lambda feed: feed.http)
        if metrics:
            exporter = serve_metrics(Home(settings.home), settings, store=False)
            beside.enter_context(closing(exporter))
        # the web server is loaded by this verb alone: all others would start later for it
        import_module("dataflows.ingest.serve").serve(settings, open_=open_)


def _tenant(catalogs: CatalogStore, feeds: list[str]) -> str:
    """Find whose feeds these are; a key is for one tenant, and for feeds that take HTTP."""
    known = catalogs.load(catalogs.current()).feeds
    for name in feeds:
        if name not in known or not known[name].http:
            able = sorted(one for one, feed in known.items() if feed.http)
            msg = (
                f"the catalogue in use has no feed {name!r} that takes HTTP; it has "
                f"{', '.join(able) or 'none: give one `http: yes`'}"
            )
            raise IngestMisuse(msg)
    tenants = sorted({known[name].tenant_id for name in feeds})
    if len(tenants) != 1:
        msg = f"these feeds are of tenants {', '.join(tenants)}: make a key for each tenant"
        raise IngestMisuse(msg)
    return tenants[0]


@keys.command("add", epilog=epilog("ingest keys add --feed platform --events-per-s 5000"))
def _add(
    feed: Annotated[list[str], typer.Option("--feed", help="A feed it may send to; repeatable.")],
    events_per_s: Annotated[
        int, typer.Option("--events-per-s", min=0, help="Records in a second; 0 for no limit.")
    ] = 0,
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, once: only its hash is kept."""
    settings = settings_of(home)
    with plain_errors():
        place = Home(settings.home)
        feeds = sorted(set(feed))
        tenant = _tenant(CatalogStore(place.catalogs), feeds)
        key = add_key(
            place.ingest_keys, tenant=tenant, feeds=feeds, events_per_s=events_per_s, now=_now()
        )
        if as_json:
            typer.echo(as_json_bytes({"key": key, "tenant": tenant, "feeds": feeds}))
            return
        typer.echo(key)
        typer.echo(f"for {', '.join(feeds)}; keep it now, it is not shown again", err=True)


@keys.command("list", epilog=epilog("ingest keys list"))
def _list(*, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List keys without their secrets."""
    settings = settings_of(home)
    with plain_errors():
        found = [
            one.model_dump(exclude={"hash"}) for one in read_keys(Home(settings.home).ingest_keys)
        ]
        if as_json:
            typer.echo(as_json_bytes(found))
            return
        table = Table("id", "tenant", "feeds", "events/s", "created", "revoked")
        for one in found:
            limit = str(one["events_per_s"] or "no limit")
            feeds = ", ".join(one["feeds"])
            table.add_row(one["id"], one["tenant"], feeds, limit, one["created"], one["revoked"])
        console().print(table)


@keys.command("revoke", epilog=epilog("ingest keys revoke 1f0c9a3e"))
def _revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, from the list.")],
    *,
    home: HomeOption = None,
) -> None:
    """Revoke a key; a gateway that runs refuses it from the next request on."""
    settings = settings_of(home)
    with plain_errors():
        one = revoke_key(Home(settings.home).ingest_keys, key_id, _now())
        typer.echo(f"revoked {one.id}, which was for {', '.join(one.feeds)}")
