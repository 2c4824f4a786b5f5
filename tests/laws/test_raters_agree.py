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

SLOW = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


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


def _by_account(rated: pl.DataFrame) -> pl.DataFrame:
    """The charges of each account in their order, but for who rated them."""
    return rated.drop("rater").sort("routing_id", maintain_order=True)


@SLOW
@given(snapshots(), usage_events())
def test_columnar_equals_rulebook(snapshot: Snapshot, events: list[UsageEvent]) -> None:
    batch = rows_to_frame(events, UsageEvent)
    expected, refusals, book_counters = _by_rulebook(snapshot, batch)
    counters = Counters()
    outcome = Rater(snapshot).rate(batch, counters)
    assert_frame_equal(_by_account(outcome.rated), _by_account(expected))
    assert outcome.refused.select("reason", "detail", "missing_ref").rows() == refusals
    assert _dumped(counters) == _dumped(book_counters)


@SLOW
@given(snapshots(), usage_events(), st.lists(st.integers(0, 25), max_size=4))
def test_batch_cuts_do_not_matter(
    snapshot: Snapshot, events: list[UsageEvent], cuts: list[int]
) -> None:
    batch = rows_to_frame(events, UsageEvent)
    rater, counters, all_at_once = Rater(snapshot), Counters(), Counters()
    whole = rater.rate(batch, all_at_once)
    edges = [0, *sorted(min(cut, batch.height) for cut in cuts), batch.height]
    parts = [rater.rate(batch[first:last], counters) for first, last in itertools.pairwise(edges)]
    rated = pl.concat([part.rated for part in parts])
    assert_frame_equal(_by_account(rated), _by_account(whole.rated))
    assert_frame_equal(pl.concat([part.refused for part in parts]), whole.refused)
    assert _dumped(counters) == _dumped(all_at_once)


@SLOW
@given(snapshots(), usage_events())
def test_the_number_of_lanes_does_not_matter(snapshot: Snapshot, events: list[UsageEvent]) -> None:
    batch = rows_to_frame(events, UsageEvent)
    rater = Rater(snapshot)
    whole = rater.rate(batch, Counters())
    for lanes in (1, 3, 8):
        parts = [rater.rate(part, Counters()) for part in _lanes(batch, lanes)]
        for name in ("rated", "refused"):
            order = ["event_id", "run"]
            one = pl.concat([getattr(part, name) for part in parts]).sort(order)
            expected = getattr(whole, name).sort(order)
            assert_frame_equal(
                one.drop("rater", strict=False), expected.drop("rater", strict=False)
            )


def _lanes(batch: pl.DataFrame, count: int) -> list[pl.DataFrame]:
    lane = pl.col("routing_id").str.slice(1).cast(pl.Int64) * 5 % count
    return [batch.filter(lane == number) for number in range(count)]
