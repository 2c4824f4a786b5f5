"""What the verbs of `tallywire catalog` share: finding a catalogue, printing rows."""

import dataclasses
import getpass
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.common import console, settings_of
from dataflows.catalogs import CatalogStore, read_folder
from dataflows.exits import Exit
from dataflows.settings import Home
from tallywire.catalog import Problem, Reading, Snapshot, read
from tallywire.mediation.decoders import DECODERS

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Catalogue folder.")]
Which = Annotated[str, typer.Argument(help="Catalogue folder, or the hash of an archived one.")]
_EXITS = "Exit codes: 0 done, 1 the catalogue has problems, 2 wrong use, 6 damaged archive, 7 disk."


def epilog(*examples: str) -> str:
    """Write the end of a verb's help: examples, then exit codes."""
    lines = "\n".join(f"  tallywire catalog {example}" for example in examples)
    return f"\b\nExamples:\n{lines}\n\n{_EXITS}"


def stop(code: int, message: str) -> typer.Exit:
    """Say what is wrong; give the exit to raise."""
    typer.echo(message, err=True)
    return typer.Exit(code)


def archive_of(home: Path | None) -> CatalogStore:
    """Give the archive of a home, or of the configured one."""
    return CatalogStore(Home(settings_of(home).home).catalogs)


def login() -> str:
    """Give the name that the machine knows this user by."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def print_json(value: object) -> None:
    """Print a value for programs."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows: a table on a terminal, tab-separated lines elsewhere."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(row))
        return
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*row)
    console().print(table, markup=False)


def listed(problems: Sequence[Problem]) -> list[dict[str, object]]:
    """Give problems as values for JSON."""
    return [dataclasses.asdict(problem) for problem in problems]


def count_words(some: Sequence[Problem], what: str) -> str:
    """Count problems or warnings in words."""
    return f"{len(some)} {what}{'' if len(some) == 1 else 's'}"


def judged_folder(
    folder: Path, judge: Callable[[Mapping[str, bytes]], Reading], *, as_json: bool
) -> tuple[dict[str, bytes], Reading, Snapshot]:
    """Read a folder; where it has problems, print them and exit with 1.

    Args:
        folder: The catalogue.
        judge: Reads its files, and may ask more of them than that they can be read.
        as_json: Print for programs.

    Raises:
        CatalogError: If it cannot be read.
    """
    files = read_folder(folder)
    reading = judge(files)
    if reading.snapshot is not None:
        return files, reading, reading.snapshot
    problems = listed(reading.problems)
    if as_json:
        print_json({"ok": False, "hash": None, "problems": problems, "warnings": []})
    else:
        for problem in reading.problems:
            typer.echo(f"{folder}/{problem}")
        typer.echo(f"{count_words(reading.problems, 'problem')}; nothing was compiled", err=True)
    raise typer.Exit(Exit.PROBLEMS)


def checked(folder: Path, *, as_json: bool) -> tuple[dict[str, bytes], Snapshot]:
    """Read a folder that is to be looked at; where it has problems, print them and exit with 1.

    Raises:
        CatalogError: If it cannot be read.
    """
    files, _, snapshot = judged_folder(folder, lambda held: read(held, DECODERS), as_json=as_json)
    return files, snapshot


def hash_of(which: str, store: CatalogStore) -> str:
    """Get the whole hash of an archived catalogue from its beginning; exit with 2 without one.

    Raises:
        CatalogError: If the archive cannot be read.
    """
    matches = [name for name in store.known() if which and name.startswith(which)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        several = f"{len(matches)} archived catalogues begin with {which}; write more of the hash"
        raise stop(Exit.USAGE, several)
    none = f"{which}: no such folder, and no archived catalogue with this hash"
    raise stop(Exit.USAGE, none)


def found(which: str, home: Path | None) -> Snapshot:
    """Get the catalogue of a folder, of an archived hash (or its beginning), or the current.

    Raises:
        CatalogError: If it cannot be read.
    """
    if which and Path(which).is_dir():
        return checked(Path(which), as_json=False)[1]
    store = archive_of(home)
    return store.load(hash_of(which, store) if which else store.current())
