"""`tallywire catalog backtest`: what a draft would change in money, over usage that there was."""

from pathlib import Path
from typing import Annotated

import typer

from cli.backtest_picture import write_picture
from cli.backtest_report import Frames, frames, summary, tables, write_csv, write_summary
from cli.catalog_common import epilog, found, stop
from cli.common import HomeOption, JsonOption, console, plain_errors, settings_of
from cli.printed import as_json_bytes
from cli.usage_source import (
    SinceOption,
    StoreOption,
    UntilOption,
    UsageOption,
    UsageSource,
    source_of,
)
from dataflows.exits import Exit
from tallywire.catalog import Snapshot
from tallywire.rating.backtest import Backtest

EPILOG = epilog(
    "backtest draft --store --since 2026-10-01 --until 2026-11-01",
    "backtest draft --usage usage.jsonl --base before --out dearer-messages",
    "backtest draft --store --since 2026-10-01 --until 2026-11-01 --close",
)
_LINES_TOLD = 10
SHORT = 12
"""Digits of a hash that people see."""


def replayed(
    now: Snapshot, draft: Snapshot, source: UsageSource, *, close: bool = False
) -> Backtest:
    """Rate all usage of a source under two catalogues; say which lines cannot be read.

    Args:
        now: The catalogue that is compared with.
        draft: The other.
        source: Usage.
        close: Close its months as well.

    Raises:
        typer.Exit: With code 1, if there is no usage.
        StoreError: If the store cannot be had.
        OSError: If the file cannot be read.
    """
    made = Backtest(now, draft)
    for batch in source.batches():
        made.take(batch)
    if close:
        made.close_months()
    for text in source.unreadable[:_LINES_TOLD]:
        typer.echo(text, err=True)
    if len(source.unreadable) > _LINES_TOLD:
        typer.echo(f"... and {len(source.unreadable) - _LINES_TOLD} lines more", err=True)
    if not made.events:
        raise stop(Exit.PROBLEMS, "there is no usage in that file or period: nothing to compare")
    return made


def _picture(made: Backtest, results: Frames, out: Path) -> None:
    title = (
        f"Draft {made.draft.hash[:SHORT]} against {made.now.hash[:SHORT]}, "
        f"{made.events:,} usage events"
    )
    try:
        write_picture(results, title, out / "backtest.svg")
    except ImportError:
        typer.echo("no picture: it needs matplotlib; pip install 'tallywire[pictures]'", err=True)


def command(
    draft: Annotated[str, typer.Argument(help="Catalogue folder, or hash of an archived one.")],
    *,
    usage: UsageOption = None,
    store: StoreOption = False,
    since: SinceOption = "",
    until: UntilOption = "",
    base: Annotated[
        str, typer.Option("--base", help="Compare with this folder or hash; else the one in use.")
    ] = "",
    close: Annotated[
        bool,
        typer.Option(
            "--close", help="Close the months of the usage too: minimums, commitments, first tiers."
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for CSV files and picture.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay usage under the catalogue in use and under a draft; show what changes, and for whom.

    Both begin with untouched allowances and take the usage in the order in which it was rated.
    Nothing that is stored changes. Exit code 3 says that some lines could not be read.
    """
    settings = settings_of(home)
    with plain_errors():
        source = source_of(settings, usage, store=store, since=since, until=until)
        now, new = found(base, home), found(draft, home)
        place = out or Path(f"backtest-{new.hash[:SHORT]}")
        if place.exists() and not place.is_dir():
            raise stop(Exit.USAGE, f"--out {place}: it is a file; name a folder")
        made = replayed(now, new, source, close=close)
        results = frames(made)
        write_csv(results, place)
        write_summary(made, results, place)
        _picture(made, results, place)
    if as_json:
        typer.echo(as_json_bytes({**summary(made, results), "out": str(place)}).decode())
    else:
        for one in tables(results):
            console().print(one)
        same = "; no charge differs" if made.changes.is_empty() else ""
        typer.echo(f"{made.events:,} events rated twice{same}; tables and picture: {place}")
    raise typer.Exit(Exit.INCOMPLETE if source.unreadable else Exit.DONE)
