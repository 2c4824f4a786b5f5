"""Sessions: cuts do not matter, nor the order in which parts arrive; nothing vanishes."""

from collections.abc import Sequence
from itertools import pairwise

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
_STEPS = st.sampled_from([0, 1, 7, IDLE, IDLE + 1, LONGEST + 1])
_MARKS = st.sampled_from(["first", "", "", "last"])
_FEEDS = (feed_of(), feed_of(sessions_must_end=True))


def _kinds(minute: int) -> st.SearchStrategy[Row]:
    """Make a record of any kind, of one of few sessions."""
    name, number, seconds = st.sampled_from("abc"), st.integers(0, 6), st.integers(0, 300)
    return st.one_of(
        st.builds(lambda n: invite(f"call-{n}", minute), name),
        st.builds(lambda n: bye(f"call-{n}", minute), name),
        st.builds(lambda n, i, s, m: part(f"sum-{n}", i, minute, s, m), name, number, seconds, _MARKS),
        st.builds(
            lambda n, i, s, m: delta(f"delta-{n}", i, minute, s, m), name, number, seconds, _MARKS
        ),
        st.builds(
            lambda n, kind, s: record(
                f"counter-{n}", minute, kind, up_octets=s, session_time_us=minute, linked_id="nas",
                service="roaming_data", unit="octet",
            ),
            name, st.sampled_from(["start", "interim", "stop", "control"]), seconds,
        ),
        st.just(clock(minute)),
    )  # fmt: skip


@st.composite
def _rows(draw: st.DrawFn) -> list[Row]:
    minute, rows = 0, []
    for _ in range(draw(st.integers(1, 40))):
        minute += draw(_STEPS)
        late = draw(st.sampled_from([0, 0, 0, 5, LONGEST]))
        rows.append(draw(_kinds(max(0, minute - late))))
    return rows


def _work(rows: Sequence[Row], cuts: Sequence[int], feed: int) -> list[Mediated]:
    frame, state, made = decoded(rows), LaneState(), []
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for first, last in pairwise(edges):
        made.append(mediate(state, frame[first:last], context_of(_FEEDS[feed])))
        state = reopened(state)
    return made


@QUICK
@given(rows=_rows(), cuts=st.lists(st.integers(0, 40), max_size=5), feed=st.integers(0, 1))
def test_cuts_do_not_matter_to_sessions_and_nothing_vanishes(
    rows: list[Row], cuts: list[int], feed: int
) -> None:
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
