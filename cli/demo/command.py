"""The demo, told: files written, run, judged, summarised."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.common import console, epilog, plain_errors, settings_of
from cli.controls.work import look_once
from cli.demo.arrivals import arrived
from cli.demo.catalogue import write_catalogue
from cli.demo.coast import ANNA, write_coast
from cli.demo.confronted import confront
from cli.demo.days import Days
from cli.demo.faults import judged
from cli.demo.more_usage import write_gateway, write_machines, write_wrapped
from cli.demo.others import PARTNER, write_others
from cli.demo.picture import picture
from cli.demo.usage import write_all
from cli.printed import as_json_bytes, money
from cli.progress import Line
from cli.run import report
from cli.status import tables
from dataflows import stop
from dataflows.exits import Exit
from dataflows.files import write_atomic
from dataflows.run import RunPlan, compile_into, run
from dataflows.settings import Home, Settings
from dataflows.stores import store_of

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


def _found(faults: list[dict[str, Any]]) -> Table:
    table = Table(title="Faults built into the usage", title_justify="left")
    table.add_column("fault")
    table.add_column("found")
    table.add_column("money at risk", justify="right")
    for fault in faults:
        amounts = [f"{money(amount)} {name}" for name, amount in fault["money"].items()]
        worth = " ".join([", ".join(amounts), "prevented" if fault["prevented"] else ""])
        table.add_row(fault["name"], "yes" if fault["found"] else "NO", worth.strip() or "-")
    return table


def _show(content: dict[str, Any], faults: list[dict[str, Any]], rate: int, out: Path) -> None:
    screen = console()
    for table in tables(content):
        screen.print(table)
    screen.print(_found(faults))
    typer.echo(f"conservation difference {content['conservation_difference']}")
    typer.echo(f"{rate:,} events/s from files to priced rows in the store, start-up included")
    home = out / "home"
    sample = content["sample"][0] if content["sample"] else "EVENT_ID"
    typer.echo("\nTry next:")
    typer.echo(f"  tallywire explain --home {home} {sample}")
    typer.echo(f"  tallywire suspense list --home {home}")
    listed = out / "others" / PARTNER
    typer.echo(f"  tallywire controls partner --home {home} --partner kystnett {listed}")
    typer.echo(f'  tallywire store query --home {home} "SELECT * FROM v_revenue"')  # noqa: S608  printed


def _prepare(out: Path, settings: Settings, events: int, days: Days) -> None:
    """Write the catalogue, all usage, and what others say of it; put the catalogue into use."""
    home, usage = Home(settings.home), out / "usage"
    write_catalogue(out / "catalogue", days)
    snapshot = compile_into(home, out / "catalogue", by="demo", approval=settings.catalog_approval)
    write_all(usage, events)
    write_gateway(usage / "gateway", ANNA)
    write_machines(usage / "machines", "kyst-data")
    write_wrapped(usage / "access")
    arrived(home, snapshot, "coast", usage, write_coast(usage / "coast", days))
    write_others(out / "others", snapshot, days)


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

    Ends with each fault by name and money. Writes what others say of the usage into `others`, to be
    held against it again. Leaves `summary.json` for programs. Exit code 1 says that a fault was not
    found or a record's fate is not known.
    """
    with plain_errors():
        _fresh(out)
        settings, days = settings_of(out / "home"), Days.until_now()
        typer.echo(f"writing usage to {out / 'usage'}", err=True)
        _prepare(out, settings, events, days)
        stop.listen()
        with store_of(settings):
            with Line() as line:
                plan = RunPlan(settings, None, [out / "usage"], follow=False, by="demo")
                result = run(plan, line.tell)
            report(result)
            if result.code != Exit.DONE or stop.stopping():
                raise typer.Exit(result.code)
            look_once(settings)
            confront(settings, out / "others", days)
            content = picture(settings, days)
        faults = judged(content)
        rate = round(content["collected"] / result.seconds)
        write_atomic(out / "summary.json", as_json_bytes(_machine(content, faults, rate)))
        _show(content, faults, rate, out)
    good = all(fault["found"] for fault in faults) and not content["conservation_difference"]
    raise typer.Exit(Exit.DONE if good else Exit.PROBLEMS)
