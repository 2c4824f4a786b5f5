"""The demo, told: files written, run, judged, summarised."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.common import console, epilog, plain_errors, settings_of
from cli.controls.work import look_once
from cli.demo.faults import judged
from cli.demo.usage import write_all, write_second_node
from cli.printed import as_json_bytes, money
from cli.progress import Line
from cli.reading import reader
from cli.run import report
from cli.status import summary, tables
from dashboards.queries import rows
from dataflows import stop
from dataflows.catalogs import example_folder
from dataflows.exits import Exit
from dataflows.files import write_atomic
from dataflows.run import RunPlan, run
from dataflows.settings import Settings
from dataflows.stores import store_of
from schemas.instants import micros_from_text

EPILOG = epilog("demo", "demo --events 50000 --out /tmp/demo")
_MARK = ".tallywire-demo"


def _fresh(out: Path) -> None:
    """Empty the demo's own folder; never somebody else's."""
    if out.exists() and any(out.iterdir()):
        if not (out / _MARK).exists():
            typer.echo(f"{out} is not empty and no demo made it: name another folder", err=True)
            raise typer.Exit(Exit.USAGE)
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / _MARK).touch()


def _picture(settings: Settings) -> dict[str, Any]:
    """Read what the demo shows."""
    content = summary(settings)
    with reader(settings) as client:
        night = {
            "feed": "pbx",
            "first": micros_from_text("2026-10-25T00:00:00Z"),
            "last": micros_from_text("2026-10-25T02:00:00Z"),
        }
        content["dst_night"] = rows(client, "offsets", night)
        content["sample"] = [row["event_id"] for row in rows(client, "sample_event")]
    return content


def _machine(content: dict[str, Any], faults: list[dict[str, Any]], rate: int) -> dict[str, Any]:
    """Make the summary for programs."""
    names = ("collected", "rated", "duplicate", "suspended", "filtered", "merged", "open",
             "conservation_difference")  # fmt: skip
    return {
        **{name: content[name] for name in names},
        "faults": faults,
        "revenue": content["revenue"],
        "suspense": content["suspense"],
        "events_per_s": rate,
    }


def _show(content: dict[str, Any], faults: list[dict[str, Any]], rate: int, out: Path) -> None:
    screen = console()
    for table in tables(content):
        screen.print(table)
    found = Table(title="Faults built into the usage", title_justify="left")
    found.add_column("fault")
    found.add_column("found")
    found.add_column("money at risk", justify="right")
    for fault in faults:
        worth = ", ".join(f"{money(amount)} {name}" for name, amount in fault["money"].items())
        found.add_row(fault["name"], "yes" if fault["found"] else "NO", worth or "-")
    screen.print(found)
    typer.echo(f"conservation difference {content['conservation_difference']}")
    typer.echo(f"{rate:,} events/s from files to priced rows in the store, start-up included")
    home = out / "home"
    sample = content["sample"][0] if content["sample"] else "EVENT_ID"
    typer.echo("\nTry next:")
    typer.echo(f"  tallywire explain --home {home} {sample}")
    typer.echo(f"  tallywire suspense list --home {home}")
    typer.echo(f'  tallywire store query --home {home} "SELECT * FROM v_revenue"')  # noqa: S608  printed


def command(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder for everything it makes.")] = Path(
        "demo/out"
    ),
    events: Annotated[
        int, typer.Option("--events", min=0, max=100_000_000, help="Generated events.")
    ] = 1_000_000,
) -> None:
    """Rate a small operator's day: five formats, faults built in, and a million generated events.

    Leaves `summary.json` for programs. Exit code 1 says that a fault was not found or a record's
    fate is not known.
    """
    with plain_errors():
        _fresh(out)
        typer.echo(f"writing usage to {out / 'usage'}", err=True)
        write_all(out / "usage", events)
        write_second_node(out / "usage" / "switch")
        settings = settings_of(out / "home")
        stop.listen()
        with store_of(settings):
            with Line() as line:
                plan = RunPlan(settings, example_folder(), [out / "usage"], follow=False, by="demo")
                result = run(plan, line.tell)
            report(result)
            if result.code != Exit.DONE or stop.stopping():
                raise typer.Exit(result.code)
            look_once(settings)
            content = _picture(settings)
        faults = judged(content)
        rate = round(content["collected"] / result.seconds)
        write_atomic(out / "summary.json", as_json_bytes(_machine(content, faults, rate)))
        _show(content, faults, rate, out)
    good = all(fault["found"] for fault in faults) and not content["conservation_difference"]
    raise typer.Exit(Exit.DONE if good else Exit.PROBLEMS)
