"""`tallywire alerts`: what controls found, ranked by what it may cost."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.table import Table

from assurance.money import expected_loss
from cli.alerts import deliver, judge, silence
from cli.alerts.common import SHORT, AlertArgument, as_parameters, finding, held_now
from cli.alerts.raters import SHADOW, Sides, sides_of, tell_sides
from cli.alerts.told import as_json_of, tell
from cli.catalog_common import login
from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes, money
from cli.reading import reader
from cli.times import age_words, instant, stored_micros
from dashboards.queries import rows
from dataflows.desk import desk
from dataflows.settings import Settings
from dataflows.wall_clock import now_us
from schemas.alerts import Alert
from schemas.instants import text_from_micros
from warehouse.decisions import case_of_alert, feedback_of, versions_of

app = typer.Typer(
    help="List, show, judge, suppress and deliver what controls found.", no_args_is_help=True
)
silence.register(app)
judge.register(app)
deliver.register(app)

_STATES = ("open", "acknowledged", "confirmed", "false_positive", "resolved", "auto_closed", "all")
SinceOption = Annotated[str, typer.Option("--since", help="Opened since: a date, or an instant.")]


def _since(text: str) -> int:
    return instant(text, "--since") if text else 0


def _losses(found: Sequence[dict[str, Any]]) -> None:
    for row in found:
        row["expected_loss"] = expected_loss(row["money_at_risk"], row["confidence"])
        for name in ("opened_at", "detected_at"):
            row[name] = text_from_micros(stored_micros(row[name]))
        row["state"] = row.pop("standing")
        row["suppressed"] = bool(row["suppressed"])


_LIST = epilog(
    "alerts list", "alerts list --control C1 --since 2026-11-01", "alerts list --state all --json"
)


@app.command("list", epilog=_LIST)
def list_(
    *,
    control: Annotated[str, typer.Option("--control", help="Only of this control.")] = "",
    severity: Annotated[str, typer.Option("--severity", help="Only of this severity.")] = "",
    state: Annotated[
        str, typer.Option("--state", help=f"One of {', '.join(_STATES)}; else what is undecided.")
    ] = "",
    feed: Annotated[str, typer.Option("--feed", help="Only of this feed.")] = "",
    entity: Annotated[str, typer.Option("--entity", help="Only about this entity.")] = "",
    since: SinceOption = "",
    suppressed: Annotated[
        bool, typer.Option("--suppressed", help="Show suppressed ones, too: last, unranked.")
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=100_000, help="Most of each ranking.")
    ] = 50,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Rank findings by expected loss: money at risk by confidence.

    Lost revenue and overcharging are ranked apart, and so is each currency.
    """
    if state and state not in _STATES:
        typer.echo(f"--state {state}: write one of {', '.join(_STATES)}", err=True)
        raise typer.Exit(2)
    asked = {"control": control, "severity": severity, "state": state, "feed": feed,
             "entity": entity, "since": _since(since), "limit": limit,
             "hidden": int(suppressed)}  # fmt: skip
    with plain_errors(), desk(settings_of(home), login()) as here:
        here.audit("alerts list", "", {name: value for name, value in asked.items() if value})
        held = as_parameters(held_now(here.client))
        found = rows(here.client, "alerts_ranked", {**asked, **held})
        cases = case_of_alert(here.client, [row["alert_id"] for row in found])
    _losses(found)
    for row in found:
        row["case_id"] = cases.get(row["alert_id"], "")
    if as_json:
        typer.echo(as_json_bytes(found).decode())
    else:
        _print(found)


def _print(found: Sequence[dict[str, Any]]) -> None:
    table = Table()
    names = ("id", "control", "severity", "state", "direction", "loss", "at risk", "sure", "case",
             "age", "what")  # fmt: skip
    for name in names:
        figure = name in {"loss", "at risk", "sure"}
        table.add_column(name, overflow="fold", justify="right" if figure else "left")
    for row in found:
        opened = instant(row["opened_at"], "opened_at")
        standing = "suppressed" if row["suppressed"] else row["state"]
        known = row["expected_loss"] is not None and not row["suppressed"]
        loss = f"{money(row['expected_loss'])} {row['currency']}" if known else ""
        table.add_row(
            row["alert_id"][:SHORT], row["control_id"], row["severity"], standing,
            row["direction"], loss, money(row["money_at_risk"]),
            f"{row['confidence']} %", row["case_id"], age_words(now_us() - opened),
            row["explanation"],
        )  # fmt: skip
    console().print(table)
    typer.echo(f"{len(found)} finding{'' if len(found) == 1 else 's'}")


@app.command(epilog=epilog("alerts show 8f14e45f", "alerts show 8f14e45f --json"))
def show(alert: AlertArgument, *, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show one finding: what it says, evidence, money and how it was estimated, what happened."""
    settings = settings_of(home)
    with plain_errors(), desk(settings, login()) as here:
        found = finding(here.client, alert)
        here.audit("alerts show", found.alert_id, {})
        feedback = feedback_of(here.client, [found.alert_id])
        versions = versions_of(here.client, found.alert_id)
        case = case_of_alert(here.client, [found.alert_id]).get(found.alert_id, "")
        held = [
            one for one in held_now(here.client) if one.covers(found.control_id, found.entity_id)
        ]
    with plain_errors():
        sides = _sides(settings, found)
    if as_json:
        content = as_json_of(found, versions, feedback, case, held)
        both = {"raters": [one.as_json() for one in sides]} if sides else {}
        typer.echo(as_json_bytes({**content, **both}).decode())
        return
    tell(found, versions, feedback, case, held)
    for one in sides:
        tell_sides(one)


def _sides(settings: Settings, found: Alert) -> list[Sides]:
    """Give both raters' charge of the largest difference, where they were held to each other."""
    if found.control_id != SHADOW:
        return []
    with reader(settings) as client:
        return sides_of(client, settings, found, 1)


@app.command(epilog=epilog("alerts stats", "alerts stats --since 2026-11-01 --json"))
def stats(*, since: SinceOption = "", as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Count findings by control and add up what they put at risk, by direction and currency."""
    with plain_errors(), desk(settings_of(home), login()) as here:
        here.audit("alerts stats", "", {"since": since})
        held = as_parameters(held_now(here.client))
        found = rows(here.client, "alerts_stats", {"since": _since(since), **held})
    for row in found:
        row["expected_loss"] = Decimal(row.pop("loss_hundredths")).scaleb(-2)
        judged = row["confirmed"] + row["false_positive"]
        row["confirmed_percent"] = 100 * row["confirmed"] // judged if judged else None
    if as_json:
        typer.echo(as_json_bytes(found).decode())
        return
    table = Table()
    names = ("control", "pattern", "direction", "findings", "open", "suppressed",
             "closed by itself", "confirmed", "false", "at risk", "loss")  # fmt: skip
    for name in names:
        table.add_column(name, justify="left" if name in names[:3] else "right")
    for row in found:
        counts = [row[name] for name in ("findings", "open_now", "suppressed_now",
                  "closed_by_itself", "confirmed", "false_positive")]  # fmt: skip
        table.add_row(
            row["control_id"], row["pattern"], row["direction"], *(f"{one:,}" for one in counts),
            f"{money(row['at_risk'])} {row['currency']}".strip(),
            f"{money(row['expected_loss'])} {row['currency']}".strip(),
        )  # fmt: skip
    console().print(table)
