"""`tallywire lanes`: groups of lanes, moving and splitting them; lanes that were put aside."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.catalog_common import login
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes
from dataflows.catalogs import CatalogStore
from dataflows.crashes import read_crash, release
from dataflows.exits import Exit
from dataflows.groups import (
    COLLECTION,
    RATING,
    GroupsWrong,
    LaneGroup,
    account_lanes,
    owned,
    read_groups,
)
from dataflows.kafka.errors import KafkaRefused, KafkaUnavailable
from dataflows.moving import Moved, group_named, move, split, stopped
from dataflows.run import lanes_of
from dataflows.services import held
from dataflows.settings import Home, Settings
from dataflows.skips import ask_skip
from dataflows.sources.streams import feed_of

app = typer.Typer(
    help="Groups of lanes: list, move and split them; lanes that were put aside.",
    no_args_is_help=True,
)


def _collection(settings: Settings) -> dict[str, str]:
    home = Home(settings.home)
    catalogs = CatalogStore(home.catalogs)
    try:
        return lanes_of(settings, catalogs.load(catalogs.current()).feeds.values())
    except (KafkaUnavailable, KafkaRefused) as error:
        typer.echo(f"{error}; shown are the lanes that were worked here", err=True)
        folders = [path.name for path in home.lane(COLLECTION, "").glob("*") if path.is_dir()]
        return {lane: feed_of(lane) for lane in folders}


def _owned(settings: Settings) -> dict[str, list[str]]:
    lanes = {COLLECTION: sorted(_collection(settings)), RATING: account_lanes(settings)}
    return owned(read_groups(Home(settings.home)), lanes)


def _rows(settings: Settings) -> list[dict[str, Any]]:
    home = Home(settings.home)
    lanes, away = _owned(settings), held(home)
    found = []
    for group in read_groups(home):
        for lane in lanes[group.name]:
            crash = read_crash(home.lane(group.kind, lane))
            state = "put aside" if crash and crash.aside else "held" if group.name in away else ""
            found.append(
                {
                    "group": group.name, "kind": group.kind, "lane": lane,
                    "home": group.home or str(home.root), "state": state,
                    "crashes": crash.count if crash else 0,
                    "range": crash.token if crash else "", "reason": crash.reason if crash else "",
                }
            )  # fmt: skip
    return found


@app.command("list", epilog=epilog("lanes list", "lanes list --json"))
def list_(*, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List the groups, their lanes, where they live, and which lanes are put aside."""
    settings = settings_of(home)
    with plain_errors():
        found = _rows(settings)
    if as_json:
        typer.echo(as_json_bytes(found).decode())
        return
    table = Table()
    for name in ("group", "lane", "home", "state"):
        table.add_column(name, overflow="fold")
    for row in found:
        told = f"{row['state']}: {row['reason']}" if row["reason"] else row["state"]
        table.add_row(row["group"], row["lane"], row["home"], told)
    console().print(table)


@app.command("split", epilog=epilog("lanes split rating", "lanes split rating --into 4"))
def split_(
    group: Annotated[str, typer.Argument(help="A group.")],
    *,
    into: Annotated[int, typer.Option(min=2, help="How many groups it becomes.")] = 2,
    home: HomeOption = None,
) -> None:
    """Divide the lanes of a group among several processes of this home.

    A running `tallywire up` ends the group, and starts those that it became: charges are the same
    as without, only faster.
    """
    settings = settings_of(home)
    place = Home(settings.home)
    with plain_errors():
        known = group_named(place, group)
        if known.kind == COLLECTION and settings.usage_log == "spool":
            msg = "the spool has one writer, so one process collects: use Kafka as usage log"
            raise GroupsWrong(msg)
        if settings.processes == 1:
            msg = "this home has one process for all lanes (processes=1): it cannot be split"
            raise GroupsWrong(msg)
        lanes = _owned(settings)[group]
        with stopped(place, group):
            made = split(place, group, lanes, into)
    for one in made:
        typer.echo(f"{one.name}: {', '.join(_owned(settings)[one.name])}")


def _check_movable(settings: Settings, group: LaneGroup, lanes: list[str]) -> None:
    """Refuse to move lanes away from what they read.

    Raises:
        GroupsWrong: If their input lies on this machine's disk.
    """
    if settings.usage_log == "spool":
        msg = (
            "the usage log lies on this machine's disk, and lanes cannot leave it: "
            "use Kafka as usage log, or copy the whole home"
        )
        raise GroupsWrong(msg)
    if group.kind == COLLECTION:
        catalogs = CatalogStore(Home(settings.home).catalogs)
        feeds = catalogs.load(catalogs.current()).feeds
        local = [lane for lane in lanes if not feeds[feed_of(lane)].topic]
        if local:
            msg = f"{', '.join(local)} read this machine's disk: move them with their whole home"
            raise GroupsWrong(msg)


@app.command("move", epilog=epilog("lanes move rating-2 --to /mnt/other/.tallywire"))
def move_(
    group: Annotated[str, typer.Argument(help="A group.")],
    *,
    to: Annotated[Path, typer.Option(help="The home where it shall live.")],
    home: HomeOption = None,
) -> None:
    """Move a group with its ledgers and state to another home; every file is proven equal.

    Both homes must be seen from here. A running `tallywire up` of this home ends the group; one of
    the other home starts it. Whoever wrote for its lanes before is refused by the store.
    """
    settings = settings_of(home)
    place, target = Home(settings.home), Home(to)
    with plain_errors():
        known = group_named(place, group)
        if known.home and Path(known.home) != to.resolve():
            msg = f"{group} lives in {known.home} already: move it from there"
            raise GroupsWrong(msg)
        if place.root.resolve() == to.resolve():
            msg = f"{to} is where {group} lives"
            raise GroupsWrong(msg)
        lanes = _owned(settings)[group]
        _check_movable(settings, known, lanes)
        to.mkdir(parents=True, exist_ok=True)
        with stopped(place, group), stopped(target, group):
            made: Moved = move(place, known, lanes, target)
    typer.echo(
        f"{group} lives in {to} now: {len(lanes)} lanes, {made.files} files, {made.octets:,} bytes,"
        " each proven equal"
    )


LaneArgument = Annotated[str, typer.Argument(help="A lane, as `tallywire lanes list` names it.")]


def _folder(settings: Settings, lane: str) -> Path:
    """Find the folder of a lane that lives here."""
    for kind in (COLLECTION, RATING):
        folder = Home(settings.home).lane(kind, lane)
        if folder.exists():
            return folder
    msg = f"{settings.home} has no lane {lane}: `tallywire lanes list` names those there are"
    raise GroupsWrong(msg)


@app.command("release", epilog=epilog("lanes release usage-0003"))
def release_(lane: LaneArgument, *, home: HomeOption = None) -> None:
    """Let a lane go on that was put aside; its range is worked again, and counted once."""
    settings = settings_of(home)
    with plain_errors():
        crash = release(_folder(settings, lane))
    if crash is None:
        typer.echo(f"{lane} was not put aside", err=True)
        raise typer.Exit(Exit.PROBLEMS)
    typer.echo(f"{lane} goes on with {crash.token}, at which it crashed {crash.count} times")


@app.command("skip", epilog=epilog('lanes skip platform@0003 --note "retention was too short"'))
def skip(
    lane: LaneArgument,
    *,
    note: Annotated[str, typer.Option(help="Why; it is kept with the finding.")],
    home: HomeOption = None,
) -> None:
    """Let a lane of a topic go on behind messages that were deleted before they were read.

    They are lost. How many, and what they were worth by the feed's typical record, is kept as a
    finding. Do this only when no copy of them can be sent again.
    """
    settings = settings_of(home)
    with plain_errors():
        folder = _folder(settings, lane)
        ask_skip(folder, by=login(), note=note)
        release(folder)
    typer.echo(f"{lane} goes on at the first message that is there, as soon as its group runs")
