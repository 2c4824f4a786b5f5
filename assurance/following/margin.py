"""C16: routes on which the partner's cost is higher than what customers paid."""

from collections.abc import Sequence
from typing import ClassVar

import polars as pl

from assurance.alerts import Control, Worth, alert
from assurance.following.rows import DAY_US, day_of
from assurance.following.totals import BUCKET, SIGN, History, Key, TotalsControl
from assurance.money import worth_of
from schemas.alerts import Alert

LOSS = Control(
    "C16", "negative_margin", "leakage", "critical", "under",
    "route the destination elsewhere, or change its price; look for traffic that moved there",
)  # fmt: skip

_N, _REVENUE, _COST = range(3)
_EVENT = ("tenant_id", "event_id", "op")


class Margin(TotalsControl):
    """Revenue and cost of each partner and destination by day, of usage no allowance covered."""

    declared: ClassVar = (LOSS,)
    keys: ClassVar = ("tenant_id", "party_id", "zone_id", "service", "currency")
    sums: ClassVar = ("records", "revenue", "cost")
    keep: ClassVar = 35

    def totals(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Put the legs of each event side by side: they are rated together.

        A cost that is corrected alone counts; what customers paid, corrected alone, does not: the
        route that it took is not known any more.
        """
        uncovered = pl.col("included_quantity") == 0
        paid = rows.filter(pl.col("side") == "revenue", pl.col("run") == "retail").select(
            *_EVENT, "currency", uncovered.alias("counts"), pl.col("amount_nano").alias("revenue")
        )
        cost = rows.filter(pl.col("side") == "cost", pl.col("op") != "true_up").select(
            *_EVENT, *self.keys[1:], "start_time", pl.col("amount_nano").alias("cost")
        )
        both = cost.join(paid, on=[*_EVENT, "currency"], how="left", maintain_order="left")
        both = both.filter(pl.col("counts").fill_null(pl.col("op") != "charge"))
        day = day_of("start_time").alias(BUCKET)
        return both.group_by(*self.keys, day, maintain_order=True).agg(
            SIGN.filter(pl.col("revenue").is_not_null()).sum().cast(pl.Int64).alias("records"),
            pl.col("revenue", "cost").sum(),
        )

    def judge(self, key: Key, bucket: int, history: History, at: int) -> Sequence[Alert]:
        """Tell a loss over enough events."""
        now = history[bucket]
        enough = self.world.thresholds.margin.events
        loses = now[_N] >= enough and now[_COST] > now[_REVENUE]
        tenant, party, zone, service, currency = key
        worth = worth_of(now[_COST] - now[_REVENUE], currency, "charged")
        revenue, cost = (worth_of(one, currency, "").amount for one in now[_REVENUE:])
        text = (
            f"{now[_N]} events to {zone or service} by {party} brought {revenue:.2f} and cost "
            f"{cost:.2f} {currency} in a day."
        )
        return [
            alert(
                LOSS, tenant_id=tenant, feed_id="", entity=("route", f"{party}/{service}/{zone}"),
                episode=f"{currency} {bucket}", at=at,
                explanation=text if loses else "The route earns again.",
                observed=now[_N] if loses else 0, unit="records", worth=worth if loses else Worth(),
                state="open" if loses else "auto_closed",
                window=(bucket * DAY_US, (bucket + 1) * DAY_US),
            )
        ]  # fmt: skip
