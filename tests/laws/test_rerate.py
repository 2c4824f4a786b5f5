"""Re-rating: what is right stays, what is wrong becomes what it would have been from the start."""

import dataclasses

import polars as pl
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from schemas.columns import from_arrow, rows_to_frame, to_arrow
from schemas.rated import RatedEvent
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.rating.corrections import RETAIL, SIGNED
from tallywire.rating.counters import Counters, _unpacked
from tallywire.rating.differences import COMPARED
from tallywire.rating.replay import replay
from tallywire.rating.rerate import Rerated
from tallywire.rating.rulebook import Rulebook
from tests.corrected import CAUSE, OTHER_CAUSE, again, catalogs_of, charge, now, stored, take, told
from tests.strategies import catalog, snapshots, usage_events, usage_of

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def _named(snapshot: Snapshot, name: str) -> Snapshot:
    return dataclasses.replace(snapshot, hash=name)


def _held(counters: Counters) -> tuple[dict[tuple[int, int], int], list[tuple[int, ...]]]:
    pieces = [_unpacked(piece) for piece in counters.dump()]
    rows = [row for records, _ in pieces for row in records.tolist()]
    points = [point for _, some in pieces for point in some.tolist()]
    return {(hi, lo): used for hi, lo, used in rows if used}, sorted(points)


def _refused(made: Rerated) -> set[tuple[bytes, str]]:
    return set(made.refused.select("event_id", "run").iter_rows())


def _same_charges(one: pl.DataFrame, other: pl.DataFrame) -> None:
    """Hold charges against others that rating has given."""
    assert one.height == other.height
    names = [name for name in (*COMPARED, "bill_period") if name in other.columns]
    assert_frame_equal(one.select(names), other.select(names))


@SLOW
@given(snapshots(), usage_events(), st.integers(0, 25))
def test_under_the_same_catalogue_nothing_changes(
    snapshot: Snapshot, events: list[UsageEvent], cut: int
) -> None:
    catalogs = catalogs_of({"a": _named(snapshot, "a")})
    lane = Counters()
    parts = [
        charge(catalogs, "a", part, lane, number)
        for number, part in enumerate((events[:cut], events[cut:]))
    ]
    before = _held(lane)
    made = again(catalogs, pl.concat(parts), "a", lane)
    assert made.rows.is_empty()
    assert made.refused.is_empty()
    take(lane, made)
    assert _held(lane) == before


@SLOW
@given(snapshots(), snapshots(), usage_events())
@example(catalog(0, plain=False), catalog(54, plain=False), usage_of(9, 25))
@example(catalog(186, plain=False), catalog(0, plain=False), usage_of(0, 25))
def test_rated_again_equals_rated_so_from_the_start(
    first: Snapshot, second: Snapshot, events: list[UsageEvent]
) -> None:
    """Row by row, in every column that matters; counters too.

    What has no price then stays: all of the event, or, of a partner's leg, that leg alone.
    """
    catalogs = catalogs_of({"a": _named(first, "a"), "b": _named(second, "b")})
    lane = Counters()
    history = charge(catalogs, "a", events, lane, 0)
    made = again(catalogs, history, "b", lane)
    as_charged = told(catalogs, events, history, "a")
    expected = told(catalogs, events, history, "b")
    take(lane, made)
    after = now(pl.concat([history, stored(made.rows, 1)]))
    _same_charges(after, expected.frame(after))
    assert _held(lane) == _held(expected.counters)
    assert _refused(made) == expected.lost - as_charged.lost
    stays = pl.struct(pl.col("event_id").bin.encode("hex"), "run")
    kept = [{"event_id": event.hex(), "run": run} for event, run in sorted(expected.kept)]
    assert after.filter(stays.is_in(kept))["catalog_hash"].to_list() == ["a"] * len(kept)


@SLOW
@given(snapshots(), snapshots(), usage_events())
def test_a_reversal_takes_back_exactly_what_it_reverses(
    first: Snapshot, second: Snapshot, events: list[UsageEvent]
) -> None:
    catalogs = catalogs_of({"a": _named(first, "a"), "b": _named(second, "b")})
    history = charge(catalogs, "a", events, Counters(), 0)
    rows = again(catalogs, history, "b").rows
    back = rows.filter(pl.col("op") == "reversal")
    both = pl.concat(
        [
            history.filter(pl.col("rated_id").is_in(back["supersedes"].implode())),
            back.select(history.columns),
        ]
    )
    sums = both.group_by("event_id").agg(pl.col(name).sum() for name in SIGNED)
    assert all((sums[name] == 0).all() for name in SIGNED)
    assert rows["fate_change"].sum() == 0
    assert rows["rated_id"].n_unique() == rows.height
    assert set(rows["rated_id"]).isdisjoint(history["rated_id"])
    total = history["amount"].sum() + rows["amount"].sum()
    assert total == now(pl.concat([history, stored(rows, 1)]))["amount"].sum()


@SLOW
@given(snapshots(), snapshots(), usage_events())
@example(catalog(5, plain=False), catalog(0, plain=False), usage_of(0, 25))
@example(catalog(697527015, plain=False), catalog(5198, plain=False), usage_of(1, 25))
def test_the_same_again_gives_nothing_and_back_gives_what_was(
    first: Snapshot, second: Snapshot, events: list[UsageEvent]
) -> None:
    """Only a partner's leg that there was none of before, and has no price so, stays."""
    catalogs = catalogs_of({"a": _named(first, "a"), "b": _named(second, "b")})
    lane = Counters()
    history = charge(catalogs, "a", events, lane, 0)
    before, held = now(history), _held(lane)
    made = again(catalogs, history, "b", lane)
    take(lane, made)
    history = pl.concat([history, stored(made.rows, 1)])
    repeated = again(catalogs, history, "b", lane)
    assert repeated.rows.is_empty()
    assert again(catalogs, history, "", lane).rows.is_empty()
    undone = again(catalogs, history, "a", lane, cause=OTHER_CAUSE)
    expected = told(catalogs, events, history, "a")
    take(lane, undone)
    after = now(pl.concat([history, stored(undone.rows, 2)]))
    _same_charges(after, expected.frame(after))
    assert _held(lane) == _held(expected.counters)
    retail = pl.col("run") == RETAIL
    assert_frame_equal(
        after.filter(retail).select(COMPARED), before.filter(retail).select(COMPARED)
    )
    if not expected.kept:
        assert_frame_equal(after.select(COMPARED), before.select(COMPARED))
        assert _held(lane) == held


@SLOW
@given(snapshots(), snapshots(), usage_events(), st.integers(0, 25))
@example(catalog(192, plain=True), catalog(0, plain=False), usage_of(19963, 25), 2)
@example(catalog(0, plain=False), catalog(255, plain=False), usage_of(0, 25), 3)
def test_usage_that_came_meanwhile_is_neither_lost_nor_double(
    first: Snapshot, second: Snapshot, events: list[UsageEvent], cut: int
) -> None:
    """It is as if the request had seen it, not selected; but for who rated it first."""
    catalogs = catalogs_of({"a": _named(first, "a"), "b": _named(second, "b")})
    lane = Counters()
    early = charge(catalogs, "a", events[:cut], lane, 0)
    late = charge(catalogs, "a", events[cut:], lane, 1)
    usage = rows_to_frame(events[cut:], UsageEvent).with_columns(pl.lit("a").alias("catalog_hash"))
    usage = usage.filter(pl.col("event_id").is_in(late["event_id"].implode()))
    seen = again(
        catalogs, pl.concat([early, late]), "b", lane,
        selected=pl.col("event_id").is_in(early["event_id"].implode()),
    )  # fmt: skip
    unseen = again(catalogs, early, "b", lane, later=usage)
    assert unseen.stale == []
    assert_frame_equal(
        unseen.rows.drop("ledgered_at", "batch_token", "batch_row", "rater"),
        seen.rows.drop("ledgered_at", "batch_token", "batch_row", "rater"),
    )
    other = Counters()
    for piece in lane.dump():
        other.apply(piece)
    take(lane, seen)
    take(other, unseen)
    assert _held(lane) == _held(other)


@SLOW
@given(snapshots(), snapshots(), usage_events())
def test_corrections_are_derived_again_from_their_rows(
    first: Snapshot, second: Snapshot, events: list[UsageEvent]
) -> None:
    named = {"a": _named(first, "a"), "b": _named(second, "b")}
    catalogs = catalogs_of(named)
    history = charge(catalogs, "a", events, Counters(), 0)
    rows = from_arrow(
        to_arrow(stored(again(catalogs, history, "b").rows, 1), RatedEvent), RatedEvent
    )
    for name, snapshot in named.items():
        assert replay(Rulebook(snapshot), rows.filter(pl.col("catalog_hash") == name)) == []


@SLOW
@given(snapshots(), snapshots(), snapshots(), usage_events())
def test_corrections_of_corrections_are_told_by_where_the_charges_stand(
    first: Snapshot, second: Snapshot, third: Snapshot, events: list[UsageEvent]
) -> None:
    """A leg that stayed once, under an earlier catalogue than its event, is still known."""
    named = {"a": first, "b": second, "c": third}
    catalogs = catalogs_of({name: _named(snapshot, name) for name, snapshot in named.items()})
    lane = Counters()
    history = charge(catalogs, "a", events, lane, 0)
    for position, (name, cause) in enumerate((("b", CAUSE), ("c", OTHER_CAUSE)), 1):
        expected = told(catalogs, events, history, name)
        made = again(catalogs, history, name, lane, cause=cause)
        take(lane, made)
        history = pl.concat([history, stored(made.rows, position)])
        after = now(history)
        _same_charges(after, expected.frame(after))
        assert _held(lane) == _held(expected.counters)
        assert again(catalogs, history, name, lane).rows.is_empty()
        assert again(catalogs, history, "", lane).rows.is_empty()
