"""Published vectors: tariff, usage, charge; each by both raters."""

import datetime
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest

from schemas.columns import rows_to_frame
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import (
    FOREVER_US,
    IDENTIFIER_SCHEMA,
    PREFIX_SCHEMA,
    BandRule,
    Calendar,
    Group,
    Offer,
    Price,
    Rounding,
    Snapshot,
    Tariff,
)
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.rulebook import Charge, Rulebook

SECOND = 1_000_000
FLAT = Calendar("flat", "UTC", ("always",))
PEAK = Calendar(
    "peak", "UTC", ("off", "peak"), (BandRule(1, frozenset(range(8)), 8 * 60, 18 * 60),)
)
EVENING = int(datetime.datetime(2026, 6, 1, 17, 59, 30, tzinfo=datetime.UTC).timestamp()) * SECOND


def _per_minute(*rates: str) -> tuple[Fraction, ...]:
    return tuple(Fraction(rate) / (60 * SECOND) for rate in rates)


def _price(rate: str, first: int, then: int) -> Price:
    groups = (Group(0, first * SECOND, _per_minute(rate)),)
    if then != first:
        groups += (Group(first * SECOND, then * SECOND, _per_minute(rate)),)
    return Price(Fraction(0), Fraction(0), groups)


CONNECT = Price(
    Fraction("0.4"),
    Fraction(0),
    (Group(0, 60 * SECOND, _per_minute("0.2")), Group(60 * SECOND, SECOND, _per_minute("0.1"))),
)


def _bands(first: int) -> Price:
    return Price(Fraction(0), Fraction(0), (Group(0, first * SECOND, _per_minute("0.06", "0.12")),))


VECTORS = [
    ("1", _price("0.006", 30, 6), FLAT, [("32", "0.0036"), ("57", "0.006"), ("75", "0.0078")]),
    ("2", _price("0.10", 60, 60), FLAT,
     [("1", "0.1"), ("59", "0.1"), ("60", "0.1"), ("61", "0.2"), ("90", "0.2"), ("125", "0.3")]),
    ("3", _price("0.10", 60, 1), FLAT,
     [("59", "0.1"), ("61", "0.101667"), ("90", "0.15"), ("125", "0.208333")]),
    ("4", _price("0.10", 1, 1), FLAT, [("1", "0.001667"), ("59", "0.098333"), ("125", "0.208333")]),
    ("5", _price("0.10", 30, 6), FLAT, [("1", "0.05"), ("61", "0.11"), ("125", "0.21")]),
    ("6", CONNECT, FLAT, [("90", "0.65")]),
    ("7", _bands(1), PEAK, [("60", "0.09")]),
    ("7, start band", _bands(60), PEAK, [("90", "0.18")]),
]  # fmt: skip


def _snapshot(price: Price, calendar: Calendar) -> Snapshot:
    prefixes = pl.DataFrame([("", "any", 0, 1, 0, FOREVER_US)], schema=PREFIX_SCHEMA, orient="row")
    tariff = Tariff(
        "t", "voice", "microsecond", "EUR", "none", calendar, Rounding("half_up", 6), (price,),
        prefixes,
    )  # fmt: skip
    offer = Offer("o", {("voice", "mo"): "t"})
    return Snapshot(
        "h", "x", "X", "EUR", "UTC", {}, {"t": tariff}, {"o": offer}, {},
        pl.DataFrame(schema=IDENTIFIER_SCHEMA), {},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("price", "calendar", "cases"), [row[1:] for row in VECTORS], ids=[row[0] for row in VECTORS]
)
def test_vector(price: Price, calendar: Calendar, cases: list[tuple[str, str]]) -> None:
    snapshot = _snapshot(price, calendar)
    events = [
        UsageEvent(
            service="voice", offer_id="o", unit="microsecond", start_time=EVENING,
            quantity=int(seconds) * SECOND,
        )
        for seconds, _ in cases
    ]  # fmt: skip
    batch = rows_to_frame(events, UsageEvent)
    expected = [Decimal(amount) for _, amount in cases]
    counters = Counters()
    assert Rater(snapshot).rate(batch, counters).rated["amount"].to_list() == expected
    book = Rulebook(snapshot)
    charges = [book.rate(row, counters.used) for row in batch.iter_rows(named=True)]
    assert [made.row["amount"] for made in charges if isinstance(made, Charge)] == expected
