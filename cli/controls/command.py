"""`tallywire controls`: list and explain controls; work what was rated since they last did."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from assurance.alerts import Control
from assurance.following.thresholds import DECIDES
from assurance.registry import controls
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.controls import (
    backtest,
    book,
    ids,
    partner,
    proof,
    provider,
    subscriptions,
    test_calls,
)
from cli.controls.follow import serve
from cli.controls.work import look_once
from cli.printed import as_json_bytes
from dataflows.exits import Exit
from dataflows.stores import store_of

app = typer.Typer(help="The controls: what each watches, and their run.", no_args_is_help=True)
for _name, _verb, _examples in (
    ("test", proof.plant, ("controls test", "controls test --home my-home")),
    ("coverage", proof.cover, ("controls coverage", "controls coverage --json")),
    ("book", book.hold, ("controls book signed.csv", "controls book signed.csv --from 2026-10-01")),
    ("ids", ids.name, ("controls ids switch 2026-11-27T10",)),
    ("partner", partner.reconcile, partner.EXAMPLES),
    ("subscriptions", subscriptions.reconcile, subscriptions.EXAMPLES),
    ("provider", provider.reconcile, provider.EXAMPLES),
    ("follow", serve, ("controls follow", "controls follow --metrics")),
    (
        "test-calls",
        test_calls.hold,
        ("controls test-calls calls.csv", "controls test-calls calls.csv --near 5 --json"),
    ),
    ("runs", proof.ran, ("controls runs", "controls runs --json")),
    ("backtest", backtest.backtest, backtest.EXAMPLES),
):
    app.command(_name, epilog=epilog(*_examples))(_verb)


@app.command("list", epilog=epilog("controls list", "controls list --json"))
def _list(*, as_json: JsonOption = False) -> None:
    """List every control: what it finds, in which leakage area, and who answers for it."""
    found = [_told(one) for one in controls()]
    if as_json:
        typer.echo(as_json_bytes(found))
        return
    table = Table("control", "pattern", "area", "severity", "direction", "owner")
    for row in found:
        names = ("control", "pattern", "area", "severity", "direction", "owner")
        table.add_row(*(str(row[name]) for name in names))
    console().print(table)


def _told(one: Control) -> dict[str, Any]:
    family = one.family
    return {
        "control": one.control_id, "pattern": one.pattern, "title": family.title,
        "area": family.area, "kind": one.kind, "severity": one.severity,
        "direction": one.direction, "points": list(family.points), "measure": family.measure,
        "thresholds": family.thresholds, "settings": list(DECIDES.get(one.pattern, ())),
        "schedule": family.schedule, "owner": family.owner,
        "action": one.action,
        "page": f"docs/reference/controls.md#{one.control_id.lower()}-{one.pattern}",
    }  # fmt: skip


@app.command("show", epilog=epilog("controls show C7", "controls show near_copy"))
def _show(
    name: Annotated[str, typer.Argument(help="Number or pattern of a control.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Tell what a control measures, where, its thresholds, and what to do about a finding."""
    found = [_told(one) for one in controls() if name in {one.control_id, one.pattern}]
    if not found:
        typer.echo(f"no control {name}: `tallywire controls list` names them", err=True)
        raise typer.Exit(Exit.USAGE)
    if as_json:
        typer.echo(as_json_bytes(found))
        return
    _print(found)


def _print(found: Sequence[dict[str, Any]]) -> None:
    first = found[0]
    typer.echo(f"{first['control']}  {first['title']}")
    typer.echo(f"  area        {first['area']}")
    typer.echo(f"  compares    {' and '.join(first['points'])}")
    typer.echo(f"  measure     {first['measure']}")
    typer.echo(f"  threshold   {first['thresholds']}")
    typer.echo(f"  runs        {first['schedule']}")
    typer.echo(f"  owner       {first['owner']}")
    for row in found:
        typer.echo(f"\n  {row['pattern']} ({row['severity']}, {row['kind']}, {row['direction']})")
        typer.echo(f"    what to do: {row['action']}")
        if row["settings"]:
            typer.echo(f"    thresholds: {', '.join(row['settings'])}")
        typer.echo(f"    page:       {row['page']}")


@app.command("run", epilog=epilog("controls run"))
def _run(*, home: HomeOption = None) -> None:
    """Work what was rated since the controls last did; `up` and `run` do so themselves."""
    settings = settings_of(home)
    with plain_errors(), store_of(settings):
        found = look_once(settings)
        typer.echo(f"{found} alerts are new or have changed")
