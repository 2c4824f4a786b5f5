"""What a lane charges when a month is closed, subscription by subscription."""

import datetime as dt
from collections.abc import Iterator
from functools import cache
from typing import Any

import polars as pl

from schemas.columns import conform, polars_schema
from schemas.rated import RatedEvent
from tallywire.calendar import day_start
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.counters import Counters
from tallywire.rating.rulebook import Closer, Tally

_HALF_DAY_US = 43_200_000_000


def closing_charges(
    snapshot: Snapshot, holdings: pl.DataFrame, period: str, counters: Counters
) -> pl.DataFrame:
    """Charge what the month, and days, weeks and the year that end in it, leave to be charged.

    Args:
        snapshot: The catalogue in force.
        holdings: Rows of `held_in`.
        period: The month, YYYY-MM.
        counters: The lane's: read and written.

    Returns:
        Rows of RatedEvent with op `true_up`; what closing it charged before is taken off.
    """
    closer = Closer(snapshot)
    rows: list[Any] = []
    moments_of = cache(lambda name: list(_moments(period, snapshot.offers[name].time_zone)))
    for holding in holdings.iter_rows(named=True):
        kinds = closer.kinds(holding)
        for kind, moment in moments_of(holding["offer_id"]) if kinds else ():
            if kind not in kinds:
                continue
            tally = Tally(counters.used, counters.series)
            rows += [made.row for made in closer.close(holding, kind, moment, tally)]
            added = ((key, point) for key, some in tally.points.items() for point in some)
            counters.keep(tally.writes, added)
    every = polars_schema(RatedEvent)
    schema = {name: every[name] for name in rows[0]} if rows else every
    return conform(pl.DataFrame(rows, schema=schema, orient="row"), RatedEvent)


def held_in(snapshot: Snapshot, period: str) -> pl.DataFrame:
    """List the subscriptions of a month with the offer that each had at its end.

    Returns:
        tenant_id, account_id, subscription_id, offer_id, routing_id; sorted by subscription.
    """
    first = dt.date.fromisoformat(f"{period}-01")
    begin = day_start(first, snapshot.time_zone)
    end = day_start(_next_month(first), snapshot.time_zone)
    there = snapshot.identifiers.filter(
        (pl.col("valid_from_us") < end) & (pl.col("valid_to_us") > begin)
    )
    last = there.sort("subscription_id", "valid_from_us", "offer_id").unique(
        "subscription_id", keep="last", maintain_order=True
    )
    return last.select(
        pl.lit(snapshot.tenant_id).alias("tenant_id"),
        "account_id", "subscription_id", "offer_id", "routing_id",
    )  # fmt: skip


def _next_month(first: dt.date) -> dt.date:
    return (first + dt.timedelta(days=31)).replace(day=1)


def _moments(period: str, time_zone: str) -> Iterator[tuple[str, int]]:
    """Give an instant of every period that ends in a month: days and weeks first."""
    first = dt.date.fromisoformat(f"{period}-01")
    for number in range((_next_month(first) - first).days):
        day = first + dt.timedelta(days=number)
        noon = day_start(day, time_zone) + _HALF_DAY_US
        yield "day", noon
        if day.isoweekday() == 7:
            yield "week", noon
    yield "month", day_start(first, time_zone) + _HALF_DAY_US
    if first.month == 12:
        yield "year", day_start(first, time_zone) + _HALF_DAY_US
