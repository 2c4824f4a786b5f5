"""Counters of a batch are written where they belong, however much the table grew meanwhile."""

import dataclasses

from schemas.columns import rows_to_frame
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Offer
from tallywire.catalog.terms import Allowance
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tests.priced import SECOND, group, one_tariff, usage

ROWS = 4_000


def test_two_allowances_in_a_batch_that_makes_the_table_grow() -> None:
    small = Allowance("small", frozenset({"voice"}), frozenset(), "microsecond", 60 * SECOND)
    large = dataclasses.replace(small, allowance_id="large", quantity=10**6 * SECOND)
    snapshot = one_tariff(group(0, 60, "0.60"), allowances=(small, large))
    assert isinstance(snapshot.offers["offer"], Offer)
    event = rows_to_frame([usage(60 * SECOND)], UsageEvent)
    batch = event.select("*").sample(ROWS, with_replacement=True)
    whole, cut = Counters(), Counters()
    Rater(snapshot).rate(batch, whole)
    for start in range(0, ROWS, 100):
        Rater(snapshot).rate(batch[start : start + 100], cut)
    for counters in (whole, cut):
        assert counters.used(("s", "small", "2026-01")) == 60 * SECOND
        assert counters.used(("s", "large", "2026-01")) == (ROWS - 1) * 60 * SECOND
    assert len(whole) == len(cut)
