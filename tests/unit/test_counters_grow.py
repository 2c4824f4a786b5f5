"""Counters of a batch are written where they belong, however much the table grew meanwhile."""

import dataclasses

import polars as pl

from schemas.columns import rows_to_frame
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import FOREVER_US
from tallywire.catalog.terms import Allowance
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tests.priced import SECOND, group, one_tariff, usage

ROWS = 4_000


NEAR_AND_FAR = (("47", "near", 0, 1, 0, FOREVER_US), ("", "far", 0, 1, 0, FOREVER_US))


def test_two_allowances_in_a_batch_that_makes_the_table_grow() -> None:
    """The second claim is the larger one: it moves the slots that the first was given."""
    near = Allowance("near", frozenset({"voice"}), frozenset({"near"}), "microsecond", 10**15)
    far = dataclasses.replace(near, allowance_id="far", zones=frozenset({"far"}))
    snapshot = one_tariff(group(0, 60, "0.60"), allowances=(near, far), prefixes=NEAR_AND_FAR)
    first = rows_to_frame([usage(60 * SECOND)], UsageEvent)
    rest = rows_to_frame([usage(60 * SECOND, b_number="12")], UsageEvent)
    batch = pl.concat([first, rest.sample(ROWS, with_replacement=True)])
    counters = Counters()
    Rater(snapshot).rate(batch, counters)
    assert counters.used(("s", "near", "2026-01")) == 60 * SECOND
    assert counters.used(("s", "far", "2026-01")) == ROWS * 60 * SECOND
    assert len(counters) == 2
