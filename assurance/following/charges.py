"""C10: destinations that became free, charges far from the usual price, negative charges."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import ClassVar

import polars as pl

from assurance.alerts import Control, Worth, alert
from assurance.following.control import World
from assurance.following.findings import Finding, Findings, Record
from assurance.following.rows import CHARGED, DAY_US, day_of, place
from assurance.following.totals import BUCKET, SIGN, History, Key, TotalsControl, before
from assurance.money import worth_of
from schemas.alerts import Alert

FREE = Control(
    "C10", "became_free", "leakage", "critical", "under",
    "look at the newest revision of the tariff: is the destination meant to be free?",
)  # fmt: skip
DEAR = Control(
    "C10", "price_far_above_usual", "misrating", "critical", "over",
    "look at the newest revision of the tariff: unit, increment and decimal point",
)  # fmt: skip
CHEAP = Control(
    "C10", "price_far_below_usual", "misrating", "critical", "under",
    "look at the newest revision of the tariff: unit, increment and decimal point",
)  # fmt: skip
NEGATIVE = Control(
    "C10", "negative_charge", "misrating", "critical", "under",
    "look at the tariff and its discounts: a charge below nothing is no correction",
)  # fmt: skip

_N, _ZERO, _QUANTITY, _ZERO_QUANTITY, _NANO = range(5)
_FREE_OF = pl.col("amount_nano") == 0
_USED = pl.col("rated_quantity") - pl.col("included_quantity")


class Charges(TotalsControl):
    """Count, quantity and money of each destination of a tariff by day."""

    declared: ClassVar = (FREE, DEAR, CHEAP, NEGATIVE)
    keys: ClassVar = ("tenant_id", "tariff_id", "service", "zone_id", "currency")
    sums: ClassVar = ("records", "free", "quantity", "free_quantity", "nano")
    keep: ClassVar = 35

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._negative = Findings(NEGATIVE, 35 * DAY_US)

    def take(self, rows: pl.DataFrame) -> Sequence[Alert]:
        """Add up what customers paid for what no allowance covered."""
        return [*super().take(rows), *self._below_nothing(rows)]

    def totals(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Add up usage that was to be paid."""
        paid = rows.filter(
            pl.col("side") == "revenue", pl.col("op").is_in(["charge", "reversal", "correction"]),
            pl.col("included_quantity") == 0, pl.col("rated_quantity") != 0,
        )  # fmt: skip
        day = day_of("start_time").alias(BUCKET)
        return paid.group_by(*self.keys, day, maintain_order=True).agg(
            SIGN.sum().cast(pl.Int64).alias("records"),
            SIGN.filter(_FREE_OF).sum().cast(pl.Int64).alias("free"),
            _USED.sum().alias("quantity"),
            _USED.filter(_FREE_OF).sum().alias("free_quantity"),
            pl.col("amount_nano").sum().alias("nano"),
        )  # fmt: skip

    def judge(self, key: Key, bucket: int, history: History, at: int) -> Sequence[Alert]:
        """Hold a day against the days before."""
        now, earlier = history[bucket], before(history, bucket)
        limits = self.world.thresholds.charges
        if not earlier or earlier[_N] < limits.records:
            return []
        if earlier[_NANO] <= 0 or earlier[_QUANTITY] <= 0:
            return []
        when = bucket, at, limits.times
        usual = earlier[_NANO] * now[_QUANTITY] // earlier[_QUANTITY]
        many = now[_N] >= limits.records and usual > 0
        free = many and 2 * now[_ZERO] >= now[_N] and 20 * earlier[_ZERO] < earlier[_N]
        lost = earlier[_NANO] * now[_ZERO_QUANTITY] // earlier[_QUANTITY]
        dear = many and now[_NANO] > limits.times * usual
        cheap = many and not free and limits.times * now[_NANO] < usual
        return [
            _finding(FREE, key, when, now, lost, is_open=free),
            _finding(DEAR, key, when, now, now[_NANO] - usual, is_open=dear),
            _finding(CHEAP, key, when, now, usual - now[_NANO], is_open=cheap),
        ]

    def _below_nothing(self, rows: pl.DataFrame) -> Iterator[Alert]:
        self._negative.take_back(rows)
        for row in rows.filter(CHARGED, pl.col("amount_nano") < 0).iter_rows(named=True):
            tariff, zone = row["tariff_id"], row["zone_id"]
            made = Finding(
                row["tenant_id"], row["feed_id"], ("tariff", f"{tariff}/{zone}"),
                row["currency"], row["currency"],
            )  # fmt: skip
            self._negative.add(
                f"{row['tenant_id']}\x1f{tariff}\x1f{zone}\x1f{row['currency']}", made,
                Record(row["event_id"].hex(), -row["amount_nano"], row["start_time"],
                       row["collected_at"], place(row)),
            )  # fmt: skip
        yield from self._negative.told(
            "Below nothing, {money} in all: {count} of {entity}.", "charge"
        )

    def more(self) -> dict[str, object]:
        """Give the negative charges."""
        return {"negative": self._negative.dump()}

    def load_more(self, found: dict[str, object]) -> None:
        """Take them back."""
        self._negative.load(found["negative"])  # type: ignore[arg-type]  # what `more` gave


_SENTENCES = {
    FREE.pattern: "{zone} of {tariff} was paid for until the day before; now {free} of {count} "
    "records are free.",
    DEAR.pattern: "{zone} of {tariff} costs more than {times} times what it cost on the days "
    "before.",
    CHEAP.pattern: "{zone} of {tariff} costs less than one part in {times} of what it cost on the "
    "days before.",
}


def _finding(
    control: Control,
    key: Key,
    when: tuple[int, int, int],
    now: Sequence[int],
    nano: int,
    *,
    is_open: bool,
) -> Alert:
    tenant, tariff, service, zone, currency = key
    bucket, at, times = when
    estimated = worth_of(nano, currency, "usual_price")
    count = now[_ZERO] if control is FREE else now[_N]
    text = _SENTENCES[control.pattern].format(
        zone=zone or service, tariff=tariff, free=now[_ZERO], count=now[_N], times=times
    )
    return alert(
        control, tenant_id=tenant, feed_id="",
        entity=("tariff", f"{tariff}/{service}/{zone}"), episode=f"{currency} {bucket}", at=at,
        explanation=text if is_open else "The day is as usual again.",
        observed=count if is_open else 0, unit="records",
        worth=_bounded(estimated) if is_open else Worth(),
        state="open" if is_open else "auto_closed",
        window=(bucket * DAY_US, (bucket + 1) * DAY_US),
    )  # fmt: skip


def _bounded(worth: Worth) -> Worth:
    """Say how far an estimate by the usual price may be off: a fifth either way."""
    amount = worth.amount or Decimal(0)
    fifth = (amount / 5).quantize(Decimal("1e-9"))
    return Worth(amount, worth.currency, worth.method, amount - fifth, amount + fifth, 90)
