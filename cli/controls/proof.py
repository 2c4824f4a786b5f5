"""`tallywire controls test|coverage|runs`: whether they fire, what they cover, that they ran."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import typer
from rich.table import Table

from assurance.coverage import coverage
from assurance.registry import controls, stream_controls
from assurance.trial import Tried, try_all
from cli.common import HomeOption, JsonOption, console, plain_errors, settings_of
from cli.printed import as_json_bytes, money
from cli.reading import reader
from cli.times import age_words
from dashboards.queries import rows
from dataflows.controls.evidence import record, tried
from dataflows.exits import Exit
from dataflows.settings import Home, Settings
from dataflows.stores import prepare_store, store_of
from dataflows.wall_clock import now_us
from warehouse.client import opened

_DAY_US = 86_400_000_000
_LATELY_US = 30 * _DAY_US


def plant(*, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Plant the fault that each control is for into made usage, and see whether it fires.

    Nothing of yours is touched. What fired is written down: it counts in `controls coverage` for
    thirty days. Exit code 1 says that a control did not fire, or was not silent without the fault.
    """
    settings = settings_of(home)
    with plain_errors(), store_of(settings):
        began = now_us()
        found = list(try_all(stream_controls()))
        _write_down(settings, found, began)
    if as_json:
        typer.echo(as_json_bytes([
            {"control": one.control.control_id, "pattern": one.control.pattern,
             "fired": one.fired, "quiet": one.quiet} for one in found
        ]))  # fmt: skip
    else:
        _print_tried(found)
    if not all(one.fired and one.quiet for one in found):
        raise typer.Exit(Exit.PROBLEMS)


def _write_down(settings: Settings, found: list[Tried], began: int) -> None:
    prepare_store(settings)
    with opened(
        settings.store_url, Home(settings.home).store, database=settings.database
    ) as client:
        record(client, [tried(one, began, now_us()) for one in found], now_us())


def _print_tried(found: list[Tried]) -> None:
    table = Table("control", "pattern", "its fault", "clean usage")
    for one in found:
        table.add_row(
            one.control.control_id, one.control.pattern, "found" if one.fired else "NOT FOUND",
            "silent" if one.quiet else "FALSE ALERT",
        )  # fmt: skip
    console().print(table)


def cover(*, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show how much of the newest thirty days' revenue is watched, by leakage area (GB941).

    A control counts only if it has fired in these days: on a fault that `controls test` planted,
    or on a real one.
    """
    settings = settings_of(home)
    with plain_errors(), reader(settings) as client:
        since = {"since": now_us() - _LATELY_US}
        fired = {str(row["pattern"]) for row in rows(client, "controls_fired", since)}
        revenue = rows(client, "revenue_by_service")
    currencies = sorted({str(row["currency"]) for row in revenue}) or [""]
    found = [
        {"currency": currency, **_plain(one)}
        for currency in currencies
        for one in coverage(controls(), fired, _of(revenue, currency))
    ]
    if as_json:
        typer.echo(as_json_bytes(found))
        return
    table = Table("leakage area", "controls", "proved", "revenue watched", "share")
    for row in found:
        table.add_row(
            row["area"], str(row["controls"]), str(row["proved"]),
            f"{money(row['revenue'])} {row['currency']}".strip(), f"{row['share']} %",
        )  # fmt: skip
    console().print(table)


def _of(revenue: list[dict[str, Any]], currency: str) -> Mapping[str, Decimal]:
    return {str(row["service"]): row["money"] for row in revenue if row["currency"] == currency}


def _plain(one: Any) -> dict[str, Any]:  # noqa: ANN401  a dataclass of values
    return {**vars(one), "area": str(one.area)}


def ran(*, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show when each control ran last, and what it looked at and found in thirty days.

    Exit code 1 says that a control has never run, or not for a day.
    """
    settings = settings_of(home)
    with plain_errors(), reader(settings) as client:
        now = now_us()
        found = rows(client, "controls_last", {"since": now - _LATELY_US})
    if as_json:
        typer.echo(as_json_bytes(found))
    else:
        table = Table("control", "last run", "runs", "failed", "rows", "alerts")
        for row in found:
            table.add_row(
                str(row["control"]), f"{age_words(now - int(row['newest']))} ago",
                *(f"{row[name]:,}" for name in ("runs", "failed", "looked_at", "found")),
            )  # fmt: skip
        console().print(table)
    late = [row["control"] for row in found if now - int(row["newest"]) > _DAY_US]
    if late or not found:
        typer.echo(f"not run for a day: {', '.join(late) or 'all controls'}", err=True)
        raise typer.Exit(Exit.PROBLEMS)
