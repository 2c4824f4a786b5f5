"""The `tallywire` command."""

from typing import Annotated

import typer

from cli.verbs import Verb, Verbs


class _Tallywire(Verbs):
    verbs = (
        Verb("run", "Collect, deduplicate, rate and store usage, each record exactly once."),
        Verb(
            "up",
            "Run the whole product on this machine until stopped: store, gateway, workers, "
            "metrics.",
        ),
        Verb(
            "work",
            "Run the worker of one group of lanes until stopped, with its metrics, and nothing "
            "else.",
        ),
        Verb("status", "Show records by fate, revenue, suspense and findings."),
        Verb(
            "feeds",
            "What came of each feed, what is missing since when, and what it is worth.",
        ),
        Verb(
            "explain",
            "Explain a charge: prefix, band, increments, price, rounding, allowance before and "
            "after.",
        ),
        Verb("replay", "Derive stored charges again and compare every column with what is stored."),
        Verb(
            "rerate",
            "Rate charges again and correct those that come out differently.",
            module="cli.rerate.command",
        ),
        Verb(
            "price",
            "Price usage events: JSON lines in, rated events as JSON lines out, in the same order.",
        ),
        Verb("doctor", "Check the machine, the configuration, the catalogue in use and the store."),
        Verb(
            "demo",
            "Rate a small operator's day: five formats, faults built in, and a million generated "
            "events.",
            module="cli.demo.command",
        ),
        Verb("catalog", "Check, compile, activate, show, compare and backtest catalogues."),
        Verb("feed", "Make a feed from a sample file; try a feed."),
        Verb(
            "controls",
            "The controls: what each watches, and their run.",
            module="cli.controls.command",
        ),
        Verb(
            "canary",
            "Known usage that must arrive once, in time, at its price: list, try, send, status.",
            module="cli.canary.command",
        ),
        Verb(
            "checks",
            "Compare any two files or tables, as a check says; differences are alerts.",
            module="cli.checks.command",
        ),
        Verb("suspense", "List, show, recycle and accept suspended usage."),
        Verb(
            "alerts",
            "List, show, judge, suppress and deliver what controls found.",
            module="cli.alerts.command",
        ),
        Verb(
            "cases",
            "Group findings into cases, work them, and account for the money.",
            module="cli.cases.command",
        ),
        Verb(
            "actions",
            "Propose, approve and carry out what is done about cases.",
            module="cli.actions.command",
        ),
        Verb("audit", "Who decided or looked at what: list and verify."),
        Verb("sessions", "List sessions that wait for their other parts, and what they are worth."),
        Verb("rap", "Return records of TAP files to their senders."),
        Verb("period", "Close, reopen and list billing periods."),
        Verb("close", "Make the certificate of a month, or verify one."),
        Verb("partners", "What partners carried by tiers, and true-ups."),
        Verb("lanes", "Groups of lanes: list, move and split them; lanes that were put aside."),
        Verb("ingest", "Take usage by HTTP, and manage the keys for it."),
        Verb("radius", "Take RADIUS accounting; list who may send it."),
        Verb("mqtt", "Take usage of MQTT brokers; list subscriptions."),
        Verb("store", "Serve the embedded ClickHouse; ask it."),
        Verb(
            "overlay",
            "Hold another system's bill against the usage it bills; report what leaks, by cause.",
        ),
        Verb("metrics", "What Prometheus reads: once, or served."),
        Verb("topics", "Topics on Kafka: planned, made, listed."),
    )


app = typer.Typer(
    cls=_Tallywire,
    help="Rate usage exactly once, exactly, and explain every charge.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415  only this option reads metadata

        typer.echo(f"tallywire {version('tallywire')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _shown: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Rate usage exactly once, exactly, and explain every charge."""


def main() -> None:
    """Run the command."""
    app(prog_name="tallywire")


if __name__ == "__main__":
    main()
