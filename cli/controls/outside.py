"""What the verbs share that hold usage against lists of others: options, files, days, findings."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from assurance.alerts import Control
from assurance.outside.reading import ListWrongError, number
from assurance.standing import standing
from cli.common import console
from cli.printed import as_json_bytes, money
from cli.times import instant
from dataflows.catalogs import CatalogStore
from dataflows.controls.evidence import of_list, record
from dataflows.controls.put import put_alerts
from dataflows.exits import Exit
from dataflows.settings import Home, Settings
from dataflows.stores import prepare_store
from dataflows.wall_clock import now_us
from schemas.alerts import Alert
from schemas.instants import EPOCH, MICROSECOND
from tallywire.catalog.snapshot import Snapshot
from warehouse.client import Client, opened
from warehouse.decisions import standing_alerts

FirstOption = Annotated[
    str, typer.Option("--from", help="First day, such as 2026-10-01; by default that of the files.")
]
LastOption = Annotated[str, typer.Option("--to", help="Last day; by default that of the files.")]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option("--column", help="What a column is called in the files: start=CallStart."),
]
ZoneOption = Annotated[
    str,
    typer.Option("--zone", help="Zone of times without an offset; by default the operator's."),
]


def wrong(text: str) -> NoReturn:
    """Say what is wrong with what was typed, and end.

    Raises:
        typer.Exit: With code 2.
    """
    typer.echo(text, err=True)
    raise typer.Exit(Exit.USAGE)


def amount_of(text: str, option: str) -> Decimal:
    """Read the exact number of an option, 0 or more."""
    try:
        found = number(text, option)
    except ValueError as error:
        wrong(f"{error}; write 0 or more")
    if found < 0:
        wrong(f"{option} {text}: write 0 or more")
    return found


def zone_of(text: str, default: str) -> str:
    """Read a zone; without one it is the default."""
    try:
        return ZoneInfo(text).key if text else default
    except (KeyError, ValueError, OSError):
        wrong(f"--zone {text}: write an IANA zone, such as Europe/Oslo or UTC")


def names_of(columns: Sequence[str] | None) -> dict[str, str]:
    """Read what columns are called."""
    made = {}
    for one in columns or ():
        ours, equals, theirs = one.partition("=")
        if not (ours and equals and theirs):
            wrong(f"--column {one}: write the name here = the name there: start=CallStart")
        made[ours] = theirs
    return made


def csv_files(paths: Iterable[Path]) -> list[Path]:
    """Name the files that are meant: files, and the CSV files of folders.

    Raises:
        ListWrongError: If there is none.
    """
    found = []
    for path in paths:
        found += sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not found:
        msg = f"{', '.join(str(path) for path in paths)}: no *.csv there"
        raise ListWrongError(msg)
    return found


def text_of(path: Path) -> str:
    """Read a file as text.

    Raises:
        ListWrongError: If it is not there, or none.
        OSError: If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        msg = f"{path}: there is no such file"
        raise ListWrongError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path}: it is no UTF-8 text; write it as CSV in UTF-8"
        raise ListWrongError(msg) from error


def days_of(first: str, last: str, held: Sequence[date]) -> tuple[date, date]:
    """Read the first and the last day; without options they are those that the files hold."""
    try:
        begin = date.fromisoformat(first) if first else min(held)
        end = date.fromisoformat(last) if last else max(held)
    except ValueError as error:
        wrong(f"--from and --to are days such as 2026-10-01: {error}")
    if begin > end:
        wrong(f"--from {begin} lies behind --to {end}")
    return begin, end


def period_of(days: tuple[date, date], zone: str) -> tuple[int, int]:
    """Give the instants of the first midnight and the one behind the last day, microseconds UTC."""
    behind = days[1] + timedelta(days=1)
    return tuple(instant(f"{day}", "--from", zone) for day in (days[0], behind))  # type: ignore[return-value]  # two


@dataclass(frozen=True)
class Work:
    """A verb at work.

    Attributes:
        client: May write.
        at: When it began, microseconds UTC.
    """

    client: Client
    snapshot: Snapshot
    at: int

    @property
    def customers(self) -> frozenset[str]:
        """Give all identifiers that somebody pays for."""
        return frozenset(self.snapshot.identifiers["identifier"].to_list())

    def settle(
        self, controls: Iterable[Control], found: Sequence[Alert], period: tuple[int, int],
        looked_at: int, about: Callable[[str], bool] = lambda _: True,
        unjudged: Iterable[date] = (), zone: str = "",
    ) -> None:  # fmt: skip
        """Store what is new, has changed and is gone, and that the control ran.

        Args:
            period: First and last instant that was looked at.
            looked_at: Rows of the list.
            unjudged: Days of the period of which there was no list: their findings stay.
            zone: IANA zone of the days; by default the operator's.
            about: Tells of an entity's id whether this run could have found something of it.
        """
        patterns = [one.pattern for one in controls]
        before = [
            one for one in standing_alerts(self.client, patterns) if about(one.entity_id)
        ]  # fmt: skip
        now = now_us()
        stay = [period_of((day, day), zone or self.snapshot.time_zone) for day in sorted(unjudged)]
        stored = standing(found, before, period, now, stay)
        put_alerts(self.client, stored, now)
        run = of_list(patterns, self.at, now, looked_at, len(stored))
        record(self.client, [run], now)


@contextmanager
def work(settings: Settings) -> Iterator[Work]:
    """Open the store and the catalogue in use."""
    home = Home(settings.home)
    catalogs = CatalogStore(home.catalogs)
    snapshot = catalogs.load(catalogs.current())
    prepare_store(settings)
    with opened(settings.store_url, home.store, database=settings.database) as client:
        yield Work(client, snapshot, now_us())


def span(days: tuple[date, date]) -> list[date]:
    """Give all days from the first to the last."""
    return [date.fromordinal(one) for one in range(days[0].toordinal(), days[1].toordinal() + 1)]


def not_judged(whose: str, days: Iterable[date]) -> None:
    """Say of which days there was no list."""
    for day in days:
        typer.echo(f"{whose} lists nothing of {day}: the day is not judged", err=True)


def local_day(at_us: int, zone: str) -> date:
    """Give the day of an instant in a zone."""
    return (EPOCH + at_us * MICROSECOND).astimezone(ZoneInfo(zone)).date()


def midnight_us(day: date, zone: str) -> int:
    """Give the beginning of a day in a zone, microseconds UTC."""
    begin = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return (begin - EPOCH) // MICROSECOND


def show(
    alerts: Sequence[Alert], told: Mapping[str, object], prefix: str, *, as_json: bool
) -> None:
    """Print findings, the largest money first, and what the run came to.

    Args:
        told: Figures of the run, by name.
        prefix: Of patterns, which is not printed.
    """
    ranked = sorted(
        alerts, key=lambda one: (-(one.money_at_risk or 0), one.entity_id, one.alert_id)
    )
    if as_json:
        found = [one.model_dump(mode="json") for one in ranked]
        typer.echo(as_json_bytes({**told, "findings": found}))
        return
    for name, value in told.items():
        typer.echo(f"{name.replace('_', ' ')}: {value}")
    if not ranked:
        typer.echo("both sides say the same")
        return
    table = Table("about", "cause", "count", "severity", "direction", "money", "what")
    for one in ranked:
        table.add_row(
            one.entity_id, one.pattern.removeprefix(prefix), f"{one.observed:,}", one.severity,
            one.direction, f"{money(one.money_at_risk)} {one.currency}".strip(), one.explanation,
        )  # fmt: skip
    console().print(table)


def end(alerts: Sequence[Alert]) -> None:
    """End with exit code 1 where something was found."""
    if alerts:
        raise typer.Exit(Exit.PROBLEMS)
