"""Objects that are no CloudEvents, read as a feed's envelope says."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from schemas.reasons import Reason
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.decoders.cloudevents_options import CloudEventsOptions
from tallywire.mediation.framing import LINES, frame
from tests.laws.feeds import PLAIN, PLAIN_OPTIONS, SNAPSHOT


def _decoded(data: bytes, options: dict[str, object]) -> pl.DataFrame:
    feed = replace(SNAPSHOT.feeds["plain"], options=options)
    frames, _ = frame(data, LINES, at_end=True)
    return DECODERS["cloudevents"].decode(frames, feed).frame


def test_plain_objects_become_usage() -> None:
    found = _decoded(PLAIN, PLAIN_OPTIONS)
    wanted = {
        "natural_key": ["shop\x1f1", "shop\x1f2"],
        "customer": ["c1", "c2"],
        "service": ["api", "data"],
        "usage_type": ["/a", "bytes"],
        "quantity": [1, 4096],
        "start_us": [1_792_836_000_000_000, 1_792_828_801_000_000],
        "utc_offset_minutes": [0, 120],
    }
    assert found.head(2).select(*wanted).to_dict(as_series=False) == wanted
    assert found["reason"].to_list() == [
        None, None, Reason.TIME_INVALID, Reason.FIELD_MISSING, Reason.RECORD_TYPE_UNKNOWN,
        Reason.RECORD_UNREADABLE,
    ]  # fmt: skip
    assert found["detail"][3] == "the attribute `id` is missing (the feed reads it at usage_id)"


def test_a_plain_object_is_usage_as_its_event_would_be() -> None:
    rules = {"events": [{"type": "call", "service": "api", "fields": {"usage_type": "data.path"}}]}
    envelope = {"id": "n", "source": {"constant": "s"}, "type": {"constant": "call"}, "time": "at"}
    event = (
        b'{"id":"7","source":"s","type":"call","time":"2026-10-24T10:00:00Z","data":{"path":"/x"}}'
    )
    plain = b'{"n":"7","at":"2026-10-24T10:00:00Z","data":{"path":"/x"}}'
    places = ["byte_length", "raw_hash"]
    assert (
        _decoded(event, rules).drop(places).equals(
            _decoded(plain, {**rules, "envelope": envelope}).drop(places)
        )
    )  # fmt: skip


def _options(**changed: Any) -> dict[str, Any]:
    return {**PLAIN_OPTIONS, **changed}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (_options(envelope=None), "plain objects need an envelope"),
        (_options(events=[{"type": "a", "service": "api", "fields": {"apn": "meta"}}]), "cannot be a value and hold 'meta.ts'"),
        (_options(events=[{"type": "a", "service": "api", "fields": {"apn": "a..b"}}]), "is no path"),
        (_options(envelope={"id": {"constant": "x"}, "source": "s", "type": "t", "time": "d"}), "envelope.id"),
        (_options(envelope={"id": "i", "source": "s", "type": {"constant": ""}, "time": "d"}), "write a path, or"),
        (
            {"events": [{"type": "a", "service": "api", "fields": {"apn": "data.x", "rat": "data.x.y"}}]},
            "cannot be a value and hold 'data.x.y'",
        ),
    ],
)  # fmt: skip
def test_options_that_read_nothing_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told.replace(".", r"\.")):
        CloudEventsOptions.model_validate(options)
