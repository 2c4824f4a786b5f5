"""A backtest as tables for people, values for programs, and CSV files."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from rich.box import SIMPLE_HEAD
from rich.table import Table

from cli.printed import as_json_bytes, money
from dataflows.files import write_atomic
from tallywire.rating.backtest import Backtest
from tallywire.rating.shock import bill_shock, compared, most_moved, sides

MOST_MOVED = 10
Frames = dict[str, pl.DataFrame]


def frames(made: Backtest) -> Frames:
    """Give every table of a backtest, by the name of its CSV file."""
    return {
        "services": compared(made.services),
        "costs": compared(made.costs),
        "refused": made.refused,
        "priced": made.priced,
        "sides": sides(made.accounts),
        "winners_and_losers": most_moved(made.accounts, MOST_MOVED),
        "bill_shock": bill_shock(made.accounts),
        "accounts": compared(made.accounts),
        "changes": compared(made.changes),
    }


def write_csv(found: Frames, out: Path) -> list[Path]:
    """Write a CSV file for each table; amounts keep nine decimals.

    Raises:
        OSError: If the folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / f"{name}.csv" for name in found]
    for path, frame in zip(paths, found.values(), strict=True):
        write_atomic(path, frame.write_csv().encode())
    return paths


_SHOWN = ("services", "costs", "refused", "priced", "sides", "winners_and_losers", "bill_shock")


def summary(made: Backtest, found: Frames) -> dict[str, Any]:
    """Give a backtest as values for JSON: all but the lists of every account."""
    return {
        "now": made.now.hash,
        "draft": made.draft.hash,
        "events": made.events,
        **{name: found[name].to_dicts() for name in _SHOWN},
    }


def write_summary(made: Backtest, found: Frames, out: Path) -> None:
    """Write `summary.json`.

    Raises:
        OSError: If it cannot be written.
    """
    write_atomic(out / "summary.json", as_json_bytes(summary(made, found)))


_TITLES = {
    "services": "Revenue by service",
    "costs": "Cost by service, owed to partners",
    "refused": "Events that the draft refuses and are charged now",
    "priced": "Events that the draft charges and are refused now",
    "sides": "Accounts by who pays less or more",
    "winners_and_losers": f"The {MOST_MOVED} accounts that pay less, and more, by most",
    "bill_shock": "Accounts by the change of their total",
}


def signed(value: Decimal | None) -> str:
    """Write a difference with its sign; nothing for none."""
    if value is None:
        return ""
    return f"+{money(value)}" if value > 0 else money(value)


def _cell(name: str, value: object) -> str:
    if name == "percent":
        return f"{signed(value)} %" if isinstance(value, Decimal) else ""
    if isinstance(value, Decimal):
        return signed(value) if name == "difference" else money(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def as_table(title: str, frame: pl.DataFrame) -> Table:
    """Make a table of a frame: numbers to the right, money with every digit that matters."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name, kind in frame.schema.items():
        words = "" if name == "percent" else name.replace("_", " ")
        if kind.is_numeric():
            table.add_column(words, justify="right", no_wrap=True)
        else:
            table.add_column(words, overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*(_cell(name, value) for name, value in zip(frame.columns, row, strict=True)))
    return table


def _told(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out what says nothing: empty buckets, and the same count of events twice."""
    if name == "bill_shock":
        return frame.filter(pl.col("accounts") > 0)
    if name in {"services", "costs"} and (frame["events_now"] == frame["events_draft"]).all():
        return frame.drop("events_draft").rename({"events_now": "events"})
    return frame


def tables(found: Frames) -> list[Table]:
    """Make the tables for a terminal, each currency apart; empty ones are left out."""
    made = []
    for name, title in _TITLES.items():
        for (currency,), frame in found[name].group_by("currency", maintain_order=True):
            shown = _told(name, frame.drop("currency"))
            made.append(as_table(f"{title}, {currency}" if currency else title, shown))
    return made
