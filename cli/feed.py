"""`tallywire feed`: make a feed from a sample file, and try a feed on a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.catalog_common import found, print_json, print_table, stop
from cli.common import HomeOption, JsonOption, epilog, plain_errors
from dataflows.catalogs import read_folder
from dataflows.exits import Exit
from dataflows.files import write_atomic
from dataflows.trial import Trial, try_feed
from schemas.columns import frame_to_rows
from schemas.instants import text_from_micros
from schemas.services import Service, Unit
from schemas.usage import UsageEvent
from tallywire.catalog import Problem, Snapshot, read
from tallywire.catalog.imports.yaml_out import plain_id, yaml_text
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.guess import Guess, guess

app = typer.Typer(help="Make a feed from a sample file; try a feed.", no_args_is_help=True)

_SAMPLE = 8 * 1024 * 1024
Sample = Annotated[Path, typer.Argument(metavar="FILE", help="A usage file.")]
Shown = Annotated[int, typer.Option("--show", min=0, max=1_000, help="Usage events to show.")]
_PREVIEW = ("start", "service", "from", "to", "quantity", "served", "account")


def _sample(path: Path) -> bytes:
    if not path.is_file():
        raise stop(Exit.USAGE, f"{path}: no such file")
    with path.open("rb") as file:
        return file.read(_SAMPLE)


def _in_words(quantity: int, unit: str) -> str:
    if unit == Unit.MICROSECOND.value:
        whole, rest = divmod(quantity, 1_000_000)
        return f"{whole}.{rest:06d}".rstrip("0").rstrip(".") + " s"
    return f"{quantity} {unit}{'' if quantity == 1 else 's'}"


def _preview(trial: Trial) -> list[tuple[str, ...]]:
    if trial.preview is None:
        return []
    return [
        (
            text_from_micros(event.start_time), event.service, event.a_number or event.a_number_raw,
            event.b_number or event.b_number_raw, _in_words(event.quantity, event.unit),
            event.served_identifier, event.account_id,
        )
        for event in frame_to_rows(trial.preview, UsageEvent)
    ]  # fmt: skip


def _content(trial: Trial) -> dict[str, Any]:
    return {
        "records": trial.records,
        "usage": trial.usage,
        "open": trial.waiting,
        "control": trial.control,
        "others": [
            {"fate": fate.value, "reason": reason.value, "records": told.records,
             "example": told.example}
            for (fate, reason), told in sorted(trial.reasons.items())
        ],
        "filters": trial.filters,
        "preview": [dict(zip(_PREVIEW, row, strict=True)) for row in _preview(trial)],
    }  # fmt: skip


def _print(trial: Trial) -> None:
    print_table(_PREVIEW, _preview(trial))
    typer.echo(f"{trial.records} records: {trial.usage} are usage")
    if trial.waiting:
        typer.echo(f"  {trial.waiting} open: parts of sessions that wait for the rest")
    for (fate, reason), told in sorted(trial.reasons.items()):
        typer.echo(f"  {told.records} {fate.value}: {reason.value} ({told.example})")
    for name, records in trial.filters.items():
        typer.echo(f"  the filter {name} sets {records} aside")
    for name, value in sorted(trial.control.items()):
        typer.echo(f"  the file: {name.replace('_', ' ')} {value}")


@app.command(
    "test",
    epilog=epilog("feed test nordvik NV000101.cdr", "feed test pbx a.csv --catalog my-catalog"),
)
def try_(
    feed: Annotated[str, typer.Argument(metavar="FEED", help="Id of a feed.")],
    file: Sample,
    *,
    catalog: Annotated[
        str, typer.Option("--catalog", help="Catalogue folder or hash; the one in use without it.")
    ] = "",
    show: Shown = 10,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Try a feed on a file: what would become of every record. Nothing is kept or rated.

    Exits with 1 where a record would be suspended.
    """
    with plain_errors():
        snapshot = found(catalog, home)
        if feed not in snapshot.feeds:
            names = ", ".join(sorted(snapshot.feeds)) or "none"
            raise stop(Exit.USAGE, f"{feed}: no such feed; feeds here: {names}")
        _sample(file)
        trial = try_feed(file, snapshot.feeds[feed], snapshot, show=show)
    if as_json:
        print_json(_content(trial))
    else:
        _print(trial)
    if trial.suspended:
        raise typer.Exit(Exit.PROBLEMS)


def _with(folder: Path, name: str, text: str) -> tuple[Snapshot | None, Sequence[Problem]]:
    """Read a catalogue as it would be with one more file."""
    reading = read({**read_folder(folder), name: text.encode()}, DECODERS)
    return reading.snapshot, reading.problems


def _proposal(file: Path, feed_id: str, service: Service | None) -> Guess:
    proposal = guess(
        _sample(file), feed_id=feed_id, path=f"*{file.suffix}" if file.suffix else file.name,
        service=service,
    )  # fmt: skip
    if not proposal.entry:
        why = "; ".join(proposal.notes) or "it is neither objects nor separated values"
        text = f"{file}: no layout was recognised ({why}): describe it by hand, as the guide shows"
        raise stop(Exit.PROBLEMS, text)
    return proposal


@app.command("new", epilog=epilog("feed new calls.csv --catalog my-catalog --id carrier"))
def new(
    file: Sample,
    *,
    catalog: Annotated[Path, typer.Option("--catalog", help="Catalogue folder to add it to.")],
    feed_id: Annotated[str, typer.Option("--id", help="Its id; made of the file's name.")] = "",
    service: Annotated[Service | None, typer.Option("--service", help="What is used.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    show: Shown = 5,
) -> None:
    """Make a feed from a sample file: layout, header, times, key, quantity and parties are guessed.

    The feed and what it makes of the sample are shown; nothing is written unless you say so.
    """
    with plain_errors():
        name = plain_id(feed_id or file.stem).lower()
        target = f"feeds/{name}.yaml"
        if (catalog / target).exists():
            raise stop(Exit.USAGE, f"{catalog / target} is there already; choose another --id")
        proposal = _proposal(file, name, service)
        text = yaml_text(proposal.entry)
        typer.echo(text)
        for note in proposal.notes:
            typer.echo(f"assumed: {note}")
        snapshot, problems = _with(catalog, target, text)
        for problem in problems:
            typer.echo(f"{catalog}/{problem}", err=True)
        if snapshot is None:
            raise stop(Exit.PROBLEMS, "the catalogue would not compile with it; nothing is written")
        trial = try_feed(file, snapshot.feeds[name], snapshot, show=show)
        _print(trial)
        if not yes and not typer.confirm(f"write {catalog / target}?"):
            raise typer.Exit(Exit.DONE)
        (catalog / target).parent.mkdir(exist_ok=True)
        write_atomic(catalog / target, text.encode(), durable=True)
        typer.echo(f"{catalog / target} is written; try it with `tallywire feed test {name} FILE`")
