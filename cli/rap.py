"""`tallywire rap`: what roaming partners get back of their TAP files."""

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from cli.common import HomeOption, epilog, plain_errors, settings_of
from cli.rap_check import fatal_code, faults_of, told
from cli.reading import reader
from cli.rerate.world import world_of
from cli.suspended import suspense_rows
from dashboards.queries import rows
from dataflows.exits import Exit
from dataflows.files import write_atomic
from dataflows.settings import Home, Settings
from dataflows.sources.ranges import prologue_of
from dataflows.stores import store_of
from schemas.outcomes import SuspenseEvent
from tallywire.mediation.decoders import TAP
from tallywire.mediation.decoders.tap import TapOptions
from tallywire.mediation.decoders.tap.head import head_of
from tallywire.mediation.decoders.tap.rules import Level
from tallywire.mediation.returned import (
    MOST_NUMBER,
    Return,
    Route,
    file_name,
    rap_file,
    returned_of,
    route_of,
)

app = typer.Typer(help="Return records of TAP files to their senders.", no_args_is_help=True)

_NAME = re.compile(r"^[A-Za-z0-9]{1,10}$")
_MOST = 100_000


@dataclass(frozen=True)
class Chosen:
    """Records to be returned on one way, with the ids they have in suspense."""

    route: Route
    returns: list[Return]
    ids: list[str]


def _options(settings: Settings, feed: str) -> TapOptions:
    world = world_of(settings)
    snapshot = world.catalogs(world.store.current())[1]
    found = snapshot.feeds.get(feed)
    if found is None or found.format != "tap":
        typer.echo(f"the catalogue has no feed {feed} of format tap", err=True)
        raise typer.Exit(Exit.USAGE)
    return TapOptions.model_validate(found.options)


def _open(settings: Settings, feed: str) -> list[SuspenseEvent]:
    """Read the suspended records of a feed, each in its latest attempt."""
    with reader(settings) as client:
        listed = rows(client, "suspense_list", {"reason": "", "feed": feed, "limit": _MOST})
    wanted = [row["suspense_id"] for row in listed]
    latest = {row.suspense_id: row for row in suspense_rows(settings, wanted) if row.change > 0}
    return [latest[key] for key in sorted(latest)]


def _chosen(held: list[SuspenseEvent], codes: dict[str, int], done: set[str]) -> list[Chosen]:
    """Put records to their ways back; say what cannot be returned."""
    found: dict[Route, Chosen] = {}
    for event in held:
        if event.suspense_id in done:
            continue
        route, back, wrong = returned_of(event, codes)
        if route is None or back is None:
            typer.echo(f"{event.suspense_id}: {wrong}", err=True)
        elif not (_NAME.match(route.sender) and _NAME.match(route.recipient)):
            typer.echo(f"{event.suspense_id}: its file names no networks", err=True)
        else:
            chosen = found.setdefault(route, Chosen(route, [], []))
            chosen.returns.append(back)
            chosen.ids.append(event.suspense_id)
    return list(found.values())


def _kept(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = {"number": 0, "returned": [], "planned": []}
    if path.exists():
        content.update(orjson.loads(path.read_bytes()))
    return content


def _write(folder: Path, out: Path, chosen: Chosen, at: datetime.datetime) -> Path:
    """Write a file of the next number; a number is used once, whatever happens meanwhile.

    What is planned is written down first: after a crash the same records take the same number.
    """
    kept_at = folder / f"{file_name(chosen.route, 0)[:-5]}.json"
    kept = _kept(kept_at)
    pending = set(kept["planned"])
    pairs = [
        (key, one)
        for key, one in zip(chosen.ids, chosen.returns, strict=True)
        if not pending or key in pending
    ]
    number = kept["number"] % MOST_NUMBER + 1
    ids = [key for key, _ in pairs]
    write_atomic(kept_at, orjson.dumps({**kept, "planned": ids}), durable=True)
    path = out / file_name(chosen.route, number)
    content = rap_file(chosen.route, number, [one for _, one in pairs], at)
    write_atomic(path, content, durable=True)
    done = {"number": number, "returned": [*kept["returned"], *ids], "planned": []}
    write_atomic(kept_at, orjson.dumps(done), durable=True)
    return path


@app.command(epilog=epilog("rap write --feed roaming --out returns"))
def write(
    *,
    feed: Annotated[str, typer.Option("--feed", help="Feed of TAP files.")],
    out: Annotated[Path, typer.Option("--out", help="Folder that the files are written to.")],
    home: HomeOption = None,
) -> None:
    """Write RAP files of a feed's suspended records: one for each partner, each record once.

    Only records that have an error code are returned: that of the rule they break, or of their
    reason, in the feed's `error_codes`; else the rule's own. They stay in suspense until they are
    recycled or come again.
    """
    settings = settings_of(home)
    with plain_errors(), store_of(settings):
        folder = Home(settings.home).root / "rap"
        folder.mkdir(parents=True, exist_ok=True)
        out.mkdir(parents=True, exist_ok=True)
        done = {key for path in folder.glob("*.json") for key in _kept(path)["returned"]}
        held, codes = _open(settings, feed), _options(settings, feed).error_codes
        at = datetime.datetime.now(datetime.UTC)
        files = [_write(folder, out, one, at) for one in _chosen(held, codes, done)]
    for path in files:
        typer.echo(str(path))
    typer.echo(f"{len(files)} file{'' if len(files) == 1 else 's'}")


FeedOption = Annotated[
    str, typer.Option("--feed", help="Feed whose options hold; without it, those by default.")
]


@app.command(epilog=epilog("rap check CDNORAANORBB00012 --feed roaming"))
def check(
    path: Annotated[Path, typer.Argument(help="A TAP file.")],
    *,
    feed: FeedOption = "",
    home: HomeOption = None,
) -> None:
    """Hold a TAP file against the rules that decide money; say which it breaks, and how.

    Nothing is collected. The exit code is 1 if a fatal or severe rule is broken.
    """
    with plain_errors():
        options = _options(settings_of(home), feed) if feed else TapOptions()
        faults = faults_of(path, options)
    for line in told(faults, options):
        typer.echo(line)
    if any(fault.rule.level is not Level.WARNING for fault in faults):
        raise typer.Exit(Exit.PROBLEMS)


@app.command(epilog=epilog("rap reject CDNORAANORBB00012 --error 30 --out returns"))
def reject(
    path: Annotated[Path, typer.Argument(help="A TAP file.")],
    *,
    error: Annotated[
        int | None,
        typer.Option(
            "--error", min=0, help="Error code; without it, that of the first fatal rule it breaks."
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder that the file is written to.")],
    feed: FeedOption = "",
    home: HomeOption = None,
) -> None:
    """Return a TAP file as a whole (a fatal return)."""
    settings = settings_of(home)
    with plain_errors():
        head = head_of(prologue_of(path, TAP))
        route = route_of(head)
        if not (head.sequence and _NAME.match(route.sender) and _NAME.match(route.recipient)):
            typer.echo(f"{path} is no TAP file, or does not say whose it is", err=True)
            raise typer.Exit(Exit.INCOMPLETE)
        code = error
        if code is None:
            options = _options(settings, feed) if feed else TapOptions()
            code = fatal_code(faults_of(path, options), options)
        if code is None:
            typer.echo(
                f"{path} breaks no fatal rule that has an error code; see `tallywire rap check`, "
                "then give one with --error",
                err=True,
            )
            raise typer.Exit(Exit.USAGE)
        folder = Home(settings.home).root / "rap"
        folder.mkdir(parents=True, exist_ok=True)
        out.mkdir(parents=True, exist_ok=True)
        whole = Chosen(route, [Return(head.sequence, b"", code)], [f"file {head.number}"])
        made = _write(folder, out, whole, datetime.datetime.now(datetime.UTC))
    typer.echo(str(made))
