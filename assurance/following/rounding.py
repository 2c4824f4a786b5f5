"""C11: what rounding takes or gives, by tariff and day, against what its rule should come to."""

from collections.abc import Sequence
from typing import ClassVar

import polars as pl

from assurance.alerts import Control, Worth, alert
from assurance.following.rows import DAY_US, day_of
from assurance.following.totals import BUCKET, SIGN, History, Key, TotalsControl
from assurance.money import worth_of
from schemas.alerts import Alert

OVER = Control(
    "C11", "rounded_in_our_favour", "misrating", "warning", "over",
    "compare scale and mode of rounding in the tariff with the contract",
)  # fmt: skip
UNDER = Control(
    "C11", "rounded_against_us", "misrating", "warning", "under",
    "compare scale and mode of rounding in the tariff with the contract",
)  # fmt: skip

_NANO_DIGITS = 9
_N, _ROUNDING, _NANO = range(3)
_HALVES_OF_A_UNIT = {"up": 1, "down": -1}
"""What rounding of a mode comes to on average, where any remainder is as likely as another."""


class Rounding(TotalsControl):
    """Roundings of each revision of a tariff by day."""

    declared: ClassVar = (OVER, UNDER)
    keys: ClassVar = (
        "tenant_id", "tariff_id", "tariff_revision", "rounding_mode", "rounding_scale", "currency",
    )  # fmt: skip
    sums: ClassVar = ("records", "rounding", "nano")
    keep: ClassVar = 35

    def totals(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Add up charges of customers."""
        named = rows.filter(pl.col("side") == "revenue", pl.col("op") != "true_up").with_columns(
            pl.col("tariff_revision", "rounding_scale").cast(pl.String)
        )
        return named.group_by(
            *self.keys, day_of("start_time").alias(BUCKET), maintain_order=True
        ).agg(
            SIGN.sum().cast(pl.Int64).alias("records"),
            pl.col("rounding_nano").sum().alias("rounding"),
            pl.col("amount_nano").sum().alias("nano"),
        )

    def judge(self, key: Key, bucket: int, history: History, at: int) -> Sequence[Alert]:
        """Hold a day's mean against the rule of its mode, and the sum against the charges."""
        now, limits = history[bucket], self.world.thresholds.rounding
        unit = 10 ** max(0, _NANO_DIGITS - int(key[4]))
        # four times the distance from the mean that the rule should have, times the records
        off = 4 * now[_ROUNDING] - 2 * unit * now[_N] * _HALVES_OF_A_UNIT.get(key[3], 0)
        drifts = (
            now[_N] >= limits.records
            and abs(off) > unit * now[_N]
            and abs(now[_ROUNDING]) * limits.one_in > abs(now[_NANO])
        )
        return [
            _finding(control, key, bucket, at, now, is_open=drifts and sign * now[_ROUNDING] > 0)
            for control, sign in ((OVER, 1), (UNDER, -1))
        ]


def _finding(
    control: Control, key: Key, bucket: int, at: int, now: Sequence[int], *, is_open: bool
) -> Alert:
    tenant, tariff, revision, mode, scale, currency = key
    worth = worth_of(abs(now[_ROUNDING]), currency, "rounding")
    text = (
        f"Rounding ({mode}, {scale} decimals) of {tariff}, revision {revision}, came to "
        f"{worth.amount or 0:.2f} {currency} in {now[_N]} charges of a day: more than chance gives."
    )
    return alert(
        control, tenant_id=tenant, feed_id="",
        entity=("tariff", f"{tariff}/{revision}"), episode=f"{currency} {bucket}", at=at,
        explanation=text if is_open else "The day is as it should be.",
        observed=now[_N] if is_open else 0, unit="records",
        worth=worth if is_open else Worth(), state="open" if is_open else "auto_closed",
        window=(bucket * DAY_US, (bucket + 1) * DAY_US),
    )  # fmt: skip
