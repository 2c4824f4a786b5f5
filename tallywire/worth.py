"""What suspended usage is worth, as far as anything is known: never a price, always an estimate."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

import polars as pl

from schemas.services import QUANTITY_LIMIT, UNIT_OF_SERVICE, Unit
from tallywire.catalog.snapshot import Snapshot

_UNITS = {service.value: unit for service, unit in UNIT_OF_SERVICE.items()}
_NANO = Decimal("0.000000001")
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
TYPICAL_RATE, TYPICAL_QUANTITY, UNKNOWN = "typical_rate", "typical_quantity", "none"


def _worth(
    service: str, quantity: int, feed_id: str, snapshot: Snapshot
) -> tuple[Decimal | None, str, str]:
    rate = snapshot.typical_rates.get(service)
    feed = snapshot.feeds.get(feed_id)
    method = TYPICAL_RATE
    if feed is not None and not (_true(quantity) and service in _UNITS):
        method = TYPICAL_QUANTITY
        if _UNITS.get(service) == _UNITS[feed.service] or service not in _UNITS:
            quantity, rate = feed.typical_quantity, rate or snapshot.typical_rates.get(feed.service)
        else:
            quantity = int(_UNITS[service] == Unit.COUNT)
    if rate is None or not _true(quantity):
        return None, "", UNKNOWN
    exact = rate[0] * quantity
    amount = _CONTEXT.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    return amount.quantize(_NANO, context=_CONTEXT), rate[1], method


def typical(feed_id: str, snapshot: Snapshot) -> tuple[Decimal | None, str, str]:
    """Estimate what one record of a feed is worth, of which nothing else is known.

    Returns:
        Amount, currency and method; no amount where the catalogue says nothing.
    """
    return _worth(snapshot.feeds[feed_id].service, 0, feed_id, snapshot)


def lost(
    service: str, records: int, quantity: int, feed_id: str, snapshot: Snapshot
) -> tuple[Decimal | None, str, str]:
    """Estimate what records are worth that never came.

    Args:
        service: Theirs, or empty for the feed's.
        records: How many they are.
        quantity: What they held together, base units; 0 where that is not known.

    Returns:
        Amount, currency and method; no amount where the catalogue says nothing.
    """
    name = service or snapshot.feeds[feed_id].service
    amount, currency, method = _worth(name, quantity, feed_id, snapshot)
    if _true(quantity) or amount is None:
        return amount, currency, method
    return amount * Decimal(records), currency, method


def _true(quantity: int) -> bool:
    return 0 < quantity <= QUANTITY_LIMIT


def estimate(frame: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """Add estimated_amount, estimated_currency and estimate_method.

    The worth is the quantity at the median price of its service; where the quantity is not known
    or cannot be true, the feed's typical quantity stands in, or one piece of a service that counts
    other units than the feed's. A service that is not known is taken for the feed's.

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
