"""Made usage of a small operator, and for each control the fault that it must find."""

from collections.abc import Callable

import numpy as np
import polars as pl

from assurance.following.rows import DAY_US, HOUR_US, ROWS
from schemas.canaries import UNSIGNED

MONDAY_US = 20_458 * DAY_US  # 2026-01-05
DAYS = 10
PER_HOUR = 260
_UNIT = 10**7  # two decimals of a currency, in billionths
_PRICE = 5 * 10**7  # a minute
_ZONES = ("no-mobile", "no-fixed", "se")


def event_ids(count: int, salt: int) -> list[bytes]:
    """Give ids of events, other ones for another salt."""
    rng = np.random.default_rng(salt)
    return [bytes(row) for row in rng.integers(0, 256, (count, 16), dtype=np.uint8)]


def usage(days: int = DAYS, per_hour: int = PER_HOUR, seed: int = 7) -> pl.DataFrame:
    """Give calls of two switches, each with its charge and the cost of its partner."""
    rng = np.random.default_rng(seed)
    count = days * 24 * per_hour
    start = np.sort(rng.integers(0, days * DAY_US, count)) + MONDAY_US
    seconds = rng.integers(20, 600, count)
    charge = _PRICE * seconds // 60
    amount = (charge + _UNIT // 2) // _UNIT * _UNIT
    feed = np.where(np.arange(count) % 5 < 4, "switch-a", "switch-b")
    account = rng.integers(0, 60, count)
    hour = start // HOUR_US
    return pl.DataFrame({
        "tenant_id": ["default"] * count, "event_id": event_ids(count, seed),
        "rated_id": event_ids(count, seed + 1), "feed_id": feed, "lane": feed,
        "file_name": [
            f"{one}{1 + who % 3}-{number}.csv"
            for one, who, number in zip(feed, account, hour, strict=True)
        ],
        "record_no": np.arange(count), "collected_at": start + seconds * 1_000_000 + 5_000_000,
        "ledgered_at": start + seconds * 1_000_000 + 6_000_000, "service": ["voice"] * count,
        "kind": ["complete"] * count, "account_id": [f"a{one}" for one in account],
        "a_number": [f"47900{one:05d}" for one in account],
        "b_number": [f"47{one:08d}" for one in rng.integers(0, 10**8, count)],
        "start_time": start, "duration_us": seconds * 1_000_000, "quantity": seconds * 1_000_000,
        "run": ["retail"] * count, "side": ["revenue"] * count, "party_id": [""] * count,
        "op": ["charge"] * count, "tariff_id": ["flat"] * count, "tariff_revision": [1] * count,
        "rounding_mode": ["half_up"] * count, "rounding_scale": [2] * count,
        "zone_id": np.array(_ZONES)[np.arange(count) % 3], "rated_quantity": seconds * 1_000_000,
        "included_quantity": [0] * count, "amount_nano": amount, "rounding_nano": amount - charge,
        "currency": ["EUR"] * count, "rater": ["columnar"] * count, "catalog_hash": ["c"] * count,
        "quality_flags": [""] * count,
        "trunk_in": [""] * count, "trunk_out": [f"carrier-{one % 2}" for one in account],
        "cell_id": [""] * count,
    }).cast(ROWS)  # fmt: skip


def with_costs(rows: pl.DataFrame, percent: int = 60) -> pl.DataFrame:
    """Add the cost leg of each call behind its charge."""
    cost = rows.with_columns(
        pl.lit("wholesale").alias("run"), pl.lit("cost").alias("side"),
        pl.lit("carrier").alias("party_id"), pl.lit("rates").alias("tariff_id"),
        (pl.col("amount_nano") * percent // 100).alias("amount_nano"),
        pl.lit(0, dtype=pl.Int64()).alias("rounding_nano"),
        pl.Series("rated_id", event_ids(rows.height, 99)),
    )  # fmt: skip
    both = pl.concat([rows.with_row_index("at"), cost.with_row_index("at")])
    return both.sort("at", maintain_order=True).drop("at")


def taken_back(rows: pl.DataFrame, at: int) -> pl.DataFrame:
    """Take charges back, as a re-rating does."""
    return rows.with_columns(
        pl.lit("reversal").alias("op"), pl.lit(at, dtype=pl.Int64()).alias("collected_at"),
        -pl.col("amount_nano"), -pl.col("rated_quantity"), -pl.col("rounding_nano"),
    )  # fmt: skip


def last_day(rows: pl.DataFrame) -> pl.Expr:
    """Tell rows of the last day."""
    day = pl.lit(int(rows["start_time"].max() or 0) // DAY_US, dtype=pl.Int64())  # type: ignore[arg-type]  # integers
    return pl.col("start_time") // DAY_US == day


def changed(rows: pl.DataFrame, where: pl.Expr, **columns: pl.Expr) -> pl.DataFrame:
    """Change columns of some rows."""
    return rows.with_columns(
        pl.when(where).then(one).otherwise(pl.col(name)).alias(name)
        for name, one in columns.items()
    )


def inserted(rows: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    """Put rows among others, by when they were collected."""
    return pl.concat([rows, more]).sort("collected_at", maintain_order=True)


def copies(rows: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    """Let another node tell of some calls of the last day, too."""
    some = rows.filter(last_day(rows), pl.col("record_no") % 50 == 0)
    return some.with_columns(
        pl.Series("event_id", event_ids(some.height, 5)), pl.lit("other.csv").alias("file_name"),
        pl.lit("switch-c").alias("feed_id"), pl.col("collected_at") + HOUR_US,
        *[one.alias(name) for name, one in columns.items()],
    )  # fmt: skip


def _free(rows: pl.DataFrame) -> pl.DataFrame:
    where = last_day(rows) & (pl.col("zone_id") == "se")
    zero = pl.lit(0, dtype=pl.Int64())
    return changed(rows, where, amount_nano=zero, rounding_nano=zero)


def _begin(rows: pl.DataFrame, days: int) -> int:
    """Give the instant at which the last days begin."""
    return (int(rows["start_time"].max() or 0) // DAY_US + 1 - days) * DAY_US  # type: ignore[arg-type]  # integers


def _hours(rows: pl.DataFrame, first: int, last: int) -> pl.Expr:
    end = int(rows["start_time"].max() or 0) // DAY_US * DAY_US  # type: ignore[arg-type]  # as above
    return pl.col("start_time").is_between(end + first * HOUR_US, end + last * HOUR_US)


FAULTS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "near_copy": lambda rows: inserted(
        rows, copies(rows, start_time=pl.col("start_time") + 1_500_000)
    ),
    "part_beside_whole": lambda rows: inserted(
        rows, copies(rows, duration_us=pl.col("duration_us") // 3)
    ),
    "became_free": _free,
    "price_far_above_usual": lambda rows: changed(
        rows, last_day(rows), amount_nano=pl.col("amount_nano") * 10
    ),
    "price_far_below_usual": lambda rows: changed(
        rows, last_day(rows), amount_nano=pl.col("amount_nano") // 10
    ),
    "negative_charge": lambda rows: changed(
        rows, pl.col("record_no") % 5_000 == 17, amount_nano=-pl.col("amount_nano")
    ),
    "rounded_in_our_favour": lambda rows: changed(
        rows, last_day(rows), rounding_nano=pl.lit(_UNIT // 2, dtype=pl.Int64())
    ),
    "rounded_against_us": lambda rows: changed(
        rows, last_day(rows), rounding_nano=pl.lit(-_UNIT // 2, dtype=pl.Int64())
    ),
    "feed_silent": lambda rows: rows.filter(
        ~(_hours(rows, 6, 9) & (pl.col("feed_id") == "switch-a"))
    ),
    "volume_drop": lambda rows: rows.filter(
        ~(_hours(rows, 5, 15) & (pl.col("feed_id") == "switch-a") & (pl.col("record_no") % 3 == 0))
    ),
    "element_silent": lambda rows: rows.filter(
        ~(_hours(rows, 6, 11) & pl.col("file_name").str.starts_with("switch-a1-"))
    ),
    "element_volume_drop": lambda rows: rows.filter(
        ~(
            _hours(rows, 5, 17)
            & pl.col("file_name").str.starts_with("switch-a1-")
            & (pl.col("record_no") % 2 == 0)
        )
    ),
    "volume_shift": lambda rows: rows.filter(
        ~((pl.col("start_time") >= _begin(rows, 3)) & (pl.col("record_no") % 20 < 3))
    ),
    "feed_late": lambda rows: changed(
        rows, _hours(rows, 10, 13), collected_at=pl.col("collected_at") + 6 * HOUR_US
    ).sort("collected_at", maintain_order=True),
    "negative_margin": lambda rows: changed(
        rows, last_day(rows) & (pl.col("side") == "cost") & (pl.col("zone_id") == "se"),
        amount_nano=pl.col("amount_nano") * 3,
    ),
    "canary_account_used": lambda rows: changed(
        rows, last_day(rows) & (pl.col("record_no") % 400 == 3), quality_flags=pl.lit(UNSIGNED)
    ),
}  # fmt: skip
"""What each pattern must find."""
