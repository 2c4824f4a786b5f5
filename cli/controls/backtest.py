"""`tallywire controls backtest`: which value of a threshold the stored history speaks for."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

import typer
from rich.table import Table

from assurance.backtest import Backtest, Counted
from assurance.following.control import World
from assurance.following.thresholds import Thresholds, knobs
from assurance.registry import tuned
from cli.catalog_common import login
from cli.common import HomeOption, JsonOption, console, plain_errors, settings_of
from cli.printed import as_json_bytes, money
from cli.reading import reader
from dataflows.catalogs import CatalogStore
from dataflows.controls.backtest import Tried, Wanted, run_again
from dataflows.controls.thresholds import (
    ThresholdsWrong,
    path_of,
    read_thresholds,
    thresholds_of,
)
from dataflows.desk import desk
from dataflows.settings import Home, Settings
from dataflows.stores import store_of

EXAMPLES = (
    "controls backtest charges.times",
    "controls backtest margin.events --value 20 --value 50 --value 100 --json",
)


def _values(name: str, given: Sequence[int], now: Thresholds) -> list[int]:
    """Give the values to try, in order, the present one among them.

    Raises:
        ThresholdsWrong: If there is no such threshold, or a value is out of its bounds.
    """
    if name not in knobs():
        msg = f"no threshold {name}: known are {', '.join(knobs())}"
        raise ThresholdsWrong(msg)
    control, _, threshold = name.partition(".")
    for value in given:
        thresholds_of({control: {threshold: value}}, "--value")
    return sorted({*(given or knobs()[name].ladder), now.values()[name]})


def backtest(
    name: Annotated[str, typer.Argument(help="A threshold, such as charges.times.")],
    *,
    value: Annotated[
        list[int] | None, typer.Option("--value", help="A value to try; give it several times.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Run a control again over the stored history with several values of a threshold.

    Nothing is stored and no threshold is changed. For each value it tells findings a day, those
    that people confirmed or called false, and money; proposed is the value that keeps every
    confirmed finding and finds fewest others.
    """
    settings = settings_of(home)
    with plain_errors(), store_of(settings):
        now = read_thresholds(settings)
        values = _values(name, value or [], now)
        with desk(settings, login()) as here:
            here.audit("controls backtest", name, {"values": values})
        tried = _tried(settings, name, values, now)
    if as_json:
        typer.echo(as_json_bytes(_content(name, now, tried)).decode())
        return
    _print(name, now, tried, str(path_of(settings)))


def _tried(settings: Settings, name: str, values: Sequence[int], now: Thresholds) -> Tried:
    archive = CatalogStore(Home(settings.home).catalogs)
    world = World(lru_cache(maxsize=4)(archive.load), now)
    with reader(settings) as client:
        return run_again(client, world, Wanted(name, tuned(name), values))


def _content(name: str, now: Thresholds, tried: Tried) -> dict[str, Any]:
    found: Backtest = tried.backtest
    return {
        "threshold": name,
        "now": now.values()[name],
        "proposed": found.proposed,
        "rows": tried.rows,
        "values": [_row(one) for one in found.counted],
        "confirmed_not_found": list(found.lost),
        "failures": [f"{one.name}: {one.error!r}" for one in tried.failures],
    }


def _row(one: Counted) -> dict[str, Any]:
    return {
        "value": one.value,
        "findings": one.found,
        "a_day": Decimal(one.thousandths_a_day).scaleb(-3),
        "confirmed": one.confirmed,
        "false_positive": one.false_positive,
        "not_judged": one.found - one.confirmed - one.false_positive,
        "keeps_confirmed": one.kept,
        "money": [
            {"direction": direction, "currency": currency, "amount": amount}
            for (direction, currency), amount in one.money.items()
        ],
    }


def _money(row: Mapping[str, Any]) -> str:
    told = [f"{one['direction']} {money(one['amount'])} {one['currency']}" for one in row["money"]]
    return ", ".join(told) or "-"


def _print(name: str, now: Thresholds, tried: Tried, path: str) -> None:
    content = _content(name, now, tried)
    names = ("findings", "a_day", "confirmed", "false_positive", "not_judged")
    table = Table(name, "findings", "a day", "confirmed", "false", "not judged", "at risk")
    for row in content["values"]:
        mark = " (now)" if row["value"] == content["now"] else ""
        table.add_row(f"{row['value']}{mark}", *(f"{row[one]:,}" for one in names), _money(row))
    console().print(table)
    typer.echo(f"{tried.rows:,} rows were looked at; nothing was stored")
    for failure in content["failures"]:
        typer.echo(f"a control could not work some rows: {failure}", err=True)
    if content["confirmed_not_found"]:
        many = len(content["confirmed_not_found"])
        typer.echo(f"{many} confirmed findings are found by no value: their usage is gone")
    for line in _advice(name, content, path):
        typer.echo(line)


def _advice(name: str, content: Mapping[str, Any], path: str) -> list[str]:
    proposed = content["proposed"]
    control, _, threshold = name.partition(".")
    if proposed is None:
        return ["no value is proposed: no finding of it was confirmed, or no value keeps them all"]
    if proposed == content["now"]:
        return [f"proposed: {proposed}, as it is now"]
    said = f"proposed: {proposed}; it keeps every confirmed finding with fewest others."
    return [f"{said} For review, in {path}:", f"{control}: {{{threshold}: {proposed}}}"]
