"""Records of requests: each is judged by its feed's own format, and by itself."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflows.ingest.judge import Verdict, judge
from schemas.reasons import Reason
from tallywire.mediation.decoded import MAX_RECORD_BYTES
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import LINES, frame
from tests.laws.feeds import SNAPSHOT, VALID

PLATFORM = SNAPSHOT.feeds["platform"]
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def _event(number: int, **changed: object) -> bytes:
    content = {
        "specversion": "1.0", "id": f"{number}", "source": "/t", "type": "api.call",
        "time": "2026-10-24T10:00:00Z", "subject": "c", "data": {"path": "/a"}, **changed,
    }  # fmt: skip
    return json.dumps(content).encode()


def _reasons(records: Sequence[bytes], **named: int) -> list[str]:
    return [verdict.reason for verdict in judge(records, PLATFORM, **named)]


def test_good_records_have_their_natural_key() -> None:
    assert judge([_event(1), _event(2)], PLATFORM) == [Verdict("/t\x1f1"), Verdict("/t\x1f2")]
    assert judge([], PLATFORM) == []


def test_bad_records_have_the_reason_that_suspense_would_give() -> None:
    long = b'{"x":"' + b"a" * MAX_RECORD_BYTES + b'"}'
    records = [
        _event(1), b"no json", long, _event(2, type="?"), b"[]", _event(3, time="now"), b"\x00{}",
        _event(4, id="i" * 3_000), _event(5),
    ]  # fmt: skip
    assert _reasons(records) == [
        "", Reason.RECORD_UNREADABLE, Reason.RECORD_TOO_LONG, Reason.RECORD_TYPE_UNKNOWN,
        Reason.RECORD_UNREADABLE, Reason.TIME_INVALID, Reason.RECORD_UNREADABLE,
        Reason.RECORD_TOO_LONG, "",
    ]  # fmt: skip
    assert _reasons([_event(1)], longest=10) == [Reason.RECORD_TOO_LONG]


def test_a_refusal_never_quotes_much() -> None:
    (verdict,) = judge([_event(1, type="t" * 100_000)], PLATFORM)
    assert len(verdict.detail) == 200


def test_what_a_format_sets_aside_is_kept_and_counted_by_the_lane() -> None:
    switch = SNAPSHOT.feeds["switch"]
    call = json.loads(VALID["freeswitch_json"].data.splitlines()[0])
    call["variables"].update(answer_uepoch="0", billusec="0", billsec="0")
    (verdict,) = judge([json.dumps(call).encode()], switch)
    assert verdict == Verdict(call["variables"]["uuid"])
    frames, _ = frame(json.dumps(call).encode(), LINES, at_end=True)
    decoded = DECODERS["freeswitch_json"].decode(frames, switch).frame
    assert decoded["reason"].to_list() == [Reason.NOT_ANSWERED]


@pytest.mark.parametrize("key", ["cloudevents", "plain", "freeswitch_json"])
@QUICK
@given(
    noise=st.lists(st.tuples(st.integers(0, 10), st.binary(min_size=1, max_size=40)), max_size=5)
)
def test_a_verdict_does_not_depend_on_the_neighbours(
    key: str, noise: list[tuple[int, bytes]]
) -> None:
    feed = SNAPSHOT.feeds[VALID[key].feed_id]
    records = VALID[key].data.splitlines()[:10]
    for place, piece in noise:
        records.insert(place, piece.replace(b"\n", b" "))
    assert judge(records, feed) == [judge([record], feed)[0] for record in records]
