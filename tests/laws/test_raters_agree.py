"""Two raters that share no arithmetic give the same charges, to the last digit."""

import itertools

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from schemas.columns import conform, polars_schema, rows_to_frame
from schemas.rated import RatedEvent
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.counters import Counters, _unpacked
from tallywire.rating.dispatch import Rater
from tallywire.rating.rulebook import Rulebook
from tests.strategies import snapshots, usage_events

SLOW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def _by_rulebook(
    snapshot: Snapshot, batch: pl.DataFrame
) -> tuple[pl.DataFrame, list[tuple[str, str, str]], Counters]:
    book, counters = Rulebook(snapshot), Counters()
    rows, refusals = [], []
    for event in batch.iter_rows(named=True):
        made = book.rate(event, counters.used, counters.series)
        rows += [charge.row for charge in made.charges]
        refusals += [(one.reason.value, one.detail, one.missing_ref) for one in made.refusals]
        for key, value in made.writes.items():
            counters.set(key, value)
        for key, point in made.points:
            counters.add(key, point)
    names = rows[0] if rows else ()
    schema = {name: polars_schema(RatedEvent)[name] for name in names}
    frame = pl.DataFrame(rows, schema=schema, orient="row") if rows else None
    empty = pl.DataFrame(schema=polars_schema(RatedEvent))
    return conform(frame, RatedEvent) if frame is not None else empty, refusals, counters


def _dumped(counters: Counters) -> tuple[dict[tuple[int, int], int], list[tuple[int, ...]]]:
    pieces = [_unpacked(piece) for piece in counters.dump()]
    rows = [row for records, _ in pieces for row in records.tolist()]
    points = [point for _, some in pieces for point in some.tolist()]
    return {(hi, lo): used for hi, lo, used in rows if used}, sorted(points)


@SLOW
@given(snapshots(), usage_events())
def test_columnar_equals_rulebook(snapshot: Snapshot, events: list[UsageEvent]) -> None:
    batch = rows_to_frame(events, UsageEvent)
    expected, refusals, book_counters = _by_rulebook(snapshot, batch)
    counters = Counters()
    outcome = Rater(snapshot).rate(batch, counters)
    assert_frame_equal(outcome.rated.drop("rater"), expected.drop("rater"))
    assert outcome.refused.select("reason", "detail", "missing_ref").rows() == refusals
    assert _dumped(counters) == _dumped(book_counters)


@SLOW
@given(snapshots(), usage_events(), st.lists(st.integers(0, 25), max_size=4))
def test_batch_cuts_do_not_matter(
    snapshot: Snapshot, events: list[UsageEvent], cuts: list[int]
) -> None:
    batch = rows_to_frame(events, UsageEvent)
    whole = Rater(snapshot).rate(batch, Counters())
    rater, counters = Rater(snapshot), Counters()
    edges = [0, *sorted(min(cut, batch.height) for cut in cuts), batch.height]
    parts = [rater.rate(batch[first:last], counters) for first, last in itertools.pairwise(edges)]
    rated = pl.concat([part.rated for part in parts])
    assert_frame_equal(rated.drop("rater"), whole.rated.drop("rater"))
    assert_frame_equal(pl.concat([part.refused for part in parts]), whole.refused)


@SLOW
@given(snapshots(), usage_events())
def test_the_number_of_lanes_does_not_matter(snapshot: Snapshot, events: list[UsageEvent]) -> None:
    batch = rows_to_frame(events, UsageEvent)
    one = Rater(snapshot).rate(batch, Counters()).rated.drop("rater").sort("event_id")
    lanes = [
        Rater(snapshot).rate(batch.filter(pl.col("routing_id") == name), Counters()).rated
        for name in ("r1", "r2")
    ]
    assert_frame_equal(pl.concat(lanes).drop("rater").sort("event_id"), one)
