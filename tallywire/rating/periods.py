"""Billing periods of usage."""

import polars as pl

from tallywire.catalog.snapshot import Snapshot


def usage_months(usage: pl.DataFrame, snapshot: Snapshot) -> pl.Series:
    """Name the calendar month of each event in the time zone of its offer, as rating does.

    Args:
        usage: Has `offer_id` and `start_time` (microseconds UTC).
        snapshot: Offers; the operator's zone stands in for one that is not there.
    """
    zones = {key: offer.time_zone for key, offer in snapshot.offers.items()}
    moment = pl.from_epoch("start_time", time_unit="us").dt.replace_time_zone("UTC")
    zone = pl.col("offer_id").replace_strict(
        zones, default=snapshot.time_zone, return_dtype=pl.String
    )
    month = pl.lit("")
    for name in sorted({*zones.values(), snapshot.time_zone}):
        local = moment.dt.convert_time_zone(name).dt.strftime("%Y-%m")
        month = pl.when(zone == name).then(local).otherwise(month)
    return usage.select(month.alias("month"))["month"]
