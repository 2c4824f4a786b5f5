"""`tallywire alerts deliver` and `skip`: findings told to programs and people."""

import os
from contextlib import ExitStack, closing
from typing import Annotated

import typer

from cli.catalog_common import login
from cli.common import HomeOption, epilog, plain_errors, settings_of
from cli.times import instant
from dataflows.delivery.cursor import Cursor
from dataflows.delivery.serve import cursor_of
from dataflows.delivery.serve import deliver as told
from dataflows.delivery.targets import check_targets
from dataflows.delivery.webhook import webhook_id
from dataflows.desk import DeskMisuse, desk
from dataflows.exits import Exit
from dataflows.exporter import serve as serve_metrics
from dataflows.files import lock
from dataflows.settings import Home
from dataflows.stores import store_of
from dataflows.wall_clock import now_us
from schemas.alerts import Alert
from warehouse.client import Client
from warehouse.outbox import next_entries


def deliver(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="One pass over what waits, then the end.")
    ] = False,
    since: Annotated[
        str,
        typer.Option("--since", help="Where targets begin that were told nothing yet; else now."),
    ] = "",
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Serve metrics, too; without a supervisor.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Send findings to the declared webhooks and channels until stopped; call who is on call.

    Each target has a place of its own in the store, so that one which is away is told later and
    keeps nobody waiting. At least once: the webhook-id tells a repetition. SIGTERM ends it.
    """
    settings = settings_of(home)
    begin = instant(since, "--since") if since else None
    with plain_errors(), ExitStack() as during:
        check_targets(settings, os.environ)
        if metrics:
            exporter = serve_metrics(Home(settings.home), settings, store=False)
            during.enter_context(closing(exporter))
        during.enter_context(store_of(settings))
        targets = [*sorted(settings.webhooks), *settings.channels]
        with desk(settings, login()) as here:
            here.audit("alerts deliver", "", {"targets": targets, "since": since, "once": once})
        left = told(settings, once=once, since=begin)
    for text in left:
        typer.echo(text, err=True)
    if left:
        raise typer.Exit(Exit.PROBLEMS)


def _standing(client: Client, cursor: Cursor) -> Alert:
    """Move the cursor behind the next finding; give it."""
    while entries := next_entries(client, cursor.behind, each=1, most=1):
        cursor.pass_by(entries[0])
        if entries[0].alert is not None:
            return entries[0].alert
    msg = "nothing waits for it"
    raise DeskMisuse(msg)


def skip(
    webhook: Annotated[str, typer.Argument(help="Name of an endpoint.", metavar="WEBHOOK")],
    *,
    why: Annotated[str, typer.Option("--why", help="Why it is never told of this one.")],
    home: HomeOption = None,
) -> None:
    """Pass by the one finding that an endpoint will not take; stop the delivery before."""
    settings = settings_of(home)
    place = Home(settings.home)
    with plain_errors(), store_of(settings), lock(place.delivery, "the delivery of findings"):
        if webhook not in settings.webhooks:
            msg = f"{webhook} is no endpoint of the setting `webhooks`"
            raise DeskMisuse(msg)
        cursor = cursor_of(place, "webhook", webhook, now_us())
        with desk(settings, login()) as here:
            found = _standing(here.client, cursor)
            here.audit("alerts skip", found.alert_id, {"webhook": webhook, "why": why})
        cursor.save(durable=True)
    typer.echo(f"{webhook} is not told of {webhook_id(found)}")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("deliver", epilog=epilog("alerts deliver", "alerts deliver --once"))(deliver)
    app.command("skip", epilog=epilog('alerts skip billing --why "it refuses the entity"'))(skip)
