"""`tallywire actions propose`: what somebody wants to be done about a case."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from assurance.actions.asked import ActionRefusedError, Asked, Kind, read
from assurance.actions.fold import Action
from assurance.actions.work import Proposal, proposed
from cli.actions.common import ByOption, hand, keep, open_ids, person, rights_of
from cli.actions.kinds import KINDS
from cli.actions.recycle import chosen
from cli.actions.told import figures_told
from cli.cases.common import NoteOption, case_meant
from cli.common import HomeOption, epilog, plain_errors, settings_of
from cli.moments import identifier_of
from cli.rerate.command import SAME, target_of
from cli.times import instant
from dataflows.catalogs import CatalogStore
from dataflows.desk import desk
from dataflows.settings import Home, Settings
from dataflows.stores import store_of
from dataflows.wall_clock import now_us
from schemas.requests import CorrectionReason

app = typer.Typer(help="Propose an action; another person approves it.", no_args_is_help=True)
CaseOption = Annotated[str, typer.Option("--case", help="Case it is about.")]


def propose(
    settings: Settings, who: str, case: str, kind: Kind, asked: Asked, note: str = "",
    figures: Mapping[str, Any] | None = None,
) -> Action:  # fmt: skip
    """Propose an action: what it comes to first, then at the desk its first step.

    Args:
        figures: What it comes to, where that is known already.

    Raises:
        ActionRefusedError: If it cannot be done, or who proposes may not.
    """
    doing = KINDS[kind]
    if figures is None:
        figures = doing.figures(settings, asked)
    with desk(settings, who) as here:
        found = case_meant(here.client, case)
        doing.check(here, found, asked)
        wish = Proposal(kind, asked, figures, open_ids(here.client, found), note)
        action = proposed(found, wish, hand(here), rights_of(settings))
        keep(here, "actions propose", action, {"kind": kind, "case": found.case_id, "note": note})
    return action


def _proposed(
    home: HomeOption, by: str, case: str, note: str, kind: Kind,
    asked: Callable[[Settings], Asked],
) -> None:  # fmt: skip
    settings = settings_of(home)
    with plain_errors(), store_of(settings):
        action = propose(settings, person(settings, by), case, kind, asked(settings), note)
    typer.echo(f"proposed: {action.action_id}")
    typer.echo(f"  {KINDS[kind].words(read(kind, action.asked))}")
    for line in figures_told(action.figures):
        typer.echo(f"  {line}")


@app.command(epilog=epilog("actions propose recycle --case c51c8a2f --reason zone_unknown"))
def recycle(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids; without any, all open.")] = None,
    *,
    case: CaseOption,
    reason: Annotated[str, typer.Option("--reason", help="Only this reason code.")] = "",
    feed: Annotated[str, typer.Option("--feed", help="Only this feed.")] = "",
    note: NoteOption = "",
    by: ByOption = "",
    home: HomeOption = None,
) -> None:
    """Propose to try suspended records again; those that are open now, and no others."""
    _proposed(
        home, by, case, note, Kind.RECYCLE,
        lambda settings: chosen(settings, ids or [], reason, feed),
    )  # fmt: skip


@app.command(
    epilog=epilog(
        "actions propose rerate --case c51c8a2f --tariff voice_mobile --zone nordics "
        "--since 2026-11-01 --reason price_corrected"
    )
)
def rerate(
    *,
    case: CaseOption,
    reason: Annotated[CorrectionReason, typer.Option("--reason", help="Why: a published reason.")],
    account: Annotated[str, typer.Option("--account", help="Only charges of this account.")] = "",
    event: Annotated[str, typer.Option("--event", help="Only this event (or charge).")] = "",
    tariff: Annotated[str, typer.Option("--tariff", help="Only charges by this tariff.")] = "",
    revision: Annotated[
        int, typer.Option("--revision", help="Only by this revision of the tariff.")
    ] = -1,
    zone: Annotated[str, typer.Option("--zone", help="Only charges in this zone.")] = "",
    since: Annotated[str, typer.Option("--since", help="Usage from then on.")] = "",
    until: Annotated[str, typer.Option("--until", help="Usage before then; now without it.")] = "",
    catalog: Annotated[
        str,
        typer.Option(
            "--catalog",
            help="Catalogue to rate by: a hash, a folder, or `same`; without it the one in use.",
        ),
    ] = "",
    rulebook: Annotated[
        bool, typer.Option("--rulebook", help="Let the rulebook alone rate all of it.")
    ] = False,
    note: NoteOption = "",
    by: ByOption = "",
    home: HomeOption = None,
) -> None:
    """Propose to rate charges again; the rows and the money that this changes are shown."""

    def asked(settings: Settings) -> Asked:
        archive = CatalogStore(Home(settings.home).catalogs)
        default = SAME if reason is CorrectionReason.LATE_USAGE else ""
        return read(
            Kind.RERATE,
            {
                "account": account, "event": identifier_of(event), "tariff": tariff,
                "revision": None if revision < 0 else revision, "zone": zone,
                "since": instant(since, "--since") if since else 0,
                "until": instant(until, "--until") if until else now_us(),
                "catalog": target_of(archive, catalog, default), "reason": reason.value,
                "rater": "rulebook" if rulebook else "",
            },
        )  # fmt: skip

    _proposed(home, by, case, note, Kind.RERATE, asked)


@app.command(
    epilog=epilog(
        "actions propose credit --case c51c8a2f --account hansen --amount 12.50 --currency EUR "
        '--why "charged twice in November"'
    )
)
def credit(
    *,
    case: CaseOption,
    account: Annotated[str, typer.Option("--account", help="Who gets it.")],
    amount: Annotated[str, typer.Option("--amount", help="How much, such as 12.50.")],
    currency: Annotated[str, typer.Option("--currency", help="Of it, such as EUR.")],
    why: Annotated[str, typer.Option("--why", help="Why, for the customer's bill.")],
    note: NoteOption = "",
    by: ByOption = "",
    home: HomeOption = None,
) -> None:
    """Propose to give an account money back, of what a confirmed case charged it too much."""

    def asked(_settings: Settings) -> Asked:
        try:
            value = Decimal(amount)
        except InvalidOperation as error:
            msg = f"--amount {amount}: write a number such as 12.50"
            raise ActionRefusedError(msg) from error
        content = {"account": account, "amount": value, "currency": currency, "reason": why}
        return read(Kind.CREDIT, content)

    _proposed(home, by, case, note, Kind.CREDIT, asked)


@app.command(
    epilog=epilog(
        "actions propose block --case c51c8a2f --prefix 882 --until 2026-12-24 --owner anna "
        '--why "calls to it cost more than they bring"'
    )
)
def block(
    *,
    case: CaseOption,
    until: Annotated[str, typer.Option("--until", help="When it ends: a date, or an instant.")],
    owner: Annotated[str, typer.Option("--owner", help="Who answers for it.")],
    why: Annotated[str, typer.Option("--why", help="Why it is right.")],
    account: Annotated[str, typer.Option("--account", help="Block this account.")] = "",
    prefix: Annotated[
        str, typer.Option("--prefix", help="Or called numbers that begin with these digits.")
    ] = "",
    note: NoteOption = "",
    by: ByOption = "",
    home: HomeOption = None,
) -> None:
    """Propose to put an account or a destination on the list of blocks that is published.

    What a block does to a network is the matter of whoever receives the list.
    """

    def asked(_settings: Settings) -> Asked:
        if bool(account) == bool(prefix):
            msg = "write --account or --prefix, one of them"
            raise ActionRefusedError(msg)
        content = {
            "target": "account" if account else "prefix", "value": account or prefix,
            "until": instant(until, "--until"), "owner": owner, "why": why,
        }  # fmt: skip
        return read(Kind.BLOCK, content)

    _proposed(home, by, case, note, Kind.BLOCK, asked)
