"""Mediation: every record has one fate, and batch cuts do not matter."""

import datetime
from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from cli.demo.usage import asterisk_line
from schemas.reasons import Reason
from tallywire.mediation.decoded import Frames
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.dedup import DAY_US, DedupWindow, Verdict
from tallywire.mediation.framing import frame
from tallywire.mediation.lane import BatchContext, LaneState, Mediated, mediate
from tallywire.mediation.resolve import IdentifierIndex
from tests.laws import cases
from tests.laws.feeds import SNAPSHOT, VALID

INDEX = IdentifierIndex(SNAPSHOT.identifiers)
COLLECTED = 1_793_000_000_000_000  # 2026-10-26
QUICK = cases(20)


def _context(feed_id: str, frames: Frames) -> BatchContext:
    return BatchContext(
        feed=SNAPSHOT.feeds[feed_id], snapshot=SNAPSHOT, index=INDEX, lane=feed_id, file_id="f",
        file_name="file", collected_at=COLLECTED, frames=frames,
    )  # fmt: skip


def _work(state: LaneState, feed_id: str, frames: Frames) -> Mediated:
    feed = SNAPSHOT.feeds[feed_id]
    decoded = DECODERS[feed.format].decode(frames, feed)
    return mediate(state, decoded.frame, _context(feed_id, frames))


def _frames(feed_id: str, data: bytes) -> Frames:
    feed = SNAPSHOT.feeds[feed_id]
    framing = DECODERS[feed.format].framing(feed)
    head = data[: framing.prologue(data, at_end=True) or 0]
    frames, _ = frame(data, framing, at_end=True, prologue=head)
    return frames


def _part(frames: Frames, first: int, last: int) -> Frames:
    return replace(
        frames, starts=frames.starts[first:last], lengths=frames.lengths[first:last],
        first_record_no=first,
    )  # fmt: skip


def _sum(parts: list[Mediated], name: str) -> pl.DataFrame:
    return pl.concat([getattr(part, name) for part in parts])


def _conserved(parts: list[Mediated]) -> None:
    counts = _sum(parts, "counts")
    term = {
        name: int(counts.filter(pl.col("term") == name)["records"].sum())
        for name in ("collected", "open", "accepted")
    }
    aside = int(_sum(parts, "set_aside")["records"].sum())
    held = int(_sum(parts, "suspense")["change"].sum())
    assert term["accepted"] == _sum(parts, "usage").height
    assert term["collected"] == term["accepted"] + aside + held + term["open"]


@pytest.mark.parametrize("key", sorted(VALID))
@QUICK
@given(repeat=st.integers(1, 3), cuts=st.lists(st.integers(0, 30), max_size=4))
def test_batch_cuts_do_not_matter_and_nothing_vanishes(
    key: str, repeat: int, cuts: list[int]
) -> None:
    feed_id = VALID[key].feed_id
    many = _frames(feed_id, VALID[key].repeated(repeat))
    whole = _work(LaneState(), feed_id, many)
    _conserved([whole])
    edges = [0, *sorted(min(cut, len(many)) for cut in cuts), len(many)]
    state, parts = LaneState(), []
    for first, last in pairwise(edges):
        parts.append(_work(state, feed_id, _part(many, first, last)))
        state = _reopened(state)
    _conserved(parts)
    assert_frame_equal(_sum(parts, "usage"), whole.usage)
    assert_frame_equal(_sum(parts, "set_aside").sort("record_no", "item_no", "reason"),
                       whole.set_aside.sort("record_no", "item_no", "reason"))  # fmt: skip
    assert sorted(_sum(parts, "suspense")["suspense_id"]) == sorted(whole.suspense["suspense_id"])


def _reopened(state: LaneState) -> LaneState:
    """Write the state down and read it back, as a restart does."""
    fresh = LaneState()
    for piece in state.dump():
        fresh.apply(piece)
    return fresh


def test_a_second_delivery_is_all_duplicates() -> None:
    feed_id, data = VALID["asterisk_csv"].feed_id, VALID["asterisk_csv"].data
    state = LaneState()
    first = _work(state, feed_id, _frames(feed_id, data))
    second = _work(state, feed_id, _frames(feed_id, data))
    assert first.usage.height > 0
    assert second.usage.height == 0
    reasons = second.set_aside["reason"].to_list()
    assert reasons.count(Reason.DUPLICATE_RECORD) == first.usage.height


def test_a_replay_after_a_number_has_changed_account_is_a_duplicate() -> None:
    """4790010003 was Kari's until September 2026 and is Ola's since."""
    line = (
        b'{"specversion":"1.0","type":"data.session","source":"p","id":"1","time":"%s",'
        b'"data":{"msisdn":"4790010003","octets":"1000"}}\n'
    )
    before, after = b"2026-08-31T20:00:00Z", b"2026-09-02T20:00:00Z"
    state = LaneState()
    first = _work(state, "platform", _frames("platform", line % before))
    assert first.usage["account_id"].to_list() == ["kari"]
    later = _work(state, "platform", _frames("platform", line.replace(b'"1"', b'"2"') % after))
    assert later.usage["account_id"].to_list() == ["ola"]
    replay = _work(state, "platform", _frames("platform", line % before))
    assert replay.usage.height == 0
    assert replay.set_aside["reason"].to_list() == [Reason.DUPLICATE_RECORD]


def test_a_restatement_that_crosses_midnight_is_not_billed_twice() -> None:
    line = (
        b'{"specversion":"1.0","type":"data.session","source":"p","id":"1","time":"%s",'
        b'"data":{"msisdn":"4790010002","octets":"%s"}}\n'
    )
    state = LaneState()
    first = _work(state, "platform", _frames("platform", line % (b"2026-10-24T23:59:00Z", b"10")))
    again = _work(state, "platform", _frames("platform", line % (b"2026-10-25T00:01:00Z", b"20")))
    assert first.usage.height == 1
    assert again.usage.height == 0
    assert again.suspense["reason"].to_list() == [Reason.RESTATEMENT]
    assert again.suspense["restatement_no"].to_list() == [1]
    third = _work(state, "platform", _frames("platform", line % (b"2026-10-25T00:01:00Z", b"20")))
    assert third.set_aside["reason"].to_list() == [Reason.DUPLICATE_RECORD]


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_an_unanswered_record_with_a_key_seen_before_says_so(cut: int) -> None:
    """However the records are cut into batches; one that comes first has nothing to say."""
    start = datetime.datetime(2026, 10, 20, 10, tzinfo=datetime.UTC)
    answered = asterisk_line(start, 60, "4741234567", 1)
    failed = answered.replace('"ANSWERED"', '"FAILED"')
    frames = _frames("pbx", (failed + answered + failed).encode())
    state = LaneState()
    parts = [_work(state, "pbx", _part(frames, *edges)) for edges in ((0, cut), (cut, 3))]
    assert _sum(parts, "usage").height == 1
    assert _sum(parts, "set_aside")["detail"].to_list() == [
        "disposition FAILED, with an answer time",
        "disposition FAILED, with an answer time; its key was seen before",
    ]


def test_times_of_other_centuries_and_of_tomorrow_are_suspense() -> None:
    line = b'{"type":"api.call","source":"p","id":"%d","time":"%s","subject":"appverk"}\n'
    times = [b"0000-01-01T00:00:00Z", b"1969-12-31T23:59:59Z", b"2099-01-01T00:00:00Z",
             b"9999-12-31T23:59:59Z", b"2026-10-25T00:00:00Z", b"2026-01-01T00:00:00Z"]  # fmt: skip
    data = b"".join(line % (number, text) for number, text in enumerate(times))
    made = _work(LaneState(), "platform", _frames("platform", data))
    assert made.usage["record_no"].to_list() == [4]
    reasons = dict(made.suspense.select("record_no", "reason").rows())
    assert reasons[1] == reasons[3] == Reason.TIME_OUT_OF_RANGE
    assert reasons[2] == Reason.TIME_IN_FUTURE
    assert reasons[5] == Reason.EVENT_TOO_OLD
    assert reasons[0] in {Reason.TIME_INVALID, Reason.TIME_OUT_OF_RANGE}


_RECORDS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 80)), max_size=60
)


@QUICK
@given(records=_RECORDS, cuts=st.lists(st.integers(0, 60), max_size=4), backfill=st.booleans())
def test_the_window_equals_a_plain_dictionary(
    records: list[tuple[int, int, int]], cuts: list[int], *, backfill: bool
) -> None:
    """(key, content, day) against the definition, record by record, over any cuts."""
    window, watermark = 35, 0
    seen: dict[int, tuple[int, list[int]]] = {}
    expected = []
    for key, content, day in records:
        watermark = max(watermark, day)
        horizon = watermark - window
        if day < horizon and not backfill:
            expected.append(Verdict.TOO_OLD)
        elif key not in seen or seen[key][0] < horizon:
            seen[key] = (watermark if backfill else day, [content])
            expected.append(Verdict.NEW)
        elif content in seen[key][1]:
            expected.append(Verdict.DUPLICATE)
        else:
            seen[key][1].append(content)
            expected.append(Verdict.RESTATEMENT)
    words = np.array([record[0] for record in records], np.uint64)
    payload = np.array([record[1] for record in records], np.uint64)
    times = np.array([record[2] for record in records], np.int64) * DAY_US
    state, found = DedupWindow(), []
    edges = [0, *sorted(min(cut, len(records)) for cut in cuts), len(records)]
    for first, last in pairwise(edges):
        rows = slice(first, last)
        verdicts, _ = state.judge(
            words[rows], words[rows], payload[rows], times[rows], window_days=window,
            backfill=backfill,
        )  # fmt: skip
        found += verdicts.tolist()
        fresh = DedupWindow()
        for piece in state.dump():
            fresh.apply(piece)
        state = fresh
    assert found == [int(verdict) for verdict in expected]
