"""`tallywire catalog import`: a catalogue out of tariffs that an operator already has."""

import errno
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from dataflows.catalogs import CatalogError, write_folder
from dataflows.exits import Exit
from schemas.services import Service
from tallywire.catalog import read
from tallywire.catalog.imports import HEADINGS, Imported, OperatorWords
from tallywire.catalog.imports.astpp import import_astpp
from tallywire.catalog.imports.cgrates import import_cgrates
from tallywire.catalog.imports.price_list import (
    MappingFault,
    import_list,
    mapping_file,
    mapping_of,
)
from tallywire.catalog.imports.report import MOST_OF_A_KIND
from tallywire.catalog.imports.yaml_out import plain_id
from tallywire.mediation.decoders import DECODERS

app = typer.Typer(
    help="Make a catalogue out of tariffs there are already; what is not carried over is reported.",
    no_args_is_help=True,
)


def _say(text: str) -> Any:  # noqa: ANN401  typer says so
    return typer.Option(help=text)


Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder for the catalogue.")]
Entity = Annotated[str, _say("Who invoices.")]
Currency = Annotated[str, _say("ISO 4217 code of all prices.")]
Zone = Annotated[str, _say("IANA time zone of bands and dates.")]
Country = Annotated[str, _say("Country code of numbers written nationally.")]
Strict = Annotated[bool, _say("Write nothing unless everything is carried over.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON for programs.")]
Encoding = Annotated[str, _say("How the file's text is stored, such as utf-8 or cp1252.")]
Id = Annotated[str, _say("Id of the tariff, plan and offer; the file's name otherwise.")]
Start = Annotated[str, _say("First date of the tariff.")]
Rounding = Annotated[str, _say("up, down, half_up or half_even.")]
Decimals = Annotated[str, _say("Decimals of a charge, 0 to 9.")]
ServiceName = Annotated[str, typer.Option("--service", help="The service that is priced.")]

_EXITS = (
    "Exit codes: 0 everything was carried over, 1 a catalogue was written and something was not, "
    "2 wrong use or nothing written, 7 disk or permission."
)


def _epilog(*examples: str) -> str:
    lines = "\n".join(f"  tallywire catalog import {example}" for example in examples)
    return f"\b\nExamples:\n{lines}\n\n{_EXITS}"


def _stop(code: int, message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(code)


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except MappingFault as error:
        raise _stop(Exit.USAGE, str(error)) from None
    except CatalogError as error:
        wrong_use = error.errno in {errno.EINVAL, errno.ENOENT, errno.ENOTDIR, errno.EEXIST}
        raise _stop(Exit.USAGE if wrong_use else Exit.MACHINE, str(error)) from None
    except BrokenPipeError:
        sys.stderr.close()  # the reader has read enough, as of `| head`
        raise typer.Exit(Exit.DONE) from None
    except OSError as error:
        missing = error.errno in {errno.ENOENT, errno.EISDIR, errno.ENOTDIR}
        text = f"cannot read {error.filename}: {error.strerror}; correct the path"
        raise _stop(Exit.USAGE if missing else Exit.MACHINE, text) from None


def _text(path: Path, encoding: str = "utf-8") -> str:
    """Read a file's text; what is no such text is wrong use, with the line."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding)
    except LookupError:
        raise _stop(Exit.USAGE, f"there is no encoding {encoding!r}; say utf-8 or cp1252") from None
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = content.count(b"\n", 0, start) + 1
        message = (
            f"{path}:{line}: not {encoding}; save it as UTF-8, or say --encoding where there is"
        )
        raise _stop(Exit.USAGE, message) from None
    if "\x00" in text:
        raise _stop(Exit.USAGE, f"{path}: not a text file (export a spreadsheet as CSV)")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _operator(entity: str, currency: str, time_zone: str, home_country: str) -> OperatorWords:
    said = OperatorWords(entity, currency, time_zone, home_country)
    faults = list(said.faults())
    if faults:
        raise MappingFault("\n".join(faults))
    return said


def _report(imported: Imported, *, written: bool) -> Iterator[str]:
    for kind, notes in groupby(imported.notes, key=lambda one: one.kind):
        every = list(notes)
        yield f"\n{HEADINGS[kind]} ({len(every)}):"
        yield from (f"  {note}" for note in every[:MOST_OF_A_KIND])
        if len(every) > MOST_OF_A_KIND:
            yield f"  and {len(every) - MOST_OF_A_KIND} more; --json lists all"
    if imported.complete and written:
        yield "\nEverything was carried over."


def _as_json(imported: Imported, out: Path, *, written: bool) -> str:
    notes = [
        {
            "kind": note.kind.value,
            "file": note.file,
            "line": note.line,
            "message": note.message,
            "money": note.money,
        }
        for note in imported.notes
    ]
    answer = {
        "complete": imported.complete,
        "written": str(out) if written else None,
        "files": sorted(imported.files) if written else [],
        "notes": notes,
    }
    return json.dumps(answer, indent=2, ensure_ascii=False)


def _finish(imported: Imported, out: Path, *, strict: bool, as_json: bool) -> None:
    """Write the catalogue, unless it may not be; tell; exit."""
    files = {name: text.encode() for name, text in imported.files.items()}
    problems = read(files, DECODERS).problems if files else []
    written = bool(files) and not problems and (imported.complete or not strict)
    if written:
        write_folder(files, out)
    if as_json:
        typer.echo(_as_json(imported, out, written=written))
    else:
        what = f"wrote {len(files)} files to {out}" if written else "nothing was written"
        typer.echo(f"{what}; next: tallywire catalog lint {out}" if written else what)
        for line in _report(imported, written=written):
            typer.echo(line)
    if not files:
        typer.echo("the source has no price that can be carried over", err=True)
    for problem in problems:
        typer.echo(f"the catalogue would not lint: {problem}", err=True)
    if not written:
        raise typer.Exit(Exit.USAGE)
    raise typer.Exit(Exit.DONE if imported.complete else Exit.PROBLEMS)


def _services(said: list[str]) -> Mapping[str, Service]:
    found = {}
    for one in said:
        category, _, name = one.partition("=")
        if not category or name not in set(Service):
            names = ", ".join(Service)
            message = f"--service {one}: write CATEGORY=SERVICE; services are {names}"
            raise MappingFault(message)
        found[category] = Service(name)
    return found


@app.command(
    epilog=_epilog(
        "cgrates tariffplan --out mine --currency EUR --time-zone Europe/Oslo",
        "cgrates tariffplan --out mine --service generic=api --json",
    )
)
def cgrates(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the CSV files.")],
    *,
    out: Out,
    service: Annotated[list[str] | None, _say("CATEGORY=SERVICE, for each that is new.")] = None,
    entity: Entity = "",
    currency: Currency = "",
    time_zone: Zone = "",
    home_country: Country = "",
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Import a CGRateS tariff plan: destinations, timings, rates, rating plans and profiles."""
    with _plain_errors():
        said = _operator(entity, currency, time_zone, home_country)
        services = _services(service or [])
        texts = {path.name: _text(path) for path in _tables(folder)}
        imported = import_cgrates(texts, said, services)
        _finish(imported, out, strict=strict, as_json=as_json)


def _tables(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix == ".csv")
    if not any(path.name == "RatingProfiles.csv" for path in found):
        message = f"{folder} holds no RatingProfiles.csv; name the folder of a tariff plan"
        raise _stop(Exit.USAGE, message)
    return found


@app.command(
    epilog=_epilog("astpp termination.csv --out carrier --service interconnect --currency USD")
)
def astpp(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Rate deck, CSV.")],
    *,
    out: Out,
    service: ServiceName = "voice",
    id_: Annotated[str, typer.Option("--id", help="Id of the tariff; the file's name else.")] = "",
    start: Start = "",
    rounding: Rounding = "",
    decimals: Decimals = "",
    encoding: Encoding = "utf-8",
    entity: Entity = "",
    currency: Currency = "",
    time_zone: Zone = "",
    home_country: Country = "",
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Import an ASTPP origination or termination rate deck."""
    further = {
        "service": service, "id": id_ or plain_id(file.stem), "start": start,
        "rounding": rounding, "decimals": decimals,
    }  # fmt: skip
    with _plain_errors():
        said = _operator(entity, currency, time_zone, home_country)
        text = _text(file, encoding)
        imported = import_astpp(file.name, text, said, _given(further))
        _finish(imported, out, strict=strict, as_json=as_json)


def _given(said: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in said.items() if value}


@app.command(
    epilog=_epilog(
        "rates list.csv --out carrier --prefix Code --rate Rate --increment 60/60",
        "rates list.csv --out carrier --mapping carrier.yaml --currency EUR",
    )
)
def rates(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Price list, CSV.")],
    *,
    out: Out,
    mapping: Annotated[Path | None, _say("YAML file of these options; both may be used.")] = None,
    prefix: Annotated[
        str, _say("Column of dialling codes (area codes, with --country-code).")
    ] = "",
    rate: Annotated[str, _say("Column of prices.")] = "",
    destination: Annotated[str, _say("Column of names.")] = "",
    country_code: Annotated[str, _say("Column of country codes.")] = "",
    connect_fee: Annotated[str, _say("Column of connection fees.")] = "",
    minimum_charge: Annotated[str, _say("Column of least charges.")] = "",
    increment: Annotated[str, _say("Column of increments, or 60/60 for all rows.")] = "",
    initial: Annotated[str, _say("Column of first increments.")] = "",
    subsequent: Annotated[str, _say("Column of following increments.")] = "",
    included: Annotated[str, _say("Column of free seconds.")] = "",
    valid_from: Annotated[str, _say("Column of first dates.")] = "",
    valid_to: Annotated[
        str, _say("Column of last dates; from then on the price is not valid.")
    ] = "",
    valid_to_included: Annotated[bool, _say("The last date still has the price.")] = False,
    date_format: Annotated[str, _say("How dates are written; %Y-%m-%d otherwise.")] = "",
    decimal: Annotated[str, _say("point or comma, before the decimals.")] = "",
    per: Annotated[str, _say("What a price pays for; 1 min otherwise.")] = "",
    separator: Annotated[str, _say("Between columns: , ; | or tab.")] = "",
    skip_lines: Annotated[str, _say("Lines before that with the names of columns.")] = "",
    service: Annotated[str, _say("The service that is priced; voice otherwise.")] = "",
    id_: Annotated[str, typer.Option("--id", help="Id of the tariff; the file's name else.")] = "",
    start: Start = "",
    rounding: Rounding = "",
    decimals: Decimals = "",
    encoding: Encoding = "utf-8",
    entity: Entity = "",
    currency: Currency = "",
    time_zone: Zone = "",
    home_country: Country = "",
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Import any carrier's price list by a mapping of its columns."""
    words = {key.rstrip("_"): value for key, value in locals().items() if isinstance(value, str)}
    with _plain_errors():
        said = _operator(entity, currency, time_zone, home_country)
        written = mapping_file(str(mapping), mapping.read_bytes()) if mapping else {}
        options = {key: value for key, value in words.items() if value and key not in _NO_KEYS}
        last = {"valid_to_included": "yes"} if valid_to_included else {}
        known = mapping_of({"id": plain_id(file.stem), **written, **options, **last})
        imported = import_list(file.name, _text(file, encoding), known, said)
        _finish(imported, out, strict=strict, as_json=as_json)


_NO_KEYS = {"encoding", "entity", "currency", "time_zone", "home_country"}
