"""`tallywire controls test-calls`: calls of a generator against what was charged for them."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from assurance.test_calls.entries import TestCall, read_calls
from assurance.test_calls.findings import closed, ids_of, told
from assurance.test_calls.judge import Stored, judge
from cli.common import HomeOption, JsonOption, console, plain_errors, settings_of
from cli.printed import as_json_bytes, money
from dashboards.queries import rows
from dataflows.catalogs import CatalogStore
from dataflows.controls.put import put_alerts
from dataflows.exits import Exit
from dataflows.settings import Home, Settings
from dataflows.stores import prepare_store, store_of
from dataflows.wall_clock import now_us
from schemas.alerts import Alert
from warehouse.client import Client, opened
from warehouse.decisions import alerts_of

_SECOND_US = 1_000_000
_AT_ONCE = 1_000
"""Pairs of numbers in one question: a server refuses long ones."""


def hold(
    calls: Annotated[Path, typer.Argument(help="CSV of the calls that were made.")],
    *,
    near: Annotated[
        int,
        typer.Option("--near", min=0, help="Seconds that the start of a charge may lie apart."),
    ] = 30,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Hold registered test calls against the store: each charged once, in time, at its price.

    Columns: a_number, b_number, start, seconds, amount, currency, within (seconds after its end).
    Durations may differ by a second. Each fault is an alert; a later run of the same calls closes
    those that it does not find any more. Exit code 1 says that there are faults.
    """
    settings = settings_of(home)
    with plain_errors(), store_of(settings):
        catalogs = CatalogStore(Home(settings.home).catalogs)
        snapshot = catalogs.load(catalogs.current())
        made = _read(calls, snapshot.time_zone)
        found, gone, waiting = _judged(settings, made, near * _SECOND_US, snapshot.tenant_id)
    if as_json:
        typer.echo(as_json_bytes([one.model_dump(mode="json") for one in found]))
    else:
        _print(found, gone, len(made), waiting)
    if found:
        raise typer.Exit(Exit.PROBLEMS)


def _read(path: Path, zone: str) -> list[TestCall]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        typer.echo(f"{path.name} is no text in UTF-8: {error.reason}", err=True)
        raise typer.Exit(Exit.USAGE) from error
    made, problems = read_calls(text, zone)
    for problem in problems:
        typer.echo(f"{path.name}, {problem}", err=True)
    if problems:
        raise typer.Exit(Exit.USAGE)
    return made


def _judged(
    settings: Settings, made: Sequence[TestCall], near_us: int, tenant: str
) -> tuple[list[Alert], int, int]:
    """Judge calls, store what changed; give what is open, what closed, and what is not yet due."""
    prepare_store(settings)
    at = now_us()
    with opened(
        settings.store_url, Home(settings.home).store, database=settings.database
    ) as client:
        faults, waiting = judge(made, _stored(client, made, near_us), near_us=near_us, now_us=at)
        found = [told(one, tenant, at) for one in faults]
        names = {one.alert_id for one in found}
        before = alerts_of(client, sorted(name for call in made for name in ids_of(call)))
        gone = [
            closed(one, at)
            for name, one in sorted(before.items())
            if one.state == "open" and name not in names
        ]
        put_alerts(client, [*found, *gone], at)
    return found, len(gone), len(waiting)


def _stored(client: Client, made: Sequence[TestCall], near_us: int) -> Iterator[Stored]:
    """Read charges between the calls' numbers, of their times; each once."""
    pairs = sorted({(one.a_number, one.b_number) for one in made})
    for start in range(0, len(pairs), _AT_ONCE):
        part = pairs[start : start + _AT_ONCE]
        among = set(part)
        times = [one.start_us for one in made if (one.a_number, one.b_number) in among]
        asked = {
            "callers": [pair[0] for pair in part], "called": [pair[1] for pair in part],
            "first": min(times) - near_us, "last": max(times) + near_us,
        }  # fmt: skip
        for row in rows(client, "test_calls", asked):
            yield Stored(
                row["a_number"], row["b_number"], row["start_us"], row["lasted_us"],
                Fraction(row["charged"]), row["charged_in"], row["came_us"], row["place"],
            )  # fmt: skip


def _print(found: Sequence[Alert], gone: int, calls: int, waiting: int) -> None:
    if found:
        table = Table("call", "fault", "direction", "money", "what")
        for one in found:
            worth = f"{money(one.money_at_risk)} {one.currency}" if one.currency else "-"
            table.add_row(
                one.entity_id, one.pattern.removeprefix("test_call_"), one.direction, worth,
                one.explanation,
            )  # fmt: skip
        console().print(table)
    faulty = len({(one.entity_id, one.window_start) for one in found})
    good = calls - faulty - waiting
    typer.echo(f"{calls} test calls: {good} as they must be, {faulty} not, {waiting} not due yet")
    if gone:
        typer.echo(f"{gone} findings of before are closed")
