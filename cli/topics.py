"""`tallywire topics`: the topics that there should be on Kafka, planned, made and listed."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cli.common import HomeOption, JsonOption, console, epilog, plain_errors, settings_of
from cli.printed import as_json_bytes
from dataflows.catalogs import CatalogStore
from dataflows.exits import Exit
from dataflows.kafka.topics import Action, Found, Step, Terms, Wanted, compare, wanted_topics
from dataflows.settings import Home, Settings

app = typer.Typer(help="Topics on Kafka: planned, made, listed.", no_args_is_help=True)

if TYPE_CHECKING:
    from dataflows.kafka.administration import Topics

ReplicationOption = Annotated[
    int,
    typer.Option(
        "--replication", min=0, help="Copies of new topics; 0: three, or one for each broker."
    ),
]
RawPartitionsOption = Annotated[
    int,
    typer.Option("--raw-partitions", min=0, help="Partitions of feeds' topics; 0: 16 of new ones."),
]
RetentionOption = Annotated[
    int,
    typer.Option(
        "--retention-days",
        min=0,
        help="Days that usage is kept in topics, also if it was longer until now; 0: at least 7.",
    ),
]
_SHOWN = ("cleanup.policy", "retention.ms", "max.message.bytes", "min.insync.replicas")
_DAY_MS = 86_400_000


def _topics(settings: Settings) -> "Topics":
    from dataflows.kafka.administration import (  # noqa: PLC0415  a command without Kafka starts sooner
        Topics,
    )

    return Topics(settings)


def _wanted(settings: Settings, terms: Terms) -> list[Wanted]:
    catalogs = CatalogStore(Home(settings.home).catalogs)
    feeds = catalogs.load(catalogs.current()).feeds
    return wanted_topics(settings, feeds.values(), terms)


def _steps(topics: "Topics", settings: Settings, terms: Terms) -> list[Step]:
    wanted = _wanted(settings, terms)
    brokers = 0 if terms.replication else topics.brokers()
    return compare(wanted, topics.found(one.name for one in wanted), terms, brokers)


def _changes(step: Step) -> str:
    if step.action is Action.CREATE:
        return "\n".join(f"{name}={value}" for name, value in step.config.items())
    lines = [f"{name}: {step.before[name]} → {value}" for name, value in step.config.items()]
    return "\n".join([*lines, *([step.differs] if step.differs else [])])


def _show(steps: Sequence[Step], words: dict[Action, str]) -> None:
    table = Table(box=None)
    for name in ("topic", "what", "partitions", "copies", "settings"):
        table.add_column(name, overflow="fold")
    for step in steps:
        what = "differs" if step.differs and step.action is Action.NOTHING else words[step.action]
        table.add_row(step.name, what, str(step.partitions), str(step.replication), _changes(step))
    console().print(table)


def _end(
    steps: Sequence[Step], words: dict[Action, str], settings: Settings, *, as_json: bool
) -> None:
    """Print what is or was to be done; a number of partitions that differs is a problem found."""
    if as_json:
        rows = [{**asdict(step), "what": words[step.action]} for step in steps]
        typer.echo(as_json_bytes({"kafka": settings.kafka, "topics": rows}).decode())
    else:
        _show(steps, words)
    for step in steps:
        if step.differs:
            typer.echo(f"topic {step.name} {step.differs}", err=True)
    if any(step.differs for step in steps):
        raise typer.Exit(Exit.PROBLEMS)


@app.command("plan", epilog=epilog("topics plan", "topics plan --replication 3 --json"))
def plan(
    *,
    replication: ReplicationOption = 0,
    raw_partitions: RawPartitionsOption = 0,
    retention_days: RetentionOption = 0,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Say what `topics apply` would do; nothing is changed."""
    settings = settings_of(home)
    words = {Action.CREATE: "to create", Action.ALTER: "to alter", Action.NOTHING: "as wanted"}
    with plain_errors():
        terms = Terms(replication, raw_partitions, retention_days)
        _end(_steps(_topics(settings), settings, terms), words, settings, as_json=as_json)


@app.command("apply", epilog=epilog("topics apply", "topics apply --raw-partitions 32"))
def apply(
    *,
    replication: ReplicationOption = 0,
    raw_partitions: RawPartitionsOption = 0,
    retention_days: RetentionOption = 0,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Create topics that are missing and alter settings that differ; a second time does nothing.

    Nothing is deleted, and no number of partitions is changed.
    """
    settings = settings_of(home)
    words = {Action.CREATE: "created", Action.ALTER: "altered", Action.NOTHING: "as wanted"}
    with plain_errors():
        topics = _topics(settings)
        steps = _steps(topics, settings, Terms(replication, raw_partitions, retention_days))
        topics.carry_out(steps)
        _end(steps, words, settings, as_json=as_json)


def _days(value: str) -> str:
    if not value or int(value) < 0:
        return "for ever"
    return f"{int(value) / _DAY_MS:g} days"


def _row(found: Found) -> dict[str, Any]:
    shown = {name: found.config.get(name, "") for name in _SHOWN}
    return {
        "topic": found.name, "partitions": found.partitions, "copies": found.replication,
        "config": shown,
    }  # fmt: skip


@app.command("list", epilog=epilog("topics list", "topics list --json"))
def list_(*, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List the topics of feeds and the product's own as they are, and those that are missing."""
    settings = settings_of(home)
    with plain_errors():
        topics = _topics(settings)
        names = [one.name for one in _wanted(settings, Terms())]
        found = topics.found(names, settings.topic_prefix)
        missing = [name for name in names if name not in found]
    if as_json:
        rows = [_row(one) for one in found.values()]
        typer.echo(as_json_bytes({"topics": rows, "missing": missing}).decode())
        return
    table = Table(box=None)
    for name in ("topic", "partitions", "copies", "policy", "kept", "largest message"):
        table.add_column(name, overflow="fold")
    for one in found.values():
        policy, kept, largest, _ = (one.config.get(name, "") for name in _SHOWN)
        kept = _days(kept) if "delete" in policy else "newest of each key"
        table.add_row(one.name, str(one.partitions), str(one.replication), policy, kept, largest)
    console().print(table)
    for name in missing:
        typer.echo(f"topic {name} is missing: `tallywire topics apply` makes it", err=True)
