"""What suspended usage is worth, as far as anything is known: never a price, always an estimate."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

import polars as pl

from schemas.services import QUANTITY_LIMIT
from tallywire.catalog.snapshot import Snapshot

_NANO = Decimal("0.000000001")
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
TYPICAL_RATE, TYPICAL_QUANTITY, UNKNOWN = "typical_rate", "typical_quantity", "none"


def _worth(
    service: str, quantity: int, feed_id: str, snapshot: Snapshot
) -> tuple[Decimal | None, str, str]:
    rate = snapshot.typical_rates.get(service)
    feed = snapshot.feeds.get(feed_id)
    method = TYPICAL_RATE
    if not 0 < quantity <= QUANTITY_LIMIT and feed is not None:
        quantity, method = feed.typical_quantity, TYPICAL_QUANTITY
        rate = rate or snapshot.typical_rates.get(feed.service)
    if rate is None or not 0 < quantity <= QUANTITY_LIMIT:
        return None, "", UNKNOWN
    exact = rate[0] * quantity
    amount = _CONTEXT.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    return amount.quantize(_NANO, context=_CONTEXT), rate[1], method


def estimate(frame: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """Add estimated_amount, estimated_currency and estimate_method.

    The worth is the quantity at the median price of its service; where the quantity is not known
    or cannot be true, the feed's typical quantity stands in.

    Args:
        frame: Has service, quantity (base units), feed_id.
        snapshot: Prices and feeds.
    """
    columns = frame.select("service", pl.col("quantity").fill_null(0), "feed_id")
    found = [
        _worth(service, quantity, feed_id, snapshot)
        for service, quantity, feed_id in columns.iter_rows()
    ]
    amounts, currencies, methods = zip(*found, strict=True) if found else ((), (), ())
    return frame.with_columns(
        pl.Series("estimated_amount", amounts, dtype=pl.Decimal(38, 9)),
        pl.Series("estimated_currency", currencies, dtype=pl.String),
        pl.Series("estimate_method", methods, dtype=pl.String),
    )
