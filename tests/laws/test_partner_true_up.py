"""Laws of partners: provisional charges and true-ups add up to the price of everything carried."""

from fractions import Fraction
from itertools import groupby
from random import Random
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.columns import rows_to_frame
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.catalog.terms import Tiers
from tallywire.hashes import hash64
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.partner_true_up import partner_counts, rows_of, true_up
from tallywire.rating.replay import replay
from tallywire.rating.rulebook import Closing, Rulebook
from tallywire.rating.rulebook.tiers import price_of
from tests.partner_legs import carriage, carried, counted
from tests.strategies_terms import tiers

SOME = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
CAUSE = bytes(16)
Row = dict[str, Any]


def rated(snapshot: Snapshot, events: list[UsageEvent], lanes: int, cut: int) -> list[Row]:
    """Rate usage in lanes by routing id, in batches: rows of the carrier."""
    usage = rows_to_frame(events, UsageEvent)
    of = pl.Series(hash64(usage["routing_id"]) % lanes)
    rater, rows = Rater(snapshot), []
    for lane in range(lanes):
        counters, mine = Counters(), usage.filter(of == lane)
        for start in range(0, mine.height, cut):
            rows += rater.rate(mine[start : start + cut], counters).rated.to_dicts()
    return [row for row in rows if row["party_id"]]


def trued_up(snapshot: Snapshot, rows: list[Row]) -> list[Row]:
    """True up what rows counted, after the true-ups that are among them."""
    covered: dict[bytes, int] = {}
    for row in rows:
        if row["op"] == "true_up":
            span = row["cumulative_after"] - row["cumulative_before"]
            covered[row["event_id"]] = covered.get(row["event_id"], 0) + span
    charges = [row for row in rows if row["op"] != "true_up"]
    found = partner_counts(counted(charges), lambda _: snapshot, covered)
    made = [true_up(one, snapshot, CAUSE) for one in found]
    return rows_of([one for one in made if isinstance(one, Closing)]).to_dicts()


def total(rows: list[Row]) -> Fraction:
    return sum(
        (Fraction(int(row["amount_numerator"]), int(row["amount_denominator"])) for row in rows),
        Fraction(0),
    )


@st.composite
def carriages(draw: st.DrawFn) -> tuple[Tiers, list[UsageEvent]]:
    """Tiers of a partner, and what it carried for five accounts in two months."""
    chance = Random(draw(st.integers(0, 2**32)))
    found = tiers(chance, "data", plain=False)
    measure = draw(st.sampled_from(["sum", "count", "amount"]))
    months = ("2026-07-05T00:00:00Z", "2026-08-05T00:00:00Z")
    return Tiers("t", found.mode, found.steps, measure, "partner"), [
        carriage(
            chance.choice([0, 1, 5, 50, 119, 121, 999]), chance.choice(months),
            routing_id=f"r{chance.randint(1, 5)}", source_amount=chance.choice([0, 1, 3]),
            event_id=f"00000000-0000-0000-0000-{number:012d}",
        )
        for number in range(draw(st.integers(1, 12)))
    ]  # fmt: skip


@SOME
@given(carriages(), st.randoms(), st.integers(0, 12))
def test_charges_and_true_ups_add_up_to_the_price_of_everything(
    carriage_: tuple[Tiers, list[UsageEvent]], chance: Random, cut: int
) -> None:
    """In whatever order, in however many lanes and batches, and however often trued up between."""
    found, events = carriage_
    snapshot = carried(found)
    added = {"sum": lambda one: one.quantity, "count": lambda _: 1,
             "amount": lambda one: int(one.source_amount) * 10**9}[found.measure]  # fmt: skip
    by_month = groupby(sorted(events, key=lambda one: one.start_time), lambda one: one.start_time)
    expected = sum(
        (price_of(found.steps, found.mode, sum(map(added, month))) for _, month in by_month),
        Fraction(0),
    )
    once = []
    for lanes in (1, 3, 8):
        shuffled = list(events)
        chance.shuffle(shuffled)
        rows = rated(snapshot, shuffled, lanes, 1 + cut)
        rows += trued_up(snapshot, rows)
        assert total(rows) == expected
        assert trued_up(snapshot, rows) == []
        once.append([row for row in rows if row["op"] == "true_up"])
    assert once[0] == once[1] == once[2]
    rows = rated(snapshot, events[:cut], 3, 4)
    rows += trued_up(snapshot, rows)
    rows += rated(snapshot, events[cut:], 3, 4)
    rows += trued_up(snapshot, rows)
    assert total(rows) == expected
    assert len({row["rated_id"] for row in rows}) == len(rows)


@SOME
@given(carriages())
def test_true_ups_are_derived_again(carriage_: tuple[Tiers, list[UsageEvent]]) -> None:
    found, events = carriage_
    snapshot = carried(found)
    rows = rated(snapshot, events, 1, 5)
    made = [true_up(one, snapshot, CAUSE) for one in partner_counts(
        counted(rows), lambda _: snapshot, {}
    )]  # fmt: skip
    charged = [one for one in made if isinstance(one, Closing)]
    if charged:
        assert replay(Rulebook(snapshot), rows_of(charged)) == []
