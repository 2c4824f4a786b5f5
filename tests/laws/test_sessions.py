"""Sessions: cuts do not matter, nor the order in which parts arrive; nothing vanishes."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tallywire.mediation.lane import LaneState, Mediated, mediate
from tests.session_parts import (
    IDLE,
    LONGEST,
    Row,
    bye,
    clock,
    conserved,
    context_of,
    decoded,
    delta,
    feed_of,
    invite,
    part,
    record,
    reopened,
    whole,
)  # fmt: skip

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
_STEPS = (0, 1, 1, 7, 30, IDLE, IDLE + 1, LONGEST + 1)
_FEEDS = (feed_of(), feed_of(sessions_must_end=True))


def _delta(chance: Random, minute: int) -> Row:
    """Make the next number of one of some sessions, mostly; now and then any other."""
    session, seconds = chance.randrange(6), chance.randrange(300)
    number = minute // 7 % 6 + session if chance.random() < 0.6 else chance.randrange(9)
    mark = chance.choice(["first", "", "", "", "last"])
    return delta(f"delta-{session}", number, minute, seconds, mark)


def _record(chance: Random, minute: int) -> Row:
    """Make a record of any kind, of one of few sessions."""
    kind, name = chance.choice(["call", "sum", "delta", "delta", "counter", "clock"]), "ab"
    session, seconds = chance.choice(name), chance.randrange(300)
    if kind == "call":
        return chance.choice([invite, bye])(f"call-{session}", minute)
    if kind == "sum":
        mark = chance.choice(["first", "", "last"])
        return part(f"sum-{session}", chance.randrange(4), minute, seconds, mark)
    if kind == "delta":
        return _delta(chance, minute)
    if kind == "counter":
        state = chance.choice(["start", "interim", "stop", "control"])
        return record(
            f"counter-{session}", minute, state, up_octets=seconds, session_time_us=minute,
            linked_id="nas", service="roaming_data", unit="octet",
        )  # fmt: skip
    return clock(minute)


def _rows(seed: int) -> list[Row]:
    """Make some records, a few of them late."""
    chance, minute, rows = Random(seed), 0, []
    for _ in range(chance.randrange(1, 60)):
        minute += chance.choice(_STEPS)
        late = chance.choice([0, 0, 0, 5, LONGEST])
        rows.append(_record(chance, max(0, minute - late)))
    return rows


def _replayed(pieces: Sequence[bytes]) -> LaneState:
    """Read back all that was written, as a restart does where nothing was compacted."""
    fresh = LaneState()
    for piece in pieces:
        if piece:
            fresh.apply(piece)
    return fresh


def _work(rows: Sequence[Row], cuts: Sequence[int], feed: int) -> list[Mediated]:
    frame, state, made, pieces = decoded(rows), LaneState(), [], [b""]
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for first, last in pairwise(edges):
        made.append(mediate(state, frame[first:last], context_of(_FEEDS[feed])))
        pieces.append(state.changes())
        state = reopened(state) if first % 2 else _replayed(pieces)
        pieces = [*state.dump()] if first % 3 else pieces
    return made


@QUICK
@given(
    seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, 60), min_size=1, max_size=5),
    feed=st.integers(0, 1),
)  # fmt: skip
def test_cuts_do_not_matter_to_sessions_and_nothing_vanishes(
    seed: int, cuts: list[int], feed: int
) -> None:
    rows = _rows(seed)
    (one,) = _work(rows, [], feed)
    many = _work(rows, cuts, feed)
    conserved([one])
    conserved(many)
    assert_frame_equal(whole(many, "usage"), one.usage)
    assert_frame_equal(whole(many, "suspense"), one.suspense)
    aside = whole(many, "set_aside")
    assert_frame_equal(aside.sort("record_no"), one.set_aside.sort("record_no"))
    assert [found for made in many for found in made.findings] == list(one.findings)
    waiting = [made.group_by("record_no").agg(pl.col("change").sum()).filter(pl.col("change") != 0)
               .sort("record_no") for made in (whole(many, "waiting"), one.waiting)]  # fmt: skip
    assert_frame_equal(*waiting)


_SUMMED = [part("a", number, number, 10 * number, mark)
           for number, mark in ((1, "first"), (2, ""), (3, ""), (4, "last"))]  # fmt: skip
_SPANNED = [invite("a", 0), bye("a", 9)]


@QUICK
@given(
    order=st.one_of(st.permutations(_SUMMED), st.permutations(_SPANNED)),
    cuts=st.lists(st.integers(0, 12), max_size=4),
    gaps=st.lists(st.integers(0, 9), min_size=4, max_size=4),
)
def test_parts_that_come_in_time_make_the_same_charge_in_any_order(
    order: list[Row], cuts: list[int], gaps: list[int]
) -> None:
    rows, minute = [], 0
    for row, gap in zip(order, gaps, strict=False):
        minute += gap
        rows += [clock(minute), row]
    made = _work(rows, cuts, 0)
    conserved(made)
    charges = whole(made, "usage").filter(pl.col("session_id") == "a")
    told = ("quantity", "duration_us", "start_time", "end_time", "b_number", "input_records")
    summed = len(order) == len(_SUMMED)
    expected = _work(_SUMMED if summed else _SPANNED, [], 0)[0].usage
    assert_frame_equal(charges.select(told), expected.select(told))
    assert charges.height == 1


@QUICK
@given(order=st.permutations(range(1, 9)), cuts=st.lists(st.integers(0, 8), max_size=4))
def test_whole_numbers_that_come_in_time_are_no_finding_in_any_order(
    order: list[int], cuts: list[int]
) -> None:
    marks = {1: "first", 8: "last"}
    rows = [delta("a", number, number, 60, marks.get(number, "")) for number in order]
    made = _work([*rows, clock(9_000)], cuts, 0)
    assert whole(made, "usage").height == len(rows) + 1
    assert not [found for one in made for found in one.findings]
