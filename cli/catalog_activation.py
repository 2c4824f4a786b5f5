"""`tallywire catalog propose`, `approve`, `activate`, `rollback`, `history`: with two persons."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.catalog_common import (
    Folder,
    archive_of,
    epilog,
    hash_of,
    judged_folder,
    login,
    print_json,
    print_table,
    stop,
)
from cli.common import HomeOption, JsonOption, plain_errors
from cli.times import instant
from dataflows import activation
from dataflows.catalogs import CatalogMisuse, CatalogStore
from dataflows.exits import Exit
from dataflows.wall_clock import now_us
from schemas.catalog_history import CatalogStep
from schemas.instants import text_from_micros
from tallywire.catalog import history

PROPOSE = epilog("propose fjordline --by 'Kari Lie' --note 'spring prices'")
APPROVE = epilog("approve 21b4e266 --by 'Ola Moe'")
ACTIVATE = epilog(
    "activate 21b4e266 --at 2026-12-01",
    "activate 21b4e266 --at 2026-12-01T08:00:00+01:00",
    "activate 21b4e266 --at now --by 'Ola Moe'",
)
ROLLBACK = epilog("rollback", "rollback --to 9f86d081 --by 'Ola Moe' --note 'wrong premium prices'")
HISTORY = epilog("history", "history --json")

Hash = Annotated[str, typer.Argument(metavar="HASH", help="Its hash, or the beginning of it.")]
Person = Annotated[str, typer.Option("--by", help="Name of the person who does this.")]
User = Annotated[str, typer.Option("--by", help="Name of the person; without it the login name.")]
Note = Annotated[str, typer.Option("--note", help="Why.")]


def _tell(store: CatalogStore, name: str, words: str, *, as_json: bool) -> None:
    state = history.state(store.steps(), name, now_us()).value
    if as_json:
        print_json({"hash": name, "state": state})
    else:
        typer.echo(f"catalogue {name} {words}")


def propose(
    folder: Folder,
    *,
    by: Person,
    note: Note = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compile a catalogue folder, keep it in the archive and propose it; it is not used yet."""
    with plain_errors():
        store = archive_of(home)
        files, _, snapshot = judged_folder(folder, store.judge, as_json=as_json)
        name = snapshot.hash
        store.archive(files, snapshot)
        activation.propose(store, name, by=by, note=note, now_us=now_us())
        words = f"proposed by {by}; next: tallywire catalog approve {name[:12]} --by ANOTHER"
        _tell(store, name, words, as_json=as_json)


def approve(
    which: Hash,
    *,
    by: Person,
    note: Note = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a proposed catalogue: another person than the one who proposed it."""
    with plain_errors():
        store = archive_of(home)
        name = hash_of(which, store)
        activation.approve(store, name, by=by, note=note, now_us=now_us())
        words = f"approved by {by}; next: tallywire catalog activate {name[:12]} --at DATE"
        _tell(store, name, words, as_json=as_json)


def activate(
    which: Hash,
    *,
    at: Annotated[
        str,
        typer.Option(
            "--at", help="From when: `now`, an instant, or a date of the operator's time zone."
        ),
    ],
    by: User = "",
    note: Note = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put an approved catalogue into use, now or from a date on.

    What is rated from then on is rated under it; a run that is under way takes it up between two
    batches.
    """
    with plain_errors():
        store = archive_of(home)
        name = hash_of(which, store)
        zone = store.load(name).time_zone
        at_us = None if at == "now" else instant(at, "--at", zone)
        activation.activate(store, name, at_us=at_us, by=by or login(), note=note, now_us=now_us())
        when = "now" if at_us is None else f"from {text_from_micros(at_us)} on"
        _tell(store, name, f"is in use {when}", as_json=as_json)


def rollback(
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="HASH", help="Another that was in use before.")
    ] = "",
    by: User = "",
    note: Note = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the catalogue that was in use before back into use, at once.

    Activations that are still to come are withdrawn. Usage that was rated keeps its charges.
    """
    with plain_errors():
        store = archive_of(home)
        step, withdrawn = activation.roll_back(
            store, hash_of(to, store) if to else "", by=by or login(), note=note, now_us=now_us()
        )
        for one in withdrawn:
            when = text_from_micros(one.effective_us)
            typer.echo(f"withdrawn: {one.catalog_hash[:12]} from {when}", err=True)
        left = f"; {step.left_hash[:12]} is not any more" if step.left_hash else " as before"
        _tell(store, step.catalog_hash, f"is in use now{left}", as_json=as_json)


def in_use_at(home: Path | None, as_of: str) -> str:
    """Get the hash of the catalogue that was in use at an instant as written.

    Raises:
        CatalogError: If none was, or the history cannot be read.
    """
    return archive_of(home).current(instant(as_of, "--as-of"))


def _row(step: CatalogStep, steps: list[CatalogStep], at_us: int) -> dict[str, Any]:
    return {
        **step.model_dump(mode="json", exclude={"schema_version"}),
        "state": history.state(steps, step.catalog_hash, at_us).value,
    }


def _clock(text: str | None) -> str:
    return text.replace("T", " ").partition(".")[0] + " UTC" if text else ""


def history_(*, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List who proposed, approved, activated and rolled back which catalogue, and when."""
    with plain_errors():
        store, at_us = archive_of(home), now_us()
        steps = store.steps()
        rows = [_row(step, steps, at_us) for step in steps]
        try:
            current = store.current(at_us)
        except CatalogMisuse:
            current = ""
    if as_json:
        print_json({"in_use": current or None, "steps": rows})
        return
    if not rows:
        raise stop(Exit.DONE, f"no catalogue was proposed or used in {store.root} yet")
    columns = ("when", "who", "step", "hash", "in use from", "state now", "why")
    table = [
        (_clock(row["recorded_at"]), row["by"], row["step"], row["catalog_hash"][:12],
         _clock(row["effective_at"]), row["state"], row["note"])
        for row in rows
    ]  # fmt: skip
    print_table(columns, table)
