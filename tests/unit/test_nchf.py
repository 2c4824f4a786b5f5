"""5G charging data: what a request reports, in which order, and once."""

import orjson
import pytest

from schemas.reasons import Reason
from tests.laws.cloud_feeds import NCHF, container, lines, nchf
from tests.unit.decoding import decoded, feed_of, mediated

CHARGING = feed_of("charging")


def test_each_container_is_a_usage_of_its_rating_group() -> None:
    found = decoded(CHARGING, lines(NCHF[1:2]))
    assert found.select("item_no", "usage_type", "quantity", "up_octets", "down_octets").rows() == [
        (0, "10", 3_000, 1_000, 2_000),
        (1, "20", 500, 200, 100),
    ]
    assert found["natural_key"].to_list() == ["chf-1-0001\x1f2\x1f0", "chf-1-0001\x1f2\x1f1"]
    assert found["quality_flags"].to_list() == ["", "total_differs"]


def test_who_was_served_where_and_how() -> None:
    row = decoded(CHARGING, lines(NCHF[1:2])).row(0, named=True)
    wanted = {
        "a_raw": "+4790010002", "imsi": "242011234567890", "imei": "490154203237518",
        "apn": "internet", "rat": "NR", "serving_plmn": "24201", "ip": "10.0.0.7",
        "linked_id": "1001", "node": "smf-1", "clock_quality": "explicit_zone",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    assert orjson.loads(row["attributes"]) == {
        "rating_group": "10", "slice": "1-0000AB", "container": "1", "triggers": "VOLUME_LIMIT",
    }  # fmt: skip


def test_a_container_ends_when_it_was_triggered_and_began_its_time_before() -> None:
    """It is priced by when it was used: not by when the last container of the request was cut."""
    row = decoded(CHARGING, lines(NCHF[1:2])).row(0, named=True)
    assert row["end_us"] - row["start_us"] == 300_000_000
    assert row["end_us"] == 1_792_836_300_000_000  # 10:05


def test_first_and_last_usage_are_the_times_where_a_container_tells_them() -> None:
    told = {"timeofFirstUsage": "2026-10-24T10:01:00Z", "timeofLastUsage": "2026-10-24T10:02:00Z"}
    one = container(1, totalVolume=7, time=10, pDUContainerInformation=told)
    row = decoded(CHARGING, lines([nchf(2, (10, [one]), minute=6)])).row(0, named=True)
    assert row["start_us"] == 1_792_836_060_000_000
    assert row["end_us"] == 1_792_836_120_000_000


def test_the_sequence_of_a_session_begins_and_ends() -> None:
    found = decoded(CHARGING, lines(NCHF[:4])).filter(kind="delta")
    assert found.select("partial_no", "is_first", "is_last").rows() == [
        (1, True, False), (2, False, False), (2, False, False), (3, False, True),
    ]  # fmt: skip


def test_a_request_sent_again_is_a_copy_although_it_says_that_it_is_one() -> None:
    made = mediated(CHARGING, lines(NCHF))
    assert made.usage["quantity"].to_list() == [0, 3_000, 500, 42]
    assert made.set_aside["reason"].to_list() == [Reason.DUPLICATE_RECORD] * 2
    assert made.suspense["reason"].to_list() == [Reason.FIELD_MISSING] * 2


def test_a_record_restated_with_another_volume_is_held() -> None:
    first = nchf(2, (10, [container(1, totalVolume=10)]), minute=6)
    other = nchf(2, (10, [container(1, totalVolume=11)]), minute=6)
    made = mediated(CHARGING, lines([first, other]))
    assert made.usage["quantity"].to_list() == [10]
    assert made.suspense["reason"].to_list() == [Reason.RESTATEMENT]


def test_a_rating_group_may_be_another_service() -> None:
    feed = feed_of("charging", {"services": {"20": "voice", "30": "sms"}})
    usages = [(20, [container(1, time=61)]), (30, [container(2, serviceSpecificUnits=2)])]
    found = decoded(feed, lines([nchf(2, *usages, minute=6)]))
    assert found.select("service", "quantity", "unit").rows() == [
        ("voice", 61_000_000, "microsecond"), ("sms", 2, "count"),
    ]  # fmt: skip


def test_a_one_time_event_is_one_usage_and_no_session() -> None:
    feed = feed_of("charging", service="sms")
    found = decoded(feed, lines([nchf(1, minute=1, oneTimeEvent=True, oneTimeEventType="PEC")]))
    assert found.select("kind", "quantity", "reason").rows() == [("complete", 1, None)]


def test_records_in_a_document_and_a_request_inside_each() -> None:
    feed = feed_of(
        "charging", {"layout": "array", "records": "cdrs", "request": "body", "session": ["id"]}
    )
    inner = {name: value for name, value in NCHF[1].items() if name != "chargingDataRef"}
    document = {"version": 1, "cdrs": [{"id": "s-1", "body": inner}], "count": 1}
    found = decoded(feed, orjson.dumps(document))
    assert found["reason"].to_list() == [Reason.CONTROL_RECORD, None, None, Reason.CONTROL_RECORD]
    assert found["session_key"].to_list()[1:3] == ["s-1", "s-1"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"invocationSequenceNumber": 1.5}, Reason.NUMBER_INVALID),
        ({"invocationTimeStamp": "2026-10-24T10:00:00"}, Reason.TIME_INVALID),
        ({"chargingDataRef": None, "pDUSessionChargingInformation": {}}, Reason.FIELD_MISSING),
        ({"multipleUnitUsage": [{"usedUnitContainer": [{"totalVolume": -1}]}]},
         Reason.QUANTITY_OUT_OF_RANGE),
        ({"multipleUnitUsage": [{"usedUnitContainer": [{"totalVolume": 2**64 - 1}]}]},
         Reason.QUANTITY_OUT_OF_RANGE),
    ],
)  # fmt: skip
def test_what_cannot_be_is_held_with_its_reason(changed: dict[str, object], reason: str) -> None:
    found = decoded(CHARGING, lines([{**NCHF[1], **changed}]))
    assert found["reason"].to_list()[0] == reason
    assert found["detail"].to_list()[0]
