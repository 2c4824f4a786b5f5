"""LoRaWAN: a frame is one usage, however many gateways heard it, and lasts as long as it was sent."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.reasons import Reason
from tallywire.mediation.decoders.lorawan import LorawanOptions
from tests.laws.cloud_feeds import CHIRPSTACK, chirpstack, lines
from tests.unit.decoding import decoded, feed_of, mediated

SENSORS = feed_of("sensors")
STACK = feed_of("sensors", {"network": "things_stack"})


def uplink(counter: int, **more: Any) -> dict[str, Any]:
    """An uplink as The Things Stack 3 forwards it; a counter of 0 is left out."""
    message = {
        "session_key_id": "AXBSH1Pk6Z0G166", "f_port": 2, "frm_payload": "MDEyMzQ1Njc4OQ==",
        "received_at": "2026-10-24T10:00:00.123456789Z",
        "settings": {"data_rate": {"lora": {
            "bandwidth": 125_000, "spreading_factor": 7, "coding_rate": "4/5"}}},
        **({"f_cnt": counter} if counter else {}), **more,
    }  # fmt: skip
    return {
        "end_device_ids": {"dev_eui": "0004A30B001C0530",
                           "application_ids": {"application_id": "app1"}},
        "uplink_message": message,
    }  # fmt: skip


def test_airtime_is_what_the_radio_says() -> None:
    found = decoded(SENSORS, lines(CHIRPSTACK[1:3]))
    assert found["quantity"].to_list() == [61_696, 1_482_752]
    assert found["unit"].to_list() == ["microsecond"] * 2


def test_the_copy_of_another_gateway_is_a_copy_and_no_restatement() -> None:
    made = mediated(SENSORS, lines(CHIRPSTACK[1:4]))
    assert made.suspense["reason"].to_list() == [Reason.ACCOUNT_UNKNOWN] * 2
    assert made.set_aside["reason"].to_list() == [Reason.DUPLICATE_RECORD]


def test_frames_are_counted_by_the_device_and_begin_anew_when_it_joins() -> None:
    found = decoded(SENSORS, lines(CHIRPSTACK))
    assert found.select("node_sequence", "node_mark").rows() == [
        (None, "start"), (0, "start"), (1, ""), (1, ""), (3, ""), (None, ""), (None, ""),
    ]  # fmt: skip
    assert found["node"].unique().to_list() == ["0004a30b001c0530"]
    assert found["reason"].to_list() == [
        Reason.CONTROL_RECORD, None, None, None, None, Reason.NUMBER_INVALID,
        Reason.CONTROL_RECORD,
    ]  # fmt: skip


def test_a_frame_without_payload_is_on_the_air_too() -> None:
    found = decoded(SENSORS, lines(CHIRPSTACK[4:5]))
    assert found.select("quantity", "up_octets").rows() == [(46_336, 0)]


def test_frames_may_be_named_by_device_session_and_counter() -> None:
    feed = feed_of("sensors", {"key": "counter"})
    copies = [chirpstack(7, frame="a"), chirpstack(7, frame="b")]
    found = decoded(feed, lines(copies))
    assert found["natural_key"].n_unique() == 1
    again = decoded(feed, lines([chirpstack(7, frame="c", devAddr="01000000")]))
    assert again["natural_key"][0] != found["natural_key"][0]


def test_octets_or_messages_are_counted_where_the_service_does() -> None:
    octets = decoded(feed_of("sensors", {"quantity": "octets"}), lines(CHIRPSTACK[1:2]))
    count = decoded(feed_of("sensors", {"quantity": "count"}), lines(CHIRPSTACK[1:2]))
    assert octets.select("quantity", "unit").rows() == [(10, "octet")]
    assert count.select("quantity", "unit").rows() == [(1, "count")]


def test_the_things_stack_leaves_out_what_is_zero_and_tells_the_airtime() -> None:
    found = decoded(STACK, lines([uplink(0), uplink(9, consumed_airtime="0.071936s")]))
    assert found.select("node_sequence", "quantity", "reason").rows() == [
        (0, 61_696, None), (9, 71_936, None),
    ]  # fmt: skip
    assert found["natural_key"][1] == "0004a30b001c0530\x1fAXBSH1Pk6Z0G166\x1f9"
    joined = {"end_device_ids": {"dev_eui": "0004A30B001C0530"},
              "join_accept": {"session_key_id": "x", "received_at": "2026-10-24T10:00:00Z"}}  # fmt: skip
    queued = {"end_device_ids": {"dev_eui": "0004A30B001C0530"}, "downlink_queued": {"f_port": 1}}
    other = decoded(STACK, lines([joined, queued]))
    assert other.select("reason", "node_mark").rows() == [
        (Reason.CONTROL_RECORD, "start"), (Reason.CONTROL_RECORD, ""),
    ]  # fmt: skip


def test_a_downlink_is_no_uplink_although_it_was_sent_by_radio() -> None:
    sent = {**chirpstack(1, frame="f"), "downlinkId": 7}
    assert decoded(SENSORS, lines([sent]))["reason"].to_list() == [Reason.CONTROL_RECORD]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"data": "no base64!"}, Reason.NUMBER_INVALID),
        ({"deviceInfo": {}}, Reason.FIELD_MISSING),
        ({"time": "2026-10-24T10:00:00"}, Reason.TIME_INVALID),
        ({"txInfo": {"frequency": 1, "modulation": {"lora": {"spreadingFactor": 5, "bandwidth": 125_000}}}},
         Reason.FIELD_MISSING),
        ({"txInfo": {"frequency": 1, "modulation": {"fsk": {"datarate": 50_000}}}}, Reason.FIELD_MISSING),
    ],
)  # fmt: skip
def test_what_cannot_be_is_held_with_its_reason(changed: dict[str, Any], reason: str) -> None:
    assert decoded(SENSORS, lines([{**CHIRPSTACK[1], **changed}]))["reason"].to_list() == [reason]


def test_a_network_has_to_be_named() -> None:
    with pytest.raises(ValidationError):
        LorawanOptions.model_validate({})
