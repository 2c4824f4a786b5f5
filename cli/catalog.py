"""`tallywire catalog`: check, compile, show and compare catalogues."""

import dataclasses
import errno
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from cli.catalog_view import overview, tariff_rows
from dataflows.catalogs import (
    CatalogDamaged,
    CatalogError,
    CatalogStore,
    example_folder,
    read_folder,
    write_folder,
)
from dataflows.settings import Home, Settings
from tallywire.catalog import Problem, Reading, Snapshot, diff, read
from tallywire.mediation.decoders import DECODERS

PROBLEMS, USAGE, DAMAGED, MACHINE = 1, 2, 6, 7
"""Exit codes; 0 is success."""

app = typer.Typer(
    help="Check, compile, show and compare catalogues: feeds, zones, tariffs, offers, accounts.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Catalogue folder.")]
Which = Annotated[str, typer.Argument(help="Catalogue folder, or the hash of an archived one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
HomeFolder = Annotated[
    Path | None,
    typer.Option("--home", envvar="TALLYWIRE_HOME", help="Folder of everything that is kept."),
]
_EXITS = "Exit codes: 0 done, 1 the catalogue has problems, 2 wrong use, 6 damaged archive, 7 disk."


def _epilog(*examples: str) -> str:
    lines = "\n".join(f"  tallywire catalog {example}" for example in examples)
    return f"\b\nExamples:\n{lines}\n\n{_EXITS}"


def _stop(code: int, message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(code)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn what the world refuses into one sentence and an exit code."""
    try:
        yield
    except CatalogDamaged as error:
        raise _stop(DAMAGED, str(error)) from None
    except CatalogError as error:
        wrong_use = error.errno in {errno.EINVAL, errno.ENOENT, errno.ENOTDIR}
        raise _stop(USAGE if wrong_use else MACHINE, str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(step) for step in first["loc"])
        raise _stop(USAGE, f"configuration: {name}: {first['msg']}") from None


def _store(home: Path | None) -> CatalogStore:
    return CatalogStore(Home(home or Settings().home).catalogs)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows: a table on a terminal, tab-separated lines elsewhere."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(row))
        return
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*row)
    Console().print(table, markup=False)


def _listed(problems: Sequence[Problem]) -> list[dict[str, object]]:
    return [dataclasses.asdict(problem) for problem in problems]


def _print_problems(folder: Path, problems: Sequence[Problem]) -> None:
    for problem in problems:
        typer.echo(f"{folder}/{problem}")
    count = len(problems)
    typer.echo(f"{count} problem{'' if count == 1 else 's'}; nothing was compiled", err=True)


def _checked(folder: Path, *, as_json: bool) -> tuple[dict[str, bytes], Snapshot]:
    """Read a folder; where it has problems, print them and exit with 1."""
    files = read_folder(folder)
    reading: Reading = read(files, DECODERS)
    if reading.snapshot is not None:
        return files, reading.snapshot
    if as_json:
        _print_json({"ok": False, "hash": None, "problems": _listed(reading.problems)})
    else:
        _print_problems(folder, reading.problems)
    raise typer.Exit(PROBLEMS)


def _found(which: str, home: Path | None) -> Snapshot:
    """Get the catalogue of a folder, of an archived hash (or its beginning), or the current."""
    if which and Path(which).is_dir():
        return _checked(Path(which), as_json=False)[1]
    store = _store(home)
    if not which:
        return store.load(store.current())
    matches = [name for name in store.known() if name.startswith(which)]
    if len(matches) == 1:
        return store.load(matches[0])
    several = f"{len(matches)} archived catalogues begin with {which}; write more of the hash"
    none = f"{which}: no such folder, and no archived catalogue with this hash"
    raise _stop(USAGE, several if matches else none)


@app.command(epilog=_epilog("lint fjordline", "lint fjordline --json"))
def lint(folder: Folder, *, as_json: AsJson = False) -> None:
    """Check a catalogue folder and name every problem with file, line and key."""
    with _plain_errors():
        _, snapshot = _checked(folder, as_json=as_json)
    if as_json:
        _print_json({"ok": True, "hash": snapshot.hash, "problems": []})
    else:
        typer.echo(f"no problems; catalogue {snapshot.hash}")


@app.command("compile", epilog=_epilog("compile fjordline", "compile fjordline --home /srv/tw"))
def compile_(
    folder: Folder,
    *,
    home: HomeFolder = None,
    use: Annotated[bool, typer.Option(help="Put it into use.")] = True,
    as_json: AsJson = False,
) -> None:
    """Compile a catalogue folder, keep it in the archive and put it into use."""
    with _plain_errors():
        files, snapshot = _checked(folder, as_json=as_json)
        store = _store(home)
        store.archive(files, snapshot)
        if use:
            store.set_current(snapshot.hash)
    if as_json:
        _print_json({"ok": True, "hash": snapshot.hash, "in_use": use, "problems": []})
    else:
        state = "now in use" if use else "archived, not in use"
        typer.echo(f"catalogue {snapshot.hash} compiled, {state}")


@app.command(
    epilog=_epilog(
        "show", "show fjordline", "show fjordline --tariff voice_mobile", "show 21b4e266"
    )
)
def show(
    which: Which = "",
    *,
    tariff: Annotated[str, typer.Option(help="Show the prices of this tariff.")] = "",
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show a catalogue: the one in use, a folder, or an archived one; or one tariff's prices."""
    with _plain_errors():
        snapshot = _found(which, home)
    if tariff and tariff not in snapshot.tariffs:
        names = ", ".join(sorted(snapshot.tariffs)) or "none"
        raise _stop(USAGE, f"there is no tariff {tariff!r}; tariffs here: {names}")
    columns: tuple[str, ...]
    if tariff:
        columns, rows = (
            ("zone", "price", "valid", "prefixes"),
            tariff_rows(snapshot.tariffs[tariff]),
        )
    else:
        columns, rows = ("kind", "id", "what"), overview(snapshot)
    if as_json:
        named = [dict(zip(columns, row, strict=True)) for row in rows]
        _print_json({"hash": snapshot.hash, "rows": named})
    else:
        _print_table(columns, rows)


@app.command("diff", epilog=_epilog("diff before after", "diff 21b4e266 fjordline --json"))
def diff_(old: Which, new: Which, *, home: HomeFolder = None, as_json: AsJson = False) -> None:
    """Say what changed from one catalogue to another: tariffs, zones, offers, feeds, accounts."""
    with _plain_errors():
        changes = diff(_found(old, home), _found(new, home))
    if as_json:
        _print_json({"changes": [dataclasses.asdict(change) for change in changes]})
    elif changes:
        rows = [dataclasses.astuple(change) for change in changes]
        _print_table(("kind", "id", "what", "difference"), rows)
    else:
        typer.echo("no differences")


@app.command(epilog=_epilog("init fjordline"))
def init(folder: Folder) -> None:
    """Write the example catalogue, a small operator, into a new folder to start from."""
    with _plain_errors():
        write_folder(read_folder(example_folder()), folder)
    typer.echo(f"wrote the example catalogue to {folder}; next: tallywire catalog lint {folder}")
