"""Counters as they were before the first of some charges: what their rows say was read."""

from collections.abc import Callable

import polars as pl

from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Offer, Snapshot
from tallywire.rating.counters import Counters
from tallywire.rating.explain import recorded
from tallywire.rating.rulebook import CounterKey, Rulebook
from tallywire.rating.rulebook.book import Refusal
from tallywire.rating.rulebook.recorded import RecordedAmounts, RecordedTally
from tallywire.rating.rulebook.tally import MEASURED

_WITHIN = frozenset({"day", "month"})
"""Periods that do not reach over the edge of a month: their counters begin with 0 in it."""
_SERIES = frozenset({"time_weighted", "percentile"})


def opening(standing: pl.DataFrame, books: Callable[[str], Rulebook]) -> bytes:
    """Give the counters that did not begin with 0.

    Counters of a month begin with 0. Where the catalogue has others (of a year, of a week, carried
    over, filled by top-ups) the rulebook tells which counters a charge read, and the row what they
    held: the first row that read a counter says what it was before.

    Args:
        standing: Rows of RatedEvent as charged, in lane order.
        books: Rulebook of a catalogue by its hash.

    Returns:
        Changes for a state of counters.
    """
    found: dict[CounterKey, int] = {}
    names = [
        name
        for name in standing["catalog_hash"].unique(maintain_order=True).to_list()
        if lasting(books(name).snapshot)
    ]
    for row in standing.filter(pl.col("catalog_hash").is_in(names)).iter_rows(named=True):
        for key, value in _reads(books(row["catalog_hash"]), row):
            found.setdefault(key, value)
    counters = Counters()
    for key, value in found.items():
        counters.set(key, value)
    return counters.changes()


def _reads(book: Rulebook, row: dict[str, object]) -> list[tuple[CounterKey, int]]:
    usage = {name: row[name] for name in UsageEvent.model_fields}
    leg = book.leg(usage, str(row["run"]))
    if isinstance(leg, Refusal):
        return []
    tally = RecordedTally(iter(recorded(book, row)))
    book.charge(usage, leg, tally, RecordedAmounts(iter(()), ""))
    return [(key, value) for key, value in tally.reads.items() if key[-1] != MEASURED]


def lasting(snapshot: Snapshot) -> bool:
    """Tell whether some counters last longer than a month, so that they do not begin with 0."""
    return (
        bool(snapshot.grants)
        or any(_lasting(offer) for offer in snapshot.offers.values())
        or (any(period not in _WITHIN for _, period in _tiers(snapshot)))
    )


def measured_longer(snapshot: Snapshot) -> bool:
    """Tell whether series last longer than a month: what they held is in no row."""
    return any(measure in _SERIES and period not in _WITHIN for measure, period in _tiers(snapshot))


def _lasting(offer: Offer) -> bool:
    periods = {
        *(one.period for one in offer.allowances),
        *(one.period for one in offer.discounts),
        *(one.period for one in offer.spends),
    }
    carried = any(one.rollover is not None for one in offer.allowances)
    return carried or not periods <= _WITHIN


def _tiers(snapshot: Snapshot) -> list[tuple[str, str]]:
    return [
        (price.tiers.measure, price.tiers.period)
        for tariff in snapshot.tariffs.values()
        for price in tariff.prices
        if price.tiers is not None
    ]
