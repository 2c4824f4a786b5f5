"""What a feed counts must be what its service counts: seconds are never priced as octets."""

from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest
from pydantic import ValidationError

from schemas.reasons import Reason
from schemas.services import Service
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.decoders.cloudevents_options import CloudEventsOptions
from tallywire.mediation.decoders.declared_options import DeclaredOptions
from tallywire.mediation.framing import frame
from tallywire.mediation.lane import BatchContext, LaneState, Mediated, mediate
from tallywire.mediation.resolve import IdentifierIndex
from tallywire.worth import estimate
from tests.laws.feeds import SNAPSHOT, VALID

INDEX = IdentifierIndex(SNAPSHOT.identifiers)
COLLECTED = 1_793_000_000_000_000  # 2026-10-26


def _mediated(feed: Feed, data: bytes) -> Mediated:
    frames, _ = frame(data, DECODERS[feed.format].framing(feed), at_end=True)
    decoded = DECODERS[feed.format].decode(frames, feed)
    context = BatchContext(
        feed=feed, snapshot=SNAPSHOT, index=INDEX, lane=feed.feed_id, file_id="f",
        file_name="file", collected_at=COLLECTED, frames=frames,
    )  # fmt: skip
    return mediate(LaneState(), decoded.frame, context)


@pytest.mark.parametrize(
    ("key", "service"),
    [
        ("asterisk_csv", Service.SMS),
        ("freeswitch_json", Service.DATA),
        ("radius_detail", Service.VOICE),
        ("declared_fixed", Service.DATA),
    ],
)
def test_usage_in_another_unit_than_its_service_is_suspense(key: str, service: Service) -> None:
    feed = SNAPSHOT.feeds[VALID[key].feed_id]
    assert not _mediated(feed, VALID[key].data).usage.is_empty()
    other = _mediated(replace(feed, service=service.value), VALID[key].data)
    assert other.usage.is_empty()
    assert Reason.UNIT_MISMATCH.value in other.suspense["reason"].to_list()


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"service": "voice", "quantity": "data.s"}, "seconds or milliseconds or microseconds"),
        ({"service": "data", "quantity": "data.s", "unit": "seconds"}, "write unit: octets"),
        ({"service": "cloud", "quantity": "data.s", "unit": "octets"}, "write unit: count"),
        ({"service": "voice", "unit": "seconds"}, "has no quantity"),
    ],
)
def test_a_rule_counts_what_its_service_counts(rule: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        CloudEventsOptions.model_validate({"events": [{"type": "t", **rule}]})


def test_a_duration_says_its_unit() -> None:
    places = {"layout": "delimited", "key": [{"column": 1}], "start": {"column": 2}}
    with pytest.raises(ValidationError, match=r"duration\.unit"):
        DeclaredOptions.model_validate({**places, "duration": {"column": 3}})


def test_a_plain_number_is_octets_where_the_service_counts_octets() -> None:
    options = {
        "layout": "delimited", "key": [{"column": 1}], "quantity": {"column": 3},
        "start": {"column": 2, "pattern": "rfc3339"}, "texts": {"service": {"column": 4}},
    }  # fmt: skip
    feed = replace(SNAPSHOT.feeds["roamers"], options=options, served=(("imsi", "imsi"),))
    lines = [f"{name},2026-10-24T10:00:00Z,5,{name}" for name in ("data", "sms", "voice")]
    held = _mediated(feed, "\n".join(lines).encode()).suspense
    assert dict(zip(held["service"], held["reason"], strict=True)) == {
        "data": Reason.ACCOUNT_UNKNOWN.value,
        "sms": Reason.ACCOUNT_UNKNOWN.value,
        "voice": Reason.UNIT_MISMATCH.value,
    }


def test_subject_and_type_serve_rules_that_name_no_field() -> None:
    """A field that one rule names leaves the rules beside it as they are."""
    options = {
        "events": [
            {"type": "api.call", "service": "api"},
            {"type": "api.job", "service": "api", "fields": {"customer": "data.c", "usage_type": "data.k"}},
        ]
    }  # fmt: skip
    feed = replace(SNAPSHOT.feeds["platform"], options=options)
    line = '{"specversion":"1.0","id":"%s","source":"s","type":"%s","subject":"fjord","time":"2026-10-24T10:00:00Z","data":{"c":"other","k":"big"}}'
    data = "\n".join((line % (1, "api.call"), line % (2, "api.job"))).encode()
    frames, _ = frame(data, DECODERS[feed.format].framing(feed), at_end=True)
    rows = DECODERS[feed.format].decode(frames, feed).frame
    assert rows["customer"].to_list() == ["fjord", "other"]
    assert rows["usage_type"].to_list() == ["api.call", "big"]


def _worth(service: str, quantity: int) -> tuple[Decimal | None, str]:
    row = pl.DataFrame({"service": [service], "quantity": [quantity], "feed_id": ["platform"]})
    (found,) = estimate(row, SNAPSHOT).rows(named=True)
    return found["estimated_amount"], found["estimate_method"]


def test_usage_that_cannot_be_true_has_the_worth_of_typical_usage() -> None:
    """The platform's typical 10 MB are no ten million messages; what is unknown is its own data."""
    typical, piece = _worth("data", 0), _worth("sms", 0)
    assert _worth("data", 10 * 10**6) == (typical[0], "typical_rate")
    assert _worth("sms", 1) == (piece[0], "typical_rate")
    assert _worth("data", -5) == _worth("data", 10**16) == _worth("fax", 7) == typical
    assert typical[1] == piece[1] == "typical_quantity"
    assert _worth("voice", -1) == (None, "none")
