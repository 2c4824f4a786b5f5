"""What `tallywire catalog diff` says in money: samples of usage, or usage that there was."""

import dataclasses
from decimal import Decimal
from typing import Any

import polars as pl
import typer

from cli.backtest_report import as_table, signed
from cli.catalog_common import print_table
from cli.common import console
from cli.printed import money
from schemas.instants import text_from_micros
from tallywire.catalog import Snapshot
from tallywire.catalog.prose import date_words
from tallywire.rating.backtest import Backtest
from tallywire.rating.samples import Sample, samples
from tallywire.rating.shock import by_price, compared

_COLUMNS = ("price", "when", "usage", "now", "draft", "difference", "")


def _amount(value: Decimal | None, currency: str) -> str:
    return f"{money(value)} {currency}" if value is not None else "no price"


def _row(one: Sample) -> tuple[str, ...]:
    day = date_words(one.start_us, one.time_zone).partition(" ")[0]
    bands = " → ".join(dict.fromkeys(name for name in one.bands if name))
    return (
        f"{one.tariff_id}/{one.zone_id or 'all'}", f"{day} {bands}".strip(), one.usage,
        _amount(one.now, one.currency_now), _amount(one.draft, one.currency_draft),
        signed(one.difference), "" if one.percent is None else f"{signed(one.percent)} %",
    )  # fmt: skip


def sample_values(now: Snapshot, draft: Snapshot) -> list[dict[str, Any]]:
    """Give what changed prices mean for everyday usage, as values for JSON."""
    return [
        {
            **{
                name: value for name, value in dataclasses.asdict(one).items() if name != "start_us"
            },
            "start": text_from_micros(one.start_us),
            "difference": one.difference,
            "percent": one.percent,
        }
        for one in samples(now, draft)
    ]


def print_samples(now: Snapshot, draft: Snapshot) -> None:
    """Print what changed prices mean for everyday usage; nothing where no price changed."""
    found = [_row(one) for one in samples(now, draft)]
    if found:
        print_table(_COLUMNS, found)


def money_values(made: Backtest) -> dict[str, Any]:
    """Give what a difference means over usage, as values for JSON: by price, offer, account."""
    return {
        "events": made.events,
        "prices": by_price(made.changes).to_dicts(),
        "offers": by_price(made.changes, offers=True).to_dicts(),
        "accounts": compared(made.changes).to_dicts(),
        "refused": made.refused.to_dicts(),
    }


def print_money(made: Backtest) -> None:
    """Print what a difference means over usage: by price, and for whom."""
    if made.changes.is_empty():
        typer.echo(f"no charge of {made.events:,} usage events differs")
        return
    offers = by_price(made.changes, offers=True).drop("events", "now", "draft")
    for title, found in (
        (f"What it means in money over {made.events:,} usage events", by_price(made.changes)),
        ("For whom", offers.select(pl.exclude("most_moved"), "most_moved")),
        ("Events that are charged now and refused then", made.refused),
    ):
        keys = [name for name in ("side", "currency") if name in found.columns]
        for names, frame in found.group_by(keys, maintain_order=True):
            words = ", ".join([title, *(str(name) for name in names if name)])
            console().print(as_table(words, _priced(frame.drop(keys))))


def _priced(frame: pl.DataFrame) -> pl.DataFrame:
    """Write tariff and zone as one column."""
    if "tariff_id" not in frame.columns:
        return frame
    zone = pl.when(pl.col("zone_id") == "").then(pl.lit("all")).otherwise("zone_id")
    price = pl.concat_str("tariff_id", zone, separator="/").alias("price")
    return frame.select(price, pl.exclude("tariff_id", "zone_id"))
