"""What a correction would change, in money."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import polars as pl
from rich.table import Table

from cli.printed import money
from cli.rerate.world import World
from dataflows.corrections import rerated
from dataflows.requests import Asked
from schemas.canaries import CANARY
from tallywire.rating.corrections import REVERSAL
from tallywire.rating.counters import Counters
from tallywire.rating.rerate import Rerated

BY = ["account_id", "service", "tariff_id", "side", "currency"]


def preview(world: World, asked: Iterable[Asked]) -> dict[str, Any]:
    """Work requests without keeping anything: what would change."""
    made = [rerated(one, world.catalogs, Counters()) for one in asked]
    found = [row for one in made for row in differences(one.rows)]
    return {
        "rows": sum(one.rows.height for one in made),
        "differences": found,
        "totals": totals(found),
        "refused": refusals(made),
    }


def differences(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Sum corrections by account, service, tariff, side and currency."""
    back = pl.col("op") == REVERSAL
    found = (
        rows.group_by(BY)
        .agg(
            (-pl.col("amount").filter(back).sum()).alias("before"),
            pl.col("amount").filter(~back).sum().alias("after"),
            pl.col("amount").sum().alias("difference"),
            pl.col("event_id").n_unique().alias("events"),
            pl.len().alias("rows"),
        )
        .sort(BY)
    )
    return found.rows(named=True)


def totals(found: Iterable[dict[str, Any]]) -> dict[str, Decimal]:
    """Sum differences by currency: revenue, and costs under a name of their own."""
    sums: dict[str, Decimal] = {}
    for row in found:
        if row["side"] == CANARY:
            continue  # no revenue, and no cost
        name = row["currency"] if row["side"] != "cost" else f"{row['currency']} of costs"
        sums[name] = sums.get(name, Decimal(0)) + row["difference"]
    return dict(sorted(sums.items()))


def refusals(made: Iterable[Rerated]) -> list[dict[str, str]]:
    """List events that have no price any more and stay as charged; with a run, that leg alone."""
    told = (pl.col("event_id").bin.encode("hex"), "account_id", "run", "reason", "detail")
    return [row for one in made for row in one.refused.select(told).iter_rows(named=True)]


def shown(found: list[dict[str, Any]]) -> Table:
    """Make the table that people read."""
    made = Table(title="What changes", title_justify="left")
    for name in ("account", "service", "tariff"):
        made.add_column(name, overflow="fold")
    for name in ("events", "before", "after", "difference"):
        made.add_column(name, justify="right")
    made.add_column("currency")
    for row in found:
        cost = " (cost)" if row["side"] == "cost" else ""
        made.add_row(
            row["account_id"], row["service"], row["tariff_id"], f"{row['events']:,}",
            money(row["before"]), money(row["after"]), money(row["difference"]),
            f"{row['currency']}{cost}",
        )  # fmt: skip
    return made
