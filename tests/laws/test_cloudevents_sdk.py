"""CloudEvents: what the SDK writes we read, and what we take the SDK reads alike."""

import datetime
from dataclasses import replace
from typing import Any

import orjson
import polars as pl
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.instants import EPOCH, MICROSECOND
from schemas.reasons import Reason
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import LINES, frame
from tests.laws.feeds import SNAPSHOT

RULE = {
    "type": "call", "service": "api", "quantity": "data.count", "unit": "count",
    "fields": {"usage_type": "data.path"}, "attributes": {"region": "data.at.region"},
}  # fmt: skip
FEED = replace(SNAPSHOT.feeds["platform"], options={"events": [RULE]})
QUICK = settings(max_examples=30, deadline=None)

texts = st.text(min_size=1, max_size=12)
moments = st.datetimes(
    min_value=datetime.datetime(1971, 1, 1),  # noqa: DTZ001  its zone is drawn
    max_value=datetime.datetime(2099, 1, 1),  # noqa: DTZ001  as above
    timezones=st.integers(-14 * 60, 14 * 60).map(
        lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes))
    ),
)
data = st.fixed_dictionaries(
    {"count": st.integers(0, 10**15) | st.integers(0, 10**15).map(str), "path": texts},
    optional={"at": st.fixed_dictionaries({"region": texts}), "more": st.none() | st.booleans()},
)
events = st.builds(
    lambda name, source, subject, time, content: CloudEvent(
        {"id": name, "source": source, "type": "call", "subject": subject, "time": time,
         "specversion": "1.0"},
        content,
    ),
    texts, texts, texts, moments, data,
)  # fmt: skip


def _decoded(lines: list[bytes]) -> pl.DataFrame:
    frames, _ = frame(b"\n".join(lines), LINES, at_end=True)
    return DECODERS["cloudevents"].decode(frames, FEED).frame


def _same(row: dict[str, Any], event: CloudEvent) -> None:
    content = event.get_data()
    assert isinstance(content, dict)
    time = event.get_time()
    assert time is not None
    assert row["natural_key"] == f"{event.get_source()}\x1f{event.get_id()}"
    assert row["customer"] == event.get_subject()
    assert row["start_us"] == (time - EPOCH) // MICROSECOND
    assert row["quantity"] == int(content["count"])
    assert row["usage_type"] == content["path"]
    region = content.get("at", {}).get("region", "")
    assert orjson.loads(row["attributes"]) == {"region": region}


@QUICK
@given(written=st.lists(events, min_size=1, max_size=5))
def test_what_the_sdk_writes_is_read_as_it_was_meant(written: list[CloudEvent]) -> None:
    found = _decoded([JSONFormat().write(event) for event in written])
    assert found["reason"].null_count() == len(written)
    for row, event in zip(found.iter_rows(named=True), written, strict=True):
        _same(row, event)


@QUICK
@given(event=events, dropped=st.sets(st.sampled_from(["source", "type", "subject"])))
def test_what_we_take_the_sdk_takes_and_reads_alike(event: CloudEvent, dropped: set[str]) -> None:
    content = orjson.loads(JSONFormat().write(event))
    line = orjson.dumps({name: value for name, value in content.items() if name not in dropped})
    row = _decoded([line]).row(0, named=True)
    try:
        read = JSONFormat().read(CloudEvent, line)
    except CloudEventValidationError:
        assert row["reason"] == Reason.FIELD_MISSING
        return
    assert row["reason"] is None
    assert row["natural_key"] == f"{read.get_source()}\x1f{read.get_id()}"
    assert row["customer"] == (read.get_subject() or "")


@QUICK
@given(event=events)
def test_an_event_without_an_id_gets_none_from_us(event: CloudEvent) -> None:
    """The SDK makes one up, another each time: then a copy could not be known."""
    content = orjson.loads(JSONFormat().write(event))
    del content["id"]
    line = orjson.dumps(content)
    assert JSONFormat().read(CloudEvent, line).get_id() != event.get_id()
    assert _decoded([line])["reason"].to_list() == [Reason.FIELD_MISSING]
