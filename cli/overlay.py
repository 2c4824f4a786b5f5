"""`tallywire overlay`: another system's bill held against the usage it bills."""

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from assurance.overlay.judging import Age
from cli.catalog_common import found, stop
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors
from cli.overlay_page import page
from cli.overlay_report import content, frames, tables
from cli.printed import as_json_bytes
from cli.times import instant
from dataflows.exits import Exit
from dataflows.files import write_atomic
from dataflows.overlay.bill import Bill
from dataflows.overlay.bill_map import read_map
from dataflows.overlay.usage import files_of
from dataflows.overlay.work import Compared, Comparison, compare
from schemas.services import Service
from tallywire.catalog import Snapshot
from tallywire.catalog.snapshot import FOREVER_US

EPILOG = epilog(
    "overlay --usage cdrs --billed bill.csv --tariffs my-catalog",
    "overlay --usage switch=october --billed bill.csv --map bill.yaml --tariffs my-catalog "
    "--since 2026-10-01 --until 2026-11-01 --out october-leakage",
    "overlay --usage cdrs --billed bill.csv --tariffs my-catalog --as-of 2026-11-01 "
    "--time-barred-after 6 --json",
)
_PROBLEMS_TOLD = 10
_SECONDS = re.compile(r"([0-9]{1,6})(?:\.([0-9]{1,6}))?")


def _tolerance(text: str) -> int:
    """Read seconds as microseconds."""
    match = _SECONDS.fullmatch(text)
    if match is None:
        raise stop(Exit.USAGE, f"--tolerance {text}: write seconds, such as 5 or 0.5")
    return int(match[1]) * 1_000_000 + int((match[2] or "").ljust(6, "0"))


def _age(snapshot: Snapshot, as_of: str, months: int | None) -> Age:
    if (months is None) != (not as_of):
        text = "--time-barred-after counts months before --as-of: give both, or neither"
        raise stop(Exit.USAGE, text)
    if months is None:
        return Age(snapshot.time_zone)
    try:
        day = datetime.date.fromisoformat(as_of)
    except ValueError as error:
        raise stop(Exit.USAGE, f"--as-of {as_of}: write a date, such as 2026-11-01") from error
    return Age(snapshot.time_zone, day, months)


def _others(folders: Sequence[Path], home: Path | None) -> Mapping[str, Snapshot]:
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise stop(Exit.USAGE, "--other-tariffs: two folders have the same name; rename one")
    return {name: found(str(folder), home) for name, folder in zip(names, folders, strict=True)}


def _usage(usage: Sequence[str], snapshot: Snapshot) -> dict[str, list[Path]]:
    files, unclaimed = files_of(usage, snapshot.feeds)
    for sentence in unclaimed:
        typer.echo(sentence, err=True)
    if not files:
        raise stop(Exit.USAGE, "no file of --usage is of a feed of the catalogue")
    return files


def _bills(
    billed: Sequence[Path], given: Path | None, snapshot: Snapshot, feeds: Sequence[str]
) -> list[Bill]:
    for path in billed:
        if not path.is_file():
            raise stop(Exit.USAGE, f"--billed {path}: there is no such file")
    if len({path.name for path in billed}) < len(billed):
        raise stop(Exit.USAGE, "--billed: two files have the same name; rename one")
    how = read_map(given) if given else None
    made = [Bill(path, how, snapshot, snapshot.feeds[feeds[0]]) for path in sorted(billed)]
    if len({(bill.map.party, bill.map.key_in_usage) for bill in made}) > 1:
        raise stop(Exit.USAGE, "--billed: files of one bill have the same columns; say --map")
    return made


def _write(made: Compared, summary: dict[str, object], out: Path) -> None:
    made.findings.write(out)
    for name, frame in frames(made).items():
        write_atomic(out / f"{name}.csv", frame.write_csv().encode())
    write_atomic(out / "summary.json", as_json_bytes(summary))
    write_atomic(out / "report.html", page(summary).encode())


def _hint(made: Compared) -> None:
    """Say what to look at where usage and bill seem to speak of different things."""
    lines = int(made.report.currencies["lined"].sum())
    matched = int(made.report.currencies["matched"].sum())
    if lines and matched * 2 < lines:
        text = (
            f"only {matched} of {lines} lines have usage: are accounts, numbers, the zone of times "
            "and the period the same on both sides? --map says how the bill is written"
        )
        typer.echo(text, err=True)


def _told(made: Compared, out: Path | None, *, aged: bool) -> None:
    for one in tables(made, aged=aged):
        console().print(one, markup=False)
    for file, line, problem in made.problems.head(_PROBLEMS_TOLD).iter_rows():
        typer.echo(f"{file}: line {line}: {problem}", err=True)
    if made.unread > _PROBLEMS_TOLD:
        typer.echo(f"... and {made.unread - _PROBLEMS_TOLD} lines more", err=True)
    _hint(made)
    if made.report.causes.is_empty():
        typer.echo("nothing leaks: every record is billed once, at its price")
    read, aside = made.collected, sum(made.collected.set_aside.values())
    typer.echo(
        f"{read.records:,} usage records read, {aside:,} of them set aside, {read.waiting:,} wait "
        f"for the rest of their session; {made.lines:,} billed lines read, {made.unread:,} could "
        f"not be, {made.cancelled:,} cancel each other"
    )
    if out:
        typer.echo(f"findings, tables and a page to print: {out}")


UsageOption = Annotated[
    list[str],
    typer.Option("--usage", help="Folder of usage files, each of a feed; or FEED=FILE."),
]
BilledOption = Annotated[
    list[Path], typer.Option("--billed", help="CSV file of billed lines, header first.")
]
TariffsOption = Annotated[
    str, typer.Option("--tariffs", help="Catalogue folder or hash: the right prices.")
]
MapOption = Annotated[
    Path | None, typer.Option("--map", help="YAML file that says how the bill is written.")
]
OthersOption = Annotated[
    list[Path] | None,
    typer.Option("--other-tariffs", help="Catalogue whose prices the bill may have instead."),
]
ToleranceOption = Annotated[
    str, typer.Option("--tolerance", help="Seconds between the starts of usage and its line.")
]
SinceOption = Annotated[str, typer.Option("--since", help="Only what began then or later.")]
UntilOption = Annotated[str, typer.Option("--until", help="Only what began before.")]
ServiceOption = Annotated[
    list[Service] | None, typer.Option("--service", help="Only this service; repeatable.")
]
AsOfOption = Annotated[str, typer.Option("--as-of", help="The day from which age counts.")]
MonthsOption = Annotated[
    int | None,
    typer.Option("--time-barred-after", min=0, max=1200, help="Months usage may be billed."),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Folder for findings, tables and report.html.")
]
CheckOption = Annotated[bool, typer.Option("--check", help="Exit with 1 if anything leaks.")]


def _folder(out: Path | None) -> Path | None:
    """Make the folder of results, if there is to be one."""
    if out is not None:
        if out.exists() and not out.is_dir():
            raise stop(Exit.USAGE, f"--out {out}: it is a file; name a folder")
        out.mkdir(parents=True, exist_ok=True)
    return out


def command(
    *,
    usage: UsageOption,
    billed: BilledOption,
    tariffs: TariffsOption,
    bill_map: MapOption = None,
    other_tariffs: OthersOption = None,
    tolerance: ToleranceOption = "5",
    since: SinceOption = "",
    until: UntilOption = "",
    service: ServiceOption = None,
    as_of: AsOfOption = "",
    months: MonthsOption = None,
    out: OutOption = None,
    check: CheckOption = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Hold another system's bill against the usage it bills; report what leaks, by cause.

    Usage is decoded and priced here, matched to billed lines, and each difference gets a cause:
    not billed, billed twice or without usage, rounding, increments, another revision, zone or
    quantity. Nothing is stored. Exit code 3 says that some billed lines could not be read.
    """
    with plain_errors():
        snapshot = found(tariffs, home)
        age, near = _age(snapshot, as_of, months), _tolerance(tolerance)
        files = _usage(usage, snapshot)
        bills = _bills(billed, bill_map, snapshot, list(files))
        others = _others(other_tariffs or [], home)
        zone = snapshot.time_zone
        with TemporaryDirectory(prefix=".overlay-", dir=_folder(out)) as folder:
            plan = Comparison(
                usage=files, bills=bills, snapshot=snapshot, others=others, tolerance_us=near,
                age=age, folder=Path(folder) / "work",
                since_us=instant(since, "--since", zone) if since else 0,
                until_us=instant(until, "--until", zone) if until else FOREVER_US,
                services=frozenset(one.value for one in service or ()),
            )  # fmt: skip
            made = compare(plan)
            summary = content(plan, made)
            if out:
                _write(made, summary, out)
        if as_json:
            typer.echo(as_json_bytes(summary).decode())
        else:
            _told(made, out, aged=months is not None)
    if made.unread:
        raise typer.Exit(Exit.INCOMPLETE)
    raise typer.Exit(Exit.PROBLEMS if check and made.report.causes.height else Exit.DONE)
