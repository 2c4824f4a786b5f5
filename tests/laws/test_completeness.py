"""Completeness of a lane: however records are cut into batches, the findings are the same."""

from itertools import pairwise

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assurance.alerts import latest
from dataflows.completeness import Completeness
from schemas.alerts import Alert
from schemas.feeds import FeedFile
from tallywire.catalog.expect import Expect, Numbers
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Frames
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import frame
from tallywire.mediation.lane import BatchContext, LaneState, mediate
from tallywire.mediation.resolve import IdentifierIndex
from tests.laws.feeds import SNAPSHOT

COLLECTED = 1_793_000_000_000_000  # 2026-10-26
INDEX = IdentifierIndex(SNAPSHOT.identifiers)
OPTIONS: dict[str, object] = {
    "layout": "delimited", "columns": 6, "key": [{"column": 1}],
    "start": {"column": 2, "pattern": "epoch_seconds"}, "duration": {"column": 3, "unit": "seconds"},
    "texts": {"a_raw": {"column": 4}, "node": {"column": 5}},
    "numbers": {"node_sequence": {"column": 6}},
}  # fmt: skip


def _feed(*, growing: bool, grace_s: int) -> Feed:
    plain = SNAPSHOT.feeds["nordvik"]
    expect = Expect(nodes=Numbers(), reorder=5, nodes_grace_us=grace_s * 10**6)
    return Feed(**{**vars(plain), "options": OPTIONS, "growing": growing, "expect": expect})


def _frames(rows: list[tuple[int, int, int, int]], feed: Feed) -> Frames:
    text = "".join(
        f"k{key},{1_792_900_000 + 600 * moment},60,+4790030001,n{node},{number}\n"
        for key, moment, node, number in rows
    )
    return frame(text.encode(), DECODERS["declared"].framing(feed), at_end=True)[0]


def _worked(feed: Feed, frames: Frames, edges: list[int]) -> tuple[dict[str, Alert], bytes]:
    """Work a file in pieces, the memory written down and read back between them."""
    state, memory = LaneState(), Completeness()
    findings: dict[str, Alert] = {}
    file = FeedFile(
        feed_id=feed.feed_id, lane="l", file_id="f", file_name="file", status="complete"
    )
    for first, last in pairwise(edges):
        part = Frames(frames.data, frames.starts[first:last], frames.lengths[first:last], first, 0)
        context = BatchContext(feed, SNAPSHOT, INDEX, "l", "f", "file", COLLECTED, part)
        before = state.dedup.watermark
        decoded = DECODERS["declared"].decode(part, feed)
        made = mediate(state, decoded.frame, context)
        for one in latest(memory.records(decoded, made, file, before, context)):
            findings[one.alert_id] = one
        memory = Completeness.load(orjson.loads(orjson.dumps(memory.dump())))
    return findings, orjson.dumps(memory.dump(), option=orjson.OPT_SORT_KEYS)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 40), st.integers(0, 1), st.integers(20, 40)),
        min_size=1,
        max_size=30,
    ),
    cuts=st.lists(st.integers(0, 30), max_size=4),
    growing=st.booleans(),
    grace_s=st.sampled_from([0, 3_600]),
)
def test_however_a_file_is_cut_its_gaps_and_their_worth_are_the_same(
    rows: list[tuple[int, int, int, int]], cuts: list[int], grace_s: int, *, growing: bool
) -> None:
    feed = _feed(growing=growing, grace_s=grace_s)
    frames = _frames(rows, feed)
    whole, state = _worked(feed, frames, [0, len(frames)])
    edges = [0, *sorted(min(cut, len(frames)) for cut in cuts), len(frames)]
    parts, state_of_parts = _worked(feed, frames, edges)
    assert {key: one.model_dump() for key, one in parts.items() if key in whole} == {
        key: one.model_dump() for key, one in whole.items()
    }
    assert all(one.state == "auto_closed" for key, one in parts.items() if key not in whole)
    assert state_of_parts == state
