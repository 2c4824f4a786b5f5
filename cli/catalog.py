"""`tallywire catalog`: check, compile, show and compare catalogues."""

import dataclasses
import errno
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from cli.catalog_lint import Asked, ordinary_warnings, usage_hits, warnings_of
from cli.catalog_view import overview, tariff_rows
from dataflows.catalogs import (
    CatalogDamaged,
    CatalogError,
    CatalogStore,
    example_folder,
    judged,
    read_folder,
    write_folder,
)
from dataflows.settings import Home, Settings
from tallywire.catalog import Problem, Reading, Snapshot, diff, read
from tallywire.mediation.decoders import DECODERS
from tallywire.rating.one_by_one import sequential

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
Strict = Annotated[bool, typer.Option("--strict", help="Let warnings refuse, too.")]
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
    typer.echo(f"{_count(problems, 'problem')}; nothing was compiled", err=True)


def _count(found: Sequence[Problem], what: str) -> str:
    return f"{len(found)} {what}{'' if len(found) == 1 else 's'}"


def _checked(
    folder: Path, judge: Callable[[Mapping[str, bytes]], Reading], *, as_json: bool
) -> tuple[dict[str, bytes], Reading, Snapshot]:
    """Read a folder; where it has problems, print them and exit with 1."""
    files = read_folder(folder)
    reading = judge(files)
    if reading.snapshot is not None:
        return files, reading, reading.snapshot
    if as_json:
        problems = _listed(reading.problems)
        _print_json({"ok": False, "hash": None, "problems": problems, "warnings": []})
    else:
        _print_problems(folder, reading.problems)
    raise typer.Exit(PROBLEMS)


def _warn(folder: Path, warnings: Sequence[Problem], *, strict: bool, as_json: bool) -> None:
    """Tell warnings; where they refuse, exit with 1."""
    refused = strict and bool(warnings)
    if as_json and refused:
        _print_json({"ok": False, "hash": None, "problems": [], "warnings": _listed(warnings)})
    for warning in () if as_json else warnings:
        typer.echo(f"{folder}/{warning.told('warning')}")
    if refused:
        typer.echo(f"{_count(warnings, 'warning')}, refused by --strict", err=True)
        raise typer.Exit(PROBLEMS)


def _found(which: str, home: Path | None) -> Snapshot:
    """Get the catalogue of a folder, of an archived hash (or its beginning), or the current."""
    if which and Path(which).is_dir():
        return _checked(Path(which), lambda files: read(files, DECODERS), as_json=False)[2]
    store = _store(home)
    if not which:
        return store.load(store.current())
    matches = [name for name in store.known() if name.startswith(which)]
    if len(matches) == 1:
        return store.load(matches[0])
    several = f"{len(matches)} archived catalogues begin with {which}; write more of the hash"
    none = f"{which}: no such folder, and no archived catalogue with this hash"
    raise _stop(USAGE, several if matches else none)


def _asked(
    snapshot: Snapshot, previous: str, usage: Path | None, costs: Sequence[str], home: Path | None
) -> Asked:
    """Read what lint is to compare with; name what is not there."""
    pairs = []
    for text in costs:
        retail, _, cost = text.partition("=")
        for name in (retail, cost):
            if name not in snapshot.tariffs:
                names = ", ".join(sorted(snapshot.tariffs)) or "none"
                message = f"--cost {text}: there is no tariff {name!r}; tariffs here: {names}"
                raise _stop(USAGE, message)
        pairs.append((retail, cost))
    before = _found(previous, home) if previous else None
    if usage is None:
        return Asked(before, None, tuple(pairs))
    if not usage.is_file():
        raise _stop(USAGE, f"{usage}: no such file; name a file of usage events as JSON lines")
    try:
        found = usage_hits(before or snapshot, usage)
    except OSError as error:
        raise _stop(MACHINE, f"cannot read {usage}: {error.strerror or error}") from None
    typer.echo(f"usage: {found.rated} events have a price, {found.others} lines none", err=True)
    return Asked(before, found.by_prefix, tuple(pairs))


@app.command(
    epilog=_epilog(
        "lint fjordline", "lint fjordline --json", "lint fjordline --strict",
        "lint fjordline --previous 21b4e266 --usage usage.jsonl",
        "lint fjordline --cost voice_mobile=termination",
    )
)  # fmt: skip
def lint(
    folder: Folder,
    *,
    strict: Strict = False,
    previous: Annotated[
        str, typer.Option(help="Compare prices with this catalogue: a folder or an archived hash.")
    ] = "",
    usage: Annotated[
        Path | None, typer.Option(help="Usage events as JSON lines: who meets a deleted prefix.")
    ] = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(metavar="RETAIL=COST", help="Name prices of one tariff below another's."),
    ] = None,
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Check a catalogue folder: name every problem and warning with file, line and key.

    Problems refuse the catalogue: what is wrong, and price assertions that do not hold. Warnings
    are told and refuse nothing, but with --strict.
    """
    with _plain_errors():
        _, reading, snapshot = _checked(folder, judged, as_json=as_json)
        asked = _asked(snapshot, previous, usage, cost or (), home)
        warnings = warnings_of(reading, snapshot, asked)
        notes = sequential(snapshot)
    _warn(folder, warnings, strict=strict, as_json=as_json)
    if as_json:
        found = _listed(warnings)
        told = {"problems": [], "warnings": found, "notes": notes}
        _print_json({"ok": True, "hash": snapshot.hash, **told})
    else:
        more = f", {_count(warnings, 'warning')}" if warnings else ""
        typer.echo(f"no problems{more}; catalogue {snapshot.hash}")
        for note in notes:
            typer.echo(f"note: {note}")


@app.command("compile", epilog=_epilog("compile fjordline", "compile fjordline --home /srv/tw"))
def compile_(
    folder: Folder,
    *,
    home: HomeFolder = None,
    use: Annotated[bool, typer.Option(help="Put it into use.")] = True,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Compile a catalogue folder, keep it in the archive and put it into use."""
    with _plain_errors():
        store = _store(home)
        files, reading, snapshot = _checked(folder, store.judge, as_json=as_json)
        warnings = ordinary_warnings(reading)
        _warn(folder, warnings, strict=strict, as_json=as_json)
        store.archive(files, snapshot)
        if use:
            store.set_current(snapshot.hash)
    if as_json:
        found = {"problems": [], "warnings": _listed(warnings)}
        _print_json({"ok": True, "hash": snapshot.hash, "in_use": use, **found})
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
